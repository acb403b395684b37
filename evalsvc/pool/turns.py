"""Requests per minute: every attempt waits for its turn, and a stop ends the wait."""

import asyncio

from asyncio_throttle.throttler import Throttler

from evalsvc.pool.settings import PoolSettings


class Turns:
    """At most a second's worth at a time: the library lets a whole window through as a burst, which servers answer with 429."""

    def __init__(self, per_minute: int) -> None:
        at_a_time = max(1, per_minute // 60)
        self._throttler = Throttler(rate_limit=at_a_time, period=at_a_time * 60 / per_minute)
        self._wait: asyncio.Timeout | None = None

    async def take(self) -> None:
        """Returns when the turn has come, or the wait for it was ended."""
        try:
            async with asyncio.timeout(None) as self._wait:
                await self._throttler.acquire()
        except TimeoutError:
            pass
        finally:
            self._wait = None

    def end_wait(self) -> None:
        """At a few requests a minute a turn is long in coming."""
        if self._wait is not None:
            self._wait.reschedule(asyncio.get_running_loop().time())


def turns(settings: PoolSettings) -> Turns | None:
    return None if settings.requests_per_minute is None else Turns(settings.requests_per_minute)
