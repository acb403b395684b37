"""Which metrics of a run are worth a line of their own."""

from collections.abc import Mapping
from typing import TypeVar

REPETITIVE = frozenset(f"{metric}_{average}" for metric in ("precision", "recall", "f1") for average in ("micro", "weighted"))

Value = TypeVar("Value")


def worth_a_line(metrics: Mapping[str, Value]) -> Mapping[str, Value]:
    """All but what only repeats others: where one label is right for each row, the micro averages are near accuracy, and
    the weighted ones near it too. Where not all of them are there, somebody has chosen those that are.
    """
    if not all(name in metrics for name in (*REPETITIVE, "accuracy", "f1_macro")):
        return metrics
    return {name: metric for name, metric in metrics.items() if name not in REPETITIVE}
