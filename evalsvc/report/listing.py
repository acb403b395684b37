"""Runs beside each other, one line each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from evalsvc.report.console import open_console, rich_part, show
from evalsvc.report.facts import Part, Tone
from evalsvc.report.plain import one_line, shorten
from evalsvc.report.streams import forgive_encoding
from evalsvc.report.words import NOTHING, count, percent, score

FIXED = ("run", "status", "rows", "metric", "gates")
GAP = 2
NAME_COLUMNS = 28
NAME_AT_LEAST = 12
MODEL_COLUMNS = 30
MODEL_AT_LEAST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """What `evalsvc list` says of one run."""

    name: str
    run_id: str
    status: str  # complete | partial | running | damaged …, as the caller knows it
    done: int
    expected: int | None  # None: not known
    metric: str | None  # the headline metric's name
    value: float | None
    gates_passed: bool | None  # None: no gates, or not judged yet
    model: str
    when: str  # in words, as short as the caller likes


def print_list(rows: Sequence[RunRow], *, stdout: TextIO | None, environ: Mapping[str, str]) -> None:
    """The table on `stdout`, every line whole when that is no terminal; nothing when it was closed from the start."""
    if stdout is None:
        return
    forgive_encoding(stdout)
    width = None if stdout.isatty() else 240
    console = open_console(stdout, environ, width=width)
    show(console, list_table(rows, width=console.width), stdout)


def list_table(rows: Sequence[RunRow], *, width: int = 80) -> RenderableType:
    """One line per run. Where `width` is short, the model gives way first, then digits of the row counts, then the time."""
    if not rows:
        return Text("no runs here yet")
    layout = _layout(rows, width)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for heading in ("name", *FIXED, *(["model"] if layout.model else []), *(["when"] if layout.when else [])):
        table.add_column(heading, no_wrap=True, justify="right" if heading == "rows" else "left")
    for row in rows:
        model = [Text(shorten(row.model, layout.model))] if layout.model else []
        when = [Text(one_line(row.when))] if layout.when else []
        table.add_row(Text(shorten(row.name, layout.name)), *_fixed_cells(row, exact=layout.exact), *model, *when)
    return table


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Which columns there are and how wide those are that can be shortened; 0 means that the column is left out."""

    name: int
    model: int
    when: int
    exact: bool  # row counts in all digits, else a percentage for what is not complete


def _layout(rows: Sequence[RunRow], width: int) -> _Layout:
    """The fullest layout that leaves enough for the names; the last one when none does."""
    longest = min(NAME_COLUMNS, _widest(row.name for row in rows))
    when = max(len("when"), _widest(row.when for row in rows))
    for exact, time_columns in ((True, when), (False, when), (False, 0)):
        left = width - _fixed_width(rows, exact=exact) - (time_columns + GAP if time_columns else 0)
        if left >= min(longest, NAME_AT_LEAST):
            break
    name = max(len("name"), min(longest, left))
    model = min(MODEL_COLUMNS, left - name - GAP)
    return _Layout(name=name, model=model if model >= MODEL_AT_LEAST else 0, when=time_columns, exact=exact)


def _widest(texts: Iterable[str]) -> int:
    return max(cell_len(one_line(text)) for text in texts)


def _fixed_width(rows: Sequence[RunRow], *, exact: bool) -> int:
    columns = zip(*(_fixed_cells(row, exact=exact) for row in rows), strict=True)
    return sum(max(cell_len(heading), *(cell.cell_len for cell in cells)) + GAP for heading, cells in zip(FIXED, columns, strict=True))


def _fixed_cells(row: RunRow, *, exact: bool) -> list[Text]:
    """The cells that are never cut."""
    return [
        Text(one_line(row.run_id)),
        rich_part(Part(one_line(row.status), Tone.PLAIN if row.status == "complete" else Tone.WARN)),
        Text(_rows(row, exact=exact)),
        Text(f"{row.metric} {score(row.value)}" if row.metric else NOTHING),
        rich_part(_gates(row.gates_passed)),
    ]


def _rows(row: RunRow, *, exact: bool) -> str:
    if row.expected is None or row.done == row.expected:
        return count(row.done)
    return f"{count(row.done)}/{count(row.expected)}" if exact else percent(row.done, row.expected)


def _gates(passed: bool | None) -> Part:
    if passed is None:
        return Part(NOTHING, Tone.FAINT)
    return Part("passed", Tone.GOOD) if passed else Part("FAILED", Tone.BAD)
