"""What the governor learns from what a server does; pure, the clock is an argument."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.pool.governor import CUT, PACE_MARGIN, PROBE_STEP, Governor


def governor(ceiling: int = 1000, *, attempt_timeout_s: float = 600.0) -> Governor:
    return Governor(ceiling, attempt_timeout_s=attempt_timeout_s, now=0.0)


def rounds(subject: Governor, count: int, *, at: float, latency_s: float) -> float:
    """`count` clean rounds with the limit fully used, each as long as `latency_s`; gives the time after them."""
    for _ in range(count):
        limit = subject.limit
        for _ in range(limit):
            subject.on_start(at)
        for _ in range(limit):
            subject.on_answer(at + latency_s, started_at=at, in_flight=limit)
        at += latency_s
    return at


def refuse(subject: Governor, now: float, *, started_at: float, retry_after_s: float | None = None) -> None:
    subject.on_rate_limited(now, started_at=started_at, sequence=subject.on_start(started_at), retry_after_s=retry_after_s)


def learned(rate: float = 100.0) -> Governor:
    """Refused at 0 s after a burst of 100, and at 3 s after three seconds' worth more."""
    subject = governor()
    for _ in range(100):
        subject.on_start(0.0)
    refuse(subject, 0.02, started_at=0.0)
    for _ in range(round(3 * rate)):
        subject.on_start(3.0)
    refuse(subject, 3.02, started_at=3.0)
    return subject


@pytest.mark.parametrize(("ceiling", "start"), [(1, 1), (10, 10), (64, 64), (100, 64), (1000, 250), (4000, 1000)])
def test_the_limit_starts_at_a_quarter_of_the_ceiling_and_at_64_at_least(ceiling: int, start: int) -> None:
    assert governor(ceiling).limit == start


def test_the_limit_doubles_after_every_clean_round_up_to_the_ceiling() -> None:
    subject, limits, at = governor(), [], 0.0
    for _ in range(4):
        at = rounds(subject, 1, at=at, latency_s=0.2)
        limits.append(subject.limit)
    assert limits == [500, 1000, 1000, 1000]


def test_a_limit_that_is_not_used_does_not_grow() -> None:
    subject = governor()
    for number in range(2000):
        subject.on_answer(number / 100, started_at=number / 100 - 0.1, in_flight=10)
    assert subject.limit == 250


def test_growth_is_taken_back_when_more_in_flight_brings_no_more_answers() -> None:
    subject = governor()
    at = rounds(subject, 1, at=0.0, latency_s=1.0)
    assert subject.limit == 500
    rounds(subject, 1, at=at, latency_s=2.0)
    assert subject.limit == 250
    assert "no more answers" in subject.changes[-1].reason


def test_a_server_at_its_limit_is_left_in_peace_for_longer_each_time() -> None:
    """Throughput stays at 250 a second whatever is in flight: ever fewer rounds are spent above that."""
    subject, at, above = governor(4000), 0.0, 0
    subject.limit = 250
    for _ in range(120):
        at = rounds(subject, 1, at=at, latency_s=subject.limit / 250)
        above += subject.limit > 250
    assert above <= 12


def test_latency_near_the_attempt_timeout_stops_growth() -> None:
    subject = governor(attempt_timeout_s=60.0)
    rounds(subject, 3, at=0.0, latency_s=31.0)
    assert subject.limit == 250


def test_a_round_with_more_than_a_few_server_errors_is_no_round_to_grow_after() -> None:
    subject = governor()
    for _ in range(20):
        subject.on_server_error()
    at = rounds(subject, 1, at=0.0, latency_s=0.2)
    assert subject.limit == 250
    subject.on_server_error()
    rounds(subject, 1, at=at, latency_s=0.2)
    assert subject.limit == 500


def test_the_first_requests_are_waited_for_before_more_are_added() -> None:
    subject = governor()
    for _ in range(250):
        subject.on_start(0.0)
    assert subject.wait_s(1.0) == (float("inf"), "the first answers")
    for _ in range(125):
        subject.on_answer(1.0, started_at=0.0, in_flight=250)
    assert subject.wait_s(1.0) == (0.0, None)


def test_first_answers_that_come_in_waves_tell_how_many_are_worked_on_at_a_time() -> None:
    subject = governor()
    for _ in range(250):
        subject.on_start(0.0)
    for number in range(64):
        subject.on_answer(20.0 + number / 100, started_at=0.0, in_flight=250 - number)
    wait_s, why = subject.wait_s(21.0)
    assert why == "the first answers"
    assert subject.wait_s(21.0 + wait_s)[0] == 0.0
    assert subject.limit == 80


def test_first_rows_that_fail_for_themselves_give_their_place_to_others() -> None:
    subject = governor()
    for _ in range(250):
        subject.on_start(0.0)
    subject.on_refused_row()
    assert subject.wait_s(0.1) == (0.0, None)


def test_an_attempt_timeout_cuts_once_an_episode() -> None:
    subject = governor()
    for _ in range(200):
        subject.on_timeout(60.0, started_at=0.0)
    assert subject.limit == 125
    subject.on_timeout(121.0, started_at=61.0)
    assert subject.limit == 62


def test_an_attempt_timeout_cuts_to_what_the_server_was_seen_to_work_on() -> None:
    subject = governor()
    for number in range(64):
        subject.on_answer(40.0 + number / 100, started_at=20.0, in_flight=250)
    subject.on_timeout(60.0, started_at=0.0)
    assert subject.limit == 80


def test_the_limit_never_falls_below_one() -> None:
    subject = governor(4)
    for number in range(20):
        subject.on_timeout(100.0 * number + 60, started_at=100.0 * number)
    assert subject.limit == 1


@pytest.mark.parametrize(("advice_s", "pause_s"), [(5.0, 5.0), (None, 1.0), (0.25, 0.5), (9000.0, 300.0), (-3.0, 0.5)])
def test_a_429_pauses_admission_for_as_long_as_the_server_says_within_reason(advice_s: float | None, pause_s: float) -> None:
    subject = governor()
    refuse(subject, 10.0, started_at=9.9, retry_after_s=advice_s)
    wait_s, _why = subject.wait_s(10.0)
    assert wait_s == pytest.approx(pause_s, abs=0.02)


def test_refusals_in_one_moment_tell_no_rate_but_add_up_to_a_span_that_does() -> None:
    """A Retry-After of milliseconds lets new requests meet the tail of the first burst."""
    subject = governor()
    for _ in range(100):
        subject.on_start(0.0)
    refuse(subject, 0.02, started_at=0.0)
    guess = subject.pace
    for moment in (0.6, 0.8):
        refuse(subject, moment, started_at=moment - 0.01)
        assert subject.pace == guess
    for _ in range(50):
        subject.on_start(1.2)
    refuse(subject, 1.32, started_at=1.3)
    assert subject.pace == pytest.approx(50 / 1.3 * PACE_MARGIN, rel=0.03)


def test_a_later_429_of_the_same_episode_may_prolong_the_pause_and_never_shortens_it() -> None:
    subject = governor()
    refuse(subject, 10.0, started_at=9.0, retry_after_s=5.0)
    refuse(subject, 10.1, started_at=9.0, retry_after_s=1.0)
    assert subject.wait_s(10.1)[0] == pytest.approx(4.9)
    refuse(subject, 10.2, started_at=9.0, retry_after_s=9.0)
    assert subject.wait_s(10.2)[0] == pytest.approx(9.0)


def test_a_storm_of_429s_from_one_moment_cuts_once() -> None:
    subject = governor()
    for _ in range(250):
        refuse(subject, 0.02, started_at=0.0)
    assert subject.limit == int(250 * CUT)


def test_two_refusals_teach_the_rate_whatever_the_burst() -> None:
    subject = learned(100.0)
    assert subject.pace == pytest.approx(100 * PACE_MARGIN, rel=0.01)
    assert "accepted 100" in next(change.reason for change in subject.changes if change.pace_per_s == subject.pace)


def test_requests_start_at_the_learned_pace() -> None:
    subject, now, starts = learned(100.0), 5.0, []
    for _ in range(300):
        now += subject.wait_s(now)[0]
        subject.on_start(now)
        starts.append(now)
    assert 299 / (starts[-1] - starts[0]) == pytest.approx(98, rel=0.01)


def test_the_pace_is_probed_upward_by_two_percent_and_a_little_more_each_time() -> None:
    subject, now = learned(100.0), 3.5
    paces: list[float] = []
    while len(paces) < 3:
        now += subject.wait_s(now)[0]
        subject.on_start(now)
        if subject.pace is not None and subject.pace not in paces:
            paces.append(subject.pace)
    base, first, second = paces
    assert first / base == pytest.approx(1 + PROBE_STEP)
    assert second / first == pytest.approx(1 + 1.5 * PROBE_STEP)
    assert now > 3.0 + 10.0  # five clean seconds each


def test_a_pace_that_is_not_used_is_not_raised() -> None:
    """What holds back is something else, such as a slow server or requests_per_minute: clean seconds then show nothing."""
    subject = learned(100.0)
    before = subject.pace
    for tick in range(600):
        subject.on_start(5.0 + tick / 10)
    assert subject.pace == before


def test_a_first_guess_that_is_not_used_is_not_raised_either() -> None:
    subject = governor()
    refuse(subject, 0.02, started_at=0.0)
    guess = subject.pace
    for tick in range(300):
        subject.on_start(2.0 + 3 * tick)
    assert subject.pace == guess


def test_a_request_started_at_the_very_moment_of_a_cut_belongs_to_that_episode() -> None:
    """A clock that ticks in milliseconds gives both the same time."""
    subject = learned(100.0)
    before = (subject.limit, subject.pace)
    refuse(subject, 3.04, started_at=3.02)
    assert (subject.limit, subject.pace) == before


def test_the_rate_counts_from_the_last_refusal_of_the_first_burst() -> None:
    """New connections and a busy server take 0.3 s over the burst; refusals come back in any order, the headers first of all."""
    subject = governor()
    for _ in range(250):
        subject.on_start(0.0)
    subject.on_headers(0.1, started_at=0.0, sequence=249, remaining=0, reset_s=1.0, what="requests")
    for number in range(120):
        subject.on_rate_limited(0.1 + number / 600, started_at=0.0, sequence=120 - number, retry_after_s=1.0)
    for _ in range(200):
        subject.on_start(2.3)
    refuse(subject, 2.3, started_at=2.29)
    assert subject.pace == pytest.approx(100 * PACE_MARGIN, rel=0.02)


def test_a_rate_limit_does_not_end_the_first_ramp() -> None:
    """Under long latencies a rate needs many in flight; it is the pace that keeps to it."""
    subject = governor()
    refuse(subject, 0.1, started_at=0.0)
    limit = subject.limit
    rounds(subject, 1, at=5.0, latency_s=5.0)
    assert subject.limit == 2 * limit


def test_next_to_nothing_accepted_is_a_closed_server_and_not_a_rate() -> None:
    subject = learned(100.0)
    refuse(subject, 63.0, started_at=62.9)
    assert subject.pace == pytest.approx(98 / 2, rel=0.03)
    for number in range(4):
        refuse(subject, 123.0 + 60 * number, started_at=122.9 + 60 * number)
    assert 1.0 <= (subject.pace or 0.0) <= 10.0


def test_headers_that_say_nothing_is_left_pause_until_the_limit_is_whole() -> None:
    subject = governor()
    subject.on_headers(1.0, started_at=0.8, sequence=subject.on_start(0.8), remaining=0, reset_s=7.0, what="tokens")
    wait_s, why = subject.wait_s(1.0)
    assert wait_s == pytest.approx(6.8)
    assert why == "the rate limit (no tokens left)"


def test_headers_cannot_pause_for_longer_than_a_minute() -> None:
    subject = governor()
    subject.on_headers(1.0, started_at=1.0, sequence=subject.on_start(1.0), remaining=0, reset_s=86400.0, what="requests")
    assert subject.wait_s(1.0)[0] == pytest.approx(60.0)


@pytest.mark.parametrize(("remaining", "reset_s"), [(1, 10.0), (None, 10.0), (0, None), (0, 0.0), (500, 0.002)])
def test_headers_that_leave_something_change_nothing(remaining: float | None, reset_s: float | None) -> None:
    subject = governor()
    subject.on_headers(1.0, started_at=0.8, sequence=1, remaining=remaining, reset_s=reset_s, what="requests")
    assert (subject.wait_s(1.0)[0], subject.pace, subject.limit) == (0.0, None, 250)


def test_after_an_outage_the_ramp_begins_again() -> None:
    subject = governor()
    at = rounds(subject, 3, at=0.0, latency_s=0.2)
    assert subject.limit == 1000
    subject.restart(at)
    assert subject.limit == 250
    assert subject.changes[-1].reason == "back after an outage"


def test_every_change_of_the_limit_is_told_with_its_reason() -> None:
    subject = learned()
    rounds(subject, 2, at=20.0, latency_s=0.2)
    assert subject.changes
    assert all(change.reason for change in subject.changes)
    assert subject.changes[-1].concurrency == subject.limit


HAPPENS = st.sampled_from(["answer", "late answer", "429", "429 in 5 s", "5xx", "timeout", "empty", "bad row", "outage over"])


@given(ceiling=st.integers(1, 3000), script=st.lists(st.tuples(HAPPENS, st.floats(0.0, 30.0)), max_size=80))
def test_whatever_happens_the_limits_stay_within_reason(ceiling: int, script: list[tuple[str, float]]) -> None:
    subject, now = governor(ceiling, attempt_timeout_s=60.0), 0.0
    for what, seconds in script:
        started_at, sequence = now, subject.on_start(now)
        now += seconds
        match what:
            case "answer" | "late answer":
                subject.on_answer(now, started_at=started_at - 20 * (what == "late answer"), in_flight=subject.limit)
            case "429" | "429 in 5 s":
                after_s = None if what == "429" else 5.0
                subject.on_rate_limited(now, started_at=started_at, sequence=sequence, retry_after_s=after_s)
            case "5xx":
                subject.on_server_error()
            case "timeout":
                subject.on_timeout(now, started_at=started_at)
            case "empty":
                subject.on_headers(now, started_at=started_at, sequence=sequence, remaining=0, reset_s=60.0, what="requests")
            case "bad row":
                subject.on_refused_row()
            case "outage over":
                subject.restart(now)
        assert 1 <= subject.limit <= ceiling
        assert subject.pace is None or subject.pace >= 1 / 60
        assert subject.wait_s(now)[0] >= 0.0
