"""`evalsvc doctor`: what is in a run's journal, and the journal without what is damaged."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from evalsvc.journal.files import storage_failed, sync_dir
from evalsvc.journal.line import unpadded
from evalsvc.journal.lock import RunLock, lock_holder
from evalsvc.journal.repair import open_for_append, quarantine, stamp
from evalsvc.journal.scan import ERROR, Damage, scan

JOURNAL, LOCK, QUARANTINE = "predictions.jsonl", "run.lock", "quarantine"
# What stations made out of the journal up to a byte offset, which a rewritten journal no longer has.
_DERIVED_BY_OFFSET = ("reduce.json",)
_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The state of a run directory's journal."""

    journal: Path
    records: int  # whole lines
    rows: int  # (id, repeat) with a record: records less superseded
    errors: int  # of the records, superseded ones included
    superseded: int
    damaged: tuple[Damage, ...]
    torn: int  # bytes of a tail that the next run repairs by itself
    locked_by: str | None  # None: no process is in the run directory
    quarantined: tuple[Path, ...] = ()  # what a repair cut out
    mended: int = 0  # records that a repair kept by giving them their line end back

    @property
    def healthy(self) -> bool:
        return not self.damaged and not self.torn


def doctor(run_dir: str | os.PathLike[str]) -> Diagnosis:
    """Looks, and changes nothing. Raises StorageFailed when there is no journal to read."""
    journal = Path(run_dir) / JOURNAL
    found = scan(journal)
    return Diagnosis(
        journal=journal,
        records=found.records,
        rows=found.records - len(found.superseded),
        errors=found.statuses.count(ERROR),
        superseded=len(found.superseded),
        damaged=found.damaged,
        torn=found.torn,
        locked_by=lock_holder(Path(run_dir) / LOCK),
    )


def doctor_repair(run_dir: str | os.PathLike[str], now: datetime) -> Diagnosis:
    """Moves damaged lines and a torn tail to quarantine/ and gives what the journal is afterwards; the next run asks those rows again.

    Raises RunInUse while a process is in the run directory, StorageFailed.
    """
    run_dir = Path(run_dir)
    before = doctor(run_dir)
    with RunLock.acquire(run_dir / LOCK, holder={"pid": os.getpid(), "host": os.uname().nodename, "command": "evalsvc doctor --repair"}):
        moved, mended = _cut_out(before.journal, scan(before.journal).damaged, now)
        opened = open_for_append(before.journal, run_dir / QUARANTINE, now=now)
    kept = tuple(path for path in (moved, opened.quarantined) if path is not None)
    return replace(doctor(run_dir), quarantined=kept, mended=mended)


def _cut_out(journal: Path, damaged: Sequence[Damage], now: datetime) -> tuple[Path | None, int]:
    if not damaged:
        return None, 0
    temp = journal.with_name(f"{journal.name}.repair")
    try:
        with journal.open("rb") as old:
            lost, mended = _split(old, damaged)
            moved = quarantine(journal.parent / QUARANTINE, f"{stamp(now)}-damaged-lines", b"".join(lost))
            with temp.open("wb") as new:
                _copy_without(old, new, damaged)
                new.flush()
                os.fsync(new.fileno())
        for name in _DERIVED_BY_OFFSET:
            (journal.parent / name).unlink(missing_ok=True)
        temp.replace(journal)
        sync_dir(journal.parent)
    except OSError as exc:
        temp.unlink(missing_ok=True)
        raise storage_failed(exc, journal) from exc
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
