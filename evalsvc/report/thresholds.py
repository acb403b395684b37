"""The threshold table: precision against recall of the positive label, and the thresholds worth knowing."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from evalsvc.report.plain import shorten
from evalsvc.report.words import count, score, some

LABEL_COLUMNS = 24


def threshold_table(raw: Mapping[str, Any]) -> RenderableType:
    """`thresholds` of summary.json as a table; a line for each round threshold at which something changes, then the chosen ones."""
    table = Table(box=None, padding=(0, 0, 0, 2), pad_edge=True, header_style="dim")
    table.add_column(Text(f"{shorten(str(raw['positive']), LABEL_COLUMNS)} from"), no_wrap=True)
    for heading in ("precision", "recall", "f1", "predicted"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    for point, remark, style in _lines(raw):
        table.add_row(
            Text(_threshold(point), style=style),
            *(Text(score(point[name]), style=style) for name in ("precision", "recall", "f1")),
            Text(count(point["predicted"]), style=style),
            Text(remark, style="dim"),
        )
    return Group(table, *(Padding(Text(note, style="dim"), (0, 0, 0, 2)) for note in _notes(raw)))


def _lines(raw: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str, str]]:
    before = None
    for point in raw["table"]:
        if point["predicted"] != before:
            yield point, "", ""
        before = point["predicted"]
    if raw["best_f1"] is not None:
        yield raw["best_f1"], "highest f1", "bold"
    wanted = raw["operating_point"]
    if wanted is not None and wanted["point"] is not None:
        yield wanted["point"], _wanted_words(wanted), "bold" if wanted["reached"] else "yellow"


def _wanted_words(wanted: Mapping[str, Any]) -> str:
    side = "recall" if wanted["recall"] is not None else "precision"
    words = f"{side} ≥ {wanted[side]:g}"
    return words if wanted["reached"] else f"nearest to {words}"


def _threshold(point: Mapping[str, Any]) -> str:
    """Four digits while they tell it from 0 and 1, else the log-odds.

    >>> _threshold({"threshold": 0.25, "log_odds": -1.1}), _threshold({"threshold": 0.9999999, "log_odds": 16.118})
    ('0.2500', 'log-odds 16.1')
    """
    threshold = point["threshold"]
    return f"{threshold:.4f}" if 0.0005 < threshold < 0.9995 else f"log-odds {point['log_odds']:.1f}"


def _notes(raw: Mapping[str, Any]) -> Iterator[str]:
    rows = raw["rows"]
    without = rows["without_probabilities_positive"], rows["without_probabilities_negative"]
    if any(without):
        missed = f", {some(without[0], 'positive')} among them missed" if without[0] else ""
        yield f"{some(sum(without), 'row')} without probabilities never called {shorten(str(raw['positive']), LABEL_COLUMNS)}{missed}"
    yield str(raw["note"]) if raw["best_f1"] is not None else "no row is of the positive label: no threshold can be chosen"
