"""Sums over rows, kept by cluster, and the intervals of whatever is a function of them.

Rows of one cluster are drawn together: all repeats of a row, or all rows of a group (`dataset.group`). Two ways, and the
signature says which:

    bootstrap     clusters are drawn with replacement 1,000 times, 2.5th and 97.5th percentile (Efron 1979; Koehn 2004 for BLEU).
                  The draws are seeded and made over the clusters in the order of their hashes, so that two runs over the same
                  rows draw the same ones: their replicates can be compared in pairs.
    jackknife     above 20,000 rows ids share 256 buckets by hash; each is left out once (delete-one-group jackknife, Shao
                  and Tu 1995, 2.3), and Student's t with one degree of freedom less than buckets gives the interval.
                  With fewer than 50 clusters each of them is left out once: percentiles of so few are far too narrow.

Sums are integers: any order of rows and any sharding give the same digits.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from operator import add, sub
from typing import TYPE_CHECKING, Any, Self

from evalsvc.metrics.families.metric import SumMetric
from evalsvc.metrics.intervals import where_all_agree, wilson
from evalsvc.metrics.names import range_of
from evalsvc.records import WITHOUT_LABEL, Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

REPLICATES = 1000
SEED = 0
MOST_CLUSTERS = 20_000
JACKKNIFE_BUCKETS = 256
FEW_CLUSTERS = 50
_WITHOUT_ANSWER = frozenset(WITHOUT_LABEL)


class Resampling(StrEnum):
    """How intervals are drawn; and so what the clusters of a tally are."""

    BY_ID = "bootstrap"  # a cluster for each id
    BY_GROUP = "group bootstrap"  # a cluster for each group, or each bucket of groups
    JACKKNIFE = "jackknife"  # a bucket for ids that share one

    @classmethod
    def of(cls, *, samples: int, grouped: bool) -> Self:
        if grouped:
            return cls("group bootstrap")
        return cls("bootstrap" if samples <= MOST_CLUSTERS else "jackknife")


@dataclass(slots=True, kw_only=True)
class SumTally:
    """The sums of several metrics, one behind the other, in all rows, in those without an answer, and in each cluster."""

    width: int  # of all metrics together, and one more for each: the rows it has
    all: list[int] = field(default_factory=list)
    without: list[int] = field(default_factory=list)  # in rows without an answer
    clusters: dict[int, list[int]] = field(default_factory=dict)
    metrics: tuple[SumMetric, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def empty(cls, metrics: Sequence[SumMetric]) -> Self:
        width = sum(metric.width + 1 for metric in metrics)
        return cls(width=width, all=[0] * width, without=[0] * width, metrics=tuple(metrics))

    def update(self, item: Score, *, cluster: int = 0) -> None:
        row: list[int] = []
        for metric in self.metrics:
            summands = metric.read(item)
            row += (0,) * (metric.width + 1) if summands is None else (1, *summands)
        self.all = list(map(add, self.all, row))
        if item.outcome in _WITHOUT_ANSWER:
            self.without = list(map(add, self.without, row))
        there = self.clusters.get(cluster)
        self.clusters[cluster] = row if there is None else list(map(add, there, row))

    def merge(self, other: Self) -> Self:
        clusters = dict(self.clusters)
        for cluster, row in other.clusters.items():
            clusters[cluster] = list(map(add, clusters[cluster], row)) if cluster in clusters else row
        return type(self)(
            width=self.width,
            all=list(map(add, self.all, other.all)),
            without=list(map(add, self.without, other.without)),
            clusters=clusters,
            metrics=self.metrics or other.metrics,
        )

    def state(self) -> dict[str, Any]:
        """Sums as text: they outgrow the integers of many JSON readers."""
        clusters = [[str(cluster), " ".join(map(str, row))] for cluster, row in sorted(self.clusters.items())]
        return {"width": self.width, "all": list(map(str, self.all)), "without": list(map(str, self.without)), "clusters": clusters}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], metrics: Sequence[SumMetric] = ()) -> Self:
        return cls(
            width=state["width"],
            all=list(map(int, state["all"])),
            without=list(map(int, state["without"])),
            clusters={int(cluster): list(map(int, row.split())) for cluster, row in state["clusters"]},
            metrics=tuple(metrics),
        )

    @property
    def parsed(self) -> list[int]:
        """In rows with an answer."""
        return list(map(sub, self.all, self.without))

    def places(self) -> Iterator[tuple[SumMetric, slice]]:
        """Each metric, and where its sums stand; the number of its rows stands right before."""
        start = 0
        for metric in self.metrics:
            yield metric, slice(start + 1, start + 1 + metric.width)
            start += metric.width + 1

    def value(self) -> dict[str, float | None]:
        """Each metric over all rows."""
        return {metric.name: _finite(metric.value(self.all[place])) for metric, place in self.places()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with what is known of it."""

    value: float | None
    on_parsed: float | None
    n: int
    low: float | None = None
    high: float | None = None
    how: str = ""  # the interval's part of the signature


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def estimates(tally: SumTally, resampling: Resampling, *, seed: int = SEED, wilson_fits: bool = True) -> dict[str, Estimate]:
    """Every metric of `tally` with its 95 % interval. `wilson_fits`: rows are independent draws, so that shares may have Wilson's."""
    drawn = _drawn(tally, resampling, seed)
    found: dict[str, Estimate] = {}
    for metric, place in tally.places():
        value, n = _finite(metric.value(tally.all[place])), tally.all[place.start - 1]
        interval = drawn.interval(metric, place) if value is not None else None
        how = drawn.how
        if metric.share and wilson_fits and value is not None:
            interval, how = wilson(value * n, n), "ci:wilson95"
        elif value is not None and interval is not None and interval[0] == interval[1]:
            # where all rows agree no replicate disagrees: each cluster is one draw
            least, most = metric.ends or range_of(metric.name)
            agreed = where_all_agree(value, [drawn.clusters], least=least, most=most)
            interval, how = (interval, how) if agreed is None else (agreed, "ci:wilson95-by-cluster")
        low, high = (None, None) if interval is None or value is None else (min(interval[0], value), max(interval[1], value))
        found[metric.name] = Estimate(value=value, on_parsed=_finite(metric.value(tally.parsed[place])), n=n, low=low, high=high, how=how)
    return found


class _Bootstrap:
    """Sums of R replicates, clusters drawn with replacement."""

    def __init__(self, tally: SumTally, seed: int, what: str) -> None:
        self.clusters = len(tally.clusters)
        self.how = f"ci:bootstrap{REPLICATES}-seed{seed}|clusters:{what}"
        self._sums = replicates([tally], seed)[0] if self.clusters > 1 else None

    def interval(self, metric: SumMetric, place: slice) -> tuple[float, float] | None:
        return None if self._sums is None else _percentiles(values_of(metric, self._sums[:, place]))


class _Jackknife:
    """Exact sums without each bucket in turn."""

    def __init__(self, tally: SumTally) -> None:
        self.clusters = len(tally.clusters)
        self.how = f"ci:jackknife{self.clusters}"
        self._tally = tally

    def interval(self, metric: SumMetric, place: slice) -> tuple[float, float] | None:
        whole = self._tally.all[place]
        value = metric.value(whole)
        left = [metric.value(list(map(sub, whole, row[place]))) for _, row in sorted(self._tally.clusters.items())]
        return None if value is None else _around(value, left)


def _drawn(tally: SumTally, resampling: Resampling, seed: int) -> "_Bootstrap | _Jackknife":
    if resampling is Resampling.JACKKNIFE or len(tally.clusters) < FEW_CLUSTERS:
        return _Jackknife(tally)
    return _Bootstrap(tally, seed, "group" if resampling is Resampling.BY_GROUP else "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    low: float
    high: float
    how: str


def interval_of_mean(groups: Sequence[SumTally], metric: SumMetric, resampling: Resampling, *, seed: int = SEED) -> Interval | None:
    """Of the unweighted mean over `groups` of a metric; each of them holds the sums of that metric alone.

    Clusters are drawn from all groups together: a group has as many rows in a replicate as chance gives it.
    """
    order = sorted({cluster for group in groups for cluster in group.clusters})
    if len(order) < 2:
        return None
    if resampling is Resampling.JACKKNIFE or len(order) < FEW_CLUSTERS:
        found = _around_mean(groups, metric, order)
        how = f"ci:jackknife{len(order)}"
    else:
        found = _percentiles(mean_values([values_of(metric, sums[:, 1:]) for sums in replicates(groups, seed)]))
        how = f"ci:bootstrap{REPLICATES}-seed{seed}|clusters:{'group' if resampling is Resampling.BY_GROUP else 'id'}"
    return None if found is None else Interval(low=found[0], high=found[1], how=how)


def _around_mean(groups: Sequence[SumTally], metric: SumMetric, order: Sequence[int]) -> tuple[float, float] | None:
    nothing = [0] * (metric.width + 1)

    def mean(without: int | None) -> float | None:
        left_out = [nothing if without is None else group.clusters.get(without, nothing) for group in groups]
        values = [metric.value(list(map(sub, group.all, out))[1:]) for group, out in zip(groups, left_out, strict=True)]
        there = [value for value in values if value is not None]
        return sum(there) / len(there) if there else None

    whole = mean(None)
    return None if whole is None else _around(whole, [mean(cluster) for cluster in order])


def mean_values(of_groups: Sequence["Floats"]) -> "Floats":
    """Replicate by replicate the mean over the groups that have a value there; NaN where none has."""
    import numpy as np

    values = np.vstack(of_groups)
    there = np.isfinite(values)
    sums = np.where(there, values, 0.0).sum(axis=0)
    means: Floats = np.divide(sums, there.sum(axis=0), out=np.full(values.shape[1], np.nan), where=there.any(axis=0))
    return means


def _around(value: float, without: Sequence[float | None]) -> tuple[float, float] | None:
    """The jackknife's interval from the values without each bucket; None for fewer than two."""
    values = [one for one in without if one is not None and isfinite(one)]
    if len(values) < 2:
        return None
    mean = sum(values) / len(values)
    variance = (len(values) - 1) / len(values) * sum((one - mean) ** 2 for one in values)
    half = _t_95(len(values) - 1) * variance**0.5
    return value - half, value + half


def _percentiles(values: "Floats") -> tuple[float, float] | None:
    import numpy as np

    values = values[np.isfinite(values)]
    if not len(values):
        return None
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def replicates(tallies: Sequence[SumTally], seed: int = SEED) -> list["Floats"]:
    """Of each tally REPLICATES × width: its sums when the clusters of all of them are drawn with replacement, as many as there are."""
    import numpy as np

    order = sorted({cluster for tally in tallies for cluster in tally.clusters})
    whole = [sum(column) for column in zip(*(tally.all for tally in tallies), strict=True)]
    rows = exact(np.concatenate([_matrix(tally, order, whole) for tally in tallies], axis=1))
    random = np.random.Generator(np.random.PCG64(seed))
    sums = np.empty((REPLICATES, rows.shape[1]))
    for index in range(REPLICATES):
        weights = np.bincount(random.integers(len(order), size=len(order)), minlength=len(order))
        # not `@`: on all cores at once, as BLAS does it, threads wait for each other and cost ten times as much where others work too
        sums[index] = np.einsum("n,nw->w", weights.astype(np.float64), rows)
    return np.split(sums, np.cumsum([tally.width for tally in tallies])[:-1], axis=1)


def _matrix(tally: SumTally, order: Sequence[int], whole: Sequence[int]) -> "Floats":
    """The sums of each cluster of `order`; `whole` are those of all rows there are."""
    import numpy as np

    nothing = [0] * tally.width
    rows = [list(tally.clusters.get(cluster, nothing)) for cluster in order]
    for metric, place in tally.places():
        if metric.centred is not None:
            centred = metric.centred(whole[place])
            for row in rows:
                row[place] = centred(row[place])
    return np.array(rows, dtype=np.float64)


def exact(rows: "Floats") -> "Floats":
    """Clusters × summands, rounded so that a sum of as many clusters as there are, drawn in any way, has no more than 53 bits.

    Then it is the same number in whatever order it is added up, which depends on the processor. What is lost is less than 2**-36 of the
    largest summand of 20,000 clusters, and nothing of counts.
    """
    import numpy as np

    _, bits = np.frexp(np.abs(rows).max(axis=0, initial=0.0) * len(rows))
    unit = np.ldexp(1.0, np.maximum(bits - 52, 0))
    rounded: Floats = np.rint(rows / unit) * unit
    return rounded


def values_of(metric: SumMetric, sums: "Floats") -> "Floats":
    """The metric of each of R × width sums; NaN for none."""
    import numpy as np

    if metric.values is not None:
        return metric.values(sums)
    return np.array([_or_nan(metric.value, row) for row in sums.tolist()])


def _or_nan(value: Callable[[Sequence[int]], float | None], sums: Sequence[int]) -> float:
    found = value(sums)
    return float("nan") if found is None else found


def _t_95(degrees: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.975))
