"""How well a label's probability puts its rows before all others: area under the ROC curve, average precision, their intervals.

Both are strict: a row without an answer ranks nowhere. A pair with such a row counts as wrongly ordered, and a row of the label
without an answer is never found:

    roc_auc            P(a random row of the label and a random other row both have an answer, and the label's has the higher
                       probability), ties counting half (Hanley and McNeil 1982)
    average_precision  Σ (recall step) · precision over the distinct probabilities, highest first: a sum of steps, never the trapezoids
                       that are too high between points (Davis and Goadrich 2006)

Over the rows with an answer alone they are sklearn's roc_auc_score and average_precision_score.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, fsum, log, sqrt
from typing import TYPE_CHECKING, Final

from evalsvc.metrics.intervals import wilson
from evalsvc.metrics.odds import Curve, OddsTally

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

REPLICATES = 1000
FEWEST_REPLICATES = 200
SEED = 0
# Intervals are drawn from bins of 1/16 nat: what that moves is far below their width.
_BINS_OF_INTERVALS = 3
_FLOATS_AT_ONCE = 2_000_000
_FEWEST_DRAWS = 2
_MOST_NATS = 700  # exp of more is none


def roc_auc(curve: Curve) -> float | None:
    """None without rows on either side. Exact: a ratio of two integers."""
    pairs = curve.support * curve.support_others
    if not pairs:
        return None
    below = curve.others.cumsum() - curve.others
    counts = zip(curve.own.tolist(), below.tolist(), curve.others.tolist(), strict=True)
    # twice the pairs, so that half of a tie is whole; Python's integers have room for all of them
    ordered: int = sum(own * (2 * lower + tied) for own, lower, tied in counts)
    return ordered / (2 * pairs)


def average_precision(curve: Curve) -> float | None:
    """None without rows of the label."""
    if not curve.support:
        return None
    found = predicted = 0
    steps: list[float] = []
    for own, others in zip(curve.own[::-1].tolist(), curve.others[::-1].tolist(), strict=True):
        found, predicted = found + own, predicted + own + others
        if own:
            steps.append(own * (found / predicted))
    return fsum(steps) / curve.support


VALUES: Final[Mapping[str, Callable[[Curve], float | None]]] = {"roc_auc": roc_auc, "average_precision": average_precision}


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicates:
    """R draws of the rows: counts by bin, R × B, lowest bin first, and what has no answer, R each."""

    own: "Floats"
    others: "Floats"
    lost: "Floats"
    lost_others: "Floats"


def intervals(
    tally: OddsTally, curve: Curve | None = None, *, replicates: int = REPLICATES, seed: int = SEED
) -> dict[str, tuple[float, float]]:
    """The 95 % interval of each metric; absent where there is none. `curve` is that of `tally`, where it is there already.

    Rows are drawn with replacement, as Multinomial(n, cells / n); where there are several clusters, whole clusters are. A
    ranking without any mistake has none in its replicates either: then Wilson's interval of the rarer side stands for it.
    """
    import numpy as np

    curve, clusters = (curve or tally.curve()).rounded(_BINS_OF_INTERVALS), tally.clusters()
    if not curve.support or not curve.support_others:
        return {}
    cells = _one_cluster(curve) if len(clusters) == 1 else _matrix(tally.rounded(_BINS_OF_INTERVALS), curve, clusters)
    if len(clusters) == 1 and cells.sum() < 2:
        return {}
    random = np.random.Generator(np.random.PCG64(seed))
    drawn: dict[str, list[Floats]] = {name: [] for name in _OF_REPLICATES}
    left = replicates
    while left:
        size = min(left, max(1, _FLOATS_AT_ONCE // cells.shape[1]))
        sums = _drawn(random, cells, size)
        for name, values in _OF_REPLICATES.items():
            drawn[name].append(values(_split(sums, len(curve.units))))
        left -= size
    draws = min(curve.support, curve.support_others, len(clusters) if len(clusters) > 1 else curve.support)
    found: dict[str, tuple[float, float]] = {}
    for name, chunks in drawn.items():
        value = VALUES[name](curve)
        # whole clusters have a spread of their own, of which the numbers of rows say nothing
        usual = usual_variance(value, curve.support, curve.support_others) if name == "roc_auc" and len(clusters) == 1 and value else 0.0
        found[name] = _interval(np.concatenate(chunks), value, draws, usual)
    return found


def usual_variance(auc: float, support: int, others: int) -> float:
    """What the area has where scores on both sides are spread alike (Hanley and McNeil 1982, as Newcombe 2006, method 5, has it).

    >>> round(usual_variance(0.8, 50, 450) ** 0.5, 4)
    0.033
    """
    mean_rows = (support + others) / 2 - 1
    return auc * (1 - auc) * (1 + mean_rows * ((1 - auc) / (2 - auc) + auc / (1 + auc))) / (support * others)


def _one_cluster(curve: Curve) -> "Floats":
    import numpy as np

    return np.concatenate([curve.own, curve.others, [curve.lost, curve.lost_others]])[np.newaxis].astype(np.float64)


def _matrix(tally: OddsTally, curve: Curve, clusters: list[int]) -> "Floats":
    """Clusters × (2 B + 2): rows of the label by bin, others by bin, and both without an answer."""
    import numpy as np

    place = {int(units): index for index, units in enumerate(curve.units)}
    line = {cluster: index for index, cluster in enumerate(clusters)}
    bins = len(place)
    cells = np.zeros((len(clusters), 2 * bins + 2))
    for cluster, units, of_label, rows in tally.rows():
        cells[line[cluster], place[units] + (0 if of_label else bins)] += rows
    for cluster, (others, own) in tally.without.items():
        cells[line[cluster], 2 * bins :] += own, others
    return cells


def _drawn(random: "np.random.Generator", cells: "Floats", size: int) -> "Floats":
    import numpy as np

    if len(cells) > 1:
        weights = random.multinomial(len(cells), np.full(len(cells), 1 / len(cells)), size=size).astype(np.float64)
        sums: Floats = weights @ cells
        return sums
    filled, total = np.flatnonzero(cells[0]), int(cells.sum())
    drawn: Floats = np.zeros((size, cells.shape[1]))
    drawn[:, filled] = random.multinomial(total, cells[0, filled] / total, size=size)
    return drawn


def _split(sums: "Floats", bins: int) -> Replicates:
    return Replicates(own=sums[:, :bins], others=sums[:, bins : 2 * bins], lost=sums[:, -2], lost_others=sums[:, -1])


def _auc_of(drawn: Replicates) -> "Floats":
    import numpy as np

    below = drawn.others.cumsum(axis=1) - drawn.others / 2
    ordered = (drawn.own * below).sum(axis=1)
    pairs = (drawn.own.sum(axis=1) + drawn.lost) * (drawn.others.sum(axis=1) + drawn.lost_others)
    values: Floats = np.divide(ordered, pairs, out=np.full_like(ordered, np.nan), where=pairs > 0)
    return values


def _ap_of(drawn: Replicates) -> "Floats":
    import numpy as np

    own, others = drawn.own[:, ::-1], drawn.others[:, ::-1]
    found = own.cumsum(axis=1)
    predicted = found + others.cumsum(axis=1)
    precision = np.divide(found, predicted, out=np.zeros_like(found), where=predicted > 0)
    support = found[:, -1] + drawn.lost if found.shape[1] else drawn.lost
    steps = (own * precision).sum(axis=1)
    values: Floats = np.divide(steps, support, out=np.full_like(steps, np.nan), where=support > 0)
    return values


_OF_REPLICATES: Final[Mapping[str, Callable[[Replicates], "Floats"]]] = {"roc_auc": _auc_of, "average_precision": _ap_of}


def _interval(values: "Floats", value: float | None, draws: int, usual: float) -> tuple[float, float]:
    """Standard deviations of the replicates on the scale of log(v / (1 - v)), where they are nearest to normal: as many as Student's t
    has of `draws`, the rows of the rarer side, which decide. A single one has no spread that could be drawn: then Wilson's.

    A good ranking of few rows is often drawn with too little spread: where a `usual` variance is larger, a third of it counts.
    """
    import numpy as np
    from scipy.special import stdtrit

    if value is None or value in {0.0, 1.0} or draws < _FEWEST_DRAWS:
        return wilson(draws * (value or 0.0), draws)
    variance = float(np.nanvar(values, ddof=1)) * draws / (draws - 1)
    deviation = sqrt(max(variance, (2 * variance + usual) / 3)) / (value * (1 - value))
    half, middle = float(stdtrit(draws - 1, 0.975)) * deviation, log(value / (1 - value))
    return _expit(middle - half), _expit(middle + half)


def _expit(nats: float) -> float:
    return 1 / (1 + exp(-nats)) if nats > -_MOST_NATS else 0.0
