"""How a run went, launch by launch: `timeline` of summary.json, from events.jsonl.

Times are seconds since the first launch. Points are those of the `counters` that launches leave every few seconds, thinned by equal
times; what they count is counted from the launch's beginning, so that no sum is lost with those that are left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

MOST_LAUNCHES: Final = 50  # the last ones
MOST_POINTS: Final = 300
MOST_MARKS: Final = 60  # of each kind
_REASON_AT_MOST: Final = 200  # characters

Event = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class _Point:
    """The counters of a launch at one time, and the limit there was."""

    seconds: float
    wall_s: float  # of the launch, by a clock that nobody sets
    rows: int
    attempts: int
    rate_limited: int
    in_flight: int | None
    concurrency: int | None
    pace_per_s: float | None


@dataclass(slots=True, kw_only=True)
class _Launch:
    number: int
    at: str
    seconds: float
    done: int  # rows, before it
    concurrency: int | None = None
    pace_per_s: float | None = None
    points: list[_Point] = field(default_factory=list)
    marks: list[dict[str, Any]] = field(default_factory=list)
    exit_code: int | None = None  # None: killed, or still going on
    reason: str | None = None

    def count(self, event: Event, seconds: float) -> None:
        """A clock that was set back moves no point before the last one."""
        last = self.points[-1].seconds if self.points else self.seconds
        self.points.append(
            _Point(
                seconds=max(seconds, last),
                wall_s=event.get("wall_s", 0.0),
                rows=event.get("rows", 0),
                attempts=event.get("attempts", 0),
                rate_limited=event.get("rate_limited", 0),
                in_flight=event.get("in_flight"),
                concurrency=event.get("concurrency", self.concurrency),
                pace_per_s=self.pace_per_s,
            )
        )

    def limit(self, event: Event, seconds: float) -> None:
        """Only what falls is marked: that it grows again is seen from the points."""
        concurrency, pace = event.get("concurrency"), event.get("pace_per_s")
        falls = _is_less(concurrency, self.concurrency) or (pace is not None and (self.pace_per_s is None or pace < self.pace_per_s))
        if falls:
            self._mark("limit", seconds, concurrency=concurrency, pace_per_s=pace, reason=_short(event.get("reason")))
        self.concurrency, self.pace_per_s = concurrency, pace

    def outage(self, event: Event, seconds: float) -> None:
        """One that is not over when the launch ends has no length."""
        if event.get("state") == "began":
            self._mark("outage", seconds, lasted_s=None, reason=_short(event.get("message")))
        elif (began := next((mark for mark in reversed(self.marks) if mark["kind"] == "outage"), None)) is not None:
            began["lasted_s"] = event.get("seconds")

    def end(self, event: Event, _: float) -> None:
        self.exit_code, self.reason = event.get("exit_code"), _short(event.get("reason"))

    def _mark(self, kind: str, seconds: float, **fields: Any) -> None:
        self.marks.append({"kind": kind, "seconds": seconds, **fields, "times": 1})


_TAKES: Final = {"counters": _Launch.count, "limit": _Launch.limit, "outage": _Launch.outage, "end": _Launch.end}


def timeline(events: Iterable[Event]) -> list[dict[str, Any]]:
    """A launch each, in order: its points column by column, and what happened meanwhile."""
    launches = _launches(events)[-MOST_LAUNCHES:]
    asked_s = sum(launch.points[-1].wall_s for launch in launches if launch.points)
    # each launch may have one point more than its time says
    step_s = asked_s / (MOST_POINTS - len(launches))
    return [_told(launch, step_s, asked_s / MOST_MARKS) for launch in launches]


def _launches(events: Iterable[Event]) -> list[_Launch]:
    launches: list[_Launch] = []
    began_at: datetime | None = None
    for event in events:
        kind = event.get("event")
        if kind == "launch":
            at = datetime.fromisoformat(event["at"])
            began_at = began_at or at
            seconds = (at - began_at).total_seconds()
            launches.append(_Launch(number=event["number"], at=event["at"], seconds=seconds, done=event.get("done", 0)))
        elif kind in _TAKES and launches and began_at is not None:
            _TAKES[kind](launches[-1], event, (datetime.fromisoformat(event["at"]) - began_at).total_seconds())
    return launches


def _told(launch: _Launch, step_s: float, mark_step_s: float) -> dict[str, Any]:
    points = _thinned(launch.points, step_s)
    first = launch.points[0] if launch.points else None
    # a launch may wait for its endpoint before it asks
    begins_s = launch.seconds if first is None else max(launch.seconds, first.seconds - first.wall_s)
    before = _Point(seconds=begins_s, wall_s=0.0, rows=0, attempts=0, rate_limited=0, in_flight=None, concurrency=None, pace_per_s=None)
    spans = list(zip([before, *points], points, strict=False))
    return {
        "launch": launch.number,
        "at": launch.at,
        "begins_s": round(begins_s, 3),
        "done_before": launch.done,
        "seconds": [round(point.seconds, 3) for point in points],
        "done": [launch.done + point.rows for point in points],
        "rows_per_s": [_rate(earlier, later) for earlier, later in spans],
        "in_flight": [point.in_flight for point in points],
        "concurrency": [point.concurrency for point in points],
        "pace_per_s": [None if point.pace_per_s is None else round(point.pace_per_s, 3) for point in points],
        "rate_limited_share": [_refused(earlier, later) for earlier, later in spans],
        "marks": _joined(launch.marks, mark_step_s),
        "exit_code": launch.exit_code,
        "reason": launch.reason,
    }


def _thinned(points: Sequence[_Point], step_s: float) -> list[_Point]:
    """The last one of each step of time."""
    by_step = {int(point.wall_s / step_s) if step_s else 0: point for point in points}
    return list(by_step.values())


def _rate(earlier: _Point, later: _Point) -> float | None:
    elapsed_s = later.wall_s - earlier.wall_s
    return round((later.rows - earlier.rows) / elapsed_s, 3) if elapsed_s > 0 else None


def _refused(earlier: _Point, later: _Point) -> float | None:
    attempts, refused = later.attempts - earlier.attempts, later.rate_limited - earlier.rate_limited
    return round(refused / attempts, 4) if attempts > 0 else None


def _joined(marks: Sequence[Mapping[str, Any]], step_s: float) -> list[dict[str, Any]]:
    """The last one of each kind in each step of time, since the first, and how many there were; how long outages lasted adds up."""
    joined: dict[tuple[str, int], dict[str, Any]] = {}
    for mark in marks:
        key = mark["kind"], int(mark["seconds"] / step_s) if step_s else 0
        before = joined.get(key)
        joined[key] = dict(mark) if before is None else {**mark, "times": before["times"] + 1, "seconds": before["seconds"]}
        if before is not None and mark["kind"] == "outage":
            joined[key]["lasted_s"] = (before["lasted_s"] or 0.0) + (mark["lasted_s"] or 0.0)
    return list(joined.values())


def _is_less(now: float | None, before: float | None) -> bool:
    return now is not None and before is not None and now < before


def _short(text: object) -> str | None:
    return None if text is None else str(text)[:_REASON_AT_MOST]
