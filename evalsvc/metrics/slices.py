"""Slices held against the rest: is the number of these rows another one than that of all others?

For each slice the difference to all other rows is taken, and its variance by leaving out one bucket of rows after the other
(delete-one-group jackknife; Shao and Tu 1995, 2.3): rows of one bucket leave both sides together, so that nothing is
assumed about how the sides hang together. All slices of a column are looked at at once, so that one of twenty would
look special by chance: Holm's step-down correction (1979) keeps that at 5 % for the column and metric.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from operator import sub

from evalsvc.metrics.clusters import values_without_each
from evalsvc.metrics.families.metric import SumMetric
from evalsvc.metrics.kept import Kept
from evalsvc.metrics.sums import JACKKNIFE_BUCKETS

# With fewer buckets of rows on either side the test says nothing.
_FEWEST_BUCKETS = 10


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Each p-value corrected for all of them being looked at: (m - rank + 1) p, never below an easier one's, at most 1.

    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'c': 0.06, 'b': 0.06}
    """
    corrected: dict[str, float] = {}
    highest = 0.0
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: (item[1], item[0]))):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p))
        corrected[name] = highest
    return corrected


def p_value(difference: float, without: Sequence[float]) -> float | None:
    """Two-sided, of a difference of 0, from its values without each bucket; None where they say nothing."""
    if len(without) < _FEWEST_BUCKETS or not all(map(isfinite, (difference, *without))) or min(without) == max(without):
        return None
    mean = sum(without) / len(without)
    variance = (len(without) - 1) / len(without) * sum((one - mean) ** 2 for one in without)
    from scipy.special import stdtr

    return float(2 * stdtr(len(without) - 1, -abs(difference) / variance**0.5))


def p_values(all_rows: Kept, part: Kept, *, positive: int | None = None) -> dict[str, float]:
    """By metric, that `part` is no different from the rest of `all_rows`; absent where nothing can be said."""
    buckets_of_rest = sum(cells != part.cells.get(bucket) for bucket, cells in all_rows.cells.items())
    if min(len(part.cells), buckets_of_rest) < _FEWEST_BUCKETS:
        return {}
    found = _of_sums(all_rows, part)
    found |= _of_confusion(all_rows, part, positive) if all_rows.shape.labels else _of_accuracy(all_rows, part)
    return {name: p for name, p in found.items() if p is not None}


def _of_confusion(all_rows: Kept, part: Kept, positive: int | None) -> dict[str, float | None]:
    order = sorted(all_rows.cells)
    rest = {
        bucket: {cell: count - part.cells.get(bucket, {}).get(cell, 0) for cell, count in cells.items()}
        for bucket, cells in all_rows.cells.items()
    }
    others = Kept(shape=all_rows.shape, sums=all_rows.sums, own=(), cells=rest)
    mine = values_without_each(part.clustered(), order, positive=positive)
    theirs = values_without_each(others.clustered(), order, positive=positive)
    differences = {name: (values - theirs[name]).tolist() for name, values in mine.items()}
    return {name: p_value(values[-1], values[:-1]) for name, values in differences.items()}


def _of_accuracy(all_rows: Kept, part: Kept) -> dict[str, float | None]:
    """Where there are no labels: the share of correct rows among the judged ones."""
    whole, mine = all_rows.shares(), part.shares()
    totals = [[sum(side) for side in zip(*shares.values(), strict=True)] or [0, 0] for shares in (whole, mine)]

    def difference(without_all: tuple[int, int], without_mine: tuple[int, int]) -> float:
        hits, rows = totals[1][0] - without_mine[0], totals[1][1] - without_mine[1]
        other_hits, other_rows = totals[0][0] - without_all[0] - hits, totals[0][1] - without_all[1] - rows
        return hits / rows - other_hits / other_rows if rows and other_rows else float("nan")

    without = [difference(share, mine.get(bucket, (0, 0))) for bucket, share in sorted(whole.items())]
    return {"accuracy": p_value(difference((0, 0), (0, 0)), without)}


def _of_sums(all_rows: Kept, part: Kept) -> dict[str, float | None]:
    if not all_rows.sums.width:
        return {}
    whole, mine = _bucketed(all_rows), _bucketed(part)
    return {
        metric.name: _of_sum(metric, place, whole, mine, all_rows.sums.all, part.sums.all)
        for metric, place in all_rows.sums.places()
        if metric.by is None
    }


def _bucketed(kept: Kept) -> dict[int, list[int]]:
    sums: dict[int, list[int]] = {}
    for cluster, row in kept.sums.clusters.items():
        there = sums.get(cluster % JACKKNIFE_BUCKETS)
        sums[cluster % JACKKNIFE_BUCKETS] = row if there is None else [one + more for one, more in zip(there, row, strict=True)]
    return sums


def _of_sum(
    metric: SumMetric,
    place: slice,
    whole: Mapping[int, Sequence[int]],
    mine: Mapping[int, Sequence[int]],
    all_sums: Sequence[int],
    my_sums: Sequence[int],
) -> float | None:
    zeros = [0] * metric.width

    def difference(without_all: Sequence[int], without_mine: Sequence[int]) -> float:
        here = list(map(sub, my_sums[place], without_mine))
        there = list(map(sub, map(sub, all_sums[place], without_all), here))
        values = metric.value(here), metric.value(there)
        return float("nan") if values[0] is None or values[1] is None else values[0] - values[1]

    without = [difference(row[place], mine[bucket][place] if bucket in mine else zeros) for bucket, row in sorted(whole.items())]
    return p_value(difference(zeros, zeros), without)
