"""Differences of metrics that are functions of sums: the same draws on both sides, so that what both have in common falls out.

Up to 20,000 rows   the paired bootstrap (Efron and Tibshirani 1993, 7.3; Koehn 2004 for BLEU): rows, or whole clusters, are drawn with
                    replacement 1,000 times, and both sides are measured on each draw
More rows           the paired delete-one-bucket jackknife (Shao and Tu 1995, 2.3) over 256 buckets of clusters

Either gives the standard error of the difference; what follows from it is Student's (student.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum, inf, isfinite, sqrt
from operator import add, sub
from typing import TYPE_CHECKING, Final

from evalsvc.compare.evidence import CommonRows, Evidence
from evalsvc.compare.nouns import Difference
from evalsvc.compare.student import by_student, undecided
from evalsvc.metrics.families.metric import SumMetric
from evalsvc.metrics.names import range_of
from evalsvc.metrics.sums import REPLICATES, SumTally, mean_values, replicates, values_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

OTHER_DEFINITION: Final = "it was measured in another way on either side, so that the two are no numbers of one kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """One metric with its sums and its value on both sides. Of a mean over groups there are several tallies on a side, else one."""

    metric: SumMetric
    a: Sequence[SumTally]
    b: Sequence[SumTally]
    value_a: float
    value_b: float

    @property
    def n(self) -> int:
        """Rows that the metric is over, on the side with fewer."""
        return min(_rows(self.a), _rows(self.b))

    @property
    def reach(self) -> float:
        """How far apart two of its values can be."""
        return reach_of(self.metric.ends or range_of(self.metric.name))


def same_metrics(a: Evidence, b: Evidence, names: Sequence[str]) -> tuple[list[Both], dict[str, Difference]]:
    """Those of `names` that both sides measured alike and have numbers of; and of the others why there is no difference."""
    theirs = {metric.name: metric for metric in b.shape.sums}
    found = [_of_both(metric, theirs[metric.name], a, b) for metric in a.shape.sums if metric.name in names and metric.name in theirs]
    return [one for one in found if isinstance(one, Both)], {one.metric: one for one in found if isinstance(one, Difference)}


def _of_both(metric: SumMetric, other: SumMetric, a: Evidence, b: Evidence) -> Both | Difference:
    if metric.signature != other.signature:
        return undecided(metric.name, None, None, 0, OTHER_DEFINITION)
    if metric.by is not None and metric.by not in a.rows.parts:
        reason = f"it is a mean over the values of {metric.by!r}, and the data set is not there to say which row has which"
        return undecided(metric.name, None, None, 0, reason)
    sums_a, sums_b = a.tallies(metric), b.tallies(metric)
    value_a, value_b = _value(metric, sums_a), _value(metric, sums_b)
    if value_a is None or value_b is None:
        return undecided(metric.name, value_a, value_b, min(_rows(sums_a), _rows(sums_b)), metric.why_none)
    return Both(metric=metric, a=sums_a, b=sums_b, value_a=value_a, value_b=value_b)


def _rows(tallies: Sequence[SumTally]) -> int:
    return sum(tally.all[0] for tally in tallies)


def _value(metric: SumMetric, tallies: Sequence[SumTally], without: int | None = None) -> float | None:
    """The mean over `tallies`, `without` one of their clusters."""
    values = []
    for tally in tallies:
        left_out = None if without is None else tally.clusters.get(without)
        sums = tally.all if left_out is None else list(map(sub, tally.all, left_out))
        values.append(metric.value(sums[1:]))
    there = [value for value in values if value is not None and isfinite(value)]
    return fsum(there) / len(there) if there else None


def sum_differences(both: Sequence[Both], rows: CommonRows, seed: int) -> dict[str, Difference]:
    """Of every one of `both`; over the same rows the draws are the same for all of them."""
    if not rows.kept_by_row:
        return {one.metric.name: _jackknifed(one, rows) for one in both}
    how = f"ci:paired-bootstrap{REPLICATES}-t95-seed{seed}|clusters:{rows.by}|p:t"
    return {one.metric.name: _bootstrapped(one if rows.independent else _by_cluster(one, rows), seed, how) for one in both}


def _by_cluster(one: Both, rows: CommonRows) -> Both:
    """With the sums of each cluster in place of each row's."""
    codes = rows.codes.tolist()

    def clustered(tally: SumTally) -> SumTally:
        clusters: dict[int, list[int]] = {}
        for number, row in tally.clusters.items():
            there = clusters.get(codes[number])
            clusters[codes[number]] = row if there is None else list(map(add, there, row))
        return replace(tally, clusters=clusters)

    return replace(one, a=[clustered(tally) for tally in one.a], b=[clustered(tally) for tally in one.b])


def _bootstrapped(one: Both, seed: int, how: str) -> Difference:
    drawn = replicates([*one.a, *one.b], seed)
    a, b = (mean_values([values_of(one.metric, sums[:, 1:]) for sums in side]) for side in (drawn[: len(one.a)], drawn[len(one.a) :]))
    draws = len({cluster for tally in (*one.a, *one.b) for cluster, row in tally.clusters.items() if row[0]})
    return _told(one, se=error_of(b - a, draws), draws=draws, how=how)


def error_of(differences: "Floats", draws: int) -> float:
    """The standard error that replicates of a difference show, made up for how little those of few `draws` scatter; NaN is none."""
    import numpy as np

    there = differences[np.isfinite(differences)].tolist()
    if len(there) < 2 or draws < 2:
        return 0.0
    mean = fsum(there) / len(there)
    return sqrt(fsum((one - mean) ** 2 for one in there) / (len(there) - 1) * draws / (draws - 1))


def _jackknifed(one: Both, rows: CommonRows) -> Difference:
    buckets = sorted({bucket for tally in (*one.a, *one.b) for bucket in tally.clusters})
    without = [(_value(one.metric, one.a, bucket), _value(one.metric, one.b, bucket)) for bucket in buckets]
    se, draws = jackknifed_error(without)
    return _told(one, se=se, draws=draws, how=f"ci:paired-jackknife{draws}-t95|p:t", units=rows.units(one.n))


def jackknifed_error(without: Sequence[tuple[float | None, float | None]]) -> tuple[float, int]:
    """The standard error of a difference from A and B without each bucket, and how many buckets there are of which both have a number."""
    there = [b - a for a, b in without if a is not None and b is not None]
    if len(there) < 2:
        return 0.0, len(there)
    mean = fsum(there) / len(there)
    return sqrt((len(there) - 1) / len(there) * fsum((one - mean) ** 2 for one in there)), len(there)


def _told(one: Both, *, se: float, draws: int, how: str, units: int | None = None) -> Difference:
    return by_student(one.metric.name, one.value_a, one.value_b, n=one.n, se=se, draws=draws, how=how, reach=one.reach, units=units)


def reach_of(ends: tuple[float, float]) -> float:
    """How far apart two values can be that lie between these."""
    least, most = ends
    return most - least if isfinite(least) and isfinite(most) else inf
