"""Many nights on one screen: for each watched number a sparkline, and a line a run with its interval drawn on a common scale."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Final, TextIO

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from evalsvc.compare.history import History, Night, Point, Series
from evalsvc.metrics.names import LOWER_IS_BETTER
from evalsvc.report.comparing.told import sense, signed
from evalsvc.report.console import STYLES, open_console, rich_part, show
from evalsvc.report.facts import Part, Tone
from evalsvc.report.nights import began, footnotes, gates, overall, span
from evalsvc.report.plain import one_line, shorten
from evalsvc.report.streams import forgive_encoding
from evalsvc.report.strokes import ASCII, BLOCKS, Marks, interval_bar, sparkline
from evalsvc.report.terminal import ascii_only
from evalsvc.report.words import interval, score

GAP = 2
RUN_COLUMNS = 24
CHART_AT_LEAST, CHART_AT_MOST = 16, 48
# "way" says of a change only which way it went.
_COLUMNS: Final = ("run", "began", "value", "interval", "chart", "change", "way", "gates", "new")
_HEADINGS: Final = {"interval": "95 % interval", "way": "change"}
# What is left out, the fullest table first.
_GIVE_WAY: Final[Sequence[Sequence[str]]] = (
    ["way"],
    ["way", "gates"],
    ["change", "gates"],
    ["change", "gates", "interval"],
    ["change", "gates", "interval", "began"],
)


def print_history(history: History, *, stdout: TextIO | None, environ: Mapping[str, str]) -> None:
    """On `stdout`, as wide as that is; nothing when it was closed from the start."""
    if stdout is None:
        return
    forgive_encoding(stdout)
    console = open_console(stdout, environ)
    show(console, history_table(history, width=console.width, marks=ASCII if ascii_only(console) else BLOCKS), stdout)


def history_table(history: History, *, width: int, marks: Marks = BLOCKS) -> RenderableType:
    """Everything of a history in at most `width` columns."""
    parts: list[RenderableType] = [_headline(history)]
    for series in history.series:
        parts += [Text(""), _title(series, width, marks), _table(history, series, width, marks), *_overall(series)]
    if not history.series:
        parts += [Text(""), Text("  no run has a number yet", style="dim")]
    return Group(*parts, Text(""), *(Padding(Text(line, style="dim"), (0, 0, 0, GAP)) for line in footnotes(history)))


def _headline(history: History) -> Text:
    return Text.assemble((one_line(history.name), "bold"), f" · {span(history)}")


def _title(series: Series, width: int, marks: Marks) -> Text:
    """The name, the sparkline and where it stands now."""
    compared = [point for point in series.points if point.value is not None]
    last = compared[-1] if compared else None
    name = shorten(series.name, max(12, width // 2))
    words = "  lower is better" if series.metric in LOWER_IS_BETTER else ""
    stands = "" if last is None else f"  {score(last.value)} {interval(last.ci_low, last.ci_high)}".rstrip()
    room = max(8, width - len(name) - len(stands) - len(words) - 2 * GAP)
    line = sparkline([point.value for point in series.points][-room:], marks)
    return Text.assemble("  ", (name, "bold"), "  ", line, (stands, "bold"), (words, "dim"), no_wrap=True, overflow="crop")


def _table(history: History, series: Series, width: int, marks: Marks) -> RenderableType:
    cells = _cells(history, series, marks)
    hidden, chart = _layout(cells, width)
    if chart:
        cells["chart"] = [_drawn(point, _scale(series), chart, marks) for point in series.points]
    shown = {name: cells[name] for name in _COLUMNS if name in cells and name not in hidden}
    table = Table(box=None, padding=(0, 0, 0, GAP), header_style="dim")
    for name in shown:
        heading = _axis(*_scale(series), chart) if name == "chart" else _HEADINGS.get(name, name)
        table.add_column(Text(heading), justify="right" if name == "value" else "left", no_wrap=True, overflow="ellipsis")
    for night, row in zip(history.runs, zip(*shown.values(), strict=True), strict=True):
        table.add_row(*row, style="" if night.status == "complete" else "dim")
    return table


def _cells(history: History, series: Series, marks: Marks) -> dict[str, list[Text]]:
    """By column, what stands in each line; without those in which nothing stands."""
    pairs = list(zip(history.runs, series.points, strict=True))
    columns = {
        "run": [Text(shorten(night.id, RUN_COLUMNS)) for night in history.runs],
        "began": [Text(day) for day in began(history.runs)],
        "value": [Text(score(point.value)) for point in series.points],
        "interval": [Text(interval(point.ci_low, point.ci_high)) for point in series.points],
        "change": [_change(series.metric, night, point, marks, by=True) for night, point in pairs],
        "way": [_change(series.metric, night, point, marks, by=False) for night, point in pairs],
        "gates": [rich_part(gates(night)) for night in history.runs],
        "new": [Text(one_line(", ".join(night.changed)), style=STYLES[Tone.WARN]) for night in history.runs],
    }
    return {name: column for name, column in columns.items() if any(cell.plain for cell in column)}


def _layout(cells: Mapping[str, Sequence[Text]], width: int) -> tuple[Sequence[str], int]:
    """Which columns are left out, as few as leave room for a chart, and how wide that is; 0 where there is no room at all."""
    wide = {name: max(cell.cell_len for cell in (Text(_HEADINGS.get(name, name)), *column)) + GAP for name, column in cells.items()}
    hidden, room = _GIVE_WAY[0], 0
    for hidden in _GIVE_WAY:
        room = width - 2 * GAP - sum(columns for name, columns in wide.items() if name not in hidden)
        if room >= CHART_AT_LEAST:
            break
    return hidden, min(CHART_AT_MOST, room) if room >= CHART_AT_LEAST else 0


def _change(metric: str, night: Night, point: Point, marks: Marks, *, by: bool) -> Text:
    if night.status != "complete":
        return Text(night.status)
    change = point.change
    if change is None:
        return Text("")
    if not change.is_told:
        return Text(f"  {signed(change.difference)}" if by else "", style="dim")
    way = sense(metric, change.difference)
    mark = marks.rise if change.difference > 0 else marks.fall
    return rich_part(Part(f"{mark} {signed(change.difference)} {way.text}" if by else f"{mark} {way.text}", way.tone))


def _scale(series: Series) -> tuple[float, float]:
    """From the lowest end of an interval to the highest."""
    ends = [end for point in series.points for end in _ends(point)]
    return min(ends, default=0.0), max(ends, default=0.0)


def _ends(point: Point) -> tuple[float, ...]:
    return tuple(end for end in (point.ci_low, point.value, point.ci_high) if end is not None and isfinite(end))


def _drawn(point: Point, scale: tuple[float, float], cells: int, marks: Marks) -> Text:
    if point.value is None:
        return Text("")
    ends = _ends(point)
    return Text(interval_bar(ends[0], point.value, ends[-1], scale=scale, cells=cells, marks=marks))


def _axis(low: float, high: float, cells: int) -> str:
    """Both ends of the scale, where the chart begins and ends."""
    left, right = score(low), score(high)
    return left + right.rjust(cells - len(left))


def _overall(series: Series) -> Iterator[RenderableType]:
    if (part := overall(series)) is not None:
        yield Padding(rich_part(part), (0, 0, 0, GAP))
