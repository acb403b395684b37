"""No server outlives the process that wanted it."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable

POLL_S = 0.5
_PR_SET_PDEATHSIG = 1


def die_with(parent_pid: int) -> None:
    """Has the kernel send SIGHUP when the parent ends, where it can; SystemExit when the parent has gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGHUP)
    if is_orphan(parent_pid):
        raise SystemExit(0)


def is_orphan(parent_pid: int) -> bool:
    return os.getppid() != parent_pid


def stop_when_orphaned(loop: asyncio.AbstractEventLoop, parent_pid: int, stop: Callable[[], None]) -> None:
    """Calls `stop` once the parent is gone: at the kernel's signal, or half a second later where there is none."""

    def look() -> None:
        # the kernel's signal also comes when only the thread that started this process has ended
        if is_orphan(parent_pid):
            stop()

    def look_again() -> None:
        look()
        loop.call_later(POLL_S, look_again)

    loop.add_signal_handler(signal.SIGHUP, look)
    look_again()


def stop_at_end_of_stdin(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Calls `stop` once standard input, a pipe or a terminal, has come to its end."""
    descriptor = sys.stdin.fileno()

    def read() -> None:
        if not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            stop()

    loop.add_reader(descriptor, read)
