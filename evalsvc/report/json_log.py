"""EVALSVC_LOG=json: whatever is written to stderr, by whomever, is one JSON object a line, and begins with `at`, `level` and `event`."""

import io
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TextIO, cast

from evalsvc.journal.events import utc_text
from evalsvc.report.lines import json_event
from evalsvc.report.plain import plain
from evalsvc.report.streams import speak_utf8

NAMED_BY = "EVALSVC_LOG"
_EVENT = '{"event":"'  # as json_event begins
_LEVELS = {"error": "error", "bug": "error"}  # all other events are "info"


def logs_json(environ: Mapping[str, str]) -> bool:
    return environ.get(NAMED_BY, "").strip().casefold() == "json"


class LogStream(io.TextIOBase):
    """Passes events on; other text, as libraries write it, becomes a `note`, one for all the lines of one write."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.time) -> None:
        self._stream = stream
        self._clock = clock
        self._begun = ""  # a line without its end yet
        self._lock = threading.RLock()

    def say(self, level: str, event: str, values: Mapping[str, Any]) -> None:
        line = json_event(event, dict(values))
        with self._lock:
            self._stream.write(f'{{"at":"{utc_text(self._clock())}","level":"{level}",{line[1:]}')
            self._stream.flush()

    def write(self, text: str) -> int:
        with self._lock:
            whole, end, self._begun = (self._begun + text).rpartition("\n")
            if end:
                self._say_lines(whole)
        return len(text)

    def flush(self) -> None:
        with self._lock:
            begun, self._begun = self._begun, ""
            self._say_lines(begun)
            self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

    def _say_lines(self, text: str) -> None:
        if text.startswith(_EVENT):
            for line in text.split("\n"):
                event = line.removeprefix(_EVENT).partition('"')[0]
                self._stream.write(f'{{"at":"{utc_text(self._clock())}","level":"{_LEVELS.get(event, "info")}",{line[1:]}\n')
        elif text.strip():
            self.say("info", "note", {"message": plain(text).strip("\n")})


def log_lines(stream: TextIO) -> TextIO:
    """`stream`, to which nothing but JSON lines goes from here on."""
    return cast(TextIO, LogStream(stream))


class _Handler(logging.Handler):
    """Records of `logging`, and Python's warnings, as `log` events."""

    def __init__(self, stream: LogStream) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        values = {"logger": record.name, "message": plain(record.getMessage())}
        if record.exc_info and record.exc_info[1] is not None:
            values["traceback"] = _traceback(record.exc_info[1])
        with suppress(OSError):  # nobody reads it, which is no reason to stop
            self._stream.say(record.levelname.lower(), "log", values)


def log_as_json() -> None:
    """For this process, from now on: stderr, `logging`, warnings, and exceptions that nobody caught."""
    if sys.stderr is None or isinstance(sys.stderr, LogStream):
        return
    speak_utf8(sys.stderr)
    sys.stderr = stream = LogStream(sys.stderr)

    def bug(error: BaseException | None) -> None:
        if error is None:
            return
        with suppress(OSError):
            stream.say("error", "bug", {"message": plain(f"{type(error).__name__}: {error}"), "traceback": _traceback(error)})

    logging.basicConfig(handlers=[_Handler(stream)])
    logging.captureWarnings(True)
    sys.excepthook = lambda _kind, error, _trace: bug(error)
    threading.excepthook = lambda told: bug(told.exc_value)
    sys.unraisablehook = lambda told: bug(told.exc_value)


def _traceback(error: BaseException) -> str:
    return plain("".join(traceback.format_exception(error)))
