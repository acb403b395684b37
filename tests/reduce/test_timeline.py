"""How a run went, from its events: bounded, and without a sum that is lost."""

import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evalsvc.journal.events import read_events, utc_text
from evalsvc.jsonio import dumps
from evalsvc.reduce.timeline import MOST_LAUNCHES, MOST_MARKS, MOST_POINTS, timeline

MIDNIGHT = 1_795_140_000.0
Event = dict[str, Any]


def event(what: str, at_s: float, **fields: Any) -> Event:
    """`at_s`: since midnight."""
    return {"at": utc_text(MIDNIGHT + at_s), "event": what, **fields}


def counters(at_s: float, wall_s: float, rows: int, attempts: int | None = None, refused: int = 0, **fields: Any) -> Event:
    numbers = {"attempts": rows if attempts is None else attempts, "rate_limited": refused, "rows": rows, "wall_s": wall_s}
    return event("counters", at_s, retries=0, by_error={}, spent={}, **numbers, **fields)


def night(hours: float, *, number: int = 1, at_s: float = 0.0, rows_per_s: float = 7.0) -> Iterator[Event]:
    """A launch that is paced by its server."""
    yield event("launch", at_s, number=number, rows=10**6, done=0)
    for step in range(1, int(hours * 720) + 1):
        if step % 3 == 0:
            yield event("limit", at_s + 5 * step, concurrency=100 - step % 40, pace_per_s=50.0 + step % 9, reason="429")
        yield counters(at_s + 5 * step, 5.0 * step, int(rows_per_s * 5 * step), refused=step)


def told(events: Iterable[Event]) -> list[dict[str, Any]]:
    return timeline(iter(list(events)))


def test_points_say_how_many_rows_were_done_how_fast_and_what_was_refused() -> None:
    [launch] = told(
        [
            event("launch", 0, number=1, rows=100, done=40),
            # the endpoint took seven seconds to be there
            event("limit", 7, concurrency=64, pace_per_s=None, reason="grown"),
            counters(12, 5.0, 20, 25, 5, in_flight=8),
            event("limit", 13, concurrency=32, pace_per_s=4.5, reason="429"),
            counters(17, 10.0, 50, 60, 5),
            counters(18, 11.0, 50, 60, 5, in_flight=0, concurrency=30),
            event("end", 19, exit_code=0, reason="complete"),
        ]
    )
    assert (launch["launch"], launch["begins_s"], launch["done_before"]) == (1, 7.0, 40)
    assert launch["seconds"] == [12.0, 17.0, 18.0]
    assert launch["done"] == [60, 90, 90]
    assert launch["rows_per_s"] == [4.0, 6.0, 0.0]
    assert launch["rate_limited_share"] == [0.2, 0.0, None]
    assert launch["in_flight"] == [8, None, 0]
    assert launch["concurrency"] == [64, 32, 30]
    assert launch["pace_per_s"] == [None, 4.5, 4.5]
    assert (launch["exit_code"], launch["reason"]) == (0, "complete")


def test_only_what_falls_is_marked() -> None:
    limits = [(64, None), (128, None), (128, 20.0), (128, 21.0), (100, 21.0), (100, 25.0), (100, 19.0)]
    [launch] = told(
        [
            event("launch", 0, number=1, done=0),
            *(event("limit", 60 * at, concurrency=limit, pace_per_s=pace, reason=f"r{at}") for at, (limit, pace) in enumerate(limits)),
            counters(600, 600.0, 10),
        ]
    )
    assert [(mark["seconds"], mark["concurrency"], mark["pace_per_s"], mark["reason"], mark["times"]) for mark in launch["marks"]] == [
        (120.0, 128, 20.0, "r2", 1),
        (240.0, 100, 21.0, "r4", 1),
        (360.0, 100, 19.0, "r6", 1),
    ]


def test_outages_last_until_they_are_over_or_the_launch_is() -> None:
    down = {"state": "began", "kind": "connect", "message": "x" * 900}
    launches = told(
        [
            event("launch", 0, number=1, done=0),
            event("outage", 10, **down),
            event("outage", 40, state="over", seconds=31.5),
            event("outage", 90, **down),
            counters(100, 100.0, 10),
            event("launch", 500, number=2, done=10),
            event("outage", 501, state="over", seconds=2.0),
            counters(600, 100.0, 10),
        ]
    )
    assert [(mark["kind"], mark["seconds"], mark["lasted_s"]) for mark in launches[0]["marks"]] == [
        ("outage", 10.0, 31.5),
        ("outage", 90.0, None),
    ]
    assert len(launches[0]["marks"][0]["reason"]) == 200
    assert launches[1]["marks"] == []


def test_outages_that_come_at_about_one_time_are_told_together() -> None:
    many = [
        one
        for number in range(50)
        for one in (event("outage", number, state="began", message="no"), event("outage", number + 0.5, state="over", seconds=0.5))
    ]
    [launch] = told([event("launch", 0, number=1, done=0), *many, counters(6000, 6000.0, 10)])
    [mark] = launch["marks"]
    assert (mark["seconds"], mark["times"], mark["lasted_s"]) == (0.0, 50, 25.0)


def test_launches_follow_each_other_with_the_time_between_them() -> None:
    first, second = told(
        [
            event("launch", 0, number=1, done=0),
            counters(5, 5.0, 10),
            event("launch", 3600, number=2, done=12),
            counters(3605, 4.0, 8),
            event("end", 3606, exit_code=75, reason="stopped by SIGTERM"),
        ]
    )
    assert (first["exit_code"], second["exit_code"], second["reason"]) == (None, 75, "stopped by SIGTERM")
    assert (second["begins_s"], second["done_before"], second["done"]) == (3601.0, 12, [20])


def test_a_night_is_thinned_and_no_sum_is_lost() -> None:
    [launch] = told(night(9))
    points = len(launch["seconds"])
    assert MOST_POINTS / 2 < points <= MOST_POINTS
    assert launch["done"][-1] == int(7.0 * 5 * 9 * 720)
    widths = [after - before for before, after in zip([0.0, *launch["seconds"]], launch["seconds"], strict=False)]
    assert sum(rate * width for rate, width in zip(launch["rows_per_s"], widths, strict=True)) == pytest.approx(launch["done"][-1], abs=5)
    assert max(widths) <= 2 * min(widths[:-1])
    assert len(launch["marks"]) <= MOST_MARKS + 1
    assert sum(mark["times"] for mark in launch["marks"]) > 1000


def test_many_launches_have_no_more_points_than_one() -> None:
    launches = told(one for number in range(80) for one in night(0.1, number=number, at_s=1000.0 * number))
    assert [launch["launch"] for launch in launches] == list(range(80 - MOST_LAUNCHES, 80))
    assert sum(len(launch["seconds"]) for launch in launches) <= MOST_POINTS
    assert all(launch["done"][-1] == int(7.0 * 5 * 72) for launch in launches)
    assert len(dumps(launches)) < 60_000


def test_a_clock_that_is_set_back_makes_no_time_run_backwards() -> None:
    [launch] = told([event("launch", 0, number=1, done=0), counters(5, 5.0, 10), counters(-3590, 10.0, 30), counters(-3585, 15.0, 40)])
    assert launch["seconds"] == [5.0, 5.0, 5.0]
    assert launch["rows_per_s"] == [2.0, 4.0, 2.0]


@pytest.mark.parametrize(
    "events",
    [
        [],
        [event("counters", 0, rows=3, wall_s=1.0)],
        [event("launch", 0, number=1, rows=3, done=0)],
        [event("launch", 0, number=1, rows=3, done=0), event("sweep", 1, rows=2), event("stranger", 2)],
    ],
)
def test_what_says_nothing_has_no_points(events: list[Event]) -> None:
    assert all(launch["seconds"] == [] and launch["marks"] == [] for launch in told(events))
    assert len(told(events)) == sum(one["event"] == "launch" for one in events)


def test_the_events_of_a_night_take_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(dumps(one) + b"\n" for one in night(12)))
    tracemalloc.start()
    timeline(read_events(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * path.stat().st_size
