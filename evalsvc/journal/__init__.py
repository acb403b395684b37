"""The journal: predictions.jsonl, the only state of a run, and what keeps it whole. The format is in docs/journal.md."""

from evalsvc.journal.disk import JournalFile
from evalsvc.journal.doctor import Diagnosis, doctor, doctor_repair
from evalsvc.journal.events import EventLog, read_events, utc_text
from evalsvc.journal.files import storage_failed, sync_dir, write_atomic
from evalsvc.journal.line import DamagedLine, decode, encode
from evalsvc.journal.lock import RunLock, lock_holder
from evalsvc.journal.read import read_records
from evalsvc.journal.repair import Opened, open_for_append
from evalsvc.journal.scan import ERROR, OK, Damage, Scan, scan
from evalsvc.journal.writer import JournalWriter

__all__ = [
    "ERROR",
    "OK",
    "Damage",
    "DamagedLine",
    "Diagnosis",
    "EventLog",
    "JournalFile",
    "JournalWriter",
    "Opened",
    "RunLock",
    "Scan",
    "decode",
    "doctor",
    "doctor_repair",
    "encode",
    "lock_holder",
    "open_for_append",
    "read_events",
    "read_records",
    "scan",
    "storage_failed",
    "sync_dir",
    "utc_text",
    "write_atomic",
]
