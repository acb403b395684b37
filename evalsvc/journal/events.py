"""events.jsonl: launches, limit changes, pauses, how each launch ended. For people and dashboards; nothing is rebuilt from it."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evalsvc import jsonio
from evalsvc.journal.files import storage_failed, write_all


class EventLog:
    """Appends one JSON line an event, each in one write, so that lines of a run are never mixed.

    `clock` gives the wall time in seconds since 1970.
    """

    __slots__ = ("_clock", "_fd", "_path")

    def __init__(self, path: str | os.PathLike[str], *, clock: Callable[[], float]) -> None:
        """Opens the file, or makes it. Raises StorageFailed."""
        self._path = Path(path)
        self._clock = clock
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
            _end_torn_line(self._fd)
        except OSError as exc:
            raise storage_failed(exc, path) from exc

    def emit(self, event: str, **fields: Any) -> None:
        """Adds `{"at": now, "event": event, …fields}`. Raises StorageFailed."""
        line = jsonio.dumps({"at": utc_text(self._clock()), "event": event, **fields}) + b"\n"
        try:
            write_all(self._fd, line)
        except OSError as exc:
            raise storage_failed(exc, self._path) from exc

    def close(self) -> None:
        """A second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _end_torn_line(fd: int) -> None:
    """A line that an earlier launch did not finish must not swallow the next one."""
    size = os.fstat(fd).st_size
    if size and os.pread(fd, 1, size - 1) != b"\n":
        write_all(fd, b"\n")


def utc_text(seconds: float) -> str:
    """
    >>> utc_text(1795140824.12)
    '2026-11-20T02:13:44.120Z'
    """
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{_to_the_second(whole)}.{milliseconds:03d}Z"


@lru_cache(maxsize=8)
def _to_the_second(seconds: int) -> str:
    # thousands of answers come in one second, and each carries its time
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")


def read_events(path: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """The events in file order; lines that a kill cut short are passed over, and a missing file holds none."""
    try:
        with Path(path).open("rb") as file:
            for line in file:
                event = _event(line)
                if event is not None:
                    yield event
    except FileNotFoundError:
        return
    except OSError as exc:
        raise storage_failed(exc, path) from exc


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        value = jsonio.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
