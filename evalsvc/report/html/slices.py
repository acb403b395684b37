"""The headline number by the values of each column of `slices`, the worst first."""

from collections.abc import Mapping

from evalsvc.records import SliceValue, Summary
from evalsvc.report.html.markup import Html, beside, note, part, table, text
from evalsvc.report.html.numbers import DRAWN, INTERVAL, scale
from evalsvc.report.plain import one_line
from evalsvc.report.sliced import TEST, VALUES_SHOWN, is_sure, p_words, slice_notes, sliced, worst_first
from evalsvc.report.words import count, interval, score


def slices(summary: Summary) -> Html:
    """A table for each column; "" without slices."""
    return beside(*(_column(name, column, parts) for name, column, parts in sliced(summary["metrics"])))


def _column(name: str, column: str, parts: Mapping[str, SliceValue]) -> Html:
    rows = [_line(name, value, parts[value]) for value in worst_first(name, parts)[:VALUES_SHOWN]]
    headings = (column, name, INTERVAL, DRAWN, "rows", TEST)
    lines = table(headings, rows, caption=f"{name} by {one_line(column)}, the worst first", words=(3,))
    unlike = "bold: unlike all other rows, beyond noise" if any(map(is_sure, parts.values())) else ""
    return part(column, lines, note(*slice_notes(name, parts), unlike))


def _line(name: str, value: str, found: SliceValue) -> list[str]:
    limits, p = interval(found["ci_low"], found["ci_high"]), p_words(found.get("p_holm"))
    number = score(found["value"])
    if is_sure(found):
        number, p = Html(f"<b>{text(number)}</b>"), Html(f"<b>{text(p)}</b>")
    return [value, number, limits, scale(name, found), count(found["n"]), p]
