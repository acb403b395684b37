"""One launch of the pool in virtual time, with what must hold whatever the server does checked every time."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from evalsvc.pool import Counters, Finished, Hooks, Pool, PoolSettings, RetryPolicy
from evalsvc.records import Reply, Request
from tests.pool.servers import Server, requests
from tests.virtual_time import run


@dataclass(kw_only=True)
class Launch:
    """What a launch left: `error` is what `run` raised, times are seconds since its start."""

    finished: list[Finished] = field(default_factory=list)
    finished_at: list[float] = field(default_factory=list)
    events: list[tuple[float, str, Mapping[str, object]]] = field(default_factory=list)
    error: BaseException | None = None
    ended_at: float = 0.0
    counters: Counters = field(default_factory=Counters)
    bounds: Mapping[str, float] = field(default_factory=dict)  # seconds by cause

    @property
    def answered(self) -> set[str]:
        return {done.request.id for done in self.finished if isinstance(done.result, Reply)}

    @property
    def failed(self) -> dict[str, str]:
        """Id to kind of failure."""
        return {done.request.id: done.result.kind for done in self.finished if not isinstance(done.result, Reply)}

    def of(self, row: str) -> Finished:
        return next(done for done in self.finished if done.request.id == row)

    def named(self, event: str) -> list[tuple[float, Mapping[str, object]]]:
        return [(at, fields) for at, name, fields in self.events if name == event]

    def share_of(self, per_s: float, *, after_s: float, until_s: float) -> float:
        """Answers a second in that stretch of time, as a share of `per_s`."""
        return sum(after_s <= at < until_s for at in self.finished_at) / (until_s - after_s) / per_s


During = Callable[[Pool], Coroutine[Any, Any, None]]


def settings(ceiling: int, *, max_retries: int = 7, row_deadline_s: float = 3600.0, **more: Any) -> PoolSettings:
    return PoolSettings(concurrency=ceiling, retry=RetryPolicy(max_retries=max_retries, row_deadline_s=row_deadline_s), **more)


def launch(
    server: Server,
    rows: int | Iterator[Request],
    *,
    ceiling: int = 1000,
    during: During | None = None,
    hooks: Mapping[str, Any] | None = None,
    **limits: Any,
) -> Launch:
    """Runs the pool over `rows` to its end, `during` beside it; `limits` are fields of PoolSettings and RetryPolicy."""
    launched = run(lambda: _launch(server, requests(rows) if isinstance(rows, int) else rows, settings(ceiling, **limits), hooks, during))
    _check(launched, server, rows if isinstance(rows, int) else None)
    return launched


async def _launch(
    server: Server, rows: Iterator[Request], limits: PoolSettings, hooks: Mapping[str, Any] | None, during: During | None
) -> Launch:
    launched, loop = Launch(), asyncio.get_running_loop()

    def finished(done: Finished) -> None:
        launched.finished.append(done)
        launched.finished_at.append(loop.time())

    def event(name: str, fields: Mapping[str, object]) -> None:
        launched.events.append((loop.time(), name, fields))

    pool = Pool(server, limits, Hooks(**{"finished": finished, "event": event, **(hooks or {})}), rng=Random(0))
    running = asyncio.create_task(pool.run(rows))
    try:
        if during is not None:
            await asyncio.wait({beside := asyncio.create_task(during(pool)), running}, return_when=asyncio.FIRST_COMPLETED)
            beside.cancel()
            await asyncio.wait({beside})
            if not beside.cancelled():
                beside.result()
        await running
    except (Exception, asyncio.CancelledError) as error:
        launched.error = error
    launched.ended_at = loop.time()
    launched.counters = pool.counters
    launched.bounds = pool.bounds(cpu_s=0.0)
    assert pool.view().in_flight == 0
    return launched


def _check(launched: Launch, server: Server, rows: int | None) -> None:
    reported = [done.request.id for done in launched.finished]
    assert len(set(reported)) == len(reported), "a row was reported twice"
    assert launched.error is not None or rows is None or len(reported) == rows, "a row was lost"
    cancelled_unsent = launched.counters.attempts - len(server.calls)
    assert cancelled_unsent == 0 or launched.error is not None
    assert cancelled_unsent >= 0
    assert server.in_flight == 0
    assert all(done.waited_s >= 0 and done.attempts >= 1 for done in launched.finished)


def stop_at(seconds: float, error: BaseException) -> During:
    async def stop(pool: Pool) -> None:
        await asyncio.sleep(seconds)
        pool.stop(error)

    return stop
