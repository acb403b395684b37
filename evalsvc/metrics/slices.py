"""Slices held against the rest: is the number of these rows another one than that of all others?

For each slice the difference to all other rows is taken, and its variance by leaving out one bucket of rows after the other
(delete-one-group jackknife; Shao and Tu 1995, 2.3): rows of one bucket leave both sides together, so that nothing is
assumed about how the sides hang together. Twenty rows that are all right say nothing of how far twenty others would
scatter, though: the variance is never less than that of two random parts of all rows, as large as the slice and the rest
(the pooled variance of a score test). All slices of a column are looked at at once, so that one of twenty would look special
by chance: Holm's step-down correction (1979) keeps that at 5 % for the column and metric.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from operator import add, sub

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


def p_value(difference: float, without: Sequence[float], *, degrees: int, pooled: float = 0.0) -> float | None:
    """Two-sided, of a difference of 0, by Student's t with so many `degrees` of freedom; None where nothing can be said.

    `without` are the differences without each bucket, and `pooled` is the least that the variance can be.
    """
    if not all(map(isfinite, (difference, pooled, *without))):
        return None
    variance = max(_jackknifed(without), pooled)
    if not variance > 0:
        return None
    from scipy.special import stdtr

    return float(2 * stdtr(degrees, -abs(difference) / variance**0.5))


def _jackknifed(without: Sequence[float]) -> float:
    """The variance of a number, from its values without each bucket."""
    if min(without) == max(without):
        return 0.0
    mean = sum(without) / len(without)
    return (len(without) - 1) / len(without) * sum((one - mean) ** 2 for one in without)


def p_values(all_rows: Kept, parts: Mapping[str, Kept], *, positive: int | None = None) -> dict[str, dict[str, float]]:
    """By part and metric, that the part is no different from the rest of `all_rows`; absent where nothing can be said."""
    whole = _bucketed(all_rows)
    of_all = _variances(all_rows, whole, positive)
    found: dict[str, dict[str, float]] = {}
    for value, part in parts.items():
        buckets_of_rest = sum(cells != part.cells.get(bucket) for bucket, cells in all_rows.cells.items())
        fewest = min(len(part.cells), buckets_of_rest)
        if fewest < _FEWEST_BUCKETS:
            continue
        differences = _of_sums(all_rows, part, whole)
        differences |= _of_confusion(all_rows, part, positive) if all_rows.shape.labels else _of_accuracy(all_rows, part)
        tested = {name: _tested(found_, of_all.get(name, 0.0), fewest - 1) for name, found_ in differences.items()}
        found[value] = {name: p for name, p in tested.items() if p is not None}
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Difference:
    """Of one metric, between a part and the rest."""

    value: float
    without: Sequence[float]  # the same without each bucket
    rows: int  # of the part
    rest: int


def _tested(found: _Difference, of_all: float, degrees: int) -> float | None:
    if not found.rows or not found.rest:
        return None
    pooled = of_all * (found.rows + found.rest) * (1 / found.rows + 1 / found.rest)
    return p_value(found.value, found.without, degrees=degrees, pooled=pooled)


def _variances(kept: Kept, buckets: Mapping[int, Sequence[int]], positive: int | None) -> dict[str, float]:
    """Of each metric over all rows; `buckets` are their sums."""
    values: dict[str, list[float]] = {}
    for metric, place in kept.sums.places():
        without = [metric.value(list(map(sub, kept.sums.all[place], row[place]))) for _, row in sorted(buckets.items())]
        values[metric.name] = [_or_nan(value) for value in without]
    if kept.shape.labels:
        without_each = values_without_each(kept.clustered(), sorted(kept.cells), positive=positive)
        values |= {name: of_metric.tolist()[:-1] for name, of_metric in without_each.items()}
    else:
        values["accuracy"] = _shares_without_each(kept)
    return {name: _jackknifed(without) for name, without in values.items() if without}


def _shares_without_each(kept: Kept) -> list[float]:
    shares = kept.shares()
    hits, rows = (sum(share[side] for share in shares.values()) for side in (0, 1))
    return [(hits - hit) / (rows - row) if rows > row else float("nan") for _, (hit, row) in sorted(shares.items())]


def _of_confusion(all_rows: Kept, part: Kept, positive: int | None) -> dict[str, _Difference]:
    order = sorted(all_rows.cells)
    rest = {
        bucket: {cell: count - part.cells.get(bucket, {}).get(cell, 0) for cell, count in cells.items()}
        for bucket, cells in all_rows.cells.items()
    }
    others = Kept(shape=all_rows.shape, sums=all_rows.sums, own=(), cells=rest)
    mine = values_without_each(part.clustered(), order, positive=positive)
    theirs = values_without_each(others.clustered(), order, positive=positive)
    differences = {name: (values - theirs[name]).tolist() for name, values in mine.items()}
    return {
        name: _Difference(value=values[-1], without=values[:-1], rows=part.rows, rest=others.rows) for name, values in differences.items()
    }


def _of_accuracy(all_rows: Kept, part: Kept) -> dict[str, _Difference]:
    """Where there are no labels: the share of correct rows among the judged ones."""
    whole, mine = all_rows.shares(), part.shares()
    totals = [[sum(side) for side in zip(*shares.values(), strict=True)] or [0, 0] for shares in (whole, mine)]

    def difference(without_all: tuple[int, int], without_mine: tuple[int, int]) -> float:
        hits, rows = totals[1][0] - without_mine[0], totals[1][1] - without_mine[1]
        other_hits, other_rows = totals[0][0] - without_all[0] - hits, totals[0][1] - without_all[1] - rows
        return hits / rows - other_hits / other_rows if rows and other_rows else float("nan")

    without = [difference(share, mine.get(bucket, (0, 0))) for bucket, share in sorted(whole.items())]
    rows = totals[1][1]
    return {"accuracy": _Difference(value=difference((0, 0), (0, 0)), without=without, rows=rows, rest=totals[0][1] - rows)}


def _of_sums(all_rows: Kept, part: Kept, whole: Mapping[int, Sequence[int]]) -> dict[str, _Difference]:
    """`whole`: the sums of all rows by bucket, which are the same for every part."""
    if not all_rows.sums.width:
        return {}
    mine = _bucketed(part)
    return {
        metric.name: _of_sum(metric, place, whole, mine, all_rows.sums.all, part.sums.all)
        for metric, place in all_rows.sums.places()
        if metric.by is None
    }


def _bucketed(kept: Kept) -> dict[int, list[int]]:
    sums: dict[int, list[int]] = {}
    for cluster, row in kept.sums.clusters.items():
        there = sums.get(cluster % JACKKNIFE_BUCKETS)
        sums[cluster % JACKKNIFE_BUCKETS] = row if there is None else list(map(add, there, row))
    return sums


def _of_sum(
    metric: SumMetric,
    place: slice,
    whole: Mapping[int, Sequence[int]],
    mine: Mapping[int, Sequence[int]],
    all_sums: Sequence[int],
    my_sums: Sequence[int],
) -> _Difference:
    zeros = [0] * metric.width

    def difference(without_all: Sequence[int], without_mine: Sequence[int]) -> float:
        here = list(map(sub, my_sums[place], without_mine))
        there = list(map(sub, map(sub, all_sums[place], without_all), here))
        return _or_nan(metric.value(here)) - _or_nan(metric.value(there))

    without = [difference(row[place], mine[bucket][place] if bucket in mine else zeros) for bucket, row in sorted(whole.items())]
    rows = my_sums[place.start - 1]
    return _Difference(value=difference(zeros, zeros), without=without, rows=rows, rest=all_sums[place.start - 1] - rows)


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
