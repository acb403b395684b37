"""An event loop whose clock jumps to the next timer: an eight-hour night runs in milliseconds."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, TypeVar

import asyncio_throttle.throttler

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        events = super().select(0)
        if not events and timeout is None:
            raise RuntimeError("deadlock: nothing is scheduled and nothing can happen")
        if not events:
            self.now += timeout or 0.0
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._jumping.now

    def spend(self, seconds: float) -> None:
        """Time goes by without anything having run: what is called now took so long."""
        self._jumping.now += seconds


def run(main: Callable[[], Awaitable[T]]) -> T:
    """Runs `main` to its end in virtual time; fails when it leaves a task behind."""
    loop = VirtualLoop()
    library: Any = asyncio_throttle.throttler
    real, library.time = library.time, SimpleNamespace(monotonic=loop.time)
    try:
        result = loop.run_until_complete(_checked(main))
    finally:
        library.time = real
        loop.close()
    return result


async def _checked(main: Callable[[], Awaitable[T]]) -> T:
    result = await main()
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not left, f"left behind: {left}"
    return result
