"""When the breaker opens, what keeps it closed, and how an outage ends."""

import pytest

from evalsvc.pool.breaker import Breaker


def breaker(*, budget_s: float = 1800.0, start_budget_s: float = 900.0) -> Breaker:
    return Breaker(budget_s=budget_s, start_budget_s=start_budget_s, now=0.0)


def down_since(now: float, known: Breaker | None = None) -> Breaker:
    """Answered until `now`, then refused five connections over a second and a half."""
    subject = known or breaker()
    subject.on_good(now, started_at=now - 0.1)
    for number in range(1, 6):
        subject.on_failure(now + 0.3 * number, started_at=now + 0.3 * number - 0.01, in_flight=100)
    return subject


def test_five_failures_in_a_row_and_nothing_good_for_a_second_open_it() -> None:
    subject = breaker()
    subject.on_good(10.0, started_at=9.9)
    opened = [subject.on_failure(10.0 + 0.3 * number, started_at=10.0 + 0.29 * number, in_flight=100) for number in range(1, 6)]
    assert opened == [False, False, False, False, True]


def test_five_failures_within_a_second_of_a_good_answer_do_not() -> None:
    subject = breaker()
    subject.on_good(10.0, started_at=9.9)
    assert not any(subject.on_failure(10.0 + 0.1 * number, started_at=10.05, in_flight=100) for number in range(1, 6))


def test_a_good_answer_in_between_starts_the_count_again() -> None:
    subject = breaker()
    for number in range(40):
        now = 5.0 + number
        assert not subject.on_failure(now, started_at=now - 0.1, in_flight=10)
        if number % 4 == 3:
            subject.on_good(now, started_at=now)
    assert not subject.is_open


def test_failures_sent_before_the_last_good_answer_prove_no_outage() -> None:
    """Rows that hang until their timeout, while the others are answered."""
    subject = breaker()
    subject.on_good(59.0, started_at=58.0)
    assert not any(subject.on_failure(60.0 + number, started_at=float(number), in_flight=100) for number in range(20))


def test_a_row_of_failures_as_long_as_what_is_in_flight_opens_it_at_once() -> None:
    subject = breaker()
    subject.on_good(10.0, started_at=9.9)
    opened = [subject.on_failure(10.01, started_at=10.0, in_flight=200) for _ in range(200)]
    assert opened == [False] * 199 + [True]


def test_quick_failures_need_three_rounds_as_good_answers_may_be_under_way() -> None:
    subject = breaker()
    subject.on_good(10.0, started_at=9.9)
    subject.on_failure(10.01, started_at=10.0, in_flight=100)
    opened = [subject.on_failure(10.03, started_at=10.02, in_flight=100) for _ in range(299)]
    assert opened == [False] * 298 + [True]


def test_good_answers_asked_for_before_the_first_failure_do_not_hide_the_outage() -> None:
    subject = breaker()
    subject.on_good(10.0, started_at=9.9)
    opened = False
    for number in range(150):
        now = 10.01 + number / 1000
        opened |= subject.on_failure(now, started_at=now - 0.01, in_flight=50)
        subject.on_good(now, started_at=9.9)
    assert opened


def test_no_success_is_needed_before_it_opens() -> None:
    subject = breaker()
    for number in range(5):
        subject.on_failure(1.0 + number, started_at=1.0 + number, in_flight=1)
    assert subject.is_open


def test_probes_wait_longer_each_time_and_never_more_than_fifteen_seconds() -> None:
    subject, now, waits = down_since(10.0), 11.5, []
    for _ in range(7):
        waits.append(subject.probe_wait_s(now))
        now += waits[-1]
        subject.on_probe_failed(now, jitter=0.0)
    assert waits == pytest.approx([1, 2, 4, 8, 15, 15, 15])


def test_jitter_shortens_a_probe_wait_by_at_most_a_fifth() -> None:
    subject = down_since(10.0)
    subject.on_probe_failed(20.0, jitter=0.999)
    assert subject.probe_wait_s(20.0) == pytest.approx(2 * 0.8, rel=0.01)


def test_a_good_answer_ends_the_outage_and_its_length_is_kept() -> None:
    subject = down_since(10.0)
    assert subject.on_good(110.29, started_at=110.0)
    assert not subject.is_open
    assert subject.open_s == pytest.approx(100.0)  # from when the first that failed was sent


def test_what_was_still_under_way_does_not_end_an_outage_in_its_first_second() -> None:
    subject = down_since(10.0)
    assert not subject.on_good(12.0, started_at=9.0)
    assert subject.is_open
    assert subject.on_good(13.0, started_at=9.0)


def test_the_budget_counts_from_the_first_failure() -> None:
    subject = down_since(10.0, breaker(budget_s=100.0, start_budget_s=0.0))
    assert not subject.is_spent(110.28)
    assert subject.is_spent(110.3)


def test_a_closed_breaker_spends_nothing() -> None:
    assert not breaker(budget_s=0.0).is_spent(1e9)


@pytest.mark.parametrize(("budget_s", "start_budget_s", "spent_after_s"), [(100.0, 900.0, 900.0), (1800.0, 900.0, 1800.0)])
def test_an_endpoint_never_seen_alive_has_the_longer_of_both_budgets(budget_s: float, start_budget_s: float, spent_after_s: float) -> None:
    subject = breaker(budget_s=budget_s, start_budget_s=start_budget_s)
    for number in range(5):
        subject.on_failure(float(number), started_at=0.0, in_flight=1)
    assert not subject.is_spent(spent_after_s - 1)
    assert subject.is_spent(spent_after_s)


def test_a_second_outage_begins_with_short_waits_and_a_fresh_budget() -> None:
    subject = down_since(10.0, breaker(budget_s=100.0))
    for _ in range(5):
        subject.on_probe_failed(50.0, jitter=0.0)
    subject.on_good(60.0, started_at=59.0)
    down_since(200.0, subject)
    assert subject.probe_wait_s(201.5) == pytest.approx(1.0)
    assert not subject.is_spent(250.0)
