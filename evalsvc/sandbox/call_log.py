"""Every call in a file, one JSON line each, so that a test can count what a client really asked."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from evalsvc.sandbox.wire import dumps

FLUSH_AFTER_S = 0.05


@dataclass(slots=True, kw_only=True)
class Call:
    """One call to a model, filled in as it goes on."""

    number: int  # from 1, in the order of arrival
    received_at: float  # seconds since the epoch
    in_flight: int  # this one included, when it came
    digest: bytes | None = None  # of its messages; None when they could not be read
    api: str | None = None
    model: str | None = None
    attempt: int | None = None  # of the calls with these messages; None where no fault asks for it
    faults: tuple[str, ...] = ()
    status: int | None = None  # None: nothing was sent, by a fault or because the client had gone

    def line(self) -> dict[str, Any]:
        return {
            "t": self.received_at,
            "n": self.number,
            "status": self.status,
            "hash": self.digest and self.digest.hex(),
            "api": self.api,
            "model": self.model,
            "attempt": self.attempt,
            "fault": ",".join(self.faults) or None,
            "in_flight": self.in_flight,
        }


class CallLog(Protocol):
    """Where finished calls go."""

    def add(self, call: Call) -> None: ...

    def close(self) -> None: ...


class NoLog:
    """Nobody counts."""

    def add(self, call: Call) -> None:
        pass

    def close(self) -> None:
        pass


class FileLog:
    """Appends whole lines, at most 50 ms after their calls ended and at the end; a restarted server goes on in the same file."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._loop = loop
        self._lines: list[bytes] = []

    def add(self, call: Call) -> None:
        if not self._lines:
            self._loop.call_later(FLUSH_AFTER_S, self._flush)
        self._lines.append(dumps(call.line()))

    def close(self) -> None:
        self._flush()
        os.close(self._file)

    def _flush(self) -> None:
        if self._lines:
            unwritten = memoryview(b"\n".join(self._lines) + b"\n")
            self._lines.clear()
            while unwritten:
                unwritten = unwritten[os.write(self._file, unwritten) :]
