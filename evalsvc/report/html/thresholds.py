"""What happens when a row is called positive from some probability on."""

from collections.abc import Mapping
from typing import Any

from evalsvc.records import Summary
from evalsvc.report.html.markup import Html, note, table, text, unseen
from evalsvc.report.plain import one_line
from evalsvc.report.threshold_lines import threshold_lines, threshold_notes, threshold_words
from evalsvc.report.words import count, score

_SHARES = ("precision", "recall", "f1")


def thresholds(summary: Summary) -> Html:
    """A line for each threshold worth one; "" where there is no positive label, or no probabilities."""
    raw = summary.get("thresholds")
    if not raw:
        return Html("")
    positive = one_line(str(raw["positive"]))
    lines = table(
        (f"{positive} from", *_SHARES, "predicted", unseen("remark")),
        [_line(*line) for line in threshold_lines(raw)],
        caption=f"What is called {positive} when its probability is at least this",
        words=(5,),
    )
    return Html(lines + note(*threshold_notes(raw)))


def _line(point: Mapping[str, Any], remark: str, style: str) -> list[str]:
    values = [threshold_words(point), *(score(point[name]) for name in _SHARES), count(point["predicted"])]
    return [*((Html(f"<b>{text(value)}</b>") if style else value) for value in values), remark]
