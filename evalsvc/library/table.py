"""Rows as a pandas table. Importing this imports pandas."""

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from evalsvc.library.rows import Row

_COLUMNS: dict[str, Callable[[Row], Any]] = {
    "id": lambda row: row.id,
    "repeat": lambda row: row.repeat,
    "target": lambda row: row.target,
    "prediction": lambda row: row.prediction,
    "outcome": lambda row: row.outcome.value,
    "rule": lambda row: row.rule,
    "output": lambda row: row.output,
    "finish_reason": lambda row: row.finish_reason,
    "error": lambda row: None if row.error is None else row.error.kind,
    "input_tokens": lambda row: None if row.usage is None else row.usage.input,
    "output_tokens": lambda row: None if row.usage is None else row.usage.output,
    "attempts": lambda row: row.attempts,
    "latency_s": lambda row: row.latency_s,
}


def data_frame(rows: Iterable[Row], *, messages: bool) -> pd.DataFrame:
    """One line a row, in their order; numbers that are not there are missing, never 0."""
    getters = {**_COLUMNS, "messages": lambda row: row.messages} if messages else _COLUMNS
    columns: dict[str, list[Any]] = {name: [] for name in getters}
    scores: dict[str, dict[int, float]] = {}
    count = 0
    for count, row in enumerate(rows, start=1):
        for name, getter in getters.items():
            columns[name].append(getter(row))
        for name, value in row.scores.items():
            scores.setdefault(f"ext.{name}", {})[count - 1] = value
    numbers = {name: pd.array(columns.pop(name), dtype="Int64") for name in ("input_tokens", "output_tokens")}
    graded = {name: pd.Series([found.get(line) for line in range(count)], dtype="float64") for name, found in scores.items()}
    return pd.DataFrame({**columns, **numbers, **graded}, columns=[*getters, *scores])
