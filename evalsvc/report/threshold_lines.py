"""Which thresholds are worth a line, and what is said of them, before anybody has decided how."""

from collections.abc import Iterator, Mapping
from typing import Any

from evalsvc.report.plain import shorten
from evalsvc.report.words import some

LABEL_COLUMNS = 24


def threshold_lines(raw: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str, str]]:
    """Points worth a line, with a remark and a style."""
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


def threshold_words(point: Mapping[str, Any]) -> str:
    """Four digits while they tell it from 0 and 1, else the log-odds.

    >>> threshold_words({"threshold": 0.25, "log_odds": -1.1}), threshold_words({"threshold": 0.9999999, "log_odds": 16.118})
    ('0.2500', 'log-odds 16.1')
    """
    threshold = point["threshold"]
    return f"{threshold:.4f}" if 0.0005 < threshold < 0.9995 else f"log-odds {point['log_odds']:.1f}"


def threshold_notes(raw: Mapping[str, Any]) -> Iterator[str]:
    """What the table rests on."""
    rows = raw["rows"]
    without = rows["without_probabilities_positive"], rows["without_probabilities_negative"]
    if any(without):
        missed = f", {some(without[0], 'positive')} among them missed" if without[0] else ""
        yield f"{some(sum(without), 'row')} without probabilities never called {shorten(str(raw['positive']), LABEL_COLUMNS)}{missed}"
    yield str(raw["note"]) if raw["best_f1"] is not None else "no row is of the positive label: no threshold can be chosen"
