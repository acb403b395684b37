"""What a repair takes out of a journal, on the disk in quarantine/ before it leaves the journal."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from evalsvc.journal.files import storage_failed, sync_dir, write_atomic
from evalsvc.journal.line import unpadded
from evalsvc.journal.scan import Damage

# What stations made out of the journal up to a byte offset, which a rewritten journal no longer has.
_DERIVED_BY_OFFSET = ("reduce.json",)
_COPY_BYTES = 1 << 20


def quarantine(directory: Path, name: str, data: bytes) -> Path | None:
    """Puts `data` on the disk as a new file of `directory`; None when there is nothing to keep. Raises StorageFailed."""
    if not data:
        return None
    try:
        directory.mkdir(parents=True, exist_ok=True)
        sync_dir(directory.parent)
    except OSError as exc:
        raise storage_failed(exc, directory) from exc
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


def cut_out(journal: Path, directory: Path, damaged: Sequence[Damage], now: datetime) -> tuple[Path | None, int]:
    """Writes the journal anew without its `damaged` lines; gives where those are now, and how many were whole but for their line
    end, which they get back. A crash at any moment leaves the old journal or the new one. Raises OSError or StorageFailed, with the old one
    untouched.
    """
    if not damaged:
        return None, 0
    temp = journal.with_name(f"{journal.name}.repair")
    try:
        with journal.open("rb") as old:
            lost, mended = _split(old, damaged)
            moved = quarantine(directory, f"{stamp(now)}-damaged-lines", b"".join(lost))
            with temp.open("wb") as new:
                _copy_without(old, new, damaged)
                new.flush()
                os.fsync(new.fileno())
        for name in _DERIVED_BY_OFFSET:
            (journal.parent / name).unlink(missing_ok=True)
        temp.replace(journal)
        sync_dir(journal.parent)
    except OSError:
        temp.unlink(missing_ok=True)
        raise
    return moved, mended


def _split(old: BinaryIO, damaged: Sequence[Damage]) -> tuple[list[bytes], int]:
    """The damaged lines as they stand, without those that are whole but for their end; how many those are."""
    texts = [_text(old, damage) for damage in damaged]
    lost = [text for text in texts if unpadded(text) is None]
    return lost, len(texts) - len(lost)


def _copy_without(old: BinaryIO, new: BinaryIO, damaged: Sequence[Damage]) -> None:
    at = 0
    for damage in damaged:
        _copy(old, new, at, damage.offset)
        line = unpadded(_text(old, damage))
        new.write(b"" if line is None else line + b"\n")
        at = damage.end
    _copy(old, new, at, old.seek(0, os.SEEK_END))


def _copy(old: BinaryIO, new: BinaryIO, start: int, stop: int) -> None:
    old.seek(start)
    for at in range(start, stop, _COPY_BYTES):
        new.write(old.read(min(_COPY_BYTES, stop - at)))


def _text(file: BinaryIO, damage: Damage) -> bytes:
    file.seek(damage.offset)
    return file.read(damage.length)
