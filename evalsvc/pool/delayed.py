"""Rows that wait out a back-off, outside any slot."""

import heapq
from itertools import count

from evalsvc.pool.job import Job


class DelayHeap:
    """Earliest first; rows due at the same moment keep their order."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Job]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, due_at: float, job: Job) -> None:
        heapq.heappush(self._heap, (due_at, next(self._order), job))

    def pop_due(self, now: float) -> Job | None:
        if self._heap and self._heap[0][0] <= now:
            return heapq.heappop(self._heap)[2]
        return None

    def wait_s(self, now: float) -> float:
        """Seconds until the earliest is due; inf when there is none."""
        return max(self._heap[0][0] - now, 0.0) if self._heap else float("inf")
