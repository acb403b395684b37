"""Many nights as a page: a chart and a table for each watched number."""

from collections.abc import Iterator

from evalsvc import __version__
from evalsvc.compare.history import History, Night, Point, Series
from evalsvc.metrics.names import LOWER_IS_BETTER
from evalsvc.report.comparing.told import sense, signed
from evalsvc.report.html.charts import IntervalPoint, interval_chart
from evalsvc.report.html.document import document
from evalsvc.report.html.markup import Html, note, section, table, text, toned
from evalsvc.report.nights import began, footnotes, gates, overall, span
from evalsvc.report.plain import one_line
from evalsvc.report.sliced import p_words
from evalsvc.report.words import interval, score

MARKS = "changed beyond noise"
_HEADINGS = ("run", "began", "value", "95 % interval", "change", "p", "", "gates", "new")
# The table is as wide as it is, and the chart has the rest.
_STYLE = "@media (min-width:60rem){.night{display:grid;grid-template-columns:minmax(18rem,1fr) minmax(0,auto);gap:0 2.5rem}}"


def history_page(history: History) -> str:
    """One file that needs nothing else."""
    name = one_line(history.name)
    sections = "".join(_section(place, history, series) for place, series in enumerate(history.series))
    return document(
        title=f"{name}, night by night – evalsvc",
        heading=f'<h1>{text(name)}</h1><p class="about">{text(span(history))}</p>',
        body=(sections or "<p>No run has a number yet.</p>") + note(*footnotes(history)),
        foot=f"<p>{text(f'evalsvc {__version__}')}</p>",
        style=_STYLE,
    )


def _section(place: int, history: History, series: Series) -> Html:
    falling = ", lower is better" if series.metric in LOWER_IS_BETTER else ""
    chart = interval_chart(list(_points(history, series)), title=series.name, marks=MARKS)
    caption = f"{series.name} by run, p corrected for all of its changes"
    lines = table(_HEADINGS, list(_lines(history, series)), caption=caption, words=(6, 7, 8))
    whole = overall(series)
    since = "" if whole is None else f"<p>{toned(str(whole.tone), whole.text)}</p>"
    return section(f"metric-{place}", f"{series.name}{falling}", since, f'<div class="night">{chart}{lines}</div>')


def _points(history: History, series: Series) -> Iterator[IntervalPoint]:
    """Of complete runs alone."""
    for night, point in zip(history.runs, series.points, strict=True):
        if night.status == "complete" and point.value is not None:
            is_told = point.change is not None and point.change.is_told
            yield IntervalPoint(label=night.id, value=point.value, low=point.ci_low, high=point.ci_high, marked=is_told)


def _lines(history: History, series: Series) -> Iterator[list[str]]:
    days = began(history.runs)
    for night, day, point in zip(history.runs, days, series.points, strict=True):
        passed = gates(night)
        line = [night.id, day, score(point.value), interval(point.ci_low, point.ci_high), *_change(series.metric, night, point)]
        line += [toned(str(passed.tone), passed.text), ", ".join(night.changed)]
        yield line if night.status == "complete" else [toned("faint", cell) for cell in line]


def _change(metric: str, night: Night, point: Point) -> tuple[str, str, str]:
    """By how much, p, and which way it went where that is beyond noise."""
    if night.status != "complete" or point.change is None:
        return "", "", "" if night.status == "complete" else night.status
    change = point.change
    way = sense(metric, change.difference)
    arrow = "▲" if change.difference > 0 else "▼"
    return signed(change.difference), p_words(change.p_holm), toned(str(way.tone), f"{arrow} {way.text}") if change.is_told else ""
