"""The tasks that make the attempts. They are kept and given one job after the other.

Making a task, and taking it out of asyncio's registry again, costs more than all the rest of an admission.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from evalsvc.pool.job import Job

Attempt = Callable[[Job, float, int], Awaitable[None]]


@dataclass(slots=True, eq=False)
class _Worker:
    order: tuple[Job, float, int]  # what `Workers.give` was called with
    parked: asyncio.Future[None]
    task: asyncio.Task[None] | None = None


class Workers:
    """As many tasks as there were ever jobs at the same time. `attempt` must not raise."""

    def __init__(self, loop: asyncio.AbstractEventLoop, attempt: Attempt) -> None:
        self._loop = loop
        self._attempt = attempt
        self._all: list[_Worker] = []
        self._idle: list[_Worker] = []
        self._busy: dict[Job, None] = {}

    def __len__(self) -> int:
        """Jobs under way."""
        return len(self._busy)

    def __iter__(self) -> Iterator[Job]:
        return iter(self._busy)

    def give(self, job: Job, started_at: float, sequence: int) -> None:
        self._busy[job] = None
        if self._idle:
            worker = self._idle.pop()
            worker.order = (job, started_at, sequence)
            worker.parked.set_result(None)
            return
        worker = _Worker(order=(job, started_at, sequence), parked=self._loop.create_future())
        worker.task = self._loop.create_task(self._work(worker))
        self._all.append(worker)

    async def _work(self, worker: _Worker) -> None:
        while True:
            job, started_at, sequence = worker.order
            try:
                await self._attempt(job, started_at, sequence)
            finally:
                del self._busy[job]
            worker.parked = self._loop.create_future()
            self._idle.append(worker)
            await worker.parked

    async def end(self) -> None:
        """Cancels what is under way, and every worker with it."""
        tasks = [worker.task for worker in self._all if worker.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._busy.clear()  # a task cancelled before its first step could not take its job out
