"""Which rows are asked: `where`, then `subsample`, then `limit`.

A selection is a byte for each row of the files, 1 where the row is chosen. `where` decides on the way through the first
pass; a subsample must have seen all rows, so it takes a pass of its own before that (draw.py). Later passes go by the
bytes alone and leave the other rows unparsed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from evalsvc.dataset.condition import Condition
from evalsvc.dataset.draw import draw_subsample
from evalsvc.dataset.layout import Layout
from evalsvc.dataset.place import Place
from evalsvc.dataset.reader import Reader
from evalsvc.dataset.stamp import Stamp
from evalsvc.errors import UsageError

# Takes the reader of one file, all files in their order, and gives a reader of the chosen rows.
Pick = Callable[[Place, Reader[Any]], Reader[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """How the first pass chooses. `flags` are complete when it is over; None: all rows are taken."""

    flags: bytearray | None
    pick: Pick
    stamps: Sequence[Stamp | None]  # of the files, where a draw has read them already
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Some rows of a reader; fulfils its role."""

    columns: Sequence[str] | None
    raws: Iterator[tuple[int, Any]]
    parse: Callable[[int, Any], dict[str, Any]]


def select(layout: Layout) -> Selection:
    """The selection that `layout` asks for, its subsample drawn."""
    unread = [None] * len(layout.files)
    if layout.subsample is not None:
        draw = draw_subsample(layout, layout.subsample)
        return Selection(flags=draw.flags, pick=picker(draw.flags), stamps=draw.stamps, notes=draw.notes)
    if layout.where is not None:
        flags = bytearray()
        return Selection(flags=flags, pick=_sieve(layout.where, flags), stamps=unread)
    return Selection(flags=None, pick=picker(None), stamps=unread)


def picker(flags: bytes | bytearray | None) -> Pick:
    """Picks by what an earlier pass found, for one pass over all files."""
    if flags is None:
        return lambda _path, reader: reader
    left = iter(flags)
    return lambda _path, reader: Chosen(columns=reader.columns, raws=compress(reader.raws, left), parse=reader.parse)


def told(flags: bytes | bytearray | None, rows: int) -> tuple[str, ...]:
    """What is said at the start of a run of which only some rows are asked."""
    if flags is None or len(flags) == rows:
        return ()
    return (f"{rows:,} of {len(flags):,} rows are chosen (dataset.where, dataset.subsample)",)


def refuse_none_chosen(layout: Layout, flags: bytes | bytearray | None) -> None:
    """UsageError when there are rows, and `where` holds for none of them."""
    if flags and layout.where is not None:
        raise UsageError(
            f"`dataset.where` ({layout.where.source}) holds for none of the {len(flags):,} rows",
            hint="Compare it with the rows as they are written: text is compared to the letter. See docs/data.md#choosing-rows.",
        )


def _sieve(where: Condition, flags: bytearray) -> Pick:
    """Picks by the condition, and writes down in `flags` what it found."""

    def holding(path: Place, reader: Reader[Any]) -> Iterator[tuple[int, dict[str, Any]]]:
        for line, raw in reader.raws:
            row = reader.parse(line, raw)
            holds = where.holds(f"{path}:{line}", row)
            flags.append(holds)
            if holds:
                yield line, row

    return lambda path, reader: Chosen(columns=reader.columns, raws=holding(path, reader), parse=_parsed_already)


def _parsed_already(_line: int, row: dict[str, Any]) -> dict[str, Any]:
    return row
