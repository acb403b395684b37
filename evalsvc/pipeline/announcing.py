"""What of a launch others are told while it goes on and when it ends; `telling` says how."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from random import Random
from typing import Any

from evalsvc.errors import EvalsvcError, UsageError, as_bug
from evalsvc.journal.events import EventLog, read_events
from evalsvc.pipeline.prepare import Prepared
from evalsvc.pipeline.stop import WORD_UNTIL, StopSwitch
from evalsvc.records import Summary
from evalsvc.report import LiveView
from evalsvc.telling.message import FAILURE, FINISH, STALL, About, failed, finished, stalled
from evalsvc.telling.stall import Pulse, look
from evalsvc.telling.webhook import Teller

# How long the end of a run waits for its last message to be taken; after a signal, what its share of `drain_s` leaves.
LAST_MESSAGE_S = 10.0
AT_LEAST_S = 1.0


def about(prepared: Prepared) -> About:
    config = prepared.config
    return About(name=config.name, id=prepared.run_id, dir=str(prepared.run.path), model=config.model.name, host=socket.gethostname())


class Announcer:
    """One launch's word to the webhook; without a teller, to nobody."""

    def __init__(self, prepared: Prepared, teller: Teller | None) -> None:
        self._about = about(prepared)
        self._prepared, self._teller = prepared, teller
        self._has_begun = False

    @contextmanager
    def asking(self, pulse: Callable[[], Pulse]) -> Iterator[None]:
        """For as long as rows are left to ask: a stall is told while it lasts."""
        self._has_begun = True
        if self._teller is None:
            yield
            return
        watch = asyncio.get_running_loop().create_task(self._watch(pulse, self._teller))
        try:
            yield
        finally:
            watch.cancel()

    def finished(self, summary: Summary, *, exit_code: int) -> None:
        """Once for all launches: one that was killed over its numbers, or had nobody to take its word, leaves it to the next."""
        if self._teller is not None and not self._was_told():
            positive = self._prepared.config.scoring.positive
            self._teller.tell(FINISH, lambda: finished(self._about, summary, exit_code=exit_code, positive=positive))

    def failed(self, error: EvalsvcError, summary: Summary | None = None) -> None:
        """Not of bad usage before anybody was asked: whoever typed it is told already."""
        if self._teller is not None and (self._has_begun or not isinstance(error, UsageError)):
            self._teller.tell(FAILURE, lambda: failed(self._about, error, summary, exit_code=error.exit_code))

    def _was_told(self) -> bool:
        try:
            return was_told(read_events(self._prepared.run.events))
        except EvalsvcError:  # once more is better than never
            return False

    async def _watch(self, pulse: Callable[[], Pulse], teller: Teller) -> None:
        loop = asyncio.get_running_loop()
        told_of: float | None = None
        while True:
            beat = pulse()
            silent_s = loop.time() - beat.last_answer_at
            seen = look(loop.time(), beat.last_answer_at, stall_s=teller.stall_s, told_of=told_of)
            if seen.stalled:
                told_of = beat.last_answer_at
                teller.tell(STALL, partial(stalled, self._about, beat, silent_s=silent_s))
            await asyncio.sleep(seen.again_in_s)


def was_told(events: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the end of a run that is complete was delivered, since rows were last asked.

    >>> told = {"event": "webhook", "about": "finish", "delivered": True}
    >>> was_told([{"event": "launch"}, told]), was_told([{"event": "launch"}, told, {"event": "launch"}])
    (True, False)
    """
    told = False
    for event in events:
        if event.get("event") == "launch":
            told = False
        elif event.get("event") == "webhook" and event.get("about") == FINISH:
            told = told or bool(event.get("delivered"))
    return told


@asynccontextmanager
async def announcing(prepared: Prepared, view: LiveView, events: EventLog, stop: StopSwitch) -> AsyncIterator[Announcer]:
    """Whatever the block raises is told too; it ends when the last message is delivered, or the time for that is over."""
    target = prepared.webhook if prepared.options.ask_only is None else None  # somebody is looking at a plan
    teller = None if target is None else Teller(target, note=view.note, log=_log(events), clock=time.time, rng=Random())  # noqa: S311
    announcer = Announcer(prepared, teller)
    try:
        yield announcer
    except EvalsvcError as error:
        announcer.failed(error)
        raise
    except Exception as bug:
        announcer.failed(as_bug(bug))
        raise
    finally:
        if teller is not None:
            await teller.aclose(until=_no_more_time(stop, prepared.config.limits.drain_s))


def _log(events: EventLog) -> Callable[..., None]:
    """A log that cannot be written changes nothing about how a run ends."""

    def emit(event: str, **fields: Any) -> None:
        with suppress(EvalsvcError):
            events.emit(event, **fields)

    return emit


async def _no_more_time(stop: StopSwitch, drain_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_MESSAGE_S):
            await stop.over(drain_s * WORD_UNTIL, at_least=AT_LEAST_S)
