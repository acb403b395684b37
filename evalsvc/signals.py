"""What a signal does to a command, stage by stage. Plain signal handlers, so that they work while the event loop is busy, too.

    it only reads                    it ends as the signal ends any program, but without a traceback
    a run, before it asks            75
    a run that asks                  it stops in order, see pipeline.stop; a second signal leaves at once, with 75
    a run whose numbers are there    the code that they stand for

Imports next to nothing: it is wanted before the rest is there. To be called in the main thread.
"""

import os
import signal
from collections.abc import Callable
from types import FrameType

from evalsvc.errors import Stopped

Handler = Callable[[int, FrameType | None], None]


def end_by_signal() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _die)


def leave_with(exit_code: int, last_word: Callable[[], None] | None = None) -> None:
    """Whatever signal comes, the process leaves at once; `last_word` is all that it does before, and must not wait for anything."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        try:
            if last_word is not None:
                last_word()
        finally:
            os._exit(exit_code)

    _install(leave)


def on_first(act: Callable[[str], None]) -> None:
    """`act` gets the name of the first signal, between any two instructions of the main thread; what it raises is raised there.

    The next signal leaves at once.
    """

    def first(number: int, _: FrameType | None) -> None:
        leave_with(Stopped.exit_code)
        act(signal.Signals(number).name)

    _install(first)


def _install(handler: Handler) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # which is what nohup asks for
        signal.signal(signal.SIGHUP, handler)


def _die(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # the first process of a container does not die of a signal
