"""One number of several runs, each with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evalsvc.report.html.markup import Html
from evalsvc.report.html.svg.axes import Axis, linear
from evalsvc.report.html.svg.panel import Panel
from evalsvc.report.html.svg.picture import Key, Numbers, Picture, stacked
from evalsvc.report.plain import one_line, shorten
from evalsvc.report.words import interval, score, some

_HEIGHT: Final = 190.0
_LABEL_AT_MOST: Final = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalPoint:
    """One run."""

    label: str
    value: float
    low: float | None
    high: float | None
    marked: bool  # something is said of it elsewhere: it changed beyond noise, or is another measurement


def interval_chart(series: Sequence[IntervalPoint], *, title: str, marks: str = "marked") -> Html:
    """The runs from left to right as given, with their intervals; "" without any. `marks` says why some of them are marked."""
    if not series:
        return Html("")
    ends = [end for point in series for end in (point.value, point.low, point.high) if end is not None]
    [panel], height = stacked(_runs(series), (linear(min(ends), max(ends), one_line(title), most=5), _HEIGHT))
    places = list(enumerate(series, 1))
    line = panel.line([(at, point.value) for at, point in places], stroke="var(--line)", width=1.5)
    bars = "".join(
        panel.whisker(at, point.low, point.high, stroke=_colour(point))
        for at, point in places
        if point.low is not None and point.high is not None
    )
    dots = "".join(_mark(panel, at, point, marks) for at, point in places)
    keys = [
        Key(shape="dot", colour="var(--series-1)", words="value with its 95 % interval"),
        *([Key(shape="diamond", colour="var(--series-2)", words=marks)] if any(point.marked for point in series) else []),
    ]
    numbers = Numbers(
        caption=f"{one_line(title)} by run",
        headings=("run", "value", "95 % interval", ""),
        rows=[[point.label, score(point.value), interval(point.low, point.high), marks if point.marked else ""] for point in series],
    )
    return Picture(
        title=f"{one_line(title)} by run",
        finding=_words(series, marks),
        content=panel.frame() + line + bars + dots,
        height=height,
        keys=keys,
        numbers=numbers,
    ).html()


def _runs(series: Sequence[IntervalPoint]) -> Axis:
    labels = [(float(at), shorten(point.label, _LABEL_AT_MOST)) for at, point in enumerate(series, 1)]
    return Axis(low=0.5, high=len(labels) + 0.5, ticks=labels, title="")


def _mark(panel: Panel, at: int, point: IntervalPoint, marks: str) -> str:
    words = f"{one_line(point.label)}: {score(point.value)} {interval(point.low, point.high)}{', ' + marks if point.marked else ''}"
    return panel.mark((at, point.value), "diamond" if point.marked else "dot", fill=_colour(point), size=4.5, words=words)


def _colour(point: IntervalPoint) -> str:
    return "var(--series-2)" if point.marked else "var(--series-1)"


def _words(series: Sequence[IntervalPoint], marks: str) -> str:
    last, values = series[-1], [point.value for point in series]
    marked = [one_line(point.label) for point in series if point.marked]
    range_ = f"{some(len(series), 'run')} from {score(min(values))} to {score(max(values))}"
    return f"{range_}, the last {score(last.value)} {interval(last.low, last.high)}" + (f"; {marks}: {', '.join(marked)}" if marked else "")
