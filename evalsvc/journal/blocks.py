"""A journal read as blocks of whole lines: a list of a thousand lines costs less than a thousand reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

BLOCK_BYTES = 1 << 18  # fits into a processor's cache together with its lines


class Source(Protocol):
    """A file opened for reading without a buffer of its own, which would only copy every block once more."""

    def seek(self, offset: int, /) -> int: ...
    def read(self, size: int, /) -> bytes | None: ...


def whole_lines(file: Source, start: int, stop: int | None = None, block_bytes: int = BLOCK_BYTES) -> Iterator[tuple[int, list[bytes]]]:
    """(offset of the first, lines without their newline) of `file` from the line that begins at `start`, block by block.

    Bytes at or after `stop` are not read; what follows the last newline before it is not given. Memory is one block, or
    one line where that is longer.
    """
    file.seek(start)
    offset, cut = start, list[bytes]()
    for block in _blocks(file, None if stop is None else stop - start, block_bytes):
        lines = block.split(b"\n")
        cut.append(lines[0])
        if len(lines) == 1:
            continue
        lines[0] = b"".join(cut)
        cut = [lines.pop()]
        yield offset, lines
        offset += sum(map(len, lines)) + len(lines)


def _blocks(file: Source, left: int | None, block_bytes: int) -> Iterator[bytes]:
    while block := file.read(block_bytes if left is None else min(block_bytes, left)):
        yield block
        left = None if left is None else left - len(block)


def lines_before(path: Path, offset: int) -> int:
    """How many lines end before `offset`; 0 at the beginning of the file."""
    with path.open("rb", buffering=0) as file:
        return sum(block.count(b"\n") for block in _blocks(file, offset, BLOCK_BYTES))
