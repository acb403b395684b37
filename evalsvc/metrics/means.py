"""Means of scores, from exact sums: fixed-point units of 2**-40, so that any order and any sharding give the same digits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import floor
from typing import Any, Self

from evalsvc.records import MetricValue, SliceValue

UNIT_BITS = 40
_UNITS = 1 << UNIT_BITS
# A column with more values than this tells no groups apart; texts as targets, for one.
MOST_SLICES = 200
_VERSION = 1


def in_units(value: float) -> int:
    """A finite `value` to the nearest 2**-40.

    >>> in_units(0.5) * 2 == in_units(1.0) == 2**40
    True
    """
    return in_parts(value, _UNITS)


def in_parts(value: float, parts: int) -> int:
    """A finite `value` to the nearest 1 / `parts`, a power of two; halves upwards.

    >>> in_parts(0.75, 1), in_parts(-0.5, 1), in_parts(1e308, 2) == 2 * int(1e308)
    (1, 0, True)
    """
    try:
        # exact: to multiply by a power of two changes no digit
        scaled = value * parts
        whole = floor(scaled)
        return whole + (scaled - whole >= 0.5)
    except OverflowError:
        return int(value) * parts  # so large a double is a whole number


@dataclass(slots=True, kw_only=True)
class MeanTally:
    """The scores of one name, summed by cluster: rows of one cluster are no independent draws."""

    clusters: dict[int, tuple[int, int]] | None = None  # rows and units of each; None: every row is its own
    n: int = 0
    units: int = 0
    squares: int = 0  # of the units

    @classmethod
    def empty(cls, *, clustered: bool = False) -> Self:
        return cls(clusters={} if clustered else None)

    def update(self, item: float, times: int = 1, *, cluster: int = 0) -> None:
        units = in_units(item)
        self.n += times
        self.units += times * units
        self.squares += times * units * units
        if self.clusters is not None:
            _add(self.clusters, cluster, times, times * units)

    def merge(self, other: Self) -> Self:
        merged = type(self)(
            clusters=None if self.clusters is None else dict(self.clusters),
            n=self.n + other.n,
            units=self.units + other.units,
            squares=self.squares + other.squares,
        )
        for cluster, (rows, units) in (other.clusters or {}).items():
            _add(merged.clusters or {}, cluster, rows, units)
        return merged

    def state(self) -> dict[str, Any]:
        """Sums as text: they outgrow the integers of many JSON readers."""
        clusters = None if self.clusters is None else [[key, rows, str(units)] for key, (rows, units) in sorted(self.clusters.items())]
        return {"n": self.n, "units": str(self.units), "squares": str(self.squares), "clusters": clusters}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        clusters = None if state["clusters"] is None else {key: (rows, int(units)) for key, rows, units in state["clusters"]}
        return cls(clusters=clusters, n=state["n"], units=int(state["units"]), squares=int(state["squares"]))

    def value(self) -> float | None:
        """The mean; None without rows."""
        return self.units / (self.n * _UNITS) if self.n else None

    def interval(self) -> tuple[float, float] | None:
        """Student's t interval, 95 %; over clusters with the ratio estimator's variance (Cochran 1977, 6.3). None for fewer than two."""
        draws = self.n if self.clusters is None else len(self.clusters)
        mean = self.value()
        if mean is None or draws < 2:
            return None
        # n² times the sum of squared deviations, in exact integers
        if self.clusters is None:
            spread = self.n * (self.n * self.squares - self.units**2)
        else:
            spread = sum((self.n * units - self.units * rows) ** 2 for rows, units in self.clusters.values())
        variance = spread * draws / ((draws - 1) * self.n**4 * _UNITS**2)
        half = _t_95(draws - 1) * variance**0.5
        return mean - half, mean + half


def _add(clusters: dict[int, tuple[int, int]], cluster: int, rows: int, units: int) -> None:
    """Clusters without rows are dropped, so that equal tallies are equal however they came about."""
    there, sum_there = clusters.get(cluster, (0, 0))
    if there + rows:
        clusters[cluster] = there + rows, sum_there + units
    else:
        clusters.pop(cluster, None)


def _t_95(degrees: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.975))


@dataclass(slots=True, kw_only=True)
class SlicedMean:
    """A mean, and the means of its parts: by column, then by the value that rows have there.

    Of a column with more than MOST_SLICES values one more is kept than that, which says that it is not to be shown.
    """

    all: MeanTally
    slices: dict[str, dict[str, MeanTally]] = field(default_factory=dict)

    @classmethod
    def empty(cls, *, clustered: bool) -> Self:
        return cls(all=MeanTally.empty(clustered=clustered))

    def update(self, item: float, parts: Iterable[tuple[str, str]], *, cluster: int) -> None:
        self.all.update(item, cluster=cluster)
        for column, value in parts:
            part = self.slices.setdefault(column, {})
            if value not in part:
                if len(part) > MOST_SLICES:
                    continue
                part[value] = MeanTally.empty(clustered=self.all.clusters is not None)
            part[value].update(item, cluster=cluster)


def mean_metric(tally: MeanTally, *, clustered_by: str | None) -> MetricValue:
    """`tally` in the shape of summary.json. `clustered_by` says what its clusters are, for the signature."""
    value, interval = tally.value(), tally.interval()
    low, high = interval or (None, None)
    how = "ci:t95" if tally.clusters is None else f"ci:cluster-t95|clusters:{clustered_by}|n-clusters:{len(tally.clusters)}"
    metric: MetricValue = {"value": value, "ci_low": low, "ci_high": high, "n": tally.n, "signature": f"mean|{how}|v:{_VERSION}"}
    if value is None:
        metric["reason"] = "no row has this score"
    return metric


def with_slices(tally: SlicedMean, *, clustered_by: str | None) -> MetricValue:
    metric = mean_metric(tally.all, clustered_by=clustered_by)
    slices = {column: parts for column, parts in sorted(tally.slices.items()) if len(parts) <= MOST_SLICES}
    if slices:
        metric["slices"] = {column: {value: _part(mean) for value, mean in sorted(parts.items())} for column, parts in slices.items()}
    return metric


def _part(tally: MeanTally) -> SliceValue:
    low, high = tally.interval() or (None, None)
    return {"value": tally.value(), "ci_low": low, "ci_high": high, "n": tally.n}
