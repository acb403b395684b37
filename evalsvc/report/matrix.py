"""Which label was taken for which, as summary.json has it, before anybody has decided how it is shown."""

from dataclasses import dataclass
from typing import Any

from evalsvc.report.plain import one_line

MISTAKES_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Counts by true label (rows) and by what was answered (columns); columns after the labels are replies without a label."""

    labels: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One cell beside the diagonal."""

    true: str
    answered: str
    rows: int
    support: int  # rows of the true label


def read_matrix(raw: dict[str, Any]) -> Matrix:
    """summary.json's confusion_matrix, without the columns of outcomes that never came."""
    labels = tuple(raw["rows"])
    kept = [index for index in range(len(raw["columns"])) if index < len(labels) or any(row[index] for row in raw["counts"])]
    names = [one_line(column) if index < len(labels) else f"({column})" for index, column in enumerate(raw["columns"])]
    return Matrix(
        labels=tuple(one_line(label) for label in labels),
        columns=tuple(names[index] for index in kept),
        counts=tuple(tuple(row[index] for index in kept) for row in raw["counts"]),
    )


def largest_mistakes(matrix: Matrix) -> list[Mistake]:
    """The ten largest cells beside the diagonal, the largest first, equal ones in the matrix's order."""
    mistakes = [
        Mistake(true=label, answered=matrix.columns[index], rows=rows, support=sum(matrix.counts[line]))
        for line, label in enumerate(matrix.labels)
        for index, rows in enumerate(matrix.counts[line])
        if index != line and rows
    ]
    return sorted(mistakes, key=lambda mistake: -mistake.rows)[:MISTAKES_SHOWN]
