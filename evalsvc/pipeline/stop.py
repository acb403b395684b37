"""How a run is asked to stop from outside: a signal handler, a notebook cell, a service."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from evalsvc.errors import EvalsvcError, Stopped
from evalsvc.pipeline.budget import seconds

T = TypeVar("T")

# `drain_s` goes from the signal to the end of the process. What is in flight has this part of it, the numbers then have up to
# that one, and whoever is told of the end up to the last.
ANSWERS_UNTIL, NUMBERS_UNTIL, WORD_UNTIL = 0.75, 0.92, 0.96


class StopSwitch:
    """Pulled once, at any moment; whoever is working then learns of it. Belongs to one event loop."""

    def __init__(self) -> None:
        self.error: EvalsvcError | None = None
        self._pulled_at = 0.0
        self._pulled = asyncio.Event()
        self._tell: Callable[[EvalsvcError], None] | None = None
        self._may_break_off = False
        self._struck: EvalsvcError | None = None

    def strike(self, error: EvalsvcError) -> None:
        """`pull`, for a signal handler: the loop may be in the middle of anything. Inside `at_once` it raises `error` there."""
        asyncio.get_running_loop().call_soon_threadsafe(self.pull, error)
        if self._may_break_off:
            self._struck = error
            raise error

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """For work that holds the loop up, and may be broken off anywhere: a signal ends it where it stands."""
        self.check()
        self._may_break_off = True
        try:
            yield
        finally:
            self._may_break_off = False
            if self._struck is not None:  # whatever was made of it
                raise self._struck

    def pull(self, error: EvalsvcError) -> None:
        if self.error is None:
            self.error = error
            self._pulled_at = asyncio.get_running_loop().time()
            self._pulled.set()
            if self._tell is not None:
                self._tell(error)

    def attach(self, tell: Callable[[EvalsvcError], None]) -> None:
        """`tell` is called with the error, at once if the switch was pulled already."""
        self._tell = tell
        if self.error is not None:
            tell(self.error)

    def left_s(self, seconds: float) -> float:
        """What is left of `seconds` since it was pulled; below 0 when they are over."""
        return self._pulled_at + seconds - asyncio.get_running_loop().time()

    def check(self) -> None:
        if self.error is not None:
            raise self.error

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives. Raises the error, and cancels `work`, when the switch is pulled before or meanwhile."""
        going, pulled = asyncio.ensure_future(work), asyncio.ensure_future(self._pulled.wait())
        try:
            await asyncio.wait({going, pulled}, return_when=asyncio.FIRST_COMPLETED)
            self.check()
            return await going
        finally:
            going.cancel()
            pulled.cancel()
            await asyncio.wait({going, pulled})

    async def over(self, seconds: float, *, at_least: float) -> EvalsvcError:
        """Returns, with the error, when `seconds` have gone by since it was pulled, or `at_least` since now; forever, if it never is."""
        await self._pulled.wait()
        assert self.error is not None  # noqa: S101
        await asyncio.sleep(max(self.left_s(seconds), at_least))
        return self.error

    async def sleep(self, seconds: float) -> None:
        """Raises the error when the switch is pulled before or meanwhile."""
        try:
            await asyncio.wait_for(self._pulled.wait(), seconds)
        except TimeoutError:
            return
        self.check()


@contextmanager
def time_limit(runtime: str | None, stop: StopSwitch, say: Callable[[str], None]) -> Iterator[None]:
    """Pulls the switch when the block has taken as long as `runtime` (as in "6h") allows; None allows any time."""
    if runtime is None:
        yield
        return

    def pull() -> None:
        say(f"the maximum runtime of {runtime} is over: no new requests, what is in flight may finish")
        stop.pull(Stopped(f"stopped at the maximum runtime of {runtime}", hint="the same command carries on where it stopped"))

    timer = asyncio.get_running_loop().call_later(seconds(runtime, place="budget.runtime"), pull)
    try:
        yield
    finally:
        timer.cancel()
