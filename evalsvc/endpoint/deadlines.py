"""Absolute deadlines for thousands of attempts, with one timer for all of them instead of one each.

All attempts have the same time, so they come due in the order in which they began. A deadline is met up to a quarter of
a second late, or a fiftieth of the time allowed where that is less.

A process that was suspended (SIGSTOP, as some schedulers do) could read no answer: that time is not the attempt's.
"""

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Self

LATE_AT_MOST_S = 0.25
LATE_SHARE = 0.02
BEAT_S = 1.0  # a look that comes later than it was due by more than SUSPENDED_S shows a suspension, to this
SUSPENDED_S = 5.0


@dataclass(slots=True, eq=False)
class Deadline:
    """`with` it around an attempt: raises TimeoutError there when its time is over. Any other cancellation passes through."""

    deadlines: "Deadlines"
    task: asyncio.Task[object]
    due_at: float
    expired: bool = False

    def __enter__(self) -> Self:
        self.deadlines.watch(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        self.deadlines.forget(self)
        if self.expired and self.task.uncancel() == 0 and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from exc


class Deadlines:
    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._every_s = min(LATE_AT_MOST_S, seconds * LATE_SHARE)
        self._watched: dict[Deadline, None] = {}  # in the order in which they come due
        self._timer: asyncio.TimerHandle | None = None
        self._look_at = 0.0

    def deadline(self) -> Deadline:
        """For the current task, `seconds` from now."""
        task = asyncio.current_task()
        assert task is not None, "an attempt is made by a task"  # noqa: S101
        return Deadline(self, task, self._loop.time() + self._seconds)

    def watch(self, deadline: Deadline) -> None:
        self._watched[deadline] = None
        if self._timer is None:
            self._look_again(deadline.due_at)

    def forget(self, deadline: Deadline) -> None:
        self._watched.pop(deadline, None)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look_again(self, at: float) -> None:
        self._look_at = min(at, self._loop.time() + BEAT_S)
        self._timer = self._loop.call_at(self._look_at, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        due = []
        self._timer = None
        if now - self._look_at > SUSPENDED_S:
            for deadline in self._watched:
                deadline.due_at += now - self._look_at
        for deadline in self._watched:
            if deadline.due_at > now:
                self._look_again(max(deadline.due_at, now + self._every_s))
                break
            due.append(deadline)
        for deadline in due:
            self.forget(deadline)
            deadline.expired = True
            deadline.task.cancel()
