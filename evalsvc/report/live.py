"""Who watches a run: one role, several media, and the rule that no watcher can end what it watches."""

import errno
import logging
import time
from collections.abc import Callable, Mapping
from typing import Protocol, TextIO

from evalsvc.records import Progress
from evalsvc.report.intro import Exchange, RunIntro
from evalsvc.report.json_log import log_lines, logs_json
from evalsvc.report.lines import JsonView, LineView
from evalsvc.report.streams import forgive_encoding, settle, silence, speak_utf8, unhurried

REDRAW_EVERY_S = 0.2
LINE_EVERY_S = 30.0
LAST_WORD_S = 1.0  # for a reader that is slow to take it
EVENT_EVERY_S = 5.0
DUMB_TERMINALS = ("", "dumb", "unknown")


class LiveView(Protocol):
    """Shows a run while it goes on. Called from the event loop, so every call returns quickly.

    `update` may come as often as the caller likes, and should come once a second even when nothing happens: a view has
    no clock of its own to wake it, and decides by itself what it shows. `close` shows the last state; nothing follows it.
    """

    def start(self, run: RunIntro) -> None: ...
    def note(self, text: str) -> None: ...
    def first_exchange(self, exchange: Exchange) -> None: ...
    def update(self, progress: Progress) -> None: ...
    def close(self) -> None: ...


class QuietView:
    """Nothing at all."""

    def start(self, run: RunIntro) -> None: ...
    def note(self, text: str) -> None: ...
    def first_exchange(self, exchange: Exchange) -> None: ...
    def update(self, progress: Progress) -> None: ...
    def close(self) -> None: ...


class Unfailing:
    """A view that turns itself off at its first failure: a closed terminal or a broken pipe never ends a run.

    `keeps_stream`: the result goes there too, and whoever writes it is to see that a disk is full.
    """

    def __init__(self, view: LiveView, stream: TextIO, *, keeps_stream: bool = False) -> None:
        self._view: LiveView = view
        self._stream = stream
        self._keeps_stream = keeps_stream

    def start(self, run: RunIntro) -> None:
        self._attempt(lambda view: view.start(run))

    def note(self, text: str) -> None:
        self._attempt(lambda view: view.note(text))

    def first_exchange(self, exchange: Exchange) -> None:
        self._attempt(lambda view: view.first_exchange(exchange))

    def update(self, progress: Progress) -> None:
        self._attempt(lambda view: view.update(progress))

    def close(self) -> None:
        self._attempt(lambda view: view.close())
        self._attempt(lambda _: settle(self._stream, within_s=LAST_WORD_S))

    def _attempt(self, act: Callable[[LiveView], None]) -> None:
        try:
            act(self._view)
        except OSError as exc:
            self._view = QuietView()
            if exc.errno == errno.EPIPE or not self._keeps_stream:
                silence(self._stream)
        except Exception:
            # a mistake in drawing, which must not cost a night's answers either
            self._view = QuietView()
            if not self._stream.closed:
                logging.getLogger(__name__).warning("the live view failed and is off; the run goes on", exc_info=True)


def choose_view(
    stderr: TextIO | None,
    *,
    stdout: TextIO | None,
    quiet: bool,
    json: bool,
    environ: Mapping[str, str],
    clock: Callable[[], float] = time.monotonic,
) -> LiveView:
    """The view that fits where the output goes: JSON on `stderr` with EVALSVC_LOG=json, else events on `stdout` with `json`.

    Without them it is a terminal or plain lines on `stderr`.
    A stream that is None was closed before the program began, as Python has it. One whose reader stalls misses lines: a run waits for
    nobody who watches.
    """
    logs = logs_json(environ)
    json = json and not logs
    chosen = stdout if json else stderr
    if quiet or chosen is None:
        return QuietView()
    stream = unhurried(chosen)
    if json or logs:
        speak_utf8(stream)
        lines = log_lines(stream) if logs else stream
        return Unfailing(JsonView(lines, every_s=EVENT_EVERY_S if json else LINE_EVERY_S, clock=clock), stream, keeps_stream=json)
    forgive_encoding(stream)
    if stream.isatty() and environ.get("TERM", "") not in DUMB_TERMINALS:
        from evalsvc.report.terminal import TerminalView

        return Unfailing(TerminalView(stream, environ=environ, every_s=REDRAW_EVERY_S, clock=clock), stream)
    return Unfailing(LineView(stream, every_s=LINE_EVERY_S, clock=clock), stream)
