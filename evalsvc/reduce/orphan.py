"""A child process that does not outlive the one that started it."""

import ctypes
import os
import signal
import sys
import time
from threading import Thread

LOOK_EVERY_S = 0.25
_PR_SET_PDEATHSIG = 1


def die_with(parent_pid: int) -> None:
    """From now on this process ends, in the middle of whatever it does, when its parent is another than `parent_pid`.

    Where the kernel sees to that, also while a library holds the interpreter; it does so when the thread ends that started this process.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(0)  # it died while this one was being loaded
    Thread(target=end_with, args=(parent_pid,), daemon=True).start()


def end_with(parent_pid: int) -> None:
    """For a thread: ends this process in the middle of whatever it does when its parent is another than `parent_pid`."""
    while os.getppid() == parent_pid:
        time.sleep(LOOK_EVERY_S)
    os._exit(0)
