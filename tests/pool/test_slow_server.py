"""A server that never says 429 but works on so many requests at a time and lets the others queue."""

from functools import cache

import pytest

from tests.pool.launches import Launch, launch
from tests.pool.servers import Slots

ANSWER_S = 20.0
SLOTS = 64
TIMEOUTS = [45.0, 60.0, 90.0, 600.0]


@cache
def run_slots(attempt_timeout_s: float, *, rows: int = 1280) -> tuple[Slots, Launch]:
    server = Slots(slots=SLOTS, low_s=ANSWER_S - 0.5, high_s=ANSWER_S + 0.5, attempt_timeout_s=attempt_timeout_s)
    return server, launch(server, rows, attempt_timeout_s=attempt_timeout_s)


@pytest.mark.parametrize("attempt_timeout_s", TIMEOUTS)
def test_no_attempt_times_out_after_the_first_minute(attempt_timeout_s: float) -> None:
    server, launched = run_slots(attempt_timeout_s)
    assert not [call for call in server.calls if call.status == -1 and call.at + attempt_timeout_s > 60.0]
    assert len(launched.answered) == 1280


@pytest.mark.parametrize("attempt_timeout_s", TIMEOUTS)
def test_ninety_percent_of_the_slots_are_kept_busy(attempt_timeout_s: float) -> None:
    _, launched = run_slots(attempt_timeout_s)
    busy = launched.share_of(SLOTS / ANSWER_S, after_s=90.0, until_s=330.0)
    assert busy >= 0.9


@pytest.mark.parametrize("attempt_timeout_s", TIMEOUTS)
def test_most_of_the_whole_run_is_spent_answering(attempt_timeout_s: float) -> None:
    """From the first request to the last answer, the time lost to the first timeouts included."""
    _, launched = run_slots(attempt_timeout_s)
    assert 1280 / SLOTS * ANSWER_S / launched.ended_at >= 0.85


def test_a_limit_that_brings_nothing_does_not_grow() -> None:
    """64 slots of a second each: whatever is more than that only queues."""
    server = Slots(slots=SLOTS, low_s=0.9, high_s=1.1)
    launched = launch(server, 8_000)
    assert server.most_in_flight <= 2 * 250
    assert launched.share_of(SLOTS, after_s=10.0, until_s=launched.ended_at - 5) >= 0.95


def test_a_server_with_room_gets_the_whole_ceiling() -> None:
    server = Slots(slots=5000, low_s=0.2, high_s=0.3)
    launched = launch(server, 12_000)
    assert server.most_in_flight == 1000
    assert launched.share_of(4000, after_s=1.5, until_s=2.5) >= 0.95


def test_one_slot_is_enough() -> None:
    """A laptop that works on one request at a time, three seconds each, under a timeout of a minute."""
    server = Slots(slots=1, low_s=2.5, high_s=3.5, attempt_timeout_s=60.0)
    launched = launch(server, 200, attempt_timeout_s=60.0)
    assert len(launched.answered) == 200
    assert launched.ended_at <= 200 * 3 / 0.7
