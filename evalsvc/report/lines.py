"""Views for pipes and logs: a plain line now and then, or JSON Lines."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TextIO

from evalsvc import jsonio
from evalsvc.records import Progress
from evalsvc.report.facts import as_lines
from evalsvc.report.intro import Exchange, RunIntro, exchange_facts, intro_facts
from evalsvc.report.plain import json_for_terminals, one_line, plain
from evalsvc.report.progress import progress_line

LOG_COLUMNS = 100


class Pace:
    """Says when something is due: at once, and then no more often than every `every_s`."""

    def __init__(self, every_s: float, clock: Callable[[], float]) -> None:
        self._every_s = every_s
        self._clock = clock
        self._next_at = float("-inf")

    def due(self) -> bool:
        now = self._clock()
        if now < self._next_at:
            return False
        self._next_at = now + self._every_s
        return True


class LineView:
    """Plain text without a terminal: blocks at the start, then one `progress key=value …` line at a time."""

    def __init__(self, stream: TextIO, *, every_s: float, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._pace = Pace(every_s, clock)
        self._unsaid: Progress | None = None

    def start(self, run: RunIntro) -> None:
        self._say(f"{one_line(run.name)}\n{as_lines(intro_facts(run))}")

    def note(self, text: str) -> None:
        self._say(f"note: {plain(text)}")

    def first_exchange(self, exchange: Exchange) -> None:
        self._say(f"first exchange\n{as_lines(exchange_facts(exchange, columns=LOG_COLUMNS))}")

    def update(self, progress: Progress) -> None:
        self._unsaid = progress
        if self._pace.due():
            self._say_progress()

    def close(self) -> None:
        self._say_progress()

    def _say_progress(self) -> None:
        if self._unsaid is not None:
            self._say(f"progress {progress_line(self._unsaid)}")
            self._unsaid = None

    def _say(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


class JsonView:
    """JSON Lines for programs: `start`, `note`, `first_exchange` and `progress` events, all values unrounded."""

    def __init__(self, stream: TextIO, *, every_s: float, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._pace = Pace(every_s, clock)
        self._unsaid: Progress | None = None

    def start(self, run: RunIntro) -> None:
        self._say("start", asdict(run))

    def note(self, text: str) -> None:
        self._say("note", {"message": text})

    def first_exchange(self, exchange: Exchange) -> None:
        self._say("first_exchange", {**asdict(exchange), "messages": [dict(message) for message in exchange.messages]})

    def update(self, progress: Progress) -> None:
        self._unsaid = progress
        if self._pace.due():
            self._say_progress()

    def close(self) -> None:
        self._say_progress()

    def _say_progress(self) -> None:
        if self._unsaid is not None:
            self._say("progress", asdict(self._unsaid))
            self._unsaid = None

    def _say(self, event: str, values: dict[str, Any]) -> None:
        self._stream.write(json_event(event, values))
        self._stream.flush()


def json_event(event: str, values: dict[str, Any]) -> str:
    """One line, its line end included; `event` comes first.

    >>> json_event("note", {"message": "ok"})
    '{"event":"note","message":"ok"}\\n'
    """
    return json_for_terminals(jsonio.dumps({"event": event, **values}).decode()) + "\n"
