"""Lines that wait to be written, in batches of a bounded size. Pure bookkeeping."""

from collections import deque
from dataclasses import dataclass, field

from evalsvc.records import Record


@dataclass(slots=True, kw_only=True)
class Batch:
    """Whole lines, and the records in them, for one write."""

    lines: list[bytes] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    size: int = 0  # bytes


class Pending:
    """First in, first out. A batch is full at `max_records`, or when a line brings it to `max_bytes` or beyond."""

    __slots__ = ("_batches", "_max_bytes", "_max_records", "count")

    def __init__(self, *, max_records: int, max_bytes: int) -> None:
        self.count = 0  # records
        self._batches = deque[Batch]()
        self._max_records = max_records
        self._max_bytes = max_bytes

    def add(self, line: bytes, record: Record) -> bool:
        """Whether a whole batch now waits."""
        if not self._batches or self._is_full(self._batches[-1]):
            self._batches.append(Batch())
        batch = self._batches[-1]
        batch.lines.append(line)
        batch.records.append(record)
        batch.size += len(line)
        self.count += 1
        return self._is_full(batch)

    def take(self) -> Batch | None:
        """The oldest batch, full or not."""
        if not self._batches:
            return None
        batch = self._batches.popleft()
        self.count -= len(batch.records)
        return batch

    def clear(self) -> int:
        """Forgets everything; gives how many records that were."""
        count, self.count = self.count, 0
        self._batches.clear()
        return count

    def _is_full(self, batch: Batch) -> bool:
        return len(batch.lines) >= self._max_records or batch.size >= self._max_bytes
