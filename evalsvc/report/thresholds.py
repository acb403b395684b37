"""The threshold table: precision against recall of the positive label, and the thresholds worth knowing."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from evalsvc.report.columns import columns
from evalsvc.report.plain import shorten
from evalsvc.report.threshold_lines import LABEL_COLUMNS, threshold_lines, threshold_notes, threshold_words
from evalsvc.report.words import count, score


def threshold_table(raw: Mapping[str, Any], *, width: int) -> RenderableType:
    """`thresholds` of summary.json as a table; a line for each round threshold at which something changes, then the chosen ones."""
    headings = (f"{shorten(str(raw['positive']), LABEL_COLUMNS)} from", "precision", "recall", "f1", "predicted", "")
    table = columns(headings, [_cells(*line) for line in threshold_lines(raw)], width=width, left=0)
    table.columns[0].justify = table.columns[-1].justify = "left"
    return Group(table, *(Padding(Text(note, style="dim"), (0, 0, 0, 2)) for note in threshold_notes(raw)))


def _cells(point: Mapping[str, Any], remark: str, style: str) -> list[Text]:
    values = (threshold_words(point), *(score(point[name]) for name in ("precision", "recall", "f1")), count(point["predicted"]))
    return [*(Text(value, style=style) for value in values), Text(remark, style="dim")]
