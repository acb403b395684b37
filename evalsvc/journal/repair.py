"""A journal made clean: on every start what a crash can leave, any other damage by `evalsvc doctor --repair`.

Nothing is thrown away: the bytes that leave the journal are on the disk in quarantine/ before they leave it. A crash
between any two steps leaves a journal that the next repair brings to the same end.
"""

import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from evalsvc.journal.files import storage_failed, sync_dir, write_all
from evalsvc.journal.line import unpadded
from evalsvc.journal.quarantine import cut_out, quarantine, stamp
from evalsvc.journal.read import damaged as damaged_error
from evalsvc.journal.scan import Scan, scan


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A journal that ends in a whole line, ready to be appended to."""

    scan: Scan
    cut: int  # bytes that went to quarantine
    quarantined: tuple[Path, ...]  # where they are


def open_for_append(
    path: str | os.PathLike[str], quarantine_dir: str | os.PathLike[str], *, now: datetime, with_targets: bool = False
) -> Opened:
    """Scans the journal, made empty if there is none, and repairs what a kill or a power loss leaves: a torn tail, and lines of
    which a part never reached the disk. All that is in it then is on the disk.

    A last record that lacks only its newline gets it. To be called by the holder of the run's lock. Raises JournalDamaged
    for other damage before the tail, which it leaves as it is; StorageFailed.
    """
    path, quarantine_dir = Path(path), Path(quarantine_dir)
    try:
        _create(path)
        found = scan(path, with_targets=with_targets)
        if found.damaged:
            first = found.damaged[0]
            raise damaged_error(path, first.offset, first.line_number, first.reason, others=len(found.damaged) - 1)
        if not found.unwritten:
            return _without_tail(path, quarantine_dir, found, now, with_targets=with_targets)
        moved, _ = cut_out(path, quarantine_dir, found.unwritten, now)
        opened = _without_tail(path, quarantine_dir, scan(path, with_targets=with_targets), now, with_targets=with_targets)
    except OSError as exc:
        raise storage_failed(exc, path) from exc
    if moved is None:
        return opened
    return replace(opened, cut=opened.cut + moved.stat().st_size, quarantined=(moved, *opened.quarantined))


def _without_tail(path: Path, quarantine_dir: Path, found: Scan, now: datetime, *, with_targets: bool) -> Opened:
    if not found.torn:
        _sync(path)
        return Opened(scan=found, cut=0, quarantined=())
    tail = _read_from(path, found.size)
    kept = kept_of_tail(tail)
    moved = quarantine(quarantine_dir, f"{stamp(now)}-tail-at-{found.size}", tail[kept:])
    _end_at(path, found.size + kept, with_newline=kept > 0)
    after = scan(path, with_targets=with_targets) if kept else replace(found, torn=0)
    return Opened(scan=after, cut=len(tail) - kept, quarantined=() if moved is None else (moved,))


def kept_of_tail(tail: bytes) -> int:
    """How many bytes of `tail` are a record that lacks only its newline; the rest is a cut line, NULs or blank lines."""
    line = unpadded(tail.split(b"\n", 1)[0])
    return 0 if line is None else len(line)


def _create(path: Path) -> None:
    if path.exists():
        return
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666))
    sync_dir(path.parent)


def _sync(path: Path) -> None:
    """What a killed process wrote is in memory yet: whoever takes over what it did has to see to it that it stays."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.fdatasync(fd)
    finally:
        os.close(fd)


def _read_from(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read()


def _end_at(path: Path, size: int, *, with_newline: bool) -> None:
    """Cuts the file; a crash before the newline leaves the record without it, as it was found."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(fd, size)
        if with_newline:
            os.lseek(fd, 0, os.SEEK_END)
            write_all(fd, b"\n")
        os.fdatasync(fd)
    finally:
        os.close(fd)
