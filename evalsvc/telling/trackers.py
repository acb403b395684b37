"""Experiment trackers (`report_to`): each is told of a run by a process of its own, which may fail or hang as it likes.

    events.jsonl ─► untold() ─► Telling: one process each ─► Told ─► events.jsonl

What was told is known from events.jsonl, so that a launch that changes nothing tells nothing. A tracker finds its run again
by a key that is made of the measurement, so that what is told twice all the same (events.jsonl deleted, a run directory
copied) changes that run and adds none.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from hashlib import blake2b
from importlib.util import find_spec
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, Self

from evalsvc.config.address import HIDDEN
from evalsvc.config.keypath import Where
from evalsvc.errors import UsageError
from evalsvc.journal.events import read_events
from evalsvc.jsonio import loads
from evalsvc.report.plain import one_line, shorten
from evalsvc.rundir import RunDir

EVENT = "tracker"
WITHIN_S = 30.0
REASON_AT_MOST = 300
# MLflow tries again for minutes where it finds nobody; these are for who has not said otherwise.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
_SECRET = re.compile(r"key|token|secret|passw|credential", re.IGNORECASE)
_USER_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")
_SHORTEST_SECRET = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How it went with one tracker; exactly one of `where` and `failure` is set."""

    tracker: str
    where: str | None = None
    failure: str | None = None


def check_trackers(trackers: Sequence[str], *, where: Where = str) -> None:
    """UsageError for one whose library is not installed. None is loaded: that takes seconds."""
    for name in trackers:
        spec = find_spec(name)
        # a folder of that name in the working directory, as wandb makes one, is a package without an origin
        if spec is None or spec.origin is None:
            raise UsageError(f"{where('report_to')}: {name} is not installed", hint=f"pip install 'evalsvc[{name}]'")


def untold(run: RunDir, trackers: Sequence[str]) -> list[str]:
    """Those that were not told of the numbers as they are by now; none where there are no numbers."""
    if not trackers or not run.summary.exists():
        return []
    now, last = state_of(run), dict[str, str]()
    for event in read_events(run.events):
        if event.get("event") == EVENT and event.get("told") is not None:
            last[str(event.get("tracker"))] = str(event["told"])
    return [name for name in trackers if last.get(name) != now]


def state_of(run: RunDir) -> str:
    """16 hex digits, the same while the numbers are."""
    return blake2b(run.summary.read_bytes(), digest_size=8).hexdigest()


class Telling:
    """The processes, started at once.

    What they say goes into files: a pipe would stay open as long as some helper process of a library lives.
    """

    def __init__(self, run: RunDir, trackers: Sequence[str], environ: Mapping[str, str], *, within_s: float = WITHIN_S) -> None:
        self._environ = environ
        self._within_s = within_s
        self._until = time.monotonic() + within_s
        self._files = ExitStack()
        self._going = [_start(name, run, environ, self._files) for name in trackers]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        self.dismiss()
        self._files.close()

    def wait(self) -> list[Told]:
        """How it went, after `within_s` at the latest: what is not done by then is ended."""
        return [self._ended(one) for one in self._going]

    def dismiss(self) -> None:
        """Ends them where they stand; `wait` returns then. What was told by halves is told again another time."""
        for one in self._going:
            one.kill()

    def _ended(self, one: "_Going") -> Told:
        try:
            one.process.wait(max(0.0, self._until - time.monotonic()))
        except subprocess.TimeoutExpired:
            one.kill()
            return Told(tracker=one.tracker, failure=f"no end of it within {self._within_s:g} s")
        said = one.said()
        where, failure = said.get("where"), said.get("failure")
        if where is None:
            return Told(tracker=one.tracker, failure=_harmless(str(failure or one.last_words()), self._environ))
        return Told(tracker=one.tracker, where=_harmless(str(where), self._environ))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Going:
    tracker: str
    process: subprocess.Popen[bytes]
    answer: IO[bytes]
    complaints: IO[bytes]

    def kill(self) -> None:
        """With the helpers that its library may have started."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def said(self) -> Mapping[str, Any]:
        self.answer.seek(0)
        try:
            said = loads(self.answer.read())
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}

    def last_words(self) -> str:
        self.complaints.seek(0)
        lines = self.complaints.read().decode(errors="replace").split("\n")
        ended = "it was ended before it was done" if self.process.returncode < 0 else f"it ended with {self.process.returncode}"
        return next((line for line in reversed(lines) if line.strip()), ended)


def _start(tracker: str, run: RunDir, environ: Mapping[str, str], files: ExitStack) -> _Going:
    answer, complaints = (files.enter_context(TemporaryFile()) for _ in range(2))  # noqa: SIM115 - the stack closes them
    # a session of its own: Ctrl-C at the terminal is the run's business. -P: nothing in the working directory is a module
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-P", "-m", "evalsvc.telling", tracker, str(run.path)],
        stdin=subprocess.DEVNULL,
        stdout=answer,
        stderr=complaints,
        start_new_session=True,
        env={**_PATIENCE, **environ},
    )
    return _Going(tracker=tracker, process=process, answer=answer, complaints=complaints)


def _harmless(text: str, environ: Mapping[str, str]) -> str:
    """One line without the secrets that the environment or an address holds."""
    text = _USER_IN_URL.sub(f"{HIDDEN}@", text)
    for name, value in environ.items():
        if _SECRET.search(name) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, HIDDEN)
    return shorten(one_line(text).rstrip("."), REASON_AT_MOST)
