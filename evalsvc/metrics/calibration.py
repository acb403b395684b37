"""Expected calibration error: how far what the model claims to know lies from what it knows (Guo et al. 2017; Naeini et al. 2015).

    ECE = Σ over bins of |Σ confidence - Σ right| / n

Confidence is the probability of the likeliest label, right is whether that is the target, and M bins of equal width split (0, 1],
each with its upper end. Of rows without probabilities no confidence is known: they are not in it, and `n` says so.

ECE is too high for few rows, even of a perfectly calibrated model, for chance makes gaps in every bin and they do not cancel. The
value is the plain one, as others compute it; its interval is moved down by how much chance adds: its lower end by what chance would
add if no bin had a gap but those that are significant. With the sign of each bin's gap taken as given ECE is the mean of
±(confidence - right), which gives the interval's width.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, erf, exp, fsum, pi, sqrt
from typing import Any, Self

from evalsvc.metrics.intervals import Z_95
from evalsvc.metrics.means import UNIT_BITS, in_units
from evalsvc.metrics.ranked import NO_PROBABILITIES, SHARED_REASON, is_shared, too_many_shared
from evalsvc.records import MetricValue, Score

BINS = 15
VERSION = 1
_UNITS = 1 << UNIT_BITS
_SQUARE_UNITS = 1 << 2 * UNIT_BITS
_CLUSTERS = 256


# Rows, Σ (confidence - right) in units, Σ of its square in units of units, rows that are right.
Gap = tuple[int, int, int, int]
_NO_GAP: Gap = (0, 0, 0, 0)


@dataclass(slots=True, kw_only=True)
class CalibrationTally:
    """Sums by cluster and bin. A tally under the laws of metrics/tally.py, without updates to be taken back."""

    bins: int = BINS
    gaps: dict[int, dict[int, Gap]] = field(default_factory=dict)  # by cluster and bin
    shared: int = 0  # rows whose labels share a token

    def update(self, item: Score, *, cluster: int = 0) -> None:
        if item.target is None:
            return
        if item.probs is None:
            self.shared += is_shared(item)
            return
        likeliest = max(item.probs, key=item.probs.__getitem__)
        confidence = item.probs[likeliest]
        right = likeliest == item.target
        gap = in_units(confidence - right)
        there = self.gaps.setdefault(cluster % _CLUSTERS, {})
        place = min(self.bins, max(1, ceil(confidence * self.bins)))
        there[place] = _sum(there.get(place, _NO_GAP), (1, gap, gap * gap, right))

    def merge(self, other: Self) -> Self:
        gaps = {cluster: dict(there) for cluster, there in self.gaps.items()}
        for cluster, bins in other.gaps.items():
            mine = gaps.setdefault(cluster, {})
            for place, gap in bins.items():
                mine[place] = _sum(mine.get(place, _NO_GAP), gap)
        return type(self)(bins=self.bins, gaps=gaps, shared=self.shared + other.shared)

    def state(self) -> dict[str, Any]:
        """Sums as text: they outgrow the integers of many JSON readers."""
        gaps = [
            [cluster, [[place, rows, str(units), str(squares), right] for place, (rows, units, squares, right) in sorted(bins.items())]]
            for cluster, bins in sorted(self.gaps.items())
        ]
        return {"bins": self.bins, "gaps": gaps, "shared": self.shared}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        return cls(
            bins=state["bins"],
            gaps={
                cluster: {place: (rows, int(units), int(squares), right) for place, rows, units, squares, right in bins}
                for cluster, bins in state["gaps"]
            },
            shared=state["shared"],
        )

    @property
    def pooled(self) -> dict[int, Gap]:
        """By bin."""
        pooled: dict[int, Gap] = {}
        for bins in self.gaps.values():
            for place, gap in bins.items():
                pooled[place] = _sum(pooled.get(place, _NO_GAP), gap)
        return dict(sorted(pooled.items()))

    def sums(self) -> list[tuple[int, int, float, int]]:
        """Of each bin with rows its place, counted from 1, its rows, the sum of their confidence, and how many of them are right."""
        return [(place, rows, units / _UNITS + right, right) for place, (rows, units, _, right) in self.pooled.items()]

    @property
    def rows(self) -> int:
        return sum(rows for rows, *_ in self.pooled.values())

    def ece(self) -> float | None:
        rows, gaps = self.rows, sum(abs(units) for _, units, *_ in self.pooled.values())
        return gaps / (rows * _UNITS) if rows else None

    def interval(self) -> tuple[float, float] | None:
        """95 %, holding the value, within 0…1; over clusters where there are several. None for fewer than two draws."""
        value, pooled, rows = self.ece(), self.pooled, self.rows
        draws = len(self.gaps) if len(self.gaps) > 1 else rows
        if value is None or draws < 2:
            return None
        half = Z_95 * self._spread(value) ** 0.5
        gaps = [(units / _UNITS, self._spread_of_bin(place) ** 0.5) for place, (_, units, *_) in pooled.items()]
        likely = sum(_chance(gap, deviation) for gap, deviation in gaps)
        at_most = sum(_chance(0.0 if abs(gap) < Z_95 * deviation else gap, deviation) for gap, deviation in gaps)
        return max(0.0, value - (at_most + half) / rows), min(1.0, max(value, value + (half - likely) / rows))

    def _spread(self, value: float) -> float:
        """Variance of rows × ECE."""
        pooled, draws = self.pooled, len(self.gaps)
        if draws < 2:
            return max(0.0, sum(squares for _, _, squares, _ in pooled.values()) / _SQUARE_UNITS - self.rows * value**2)
        sign = {place: 1 if units >= 0 else -1 for place, (_, units, *_) in pooled.items()}
        off = [
            fsum(sign[place] * units / _UNITS - value * rows for place, (rows, units, *_) in bins.items()) for bins in self.gaps.values()
        ]
        return fsum(one * one for one in off) * draws / (draws - 1)

    def _spread_of_bin(self, place: int) -> float:
        """Variance of one bin's gap."""
        rows, units, squares, _ = self.pooled[place]
        mean = units / _UNITS / rows
        if len(self.gaps) < 2:
            return max(0.0, squares / _SQUARE_UNITS - rows * mean * mean)
        there = [bins.get(place, _NO_GAP) for bins in self.gaps.values()]
        off = [units / _UNITS - mean * rows for rows, units, *_ in there]
        return fsum(one * one for one in off)

    def value(self) -> dict[str, MetricValue]:
        shared = too_many_shared(self.shared, self.rows)
        value, interval = (None, None) if shared else (self.ece(), self.interval())
        low, high = interval or (None, None)
        how = "ci:debiased-delta95" if len(self.gaps) < 2 else f"ci:cluster-debiased-delta95|clusters:{len(self.gaps)}"
        metric: MetricValue = {
            "value": value,
            "ci_low": low,
            "ci_high": high,
            "n": self.rows,
            "signature": f"bins:{self.bins}-equal-width|confidence:top-label|without-probabilities:left-out|{how}|v:{VERSION}",
        }
        if value is None:
            metric["reason"] = SHARED_REASON if shared else NO_PROBABILITIES
        return {"ece": metric}


def _sum(left: Gap, right: Gap) -> Gap:
    return left[0] + right[0], left[1] + right[1], left[2] + right[2], left[3] + right[3]


def _chance(gap: float, deviation: float) -> float:
    """How much larger |gap| is on average when chance moves the gap by `deviation`: the folded normal's mean less |gap|.

    >>> round(_chance(0.0, 1.0), 4), round(_chance(5.0, 1.0), 4), _chance(1.0, 0.0)
    (0.7979, 0.0, 0.0)
    """
    if deviation <= 0:
        return 0.0
    scaled = abs(gap) / deviation
    return deviation * sqrt(2 / pi) * exp(-scaled * scaled / 2) + abs(gap) * (erf(scaled / sqrt(2)) - 1)
