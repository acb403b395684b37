"""The headline number by the values of each column of `slices`, the worst first, and which of them differ from the rest."""

from collections.abc import Iterator, Mapping

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from evalsvc.metrics.names import LOWER_IS_BETTER
from evalsvc.records import MetricValue, SliceValue
from evalsvc.report.plain import one_line, shorten
from evalsvc.report.words import NOTHING, count, interval, score

VALUES_SHOWN = 20
# The first of these that has slices is shown; else the first metric of all. A share hides what a mean over classes shows.
PREFERRED = ("f1_macro",)
SURE = 0.05
_VALUE_COLUMNS = 24


def slices(metrics: Mapping[str, MetricValue], *, width: int) -> Iterator[RenderableType]:
    """A table for each column; nothing where there are no slices."""
    name = next((name for name in (*PREFERRED, *metrics) if name in metrics and metrics[name].get("slices")), None)
    if name is None:
        return
    for column, parts in metrics[name].get("slices", {}).items():
        yield Text("")
        yield _table(name, column, parts, width)
        if len(parts) > VALUES_SHOWN:
            yield Text(f"  worst {name} first; {len(parts) - VALUES_SHOWN} more values in summary.json", style="dim")


def _table(name: str, column: str, parts: Mapping[str, SliceValue], width: int) -> Table:
    table = Table(box=None, padding=(0, 0, 0, 2), pad_edge=True, header_style="dim")
    table.add_column(one_line(column), no_wrap=True)
    for heading in (name, "95 % interval", "rows", "p against the rest"):
        table.add_column(heading, justify="right", no_wrap=True)
    sign = -1 if name in LOWER_IS_BETTER else 1
    ordered = sorted(parts.items(), key=lambda part: (part[1]["value"] is None, sign * (part[1]["value"] or 0.0), part[0]))
    for value, part in ordered[:VALUES_SHOWN]:
        p = part.get("p_holm")
        differs = p is not None and p < SURE
        table.add_row(
            Text(shorten(value, max(12, min(_VALUE_COLUMNS, width - 64)))),
            Text(score(part["value"]), style="yellow" if differs else ""),
            interval(part["ci_low"], part["ci_high"]),
            count(part["n"]),
            Text(_p_words(p), style="yellow" if differs else ""),
        )
    return table


def _p_words(p: float | None) -> str:
    """
    >>> _p_words(0.0300), _p_words(0.00004), _p_words(1.0), _p_words(None)
    ('0.03', '< 0.001', '1', '–')
    """
    if p is None:
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.2g}"
