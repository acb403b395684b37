"""The end of a launch, for experiment trackers: the numbers are on the disk, and nothing here changes how the run ends."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from evalsvc.journal.events import EventLog
from evalsvc.pipeline.stop import StopSwitch
from evalsvc.rundir import RunDir
from evalsvc.telling.trackers import EVENT, Telling, Told, state_of, untold

# What a tracker may still have when the run is asked to stop: its scheduler is about to kill it.
TELL_AT_LEAST_S = 2.0


async def tell_trackers(
    run: RunDir, trackers: Sequence[str], environ: Mapping[str, str], *, note: Callable[[str], None], stop: StopSwitch
) -> None:
    """Tells those of `trackers` that do not know the numbers of `run` yet, and waits for them half a minute at most.

    To be called by the holder of the run's lock. Whatever goes wrong is a note and an event. A run that was asked to stop
    tells nobody: the launch that carries on will.
    """
    try:
        names = untold(run, trackers)
        if not names or stop.error is not None:
            return
        state = state_of(run)
        with Telling(run, names, environ) as telling:
            told = await _ended(telling, stop)
        with EventLog(run.events, clock=time.time) as events:
            for one in told:
                _write(one, state, events)
    except Exception as error:
        note(f"{', '.join(trackers)}: not told of this run: {error}")
        return
    for one in told:
        again = "the run is whole without it, and the same command tells it again"
        note(f"{one.tracker}: {one.where}" if one.failure is None else f"{one.tracker}: not told of this run: {one.failure}; {again}")


async def _ended(telling: Telling, stop: StopSwitch) -> list[Told]:
    waiting = asyncio.ensure_future(asyncio.to_thread(telling.wait))
    over = asyncio.ensure_future(stop.over(0.0, at_least=TELL_AT_LEAST_S))
    try:
        await asyncio.wait({waiting, over}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        over.cancel()
        telling.dismiss()
    return await waiting


def _write(told: Told, state: str, events: EventLog) -> None:
    if told.failure is None:
        events.emit(EVENT, tracker=told.tracker, told=state, where=told.where)
    else:
        events.emit(EVENT, tracker=told.tracker, told=None, reason=told.failure)
