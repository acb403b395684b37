"""The purse: no request starts that will probably not be covered, so that a budget is exceeded by what was in flight at most."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.config import Budget, Price
from evalsvc.errors import UsageError
from evalsvc.pipeline.budget import FIRST_GUESS_OUTPUT, Purse, seconds, spent_error
from evalsvc.records import Reply, Request, Usage
from tests.faults.promises import promise

PRICE = Price(input=1.0, output=2.0)


def request(estimate: int = 10) -> Request:
    return Request(
        id="r", repeat=0, row_hash=bytes(8), key="0" * 32, target=None, messages=b"[]", body=b"{}", input_tokens_estimate=estimate
    )


def reply(output: str = "spam") -> Reply:
    return Reply(output=output, finish_reason="stop", usage=None, latency_s=0.1)


def purse(*, tokens: int | None = None, usd: float | None = None, spent: Usage | None = None, at_most: int | None = 1) -> Purse:
    return Purse.of(Budget(tokens=tokens, usd=usd), PRICE, spent=spent or Usage(), output_at_most=at_most)


def test_without_limits_everything_may_go() -> None:
    assert purse().exceeded_by(request(10**9)) is None


def test_what_is_in_flight_counts_before_it_is_paid() -> None:
    mine = purse(tokens=33)
    for _ in range(3):
        assert mine.exceeded_by(request()) is None
        mine.take(request())
    held = mine.exceeded_by(request())
    assert held is not None
    assert held.key == "budget.tokens"


def test_answers_cheaper_than_expected_make_room_again() -> None:
    mine = purse(tokens=25, at_most=10)
    mine.take(request())
    assert mine.exceeded_by(request()) is not None
    mine.settle(request(), Usage(input=5, output=1), reply())
    assert mine.exceeded_by(request()) is None


def test_what_earlier_launches_paid_is_spent() -> None:
    assert purse(tokens=100, spent=Usage(input=80)).exceeded_by(request()) is None
    assert purse(tokens=100, spent=Usage(input=80, output=15)).exceeded_by(request()) is not None


def test_failed_attempts_that_were_paid_for_count_and_those_that_were_not_do_not() -> None:
    mine = purse(tokens=100)
    for usage in (Usage(input=70), None):
        mine.take(request())
        mine.settle(request(), usage, None)
    assert mine.spent == Usage(input=70)


@promise("9.1")
def test_an_answer_without_usage_is_paid_for_as_expected() -> None:
    mine = purse(tokens=100)
    mine.take(request(40))
    mine.settle(request(40), None, reply("x" * 40))
    assert mine.spent == Usage(input=40, output=11)


def test_dollars_are_counted_at_the_price_and_cached_input_at_its_own() -> None:
    mine = purse(usd=1.0, spent=Usage(input=999_000))
    assert mine.exceeded_by(request(900)) is None
    assert mine.exceeded_by(request(1_100)) is not None


def test_an_unlimited_answer_is_expected_to_be_long_until_one_was_seen() -> None:
    mine = purse(tokens=FIRST_GUESS_OUTPUT, at_most=None)
    assert mine.exceeded_by(request()) is not None
    seen = Purse.of(Budget(tokens=1000), None, spent=Usage(), output_at_most=None, answers=10, output_seen=50)
    assert seen.exceeded_by(request()) is None


@dataclass(slots=True)
class Till:
    """A pool in small: at most `width` requests at a time, which come back first in, first out."""

    purse: Purse
    width: int
    in_flight: list[Usage] = field(default_factory=list)
    most_in_flight: int = 0

    def ask_all(self, costs: Sequence[Usage]) -> int:
        """How many were asked before the money was spent."""
        asked = 0
        for cost in costs:
            while self.in_flight and (len(self.in_flight) >= self.width or self.purse.exceeded_by(request()) is not None):
                self.land()
            if self.purse.exceeded_by(request()) is not None:
                break
            self.purse.take(request())
            self.in_flight.append(cost)
            asked += 1
        self.most_in_flight = sum(cost.input + cost.output for cost in self.in_flight)
        while self.in_flight:
            self.land()
        return asked

    def land(self) -> None:
        self.purse.settle(request(), self.in_flight.pop(0), reply())


costs = st.lists(st.builds(Usage, input=st.integers(0, 60), output=st.integers(0, 400)), max_size=60)


@promise("9.1")
@given(costs=costs, width=st.integers(1, 20), tokens=st.integers(0, 3000), at_most=st.sampled_from([None, 1, 50, 400]))
def test_a_budget_is_never_exceeded_by_more_than_what_was_in_flight(
    costs: list[Usage], width: int, tokens: int, at_most: int | None
) -> None:
    till = Till(purse=purse(tokens=tokens, at_most=at_most), width=width)
    asked = till.ask_all(costs)
    spent = sum(cost.input + cost.output for cost in costs[:asked])
    assert till.purse.spent.input + till.purse.spent.output == spent
    # a full launch of requests, each as dear as the dearest
    dearest = max((cost.input + cost.output for cost in costs[:asked]), default=0)
    assert spent <= tokens + dearest * width


def test_the_error_says_what_was_paid_what_is_left_and_what_to_raise() -> None:
    limit = purse(tokens=100).limits[0]
    error = spent_error(limit, Usage(input=90, output=7), 1)
    assert error.exit_code == 11
    assert error.message == "budget.tokens 100 tokens is spent: 97 tokens paid, the next row would not fit, and 1 row is left"
    assert "raise budget.tokens" in (error.hint or "")


@pytest.mark.parametrize("text", ["", "6", "6 h 5", "h", "-3s", "0s", "1s2m", "soon"])
def test_what_is_no_time_span_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(UsageError, match=r"eval\.yaml:7"):
        seconds(text, place="eval.yaml:7 (budget.runtime)")
