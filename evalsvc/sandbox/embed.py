"""The sandbox as a child process on a free port, which ends with whoever started it."""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Self

from evalsvc.sandbox.settings import arguments

__all__ = ["Sandbox", "SandboxFailed", "arguments", "start_sandbox"]

READY_WITHIN_S = 60.0  # a classifier over a large training file takes its time
_STOPS_WITHIN_S = 3.0


class SandboxFailed(RuntimeError):
    """The sandbox did not start; the message is what it said itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A running sandbox. Close it, or use it as a context manager; it also ends when this process does."""

    url: str  # ends in /v1, as OpenAI's base URL does
    pid: int
    models: Sequence[str]
    process: subprocess.Popen[bytes]

    def close(self) -> None:
        """Ends the server, its call log complete; a second call does nothing."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def start_sandbox(args: Sequence[str], *, ready_within_s: float = READY_WITHIN_S) -> Sandbox:
    """Starts `python -m evalsvc.sandbox` with `args` and returns once it is ready; SandboxFailed when it is not in time."""
    with tempfile.TemporaryFile() as said:
        process = _start(args, said)
        try:
            ready = json.loads(_first_line(process.stdout, time.monotonic() + ready_within_s))
        except BaseException as error:
            process.kill()
            process.communicate()
            if isinstance(error, ValueError | TimeoutError):
                raise SandboxFailed(_reason(said, ready_within_s)) from None
            raise
    return Sandbox(url=ready["url"], pid=ready["pid"], models=ready["models"], process=process)


def _start(args: Sequence[str], said: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603
        # -P: a file in the working directory must not stand in for a module
        [sys.executable, "-P", "-m", "evalsvc.sandbox", f"--parent-pid={os.getpid()}", "--until-stdin-closes", *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=said,
        # Ctrl-C goes to everyone in the terminal's group, but calls in flight are to be answered while the run drains
        start_new_session=True,
    )


def _first_line(output: IO[bytes] | None, deadline: float) -> bytes:
    """Up to the first newline, or all there is when it ends before; TimeoutError at the deadline."""
    line = b""
    while output is not None and not line.endswith(b"\n"):
        readable, _, _ = select.select([output], [], [], max(0.0, deadline - time.monotonic()))
        if not readable:
            raise TimeoutError
        byte = os.read(output.fileno(), 1)
        if not byte:
            break
        line += byte
    return line


def _reason(said: IO[bytes], waited_s: float) -> str:
    said.seek(0)
    words = said.read().decode(errors="replace").strip()
    return words.rpartition("\n")[2] or f"the sandbox was not ready after {waited_s:g} s"
