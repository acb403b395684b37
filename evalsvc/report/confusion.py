"""Which label was taken for which: the whole matrix while it can be read, else the largest mistakes."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from evalsvc.report.matrix import Matrix, Mistake, largest_mistakes, read_matrix
from evalsvc.report.plain import shorten
from evalsvc.report.words import count, percent

LABELS_AT_MOST = 12
LABEL_COLUMNS = 20


def confusion(raw: dict[str, Any], *, width: int) -> RenderableType:
    """The matrix with its labels as headings; with numbered headings where these are too wide; else the largest mistakes."""
    matrix = read_matrix(raw)
    if len(matrix.labels) > LABELS_AT_MOST:
        return _mistakes_table(largest_mistakes(matrix), width)
    for numbered in (False, True):
        headings = _headings(matrix, numbered=numbered)
        stubs = _stubs(matrix, numbered=numbered)
        if _needed(matrix, stubs, headings) <= width:
            return _matrix_table(matrix, stubs, headings)
    return _mistakes_table(largest_mistakes(matrix), width)


def _headings(matrix: Matrix, *, numbered: bool) -> list[str]:
    labels = len(matrix.labels)
    return [str(index + 1) if numbered and index < labels else shorten(name, LABEL_COLUMNS) for index, name in enumerate(matrix.columns)]


def _stubs(matrix: Matrix, *, numbered: bool) -> list[str]:
    labels = [shorten(label, LABEL_COLUMNS) for label in matrix.labels]
    return [f"{index:>2} {label}" for index, label in enumerate(labels, start=1)] if numbered else labels


def _needed(matrix: Matrix, stubs: Sequence[str], headings: Sequence[str]) -> int:
    """Columns that the table takes, its indent of two and a gap of two before every cell included."""
    cells = [max(cell_len(heading), *(len(count(row[index])) for row in matrix.counts)) for index, heading in enumerate(headings)]
    return 2 + max(len(CORNER), *(cell_len(stub) for stub in stubs)) + sum(cell + 2 for cell in cells)


CORNER = "true \\ answered"


def _matrix_table(matrix: Matrix, stubs: Sequence[str], headings: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, 0, 0, 2), pad_edge=True, header_style="dim")
    table.add_column(CORNER, no_wrap=True)
    for heading in headings:
        # a heading is a label of the user's: text, never markup
        table.add_column(Text(heading), justify="right", no_wrap=True)
    for line, stub in enumerate(stubs):
        table.add_row(Text(stub), *_cells(matrix.counts[line], line))
    return table


def _cells(counts: Sequence[int], diagonal: int) -> Iterator[Text]:
    for index, rows in enumerate(counts):
        style = "green" if index == diagonal and rows else "dim" if not rows else ""
        yield Text(count(rows), style=style)


def _mistakes_table(mistakes: Sequence[Mistake], width: int) -> RenderableType:
    if not mistakes:
        return Text("  no mistakes", style="green")
    room = max(8, min(32, (width - 30) // 2))
    table = Table(box=None, padding=(0, 0, 0, 2), pad_edge=True, header_style="dim")
    table.add_column("largest mistakes: true", no_wrap=True)
    table.add_column("answered", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("of true", justify="right", no_wrap=True)
    for mistake in mistakes:
        share = percent(mistake.rows, mistake.support)
        table.add_row(Text(shorten(mistake.true, room)), Text(shorten(mistake.answered, room)), count(mistake.rows), share)
    return table
