"""Precision against recall, and the ROC curve: of one label, or of each against all others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any, Final

from evalsvc.report.html.markup import Html
from evalsvc.report.html.svg.axes import within
from evalsvc.report.html.svg.panel import Panel, Point, colour, dash
from evalsvc.report.html.svg.picture import Key, Numbers, Picture, guide_key, stacked
from evalsvc.report.plain import shorten
from evalsvc.report.threshold_lines import threshold_words
from evalsvc.report.words import count, score, some

_HEIGHT: Final = 290.0
_LABEL_AT_MOST: Final = 24

Mark = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """What a mark is, and how it is drawn where it is of the only curve."""

    shape: str
    colour: str
    words: str


# The first one that a curve has is what is said of it in words.
_KINDS: Final[Mapping[str, _Kind]] = {
    "operating_point": _Kind(shape="diamond", colour="var(--series-2)", words="operating point"),
    "answers": _Kind(shape="dot", colour="var(--ink)", words="the answers as given"),
    "best_f1": _Kind(shape="up", colour="var(--series-4)", words="highest F1"),
}
_SIZES: Final = (4.5, 7.5, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Curve:
    """One label of `charts.curves`."""

    label: str
    raw: Mapping[str, Any]
    place: int  # among all that are drawn
    alone: bool

    @property
    def stroke(self) -> str:
        return colour(self.place)

    @property
    def dashes(self) -> str:
        return dash(self.place)

    @property
    def base_rate(self) -> float:
        return float(self.raw["positives"] / (self.raw["positives"] + self.raw["negatives"]))

    def counts(self) -> list[tuple[float, int, int]]:
        """Log-odds, true and false positives of each point."""
        return list(zip(self.raw["log_odds"], self.raw["true_positives"], self.raw["false_positives"], strict=True))

    def roc(self) -> list[Point]:
        positives, negatives = self.raw["positives"], self.raw["negatives"]
        return [(0.0, 0.0), *((alarms / negatives, hits / positives) for _, hits, alarms in self.counts())]

    def precision_recall(self) -> list[Point]:
        points = [(hits / self.raw["positives"], hits / (hits + alarms)) for _, hits, alarms in self.counts()]
        return [(0.0, points[0][1]), *points]

    def marks(self) -> list[Mark]:
        """The most important first; of those at one place only that."""
        marks: dict[tuple[float, float], Mark] = {}
        for mark in sorted(self.raw["marks"], key=lambda mark: list(_KINDS).index(mark["kind"])):
            marks.setdefault((mark["recall"], mark["false_positive_rate"]), mark)
        return list(marks.values())

    def drawn_marks(self, panel: Panel, x: str, y: str) -> str:
        """The most important lies on top of what is near it; the others are larger, so that something of them is seen."""
        return "".join(
            panel.mark((mark[x], mark[y]), _KINDS[mark["kind"]].shape, fill=self._fill(mark), size=size, words=self._mark_words(mark))
            for mark, size in reversed(list(zip(self.marks(), _SIZES, strict=False)))
            if mark[x] is not None and mark[y] is not None
        )

    def _fill(self, mark: Mark) -> str:
        return _KINDS[mark["kind"]].colour if self.alone else self.stroke

    def _mark_words(self, mark: Mark) -> str:
        values = ", ".join(f"{side.replace('_', ' ')} {score(mark[side])}" for side in ("recall", "precision", "false_positive_rate"))
        return f"{_named(mark)}: {values}" if self.alone else f"{self.label}, {_named(mark)}: {values}"

    def standing(self, side: str) -> str:
        """Where the run stands on it, in words."""
        mark = next((mark for mark in self.marks() if mark[side] is not None), None)
        if mark is None:
            return ""
        return f"; {_KINDS[mark['kind']].words}: recall {score(mark['recall'])}, {side.replace('_', ' ')} {score(mark[side])}"


def curve_pictures(curves: Mapping[str, Mapping[str, Any]]) -> list[Html]:
    """`charts.curves` of summary.json."""
    there = [(label, raw) for label, raw in curves.items() if raw["log_odds"]]
    read = [
        _Curve(label=shorten(label, _LABEL_AT_MOST), raw=raw, place=place, alone=len(there) == 1)
        for place, (label, raw) in enumerate(there)
    ]
    return [_precision_recall(read), _roc(read)] if read else []


def _precision_recall(curves: Sequence[_Curve]) -> Html:
    [panel], height = stacked(within(0, 1, "recall"), (within(0, 1, "precision"), _HEIGHT))
    lines = "".join(panel.line(curve.precision_recall(), stroke=curve.stroke, dashes=curve.dashes, words=curve.label) for curve in curves)
    marks = "".join(curve.drawn_marks(panel, "recall", "precision") for curve in curves)
    rate = curves[0].base_rate if curves[0].alone else None
    words = "" if rate is None else f"share of {curves[0].label} among all rows: {score(rate)}"
    base = "" if rate is None else panel.guide((0, rate), (1, rate), words=words)
    return Picture(
        title=_title("Precision against recall", curves),
        finding=_finding(curves, "average precision", "average_precision", "precision"),
        content=panel.frame() + base + lines + marks,
        height=height,
        keys=[*_keys(curves, "average_precision"), *([guide_key(words)] if words else [])],
        numbers=_numbers(curves),
    ).html()


def _roc(curves: Sequence[_Curve]) -> Html:
    [panel], height = stacked(within(0, 1, "false positive rate"), (within(0, 1, "recall (true positive rate)"), _HEIGHT))
    chance = panel.guide((0, 0), (1, 1), words="chance")
    lines = "".join(panel.line(curve.roc(), stroke=curve.stroke, dashes=curve.dashes, words=curve.label) for curve in curves)
    marks = "".join(curve.drawn_marks(panel, "false_positive_rate", "recall") for curve in curves)
    return Picture(
        title=_title("ROC curve", curves),
        finding=_finding(curves, "area", "roc_auc", "false_positive_rate"),
        content=panel.frame() + chance + lines + marks,
        height=height,
        keys=[*_keys(curves, "roc_auc"), guide_key("chance")],
    ).html()


def _title(what: str, curves: Sequence[_Curve]) -> str:
    return f"{what} of {curves[0].label}" if curves[0].alone else f"{what}, each label against all others"


def _finding(curves: Sequence[_Curve], what: str, key: str, side: str) -> str:
    """The number of a curve, and where the run stands on it; of several the worst and the best."""
    if curves[0].alone:
        return f"{what} {score(curves[0].raw[key])}{curves[0].standing(side)}"
    least, greatest = (end(curves, key=lambda curve: curve.raw[key]) for end in (min, max))
    return f"{what} from {score(least.raw[key])} ({least.label}) to {score(greatest.raw[key])} ({greatest.label})"


def _keys(curves: Sequence[_Curve], key: str) -> list[Key]:
    """Of one curve its marks, of several the curves with their numbers."""
    if curves[0].alone:
        marks = [(_KINDS[mark["kind"]], _named(mark)) for mark in curves[0].marks()]
        return [Key(shape=kind.shape, colour=kind.colour, words=named) for kind, named in marks]
    lines = [
        Key(shape="line", colour=curve.stroke, dashes=curve.dashes, words=f"{curve.label} {score(curve.raw[key])}") for curve in curves
    ]
    return [*lines, Key(shape="dot", colour="var(--ink)", words=_KINDS["answers"].words)]


def _named(mark: Mark) -> str:
    """With its threshold, where it has one."""
    words = _KINDS[mark["kind"]].words
    return f"{words}, from {threshold_words(mark)}" if "threshold" in mark else words


def _numbers(curves: Sequence[_Curve]) -> Numbers:
    rows = "; ".join(f"{curve.label} {some(curve.raw['positives'], 'row')}, others {count(curve.raw['negatives'])}" for curve in curves)
    return Numbers(
        caption=f"What is called a label when its probability is at least this. {rows}",
        headings=("label", "from", "called", "of them right", "recall", "precision", "false positive rate"),
        rows=[_line(curve, *point) for curve in curves for point in curve.counts()],
    )


def _line(curve: _Curve, log_odds: float, hits: int, alarms: int) -> list[str]:
    shares = hits / curve.raw["positives"], hits / (hits + alarms), alarms / curve.raw["negatives"]
    least = threshold_words({"threshold": 1 / (1 + exp(-log_odds)), "log_odds": log_odds})
    return [curve.label, least, count(hits + alarms), count(hits), *map(score, shares)]
