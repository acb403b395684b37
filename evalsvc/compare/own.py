"""Differences of metrics that no sums of fixed width give: areas under curves, rank correlation, calibration, pass@k, verdicts on pairs.

What is kept of the rows is kept in 64 buckets of clusters. Each is left out once on both sides (delete-one-bucket jackknife, Shao
and Tu 1995, 2.3), which gives the standard error of the difference, whatever the metric.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from math import fsum, sqrt
from typing import TYPE_CHECKING, Any, Final

from evalsvc.compare.evidence import CommonRows, Evidence
from evalsvc.compare.nouns import Difference
from evalsvc.compare.resampled import OTHER_DEFINITION, jackknifed_error, reach_of
from evalsvc.compare.student import by_student, undecided
from evalsvc.metrics.families import ranks
from evalsvc.metrics.families.metric import OwnMetric, ScoreTally
from evalsvc.metrics.names import range_of
from evalsvc.metrics.odds import Curve
from evalsvc.metrics.ranked import RankTally
from evalsvc.metrics.ranking import VALUES
from evalsvc.records import MetricValue

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

# Means of something over `n` of it, so that a whole is the sum of its parts.
_MEANS: Final = frozenset({"pass_at_k", "win_rate", "tie_rate", "judge_consistency", "judge_first_rate"})
# Errors are had from curves in bins of 1/16 nat: what that moves is far below them.
_BINS_OF_ERRORS: Final = 3

# What is kept of a side's rows, by bucket.
Tallies = Mapping[int, ScoreTally]
# A metric without each of the tallies in turn; None for no number.
Without = list[float | None]


def own_differences(a: Evidence, b: Evidence, names: Sequence[str]) -> dict[str, Difference]:
    """Of those of `names` that are metrics of their own kind on both sides."""
    theirs = {metric.names: (metric, tallies) for metric, tallies in zip(b.shape.own, b.own, strict=True)}
    found: dict[str, Difference] = {}
    for metric, tallies in zip(a.shape.own, a.own, strict=True):
        wanted = [name for name in metric.names if name in names]
        if wanted and metric.names in theirs:
            other, others = theirs[metric.names]
            alike = _definitions(metric) == _definitions(other)
            found |= _differences(wanted, metric, tallies, others, a.rows) if alike else dict(map(_unlike, wanted))
    return found


def _definitions(metric: OwnMetric) -> Mapping[str, str]:
    return {name: value["signature"] for name, value in metric.empty().value().items()}


def _unlike(name: str) -> tuple[str, Difference]:
    return name, undecided(name, None, None, 0, OTHER_DEFINITION)


def _differences(names: Sequence[str], metric: OwnMetric, a: Tallies, b: Tallies, rows: CommonRows) -> dict[str, Difference]:
    buckets = sorted({*a, *b})
    parts = [[side.get(bucket) or metric.empty() for bucket in buckets] for side in (a, b)]
    whole_a, whole_b = (_all_merged(side, metric).value() for side in parts)
    told = [name for name in names if whole_a[name]["value"] is not None and whole_b[name]["value"] is not None]
    without_a, without_b = (without_each(told, metric, side) for side in parts)
    found: dict[str, Difference] = {}
    for name in names:
        value_a, value_b = whole_a[name]["value"], whole_b[name]["value"]
        n = min(whole_a[name]["n"], whole_b[name]["n"])
        if value_a is None or value_b is None:
            found[name] = undecided(name, value_a, value_b, n, (whole_a if value_a is None else whole_b)[name].get("reason", ""))
            continue
        se, draws = jackknifed_error(list(zip(without_a[name], without_b[name], strict=True)))
        how, reach = f"ci:paired-jackknife{draws}-t95|p:t", reach_of(range_of(name))
        found[name] = by_student(name, value_a, value_b, n=n, se=se, draws=draws, how=how, reach=reach, units=rows.units(n))
    return found


def _all_merged(tallies: Sequence[ScoreTally], metric: OwnMetric) -> ScoreTally:
    """By halves: each row is copied as often as the tallies can be halved, and not once for each of them."""
    match tallies:
        case []:
            return metric.empty()
        case [only]:
            return only
    middle = len(tallies) // 2
    return _merged(_all_merged(tallies[:middle], metric), _all_merged(tallies[middle:], metric))


def without_each(names: Sequence[str], metric: OwnMetric, tallies: Sequence[ScoreTally]) -> dict[str, Without]:
    """Of each of `names` the metric without each of the tallies."""
    match tallies:
        case [RankTally(), *_]:
            return {name: _of_curves(name, tallies) for name in names}
        case [ranks.RankTally(), *_]:
            return dict.fromkeys(names, _of_ranks(tallies))
    means = [name for name in names if name in _MEANS]
    return _of_parts(means, tallies) | of_merged([name for name in names if name not in _MEANS], metric, tallies)


def of_merged(names: Sequence[str], metric: OwnMetric, tallies: Sequence[ScoreTally]) -> dict[str, Without]:
    """Any metric: of all tallies before one and all behind it."""
    if not names:
        return {}
    before = accumulate(tallies, _merged, initial=metric.empty())
    behind = [*accumulate(reversed(tallies), _merged, initial=metric.empty())][-2::-1]
    values = [_merged(left, right).value() for left, right in zip(before, behind, strict=False)]
    return {name: [value[name]["value"] for value in values] for name in names}


def _merged(left: Any, right: Any) -> ScoreTally:
    """Tallies of one kind."""
    merged: ScoreTally = left.merge(right)
    return merged


def _of_parts(names: Sequence[str], tallies: Sequence[ScoreTally]) -> dict[str, Without]:
    parts = [tally.value() for tally in tallies] if names else []
    return {name: _mean_without_each([part[name] for part in parts]) for name in names}


def _mean_without_each(parts: Sequence[MetricValue]) -> Without:
    sums = [(part["n"], (part["value"] or 0.0) * part["n"]) for part in parts]
    rows, total = sum(n for n, _ in sums), fsum(one for _, one in sums)
    return [(total - one) / (rows - n) if rows > n else None for n, one in sums]


def _of_curves(name: str, tallies: Sequence[Any]) -> Without:
    """Of one label, or the mean over those that have rows, and rows beside them; without answers alone nothing is ranked."""
    by_label = [_curves_of(name, [tally.odds[label].curve().rounded(_BINS_OF_ERRORS) for tally in tallies]) for label in tallies[0].judged]
    means = []
    for values in zip(*by_label, strict=True):
        there = [value for value in values if value is not None]
        means.append(fsum(there) / len(there) if there else None)
    return means


def _curves_of(name: str, parts: Sequence[Curve]) -> Iterator[float | None]:
    import numpy as np

    units, of = np.unique(np.concatenate([part.units for part in parts]), return_inverse=True)
    ends = np.cumsum([len(part.units) for part in parts])[:-1]
    places = np.split(of, ends)
    own, others = np.zeros(len(units), dtype=np.int64), np.zeros(len(units), dtype=np.int64)
    for part, place in zip(parts, places, strict=True):
        own[place] += part.own
        others[place] += part.others
    lost, lost_others = sum(part.lost for part in parts), sum(part.lost_others for part in parts)
    for part, place in zip(parts, places, strict=True):
        left = Curve(units=units, own=own.copy(), others=others.copy(), lost=lost - part.lost, lost_others=lost_others - part.lost_others)
        left.own[place] -= part.own
        left.others[place] -= part.others
        yield VALUES[name](left) if left.support and left.support_others else None


def _of_ranks(tallies: Sequence[Any]) -> Without:
    import numpy as np

    pairs = [np.array([tally.targets, tally.predictions]) for tally in tallies]
    rows = np.concatenate([part[:, np.lexsort(part)] for part in pairs], axis=1)
    of_part = np.repeat(np.arange(len(pairs)), [part.shape[1] for part in pairs])
    codes = [np.unique(side, return_inverse=True)[1] for side in rows]
    return [_rank_correlation(*(_centred_ranks(code[of_part != part]) for code in codes)) for part in range(len(pairs))]


def _centred_ranks(codes: "Ints") -> "Floats":
    """Mean ranks, less their mean, of values that are given by their places among all distinct ones."""
    import numpy as np

    counts = np.bincount(codes)
    ranks_of: Floats = (np.cumsum(counts) - (counts + len(codes)) / 2)[codes]
    return ranks_of


def _rank_correlation(left: "Floats", right: "Floats") -> float | None:
    spread = float((left * left).sum()) * float((right * right).sum())
    return float((left * right).sum()) / sqrt(spread) if spread > 0 else None
