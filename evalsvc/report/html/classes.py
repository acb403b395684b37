"""Precision, recall and F1 of each label."""

from collections.abc import Mapping, Sequence

from evalsvc.records import Summary
from evalsvc.report.html.markup import Html, folded, note, table
from evalsvc.report.words import count, score, some

OPEN = 30  # labels that one table shows
WORST = 20
ALL_AT_MOST = 300

_HEADINGS = ("label", "precision", "recall", "f1", "support", "predicted")


def classes(summary: Summary) -> Html:
    """All labels in the order of the summary; of many, those with the lowest F1 first. "" without rows that have one."""
    per_class = summary["per_class"]
    labels = list(per_class)
    if not any(values["support"] or values["predicted"] for values in per_class.values()):
        return Html("")
    if len(labels) <= OPEN:
        return _table(per_class, labels, "Each label; support: rows of it, predicted: replies that named it")
    lowest = sorted(labels, key=lambda label: per_class[label]["f1"] or 0.0)
    worst = _table(per_class, lowest[:WORST], f"The {WORST} labels with the lowest F1, of {count(len(labels))}")
    if len(labels) <= ALL_AT_MOST:
        return Html(worst + folded(f"all {some(len(labels), 'label')}", _table(per_class, labels, "All labels")))
    more = folded(f"the next {ALL_AT_MOST - WORST}", _table(per_class, lowest[WORST:ALL_AT_MOST], "Further labels by F1"))
    return Html(worst + more + note("all labels are in summary.json"))


def _table(per_class: Mapping[str, Mapping[str, float | int | None]], labels: Sequence[str], caption: str) -> Html:
    return table(_HEADINGS, [_line(label, per_class[label]) for label in labels], caption=caption)


def _line(label: str, values: Mapping[str, float | int | None]) -> list[str]:
    shares = [score(values[key]) for key in ("precision", "recall", "f1")]
    return [label, *shares, *(count(int(values[key] or 0)) for key in ("support", "predicted"))]
