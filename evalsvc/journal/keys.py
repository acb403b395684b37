"""Which requests a journal has answers to: found by key, 32 bytes kept of each answer."""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from evalsvc.dataset.hashes import id_hash
from evalsvc.errors import JournalDamaged
from evalsvc.journal.blocks import lines_before, whole_lines
from evalsvc.journal.files import storage_failed
from evalsvc.journal.line import DamagedLine, decode, is_whole, what_is_wrong
from evalsvc.journal.read import damaged
from evalsvc.records import Record

_DIGITS = 32  # of a key
_HALF = 16  # of them: 8 bytes

# How nearly every line with an answer begins; escapes in the id, errors and other versions take the way through decode().
_HEAD = re.compile(rb'\{"v":1,"id":"([^"\\]*)","repeat":[0-9]+,"row":"[0-9a-f]{16}","key":"([0-9a-f]{32})","status":"ok"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The answers of a journal, sorted by key, then by the hash of the id; as long as the block of `open` lasts."""

    path: Path
    file: IO[bytes]
    heads: "array[int]"  # the first 8 bytes of the key
    tails: "array[int]"  # the others
    ids: "array[int]"
    offsets: "array[int]"

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """One pass over all lines, checksums verified. Errors are no answers, and records without a key were never asked for.

        What a crash left behind the last whole line is passed over. JournalDamaged for damage before that, StorageFailed, or
        UsageError where a newer evalsvc wrote it. No lock is needed: a journal only grows, and what comes later is not seen.
        """
        with ExitStack() as closing:
            try:
                file = closing.enter_context(path.open("rb"))
                heads, tails, ids, offsets = _columns(path, file)
            except OSError as exc:
                raise storage_failed(exc, path) from exc
            yield cls(path=path, file=file, heads=heads, tails=tails, ids=ids, offsets=offsets)

    def __len__(self) -> int:
        return len(self.offsets)

    def find(self, key: str, id_: str) -> int | None:
        """The place of an answer to the request with this key, for `read`; None where there is none.

        Rows may ask the same, and each of them has an answer of its own. A row gets the last one of its own id; one whose id is
        not there gets one of them by the hash of its id: the same each time, and not one answer for all such rows.
        """
        low, high = _span(self.heads, int(key[:_HALF], 16), 0, len(self.heads))
        low, high = _span(self.tails, int(key[_HALF:], 16), low, high)
        if low == high:
            return None
        wanted = int.from_bytes(id_hash(id_), "little")
        own = bisect_left(self.ids, wanted, low, high)
        return own if own < high and self.ids[own] == wanted else low + wanted % (high - low)

    def read(self, place: int) -> Record:
        """The record, without its messages. JournalDamaged where the journal is not what it was a moment ago, or StorageFailed."""
        offset = self.offsets[place]
        try:
            self.file.seek(offset)
            record = decode(self.file.readline(), prompts=False)
        except DamagedLine as exc:
            raise _damaged(self.path, offset, exc.reason) from exc
        except OSError as exc:
            raise storage_failed(exc, self.path) from exc
        if record.key != f"{self.heads[place]:016x}{self.tails[place]:016x}":
            raise _damaged(self.path, offset, "was another one a moment ago")
        return record


def _columns(path: Path, file: IO[bytes]) -> tuple["array[int]", ...]:
    keys, ids, offsets = bytearray(), bytearray(), array("Q")
    for offset, line in _sound_lines(path, file):
        try:
            id_, key = _asked(line)
        except DamagedLine as exc:
            raise _damaged(path, offset, exc.reason) from exc
        if key:
            keys += bytes.fromhex(key)
            ids += id_hash(id_)
            offsets.append(offset)
    return _sorted(bytes(keys), bytes(ids), offsets)


def _sound_lines(path: Path, file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """(offset, line) up to the last line that is whole."""
    torn: tuple[int, bytes] | None = None  # the end that a crash left, unless a whole line follows
    for offset, lines in whole_lines(file, 0):
        at = offset
        for line in lines:
            if not is_whole(line):
                torn = torn or (at, line)
            elif torn is not None:
                raise _damaged(path, torn[0], what_is_wrong(torn[1]))
            else:
                yield at, line
            at += len(line) + 1


def _asked(line: bytes) -> tuple[str, str]:
    """The id of the row that was asked, and the key of what was asked; no key where there is no answer to it."""
    if found := _HEAD.match(line):
        return found[1].decode("utf-8", "surrogatepass"), found[2].decode()
    record = decode(line, prompts=False)
    answered = record.reply is not None and len(record.key) == _DIGITS
    return record.id, record.key if answered else ""


def _damaged(path: Path, offset: int, reason: str) -> JournalDamaged:
    return damaged(path, offset, lines_before(path, offset) + 1, reason)


def _sorted(keys: bytes, ids: bytes, offsets: "array[int]") -> tuple["array[int]", ...]:
    """Heads, tails, ids and offsets by key and id; of several answers to the same row only the last one."""
    import numpy as np

    halves = np.frombuffer(keys, dtype=">u8").reshape(-1, 2).astype(np.uint64)
    of_ids = np.frombuffer(ids, dtype="<u8").astype(np.uint64)
    order = np.lexsort((of_ids, halves[:, 1], halves[:, 0]))  # stable: equal ones stay in file order
    columns = [halves[order, 0], halves[order, 1], of_ids[order]]
    last = np.ones(len(order), dtype=bool)
    last[:-1] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    columns.append(np.frombuffer(offsets, dtype=np.uint64)[order])
    return tuple(array("Q", column[last].tobytes()) for column in columns)


def _span(values: "array[int]", wanted: int, low: int, high: int) -> tuple[int, int]:
    """From where to where `wanted` stands in the sorted part [low, high)."""
    start = bisect_left(values, wanted, low, high)
    return start, bisect_right(values, wanted, start, high)
