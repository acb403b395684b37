"""A command in a folder, with a key that must never be seen again; it ends with whoever started it."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.e2e.desk import Ended, ended, environment
from tests.faults.canary import CANARY
from tests.faults.desk import KEY_VARIABLE, without_key

PATIENCE_S = 300.0
_GIVEN: Final[dict[str, Any]] = {
    "env": environment({KEY_VARIABLE: CANARY, "OPENAI_API_KEY": CANARY}),
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.PIPE,
    "text": True,
    "errors": "replace",
    # Ctrl-C is for who plays, and takes this one with it below
    "start_new_session": True,
}


@contextmanager
def launched(folder: Path, command: Sequence[str]) -> "Iterator[subprocess.Popen[str]]":
    with subprocess.Popen(command, cwd=folder, **_GIVEN) as process:
        try:
            yield process
        finally:
            process.kill()


def finished(process: "subprocess.Popen[str]") -> Ended:
    """How it ended by itself; AssertionError when it does not, and when it has told the key."""
    return without_key(ended(process, PATIENCE_S))


def run_in(folder: Path, command: Sequence[str]) -> Ended:
    with launched(folder, command) as process:
        return finished(process)
