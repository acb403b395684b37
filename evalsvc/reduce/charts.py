"""What a report draws of the rows: `charts` of summary.json, a function of the winning records alone.

    curves        of `scoring.positive`, else of the labels with the most rows: what is called the label from each threshold on
    reliability   how often rows with so much confidence are right, in the bins of the metric ece
    probability   rows of `scoring.positive`, and all others, by how likely they were said to be of it
    scores        how the number of single rows is spread that the task is about
    points        target and prediction of some rows, for regression

Each is absent where there is nothing to be drawn. Curves are counts, so that they are exact and short.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from evalsvc.config.scale import Scale
from evalsvc.metrics.calibration import CalibrationTally
from evalsvc.metrics.corners import corners
from evalsvc.metrics.drawn import DrawnTally
from evalsvc.metrics.histogram import BINS_SHOWN, HistogramTally
from evalsvc.metrics.intervals import wilson
from evalsvc.metrics.names import EXTENSION
from evalsvc.metrics.odds import UNITS_PER_NAT, Curve
from evalsvc.metrics.ranked import RankTally
from evalsvc.metrics.ranking import VALUES
from evalsvc.metrics.tally import ConfusionTally, RowTally
from evalsvc.reduce.graded import Graded
from evalsvc.reduce.plan import Plan
from evalsvc.scoring.judging import scale_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_CURVES: Final = 8
POINTS_OF_A_CURVE: Final = 150
POINTS_OF_ALL: Final = 600
WITHIN: Final = 0.002  # of the full curve, on axes from 0 to 1
MOST_BINS: Final = 50
MOST_SPREADS: Final = 4
# Of the axis of log-odds, in nats: beyond that a probability has eight nines.
MOST_NATS: Final = 18
_FAR_OUT: Final = 0.005
_YES_OR_NO: Final = 2  # different values: nothing is spread

T = TypeVar("T")


def charts(plan: Plan, outcomes: RowTally, graded: Graded, thresholds: Mapping[str, Any] | None) -> dict[str, Any]:
    ranked, calibration = _kept(graded, RankTally), _kept(graded, CalibrationTally)
    positive = plan.config.scoring.positive
    found = {
        "curves": None if ranked is None else curves_of(ranked, positive, outcomes, thresholds),
        "reliability": None if calibration is None else _reliability(calibration),
        "probability": None if ranked is None or positive is None else _probability(ranked, positive),
        "scores": _spreads(plan, graded),
        "points": _points(graded),
    }
    return {name: chart for name, chart in found.items() if chart}


def _kept(graded: Graded, kind: type[T]) -> T | None:
    own: Sequence[object] = () if graded.kept is None else graded.kept.all.own
    return next((tally for tally in own if isinstance(tally, kind)), None)


# curves ----------------------------------------------------------------------------------------------------------


def curves_of(
    ranked: RankTally, positive: str | None, outcomes: RowTally, thresholds: Mapping[str, Any] | None
) -> dict[str, dict[str, Any]]:
    """By label; empty where the probabilities cannot be told, and without labels that have no rows, or all."""
    if ranked.why_none() is not None:
        return {}
    of_label = {label: tally.curve() for label, tally in ranked.odds.items() if positive in (None, label)}
    judged = {label: curve for label, curve in of_label.items() if curve.support and curve.support_others}
    labels = sorted(judged, key=lambda label: -judged[label].support)[:MOST_CURVES]
    most = min(POINTS_OF_A_CURVE, POINTS_OF_ALL // max(1, len(labels)))
    return {label: _curve(label, judged[label], most, outcomes, thresholds) for label in judged if label in labels}


def _curve(label: str, curve: Curve, most: int, outcomes: RowTally, thresholds: Mapping[str, Any] | None) -> dict[str, Any]:
    """Points from the highest threshold on; before the first one nothing is called the label. Marks say where the run stands."""
    hits, alarms = curve.own[::-1].cumsum(), curve.others[::-1].cumsum()
    recall, fall_out = hits / curve.support, alarms / curve.support_others
    places = _corners(fall_out, recall, hits / (hits + alarms), most)
    marks = [mark for mark in (_answered(label, outcomes), *_chosen(curve, thresholds)) if mark is not None]
    return {
        "positives": curve.support,
        "negatives": curve.support_others,
        **{name: value(curve) for name, value in VALUES.items()},
        "log_odds": [units / UNITS_PER_NAT for units in curve.units[::-1][places].tolist()],
        "true_positives": hits[places].tolist(),
        "false_positives": alarms[places].tolist(),
        "marks": marks,
    }


def _corners(fall_out: "Floats", recall: "Floats", precision: "Floats", most: int) -> list[int]:
    """Of both curves those of the ROC first; the other one may be drawn more roughly, where it is ragged."""
    import numpy as np

    if not len(recall):
        return []
    # the ROC curve begins where nothing is called the label
    of_roc, within = _at_most(np.append(0.0, fall_out), np.append(0.0, recall), most // 2, WITHIN), WITHIN
    kept = {place - 1 for place in of_roc if place}
    while True:
        both = kept.union(corners(recall, precision, within))
        if len(both) <= most:
            return sorted(both)
        within *= 1.5


def _at_most(x: "Floats", y: "Floats", most: int, within: float) -> list[int]:
    while len(found := corners(x, y, within)) > most:
        within *= 1.5
    return found


def _answered(label: str, outcomes: RowTally) -> dict[str, Any] | None:
    """What the answers themselves come to, without any threshold."""
    if not isinstance(outcomes, ConfusionTally):
        return None
    own = outcomes.labels.index(label)
    rows = outcomes.triples()
    support, all_rows = sum(count for line, _, count in rows if line == own), sum(count for _, _, count in rows)
    hits = sum(count for line, column, count in rows if line == own == column)
    alarms = sum(count for line, column, count in rows if line != own == column)
    return _mark("answers", hits, alarms, support, all_rows - support)


def _chosen(curve: Curve, thresholds: Mapping[str, Any] | None) -> list[dict[str, Any] | None]:
    """The thresholds of the threshold table, by how many rows they call the label."""
    if thresholds is None:
        return []
    wanted = thresholds["operating_point"]
    points = {"operating_point": None if wanted is None else wanted["point"], "best_f1": thresholds["best_f1"]}
    return [_at(kind, curve, point) for kind, point in points.items() if point is not None]


def _at(kind: str, curve: Curve, point: Mapping[str, Any]) -> dict[str, Any] | None:
    import numpy as np

    called = (curve.own + curve.others)[::-1].cumsum()
    place = int(np.searchsorted(called, point["predicted"]))
    hits = int(curve.own[::-1][: place + 1].sum())
    mark = _mark(kind, hits, point["predicted"] - hits, curve.support, curve.support_others)
    return None if mark is None else {**mark, "threshold": point["threshold"], "log_odds": point["log_odds"]}


def _mark(kind: str, hits: int, alarms: int, positives: int, negatives: int) -> dict[str, Any] | None:
    if not positives or not negatives:
        return None
    precision = hits / (hits + alarms) if hits + alarms else None
    return {"kind": kind, "recall": hits / positives, "precision": precision, "false_positive_rate": alarms / negatives}


# probabilities ---------------------------------------------------------------------------------------------------


def _reliability(calibration: CalibrationTally) -> dict[str, Any] | None:
    """Of bins with rows their ends, rows, mean confidence, and share that is right with Wilson's interval."""
    metric = calibration.value()["ece"]
    if metric["value"] is None:
        return None
    joined = -(-calibration.bins // MOST_BINS)
    bins: dict[int, tuple[int, float, int]] = {}
    for place, rows, confidence, right in calibration.sums():
        there = bins.get((place - 1) // joined, (0, 0.0, 0))
        bins[(place - 1) // joined] = there[0] + rows, there[1] + confidence, there[2] + right
    return {
        "rows": metric["n"],
        "ece": metric["value"],
        "bins": [_bin(place * joined, joined, calibration.bins, *sums) for place, sums in bins.items()],
    }


def _bin(before: int, joined: int, bins: int, rows: int, confidence: float, right: int) -> dict[str, Any]:
    low, high = wilson(right, rows)
    return {
        "low": before / bins,
        "high": min(1.0, (before + joined) / bins),
        "rows": rows,
        "confidence": confidence / rows,
        "right": right / rows,
        "ci_low": low,
        "ci_high": high,
    }


def _probability(ranked: RankTally, positive: str) -> dict[str, Any] | None:
    """On the scale of log-odds, in bins that meet at 0; the first and the last hold what lies beyond them too."""
    import numpy as np

    curve = ranked.odds[positive].curve()
    if ranked.why_none() is not None or not len(curve.units):
        return None
    far = _far(curve)
    quarters, half = next((width, -int(-far * 4 // width)) for width in (1, 2, 4, 8) if far * 4 <= width * BINS_SHOWN // 2)
    places = np.clip(curve.units // (quarters * UNITS_PER_NAT // 4), -half, half - 1) + half
    positives, negatives = np.zeros(2 * half, dtype=np.int64), np.zeros(2 * half, dtype=np.int64)
    np.add.at(positives, places, curve.own)
    np.add.at(negatives, places, curve.others)
    return {
        "label": positive,
        "log_odds": [edge * quarters / 4 for edge in range(-half, half + 1)],
        "positives": positives.tolist(),
        "negatives": negatives.tolist(),
    }


def _far(curve: Curve) -> float:
    """How many nats from 0 all rows lie but a few, above 0."""
    import numpy as np

    order = np.argsort(np.abs(curve.units), kind="stable")
    within = (curve.own + curve.others)[order].cumsum()
    last = order[np.searchsorted(within, (1 - _FAR_OUT) * within[-1])]
    return min(MOST_NATS, max(1.0, abs(int(curve.units[last])) / UNITS_PER_NAT))


# numbers of single rows ------------------------------------------------------------------------------------------


def _spreads(plan: Plan, graded: Graded) -> dict[str, dict[str, Any]]:
    """By score: that of the task, and the first few of a scorer of the user's and of files."""
    found: dict[str, Mapping[str, Any] | None] = {}
    drawn = None if graded.kept is None else graded.kept.drawn
    if drawn is not None:
        found[drawn.drawing.name] = _of_task(plan, drawn)
    told = [name for name, tally in sorted(graded.spreads.items()) if len(tally.cells) > _YES_OR_NO]
    found |= {EXTENSION + name: graded.spreads[name].value() for name in told[:MOST_SPREADS]}
    return {name: dict(histogram) for name, histogram in found.items() if histogram is not None}


def _of_task(plan: Plan, drawn: DrawnTally) -> Mapping[str, Any] | None:
    if plan.config.task == "judge" and (scale := scale_of(plan.config)) is not None:
        return _ratings(drawn.histogram, scale)
    ends = drawn.drawing.ends
    return drawn.histogram.value() if ends is None else drawn.histogram.between(*ends)


def _ratings(tally: HistogramTally, scale: Scale) -> Mapping[str, Any] | None:
    """A bin around each rating, where they are few enough to be told apart."""
    steps = round((scale.high - scale.low) / scale.step)
    if steps >= BINS_SHOWN or not tally.cells:
        return tally.value()
    ratings = [scale.low + place * scale.step for place in range(steps + 1)]
    edges = [rating - scale.step / 2 for rating in (*ratings, scale.high + scale.step)]
    return {"edges": edges, "counts": [tally.at(rating) for rating in ratings], "below": 0, "above": 0, "ratings": ratings}


def _points(graded: Graded) -> dict[str, Any] | None:
    """Of the rows with the lowest hashes of their ids."""
    drawn = None if graded.kept is None else graded.kept.drawn
    if drawn is None or not drawn.sample.chosen:
        return None
    targets, predictions = zip(*(pair for _, pair in drawn.sample.chosen), strict=True)
    return {"rows": drawn.sample.rows, "targets": list(targets), "predictions": list(predictions)}
