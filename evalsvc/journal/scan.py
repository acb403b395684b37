"""What is in a journal, in one fast pass: which rows are answered, what is torn, damaged or superseded."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast
from zlib import crc32

from evalsvc.dataset.hashes import HASH_BYTES, id_hash, target_hash
from evalsvc.journal.blocks import Source, lines_before, whole_lines
from evalsvc.journal.files import storage_failed
from evalsvc.journal.line import BLANK, CHECKSUM_BYTES, NULS, PADDED, UNWRITTEN, DamagedLine, decode, is_unwritten, is_whole
from evalsvc.records import Record

OK, ERROR = 0, 1

# How nearly every line begins. Escapes in the id or the target, and other versions, take the way through decode().
_PREFIX = re.compile(
    rb'\{"v":1,"id":"([^"\\]*)","repeat":([0-9]+),"row":"([0-9a-f]{16})","key":"[0-9a-f]*","status":"(ok|error)","target":(?:null|"([^"\\]*)"),'
)
# id, repeat, row hash in hex, status, target: as the line has them
_Parts = tuple[bytes, bytes, bytes, bytes, bytes | None]
_STATUSES = {b"ok": OK, b"error": ERROR}

# Up to here a set is quicker than importing numpy.
_FEW = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A line that is not what was written."""

    offset: int
    length: int  # bytes, its newline included
    line_number: int  # from 1
    reason: str

    @property
    def end(self) -> int:
        return self.offset + self.length


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A journal from `start` on. The columns hold one entry a record, in file order; what is superseded is still among them."""

    start: int
    size: int  # where the last whole line ends; torn bytes follow
    torn: int  # bytes after it: a cut line, blank lines or NULs
    records: int
    id_hashes: bytes  # 8 bytes a record: dataset.id_hash(id, repeat)
    row_hashes: bytes  # 8 bytes a record
    statuses: bytes  # OK or ERROR
    target_hashes: bytes | None  # 8 bytes a record where asked for
    broken: tuple[Damage, ...]  # lines before `size` that are not what was written
    superseded: tuple[int, ...]  # ascending offsets of records that a later one of the same id and repeat replaces

    @property
    def unwritten(self) -> tuple[Damage, ...]:
        """Of the broken lines those that a power loss leaves where what was written later reached the disk first."""
        return tuple(damage for damage in self.broken if damage.reason == UNWRITTEN)

    @property
    def damaged(self) -> tuple[Damage, ...]:
        """The others: no crash makes them."""
        return tuple(damage for damage in self.broken if damage.reason != UNWRITTEN)


@dataclass(slots=True, kw_only=True)
class _Columns:
    ids: bytearray = field(default_factory=bytearray)
    rows: bytearray = field(default_factory=bytearray)
    statuses: bytearray = field(default_factory=bytearray)
    targets: bytearray | None = None
    damaged: list[Damage] = field(default_factory=list)


def scan(path: str | os.PathLike[str], *, start: int = 0, with_targets: bool = False) -> Scan:
    """Every line of the journal at `path` from the line that begins at `start`, its checksum verified.

    `superseded` is exact, and compares what lies behind `start` only. Raises StorageFailed, or UsageError when a newer
    evalsvc wrote the journal.
    """
    path = Path(path)
    columns = _Columns(targets=bytearray() if with_targets else None)
    try:
        with path.open("rb", buffering=0) as file:
            size = _without_tail(columns.damaged, _fill(columns, whole_lines(file, start), start))
            total = os.fstat(file.fileno()).st_size
            superseded = _superseded(file, start, size, bytes(columns.ids))
        broken = _numbered(path, start, columns.damaged)
    except OSError as exc:
        raise storage_failed(exc, path) from exc
    return Scan(
        start=start,
        size=size,
        torn=max(0, total - size),
        records=len(columns.statuses),
        id_hashes=bytes(columns.ids),
        row_hashes=bytes(columns.rows),
        statuses=bytes(columns.statuses),
        target_hashes=None if columns.targets is None else bytes(columns.targets),
        broken=broken,
        superseded=superseded,
    )


def _fill(columns: _Columns, blocks: Iterator[tuple[int, list[bytes]]], start: int) -> int:
    """Takes every line in; gives where the last one ends."""
    end, seen = start, 0
    for offset, lines in blocks:
        end = offset + sum(map(len, lines)) + len(lines)
        parts = _quick_parts(lines)
        _append(columns, _parts_or_damage(columns.damaged, lines, offset, seen) if parts is None else parts)
        seen += len(lines)
    return end


def _append(columns: _Columns, parts: list[_Parts]) -> None:
    # column by column, so that the work of a block is done by a few calls
    ids, repeats, rows, statuses, targets = zip(*parts, strict=True) if parts else ((), (), (), (), ())
    columns.ids += b"".join(map(id_hash, _texts(ids), map(int, repeats)))
    columns.rows += bytes.fromhex(b"".join(rows).decode())
    columns.statuses += bytes(map(_STATUSES.__getitem__, statuses))
    if columns.targets is not None:
        columns.targets += b"".join([target_hash(None if target is None else _text(target)) for target in targets])


def _quick_parts(lines: list[bytes]) -> list[_Parts] | None:
    """The parts of all `lines`, or None where one of them needs a closer look."""
    match = _PREFIX.match
    parts: list[Any] = [
        found.groups() for line in lines if line.endswith(b',"c":"%08x"}' % crc32(line[:-CHECKSUM_BYTES])) and (found := match(line))
    ]
    return parts if len(parts) == len(lines) else None


def _parts_or_damage(damaged: list[Damage], lines: list[bytes], offset: int, seen: int) -> list[_Parts]:
    """The parts of those `lines` that are whole; the others are added to `damaged`."""
    parts = []
    for number, line in enumerate(lines, seen + 1):
        try:
            parts.append(_parts(line))
        except DamagedLine as exc:
            reason = UNWRITTEN if is_unwritten(line, offset) else exc.reason
            damaged.append(Damage(offset=offset, length=len(line) + 1, line_number=number, reason=reason))
        offset += len(line) + 1
    return parts


def _parts(line: bytes) -> _Parts:
    """The parts of any whole line. Raises DamagedLine."""
    found = _PREFIX.match(line) if is_whole(line) else None
    if found is None:
        return _parts_of(decode(line))
    parts: Any = found.groups()
    return cast(_Parts, parts)


def _parts_of(record: Record) -> _Parts:
    target = None if record.target is None else _bytes(record.target)
    return _bytes(record.id), str(record.repeat).encode(), record.row_hash.hex().encode(), record.status.encode(), target


def _texts(data: Iterable[bytes]) -> list[str]:
    try:
        return list(map(bytes.decode, data))
    except UnicodeDecodeError:
        return list(map(_text, data))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _without_tail(damaged: list[Damage], size: int) -> int:
    """Where the journal ends once what a power loss or an editor leaves at its end is taken off `damaged`: blank lines, lines
    with NULs in them, and before those one record with a wrong line end. Any other line that is not whole stays damage.
    """
    while damaged and damaged[-1].end == size and damaged[-1].reason in (BLANK, NULS, UNWRITTEN):
        size = damaged.pop().offset
    if damaged and damaged[-1].end == size and damaged[-1].reason == PADDED:
        size = damaged.pop().offset
    return size


def _numbered(path: Path, start: int, damaged: list[Damage]) -> tuple[Damage, ...]:
    """`damaged` with line numbers that count from the beginning of the file."""
    before = lines_before(path, start) if damaged else 0
    return tuple(replace(damage, line_number=damage.line_number + before) for damage in damaged)


def _superseded(file: Source, start: int, stop: int, ids: bytes) -> tuple[int, ...]:
    """Offsets of all but the last record of each (id, repeat), by a second look at those whose hashes occur twice."""
    repeated = _repeated(ids)
    if not repeated:
        return ()
    last: dict[tuple[str, int], int] = {}
    superseded: list[int] = []
    for offset, id_, repeat in _ids(file, start, stop):
        if id_hash(id_, repeat) in repeated:
            earlier = last.get((id_, repeat))
            if earlier is not None:
                superseded.append(earlier)
            last[id_, repeat] = offset
    return tuple(sorted(superseded))


def _ids(file: Source, start: int, stop: int) -> Iterator[tuple[int, str, int]]:
    for offset, lines in whole_lines(file, start, stop):
        at = offset
        for line in lines:
            with suppress(DamagedLine):
                id_, repeat, *_ = _parts(line)
                yield at, _text(id_), int(repeat)
            at += len(line) + 1


def _repeated(hashes: bytes) -> frozenset[bytes]:
    """The 8-byte hashes that occur more than once.

    >>> _repeated(b"aaaaaaaabbbbbbbbaaaaaaaa")
    frozenset({b'aaaaaaaa'})
    """
    if len(hashes) > _FEW * HASH_BYTES:
        import numpy as np

        ordered = np.sort(np.frombuffer(hashes, dtype=np.uint64))
        return frozenset(value.tobytes() for value in ordered[1:][ordered[1:] == ordered[:-1]])
    seen, repeated = set[bytes](), set[bytes]()
    for at in range(0, len(hashes), HASH_BYTES):
        value = hashes[at : at + HASH_BYTES]
        (repeated if value in seen else seen).add(value)
    return frozenset(repeated)
