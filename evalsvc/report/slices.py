"""The headline number by the values of each column of `slices`, the worst first, and which of them differ from the rest."""

from collections.abc import Iterator, Mapping

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from evalsvc.metrics.names import LOWER_IS_BETTER
from evalsvc.records import MetricValue, SliceValue
from evalsvc.report.columns import columns
from evalsvc.report.plain import one_line, shorten
from evalsvc.report.words import NOTHING, count, interval, score, some

VALUES_SHOWN = 20
# The first of these that has slices is shown; else the first metric of all. A share hides what a mean over classes shows, and of those
# means this one alone does not sink in a slice that lacks some of the labels.
PREFERRED = ("balanced_accuracy",)
TEST = "p against the rest"
SURE = 0.05
_VALUE_COLUMNS = 24


def slices(metrics: Mapping[str, MetricValue], *, width: int) -> Iterator[RenderableType]:
    """A table for each column; nothing where there are no slices."""
    for name, column, parts in sliced(metrics):
        yield Text("")
        yield _table(name, column, parts, width)
        for note in slice_notes(name, parts):
            yield Padding(Text(note, style="dim"), (0, 0, 0, 2))


def sliced(metrics: Mapping[str, MetricValue]) -> Iterator[tuple[str, str, Mapping[str, SliceValue]]]:
    """The metric whose slices are shown, and each column of it."""
    name = next((name for name in (*PREFERRED, *metrics) if name in metrics and metrics[name].get("slices")), None)
    if name is not None:
        yield from ((name, column, parts) for column, parts in metrics[name].get("slices", {}).items())


def _table(name: str, column: str, parts: Mapping[str, SliceValue], width: int) -> RenderableType:
    headings = (one_line(column), name, "95 % interval", "rows", *([TEST] if _tested(parts) else []))
    label_width = max(12, min(_VALUE_COLUMNS, width - 64))
    rows = [_cells(value, parts[value], label_width)[: len(headings)] for value in worst_first(name, parts)[:VALUES_SHOWN]]
    return columns(headings, rows, width=width)


def worst_first(name: str, parts: Mapping[str, SliceValue]) -> list[str]:
    """The values of a column, in the order in which they are to be looked at."""
    sign = -1 if name in LOWER_IS_BETTER else 1
    return sorted(parts, key=lambda value: (parts[value]["value"] is None, sign * (parts[value]["value"] or 0.0), value))


def _tested(parts: Mapping[str, SliceValue]) -> int:
    return sum(part.get("p_holm") is not None for part in parts.values())


def slice_notes(name: str, parts: Mapping[str, SliceValue]) -> Iterator[str]:
    """What is left out, and how the p-values came about."""
    if len(parts) > VALUES_SHOWN:
        yield f"worst {name} first; {len(parts) - VALUES_SHOWN} more values in summary.json"
    if tested := _tested(parts):
        untold = "; –: too few rows, or all alike" if tested < len(parts) else ""
        yield f"p: how likely by chance alone, corrected for {some(tested, 'slice')} (Holm){untold}"


def _cells(value: str, part: SliceValue, width: int) -> list[Text]:
    p = part.get("p_holm")
    style = "yellow" if p is not None and p < SURE else ""
    return [
        Text(shorten(value, width)),
        Text(score(part["value"]), style=style),
        Text(interval(part["ci_low"], part["ci_high"])),
        Text(count(part["n"])),
        Text(p_words(p), style=style),
    ]


def p_words(p: float | None) -> str:
    """
    >>> p_words(0.0300), p_words(0.00004), p_words(1.0), p_words(None)
    ('0.03', '< 0.001', '1', '–')
    """
    if p is None:
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.2g}"
