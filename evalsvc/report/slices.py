"""The headline number by the values of each column of `slices`, the worst first, and which of them differ from the rest."""

from collections.abc import Iterator, Mapping

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from evalsvc.records import MetricValue, SliceValue
from evalsvc.report.columns import columns
from evalsvc.report.plain import one_line, shorten
from evalsvc.report.sliced import TEST, VALUES_SHOWN, is_sure, p_words, slice_notes, sliced, tested, worst_first
from evalsvc.report.words import count, interval, score

_VALUE_COLUMNS = 24


def slices(metrics: Mapping[str, MetricValue], *, width: int) -> Iterator[RenderableType]:
    """A table for each column; nothing where there are no slices."""
    for name, column, parts in sliced(metrics):
        yield Text("")
        yield _table(name, column, parts, width)
        for note in slice_notes(name, parts):
            yield Padding(Text(note, style="dim"), (0, 0, 0, 2))


def _table(name: str, column: str, parts: Mapping[str, SliceValue], width: int) -> RenderableType:
    headings = (one_line(column), name, "95 % interval", "rows", *([TEST] if tested(parts) else []))
    label_width = max(12, min(_VALUE_COLUMNS, width - 64))
    rows = [_cells(value, parts[value], label_width)[: len(headings)] for value in worst_first(name, parts)[:VALUES_SHOWN]]
    return columns(headings, rows, width=width)


def _cells(value: str, part: SliceValue, width: int) -> list[Text]:
    style = "yellow" if is_sure(part) else ""
    return [
        Text(shorten(value, width)),
        Text(score(part["value"]), style=style),
        Text(interval(part["ci_low"], part["ci_high"])),
        Text(count(part["n"])),
        Text(p_words(part.get("p_holm")), style=style),
    ]
