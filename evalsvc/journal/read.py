"""The records of a journal, one after the other."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import BinaryIO

from evalsvc.errors import JournalDamaged
from evalsvc.journal.blocks import lines_before, whole_lines
from evalsvc.journal.files import storage_failed
from evalsvc.journal.line import DamagedLine, decode
from evalsvc.records import Record


def read_records(
    path: str | os.PathLike[str], *, start: int = 0, stop: int | None = None, skip_offsets: Iterable[int] = (), prompts: bool = True
) -> Iterator[tuple[int, Record]]:
    """(offset, record) of each line that lies wholly in [start, stop), in file order; `start` must be the start of a line.

    `skip_offsets` are lines left out unread, such as `Scan.superseded`; without `prompts` records come without their messages.
    A last line without its newline is not given: it may still be growing. Memory is one block. Raises JournalDamaged,
    StorageFailed, or UsageError for a newer format.
    """
    path = Path(path)
    skipped = iter(sorted(skip_offsets))
    skip = next(skipped, -1)
    for offset, line in _lines(path, start, stop):
        while -1 < skip < offset:
            skip = next(skipped, -1)
        if offset == skip:
            continue
        try:
            record = decode(line, prompts=prompts)
        except DamagedLine as exc:
            raise damaged(path, offset, lines_before(path, offset) + 1, exc.reason) from exc
        yield offset, record


def records_at(path: Path, offsets: Iterable[int]) -> Iterator[Record]:
    """The records whose lines begin at `offsets`, in their order; errors as `read_records`."""
    try:
        with path.open("rb") as file:
            for offset in offsets:
                file.seek(offset)
                yield decode(file.readline())
    except DamagedLine as exc:
        raise damaged(path, offset, lines_before(path, offset) + 1, exc.reason) from exc
    except OSError as exc:
        raise storage_failed(exc, path) from exc


def refuse_newer(path: Path) -> None:
    """UsageError where a newer evalsvc wrote the last record: it would be found out only after work that changes files."""
    try:
        with path.open("rb") as file:
            line = _last_line(file)
    except FileNotFoundError:
        return
    except OSError as exc:
        raise storage_failed(exc, path) from exc
    with suppress(DamagedLine):  # for whoever reads the journal to tell
        decode(line, prompts=False)


def _last_line(file: BinaryIO) -> bytes:
    size, back = file.seek(0, os.SEEK_END), 4096
    while True:
        file.seek(max(0, size - back))
        end = file.read().rpartition(b"\n")[0]
        if b"\n" in end or back >= size:
            return end.rpartition(b"\n")[2]
        back *= 8


def _lines(path: Path, start: int, stop: int | None) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb", buffering=0) as file:
            for offset, lines in whole_lines(file, start, stop):
                at = offset
                for line in lines:
                    yield at, line
                    at += len(line) + 1
    except OSError as exc:
        raise storage_failed(exc, path) from exc


def damaged(path: Path, offset: int, line_number: int, reason: str, *, others: int = 0) -> JournalDamaged:
    """The error for a damaged line, with where it is and how to repair it."""
    more = f" (and {others} more)" if others else ""
    return JournalDamaged(
        f"{path}: line {line_number}, at byte {offset}, {reason}{more}",
        hint=f"evalsvc doctor {quote(str(path.parent))} --repair moves it to quarantine/; the next run asks that row again",
    )
