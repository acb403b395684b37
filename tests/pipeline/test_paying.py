"""A budget over a whole launch, in virtual time: what is paid, retries included, stays within it but for what was in flight."""

from dataclasses import replace
from pathlib import Path

import pytest

from evalsvc.config import Budget, Price
from evalsvc.endpoint.answer import Action, Answer, Failure
from evalsvc.errors import BudgetSpent
from evalsvc.pipeline.budget import FIRST_GUESS_OUTPUT, Purse
from evalsvc.pipeline.history import spent_before
from evalsvc.pipeline.paying import Paying, payer_of
from evalsvc.records import Request, Usage
from tests.faults.promises import promise
from tests.pipeline.answering import answered, launched, prepared, rows
from tests.pool.launches import launch
from tests.pool.servers import USAGE, Server, failure, request

ROW = USAGE.input + USAGE.output


class Wasteful(Server):
    """Every row's first answer is paid for and useless."""

    async def answer(self, request: Request, at: float) -> Answer:
        answer = await super().answer(request, at)
        if sum(call.id == request.id for call in self.calls) > 1:
            return answer
        refused = failure("empty_reply", Action.RETRY, http=200, outage=False)
        assert isinstance(refused.result, Failure)
        return replace(refused, result=replace(refused.result, usage=USAGE))


def paying(*, spent: int = 0, at_most: int | None = 10, **budget: float) -> Paying:
    limits = Budget.model_validate({name: int(value) if name == "tokens" else value for name, value in budget.items()})
    purse = Purse.of(limits, Price(input=1.0, output=1.0), spent=Usage(input=spent), output_at_most=at_most)
    return Paying(purse, lambda: 7)


@promise("9.1")
@pytest.mark.parametrize("server", [Server, Wasteful])
@pytest.mark.parametrize("spent", [0, 50 * ROW])
def test_known_costs_are_kept_to_the_token(server: type[Server], spent: int) -> None:
    launched = launch(server(), 1000, hooks={"payer": paying(tokens=200 * ROW, spent=spent)})
    assert isinstance(launched.error, BudgetSpent)
    assert launched.counters.attempts == 200 - spent // ROW
    assert "7 rows are left" in launched.error.message


@promise("9.1")
def test_unknown_costs_are_exceeded_by_no_more_than_the_first_requests_and_used_up_all_the_same() -> None:
    launched = launch(Server(), 1000, hooks={"payer": paying(tokens=5000, at_most=None)})
    assert isinstance(launched.error, BudgetSpent)
    assert 5000 - ROW < launched.counters.attempts * ROW <= 5000


@promise("9.1")
def test_dollars_end_a_launch_as_tokens_do() -> None:
    launched = launch(Server(), 1000, hooks={"payer": paying(usd=200 * ROW / 1e6)})
    assert (launched.counters.attempts, isinstance(launched.error, BudgetSpent)) == (200, True)


@promise("9.1")
def test_a_budget_for_all_rows_is_not_noticed() -> None:
    assert launch(Server(), 100, hooks={"payer": paying(tokens=100 * ROW)}).error is None


@promise("9.1")
def test_a_launch_begins_with_what_the_ones_before_it_have_paid(tmp_path: Path) -> None:
    earlier = answered(prepared(tmp_path, rows(10), "r"))
    paid = spent_before(earlier.journal, [])
    for left, key in ((0, "budget.tokens"), (FIRST_GUESS_OUTPUT, None)):
        carried_on = launched(prepared(tmp_path, rows(11), "r", budget={"tokens": paid.input + paid.output + left}))
        assert payer_of(carried_on, lambda: 1).held(request(0)) == key
