"""A journal made clean: the torn tail on every start, damage in the middle by `evalsvc doctor --repair`.

Nothing is thrown away: the bytes that leave the journal are on the disk in quarantine/ before they leave it. A crash
between any two steps leaves a journal that the next repair brings to the same end.
"""

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from evalsvc.journal.files import storage_failed, sync_dir, write_all, write_atomic
from evalsvc.journal.line import unpadded
from evalsvc.journal.read import damaged as damaged_error
from evalsvc.journal.scan import Scan, scan


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A journal that ends in a whole line, ready to be appended to."""

    scan: Scan
    cut: int  # bytes that went to quarantine
    quarantined: Path | None  # where they are


def open_for_append(
    path: str | os.PathLike[str], quarantine_dir: str | os.PathLike[str], *, now: datetime, with_targets: bool = False
) -> Opened:
    """Scans the journal, made empty if there is none, and repairs its tail: what a kill or a power loss leaves there.

    A last record that lacks only its newline gets it. To be called by the holder of the run's lock. Raises JournalDamaged
    for damage before the tail, which it leaves as it is; StorageFailed.
    """
    path = Path(path)
    try:
        _create(path)
        found = scan(path, with_targets=with_targets)
        if found.damaged:
            first = found.damaged[0]
            raise damaged_error(path, first.offset, first.line_number, first.reason, others=len(found.damaged) - 1)
        if not found.torn:
            return Opened(scan=found, cut=0, quarantined=None)
        tail = _read_from(path, found.size)
        kept = kept_of_tail(tail)
        quarantined = quarantine(Path(quarantine_dir), f"{stamp(now)}-tail-at-{found.size}", tail[kept:])
        _end_at(path, found.size + kept, with_newline=kept > 0)
    except OSError as exc:
        raise storage_failed(exc, path) from exc
    after = scan(path, with_targets=with_targets) if kept else replace(found, torn=0)
    return Opened(scan=after, cut=len(tail) - kept, quarantined=quarantined)


def kept_of_tail(tail: bytes) -> int:
    """How many bytes of `tail` are a record that lacks only its newline; the rest is a cut line, NULs or blank lines."""
    line = unpadded(tail.split(b"\n", 1)[0])
    return 0 if line is None else len(line)


def quarantine(directory: Path, name: str, data: bytes) -> Path | None:
    """Puts `data` on the disk as a new file of `directory`; None when there is nothing to keep."""
    if not data:
        return None
    directory.mkdir(parents=True, exist_ok=True)
    sync_dir(directory.parent)
    target = _unused(directory, name)
    write_atomic(target, data)
    return target


def _unused(directory: Path, name: str) -> Path:
    target, number = directory / name, 1
    while target.exists():
        number += 1
        target = directory / f"{name}-{number}"
    return target


def stamp(now: datetime) -> str:
    """The moment as part of a file name."""
    return now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _create(path: Path) -> None:
    if path.exists():
        return
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666))
    sync_dir(path.parent)


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
