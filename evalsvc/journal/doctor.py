"""`evalsvc doctor`: what is in a run's journal, and the journal without what is damaged."""

import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from evalsvc.journal.files import storage_failed
from evalsvc.journal.lock import RunLock, lock_holder
from evalsvc.journal.quarantine import cut_out
from evalsvc.journal.repair import open_for_append
from evalsvc.journal.scan import ERROR, Damage, scan

JOURNAL, LOCK, QUARANTINE = "predictions.jsonl", "run.lock", "quarantine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The state of a run directory's journal."""

    journal: Path
    records: int  # whole lines
    rows: int  # (id, repeat) with a record: records less superseded
    errors: int  # of the records, superseded ones included
    superseded: int
    damaged: tuple[Damage, ...]
    unwritten: tuple[Damage, ...]  # lines of which a power loss left a part out, which the next run moves away by itself
    torn: int  # bytes of a tail that the next run repairs by itself
    locked_by: str | None  # None: no process is in the run directory
    quarantined: tuple[Path, ...] = ()  # what a repair cut out
    mended: int = 0  # records that a repair kept by giving them their line end back

    @property
    def healthy(self) -> bool:
        return not self.damaged and not self.unwritten and not self.torn


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
        unwritten=found.unwritten,
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
        try:
            moved, mended = cut_out(before.journal, run_dir / QUARANTINE, scan(before.journal).broken, now)
        except OSError as exc:
            raise storage_failed(exc, before.journal) from exc
        opened = open_for_append(before.journal, run_dir / QUARANTINE, now=now)
    kept = opened.quarantined if moved is None else (moved, *opened.quarantined)
    return replace(doctor(run_dir), quarantined=kept, mended=mended)
