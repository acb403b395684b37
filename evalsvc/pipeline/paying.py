"""The budget at work: between the pool, which asks before each attempt, and the purse, which does the sums."""

from collections.abc import Callable

from evalsvc.endpoint.answer import Failure
from evalsvc.errors import BudgetSpent
from evalsvc.journal.events import read_events
from evalsvc.pipeline.budget import Limit, Purse, spent_error
from evalsvc.pipeline.history import read_history, spent_before
from evalsvc.pipeline.launch import Launch
from evalsvc.pool import FreeOfCharge, Payer
from evalsvc.records import Reply, Request


class Paying:
    """A Payer that goes by a purse. `rows_left` is asked when the money is spent."""

    def __init__(self, purse: Purse, rows_left: Callable[[], int]) -> None:
        self._purse = purse
        self._rows_left = rows_left
        self._limit: Limit | None = None

    def held(self, request: Request) -> str | None:
        self._limit = self._purse.exceeded_by(request)
        return None if self._limit is None else self._limit.key

    def take(self, request: Request) -> None:
        self._purse.take(request)

    def settle(self, request: Request, result: Reply | Failure) -> None:
        self._purse.settle(request, result.usage, result if isinstance(result, Reply) else None)

    def spent(self) -> BudgetSpent:
        assert self._limit is not None  # noqa: S101 - only a held request leads here
        return spent_error(self._limit, self._purse.spent, self._rows_left())


def payer_of(launch: Launch, rows_left: Callable[[], int]) -> Payer:
    """One that counts in what earlier launches paid; without a budget, one that lets everything go."""
    config, run = launch.prepared.config, launch.prepared.run
    if config.budget.usd is None and config.budget.tokens is None:
        return FreeOfCharge()
    mean = read_history(run.journal).output_per_answer
    purse = Purse.of(
        config.budget,
        config.model.price,
        spent=spent_before(run.journal, read_events(run.events)),
        output_at_most=config.model.max_output_tokens,
        answers=mean.n if mean is not None else 0,
        output_seen=round(mean.y) if mean is not None else 0,
    )
    return Paying(purse, rows_left)
