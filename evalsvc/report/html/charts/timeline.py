"""How many rows there were a second, and what held the run back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from evalsvc.report.html.charts.asked_time import AskedTime, Launch, length_s
from evalsvc.report.html.markup import Html
from evalsvc.report.html.svg.axes import Axis, counts, linear, number
from evalsvc.report.html.svg.panel import Panel, Point
from evalsvc.report.html.svg.picture import Key, Numbers, Picture, guide_key, stacked
from evalsvc.report.verdict import exit_part
from evalsvc.report.words import NOTHING, count, duration, rate, some

_UPPER, _LOWER = 130.0, 50.0
_FEWEST_POINTS: Final = 4
_LAUNCHES_TOLD: Final = 6
_SERIES, _IN_FLIGHT, _LIMIT, _REFUSED, _DOWN = "var(--series-1)", "var(--series-3)", "var(--series-2)", "var(--warn)", "var(--bad)"
_DASHES: Final = "7 3"  # of limits
_ANOTHER: Final = "another launch"


def timeline_pictures(launches: Sequence[Launch]) -> tuple[list[Html], list[str]]:
    """`timeline` of summary.json as pictures, and what is to be said of its launches. A run of a few seconds has no course."""
    told = list(_ends(launches))
    if len(_column(launches, "seconds")) < _FEWEST_POINTS or not any(map(length_s, launches)):
        return [], told
    asked = AskedTime.of(launches)
    return [_throughput(launches, asked), _limits(launches, asked)], told


def _column(launches: Sequence[Launch], name: str) -> list[Any]:
    """Of all points of all launches, without what is not known."""
    return [value for launch in launches for value in launch[name] if value is not None]


def _throughput(launches: Sequence[Launch], asked: AskedTime) -> Html:
    paces, refused = _column(launches, "pace_per_s"), _column(launches, "rate_limited_share")
    highest = max([*_column(launches, "rows_per_s"), *paces], default=0.0)
    parts = [
        (counts(highest, "rows a second"), _UPPER),
        *([(_shares(max(refused), "requests refused (429)"), _LOWER)] if any(refused) else []),
    ]
    (panel, *below), height = stacked(asked.axis, *parts)
    content = panel.frame(x_labels=not below) + _background(panel, launches, asked)
    for launch in launches:
        steps = _steps(asked, launch, "rows_per_s")
        content += panel.area(steps, fill=_SERIES) + panel.line(steps, stroke=_SERIES)
        content += panel.line(_steps(asked, launch, "pace_per_s"), stroke=_LIMIT, dashes=_DASHES)
    content += "".join(lower.frame() + _refused(lower, launches, asked) for lower in below)
    keys = [
        Key(shape="line", colour=_SERIES, words="rows a second"),
        *([Key(shape="line", colour=_LIMIT, dashes=_DASHES, words="pace: requests a second at most")] if paces else []),
        *([Key(shape="box", colour=_REFUSED, words="share of requests refused for going too fast")] if below else []),
        *_background_keys(launches),
    ]
    numbers = _numbers(launches)
    return Picture(title="Throughput", finding=_rates_words(launches), content=content, height=height, keys=keys, numbers=numbers).html()


def _shares(highest: float, title: str) -> Axis:
    axis = linear(0, highest, title, most=2)
    return replace(axis, ticks=[(value, f"{number(round(100 * value, 6))} %") for value, _ in axis.ticks])


def _refused(panel: Panel, launches: Sequence[Launch], asked: AskedTime) -> str:
    return "".join(
        panel.bar(span, share, fill=_REFUSED, words=f"{100 * share:.1f} % refused")
        for launch in launches
        for span, share in zip(asked.spans(launch), launch["rate_limited_share"], strict=True)
        if share
    )


def _limits(launches: Sequence[Launch], asked: AskedTime) -> Html:
    """ "" where nobody wrote down how many were in flight, or what the limit was."""
    limits, in_flight = _column(launches, "concurrency"), _column(launches, "in_flight")
    if not limits and not in_flight:
        return Html("")
    [panel], height = stacked(asked.axis, (counts(max([*limits, *in_flight]), "requests in flight"), _UPPER + _LOWER))
    content = panel.frame() + _background(panel, launches, asked)
    for launch in launches:
        content += panel.line(_steps(asked, launch, "concurrency"), stroke=_LIMIT, dashes=_DASHES)
        content += panel.line(_steps(asked, launch, "in_flight"), stroke=_IN_FLIGHT)
    cuts = [(launch, mark) for launch in launches for mark in launch["marks"] if mark["kind"] == "limit"]
    for launch, mark in cuts:
        content += panel.mark((asked.at(launch, mark["seconds"]), panel.y.high), "down", fill=_LIMIT, words=_cut_words(mark))
    keys = [
        *([Key(shape="line", colour=_LIMIT, dashes=_DASHES, words="limit")] if limits else []),
        *([Key(shape="line", colour=_IN_FLIGHT, words="in flight")] if in_flight else []),
        *([Key(shape="down", colour=_LIMIT, words="limit or pace lowered")] if cuts else []),
        *_background_keys(launches),
    ]
    numbers = Numbers(
        caption="What lowered the limits; times count from the first launch",
        headings=("after", "in flight at most", "requests a second", "times", "why"),
        rows=[[duration(mark["seconds"]), *_cut_cells(mark)] for _, mark in cuts],
        words=(4,),
    )
    finding = f"{_range(limits)}; limit or pace lowered {some(sum(mark['times'] for _, mark in cuts), 'time')}"
    return Picture(title="Requests in flight", finding=finding, content=content, height=height, keys=keys, numbers=numbers).html()


def _range(limits: Sequence[int]) -> str:
    if not limits:
        return "limit unknown"
    return (
        f"limit {count(limits[0])} throughout" if min(limits) == max(limits) else f"limit from {count(min(limits))} to {count(max(limits))}"
    )


def _steps(asked: AskedTime, launch: Launch, name: str) -> list[Point]:
    """A level for each span; what is not known is passed over."""
    return [(end, value) for span, value in zip(asked.spans(launch), launch[name], strict=True) if value is not None for end in span]


def _background(panel: Panel, launches: Sequence[Launch], asked: AskedTime) -> str:
    """Outages as bands from the bottom to the top, and lines where another launch begins."""
    bands = "".join(
        panel.bar(_outage(launch, mark, asked), panel.y.high, since=panel.y.low, fill=_DOWN, opacity=0.25, words=_outage_words(mark))
        for launch in launches
        for mark in launch["marks"]
        if mark["kind"] == "outage"
    )
    return bands + "".join(panel.guide((at, panel.y.low), (at, panel.y.high), words=_ANOTHER) for at in asked.breaks())


def _outage(launch: Launch, mark: Mapping[str, Any], asked: AskedTime) -> tuple[float, float]:
    """One that did not end lasted until the launch did."""
    over_s = launch["seconds"][-1] if mark["lasted_s"] is None and launch["seconds"] else mark["seconds"] + (mark["lasted_s"] or 0.0)
    return asked.at(launch, mark["seconds"]), asked.at(launch, over_s)


def _outage_words(mark: Mapping[str, Any]) -> str:
    lasted = "not over when the launch ended" if mark["lasted_s"] is None else duration(mark["lasted_s"])
    return f"the endpoint was down: {lasted}; {mark['reason'] or ''}"


def _background_keys(launches: Sequence[Launch]) -> list[Key]:
    down = any(mark["kind"] == "outage" for launch in launches for mark in launch["marks"])
    return [
        *([Key(shape="box", colour=_DOWN, words="the endpoint was down")] if down else []),
        *([guide_key(_ANOTHER)] if len(launches) > 1 else []),
    ]


def _rates_words(launches: Sequence[Launch]) -> str:
    asked_s = sum(length_s(launch) for launch in launches)
    rows = sum(launch["done"][-1] - launch["done_before"] for launch in launches if launch["done"])
    highest = max((value or 0.0 for launch in launches for value in launch["rows_per_s"]), default=0.0)
    over = f" in {len(launches)} launches" if len(launches) > 1 else ""
    mean = rate(rows / asked_s if asked_s else 0)
    return f"{some(rows, 'row')} in {duration(asked_s)} of asking{over}: {mean} on average, {rate(highest)} at most"


def _cut_words(mark: Mapping[str, Any]) -> str:
    in_flight, pace, times, why = _cut_cells(mark)
    return f"at most {in_flight} in flight, {pace} a second; {why}" + (f" ({times} times about then)" if mark["times"] > 1 else "")


def _cut_cells(mark: Mapping[str, Any]) -> list[str]:
    pace = NOTHING if mark["pace_per_s"] is None else f"{mark['pace_per_s']:.3g}"
    return [count(mark["concurrency"]), pace, count(mark["times"]), mark["reason"] or ""]


def _numbers(launches: Sequence[Launch]) -> Numbers:
    columns = ("seconds", "done", "rows_per_s", "rate_limited_share")
    return Numbers(
        caption="The course of the run; times count from the first launch",
        headings=("launch", "after", "rows done", "rows a second", "refused"),
        rows=[
            [
                str(launch["launch"]),
                duration(seconds),
                count(done),
                NOTHING if pace is None else f"{pace:,.1f}",
                NOTHING if share is None else f"{100 * share:.1f} %",
            ]
            for launch in launches
            for seconds, done, pace, share in zip(*(launch[column] for column in columns), strict=True)
        ],
    )


def _ends(launches: Sequence[Launch]) -> Iterator[str]:
    """A sentence for each of the last few launches that another one had to carry on from."""
    for launch, after in list(pairwise(launches))[-_LAUNCHES_TOLD:]:
        code = launch["exit_code"]
        how = "was killed" if code is None else f"ended with {exit_part(code).text}"
        later_s = after["begins_s"] - (launch["seconds"][-1] if launch["seconds"] else launch["begins_s"])
        yield f"Launch {launch['launch']} {how}; the next one began to ask {duration(max(later_s, 0.0))} later."
