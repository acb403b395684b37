"""Tokens per minute: what is reserved, owed and given back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.pool.tokens import FIRST_GUESS_OUTPUT, TokenBudget
from evalsvc.records import Usage
from tests.pool.servers import request

ROW = request(1)  # estimated at 20 tokens of input


def budget(per_minute: int = 6000, *, max_output: int | None = None) -> TokenBudget:
    return TokenBudget(per_minute, max_output=max_output, now=0.0)


def test_the_first_estimate_is_the_text_and_a_guess_of_the_answer() -> None:
    assert budget().estimate(ROW) == 20 + FIRST_GUESS_OUTPUT


def test_max_output_tokens_bounds_the_estimate() -> None:
    assert budget(max_output=3).estimate(ROW) == 23


def test_estimates_come_to_what_answers_really_use() -> None:
    subject = budget()
    for _ in range(200):
        subject.settle(subject.estimate(ROW), ROW, Usage(input=60, output=7))
    assert subject.estimate(ROW) == pytest.approx(67, abs=2)


def test_two_seconds_worth_may_be_spent_at_once_and_no_more() -> None:
    subject = budget(6000)
    subject.reserve(200, 0.0)
    assert subject.wait_s(1, 0.0) == pytest.approx(0.01)


def test_a_long_pause_saves_up_no_more_than_that() -> None:
    subject = budget(6000)
    subject.reserve(200, 1000.0)
    assert subject.wait_s(100, 1000.0) == pytest.approx(1.0)


def test_what_was_reserved_too_low_is_owed() -> None:
    subject = budget(6000)
    subject.reserve(100, 0.0)
    subject.settle(100, ROW, Usage(input=300, output=100))
    assert subject.wait_s(100, 0.0) == pytest.approx(3.0)


def test_what_was_reserved_too_high_is_given_back() -> None:
    subject = budget(6000)
    subject.reserve(200, 0.0)
    subject.settle(200, ROW, Usage(input=20, output=10))
    assert subject.wait_s(170, 0.0) == 0.0


def test_a_refund_is_whole() -> None:
    subject = budget(6000)
    subject.reserve(200, 0.0)
    subject.refund(200)
    assert subject.wait_s(200, 0.0) == 0.0


def test_a_request_larger_than_the_bucket_waits_for_a_full_one_and_not_for_ever() -> None:
    subject = budget(6000)
    subject.reserve(50, 0.0)
    assert subject.wait_s(10_000, 0.0) == pytest.approx(0.5)


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=60))
def test_never_more_is_spent_than_the_rate_allows_but_for_the_last_request(rows: list[tuple[int, int, int]]) -> None:
    subject, now, spent = budget(6000), 0.0, 0
    for estimate, used_input, used_output in rows:
        now += subject.wait_s(estimate, now)
        assert spent <= 200 + 100 * now + 1e-6
        subject.reserve(estimate, now)
        subject.settle(estimate, ROW, Usage(input=used_input, output=used_output))
        spent += used_input + used_output
