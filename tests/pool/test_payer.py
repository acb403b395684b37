"""Who pays is asked before every attempt and told of its end, retries included; when nothing more is paid, the launch ends."""

from dataclasses import dataclass, field

from evalsvc.endpoint.answer import Action, Answer, Failure
from evalsvc.errors import BudgetSpent, EvalsvcError
from evalsvc.records import Reply, Request
from tests.faults.promises import promise
from tests.pool.launches import launch
from tests.pool.servers import Server, failure


@dataclass(slots=True)
class Patron:
    """Pays for so many attempts."""

    attempts: int
    open: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def held(self, _request: Request) -> str | None:
        return None if len(self.open) + len(self.ended) < self.attempts else "the patron"

    def take(self, request: Request) -> None:
        self.open.append(request.id)

    def settle(self, request: Request, result: Reply | Failure) -> None:
        self.open.remove(request.id)
        self.ended.append(request.id)

    def spent(self) -> EvalsvcError:
        assert self.open == []
        return BudgetSpent("enough")


class FailsFirst(Server):
    async def answer(self, request: Request, at: float) -> Answer:
        if sum(call.id == request.id for call in self.calls) == 1:
            return failure("server_error", Action.RETRY, http=500, outage=False)
        return await super().answer(request, at)


@promise("9.1")
def test_no_more_attempts_are_made_than_are_paid_for_and_what_is_in_flight_comes_home() -> None:
    server, patron = Server(), Patron(attempts=150)
    launched = launch(server, 1000, hooks={"payer": patron})
    assert isinstance(launched.error, BudgetSpent)
    assert len(server.calls) == len(launched.finished) == 150
    assert patron.open == []


@promise("9.1")
def test_retries_are_paid_for_too() -> None:
    patron = Patron(attempts=10_000)
    launched = launch(FailsFirst(), 50, hooks={"payer": patron})
    assert launched.error is None
    assert len(patron.ended) == launched.counters.attempts == 100


def test_a_launch_whose_last_row_is_paid_for_is_complete() -> None:
    assert launch(Server(), 100, hooks={"payer": Patron(attempts=100)}).error is None
