"""What was paid stays paid: over kills, and where the server does not say."""

from dataclasses import replace
from pathlib import Path
from random import Random, randrange

from evalsvc.config import Budget, Price
from evalsvc.endpoint.answer import Answer
from evalsvc.errors import BudgetSpent, EvalsvcError
from evalsvc.journal.line import encode
from evalsvc.pipeline.budget import BYTES_PER_TOKEN, Purse
from evalsvc.pipeline.history import spent_before
from evalsvc.pipeline.paying import Paying
from evalsvc.records import Record, Reply, Request, Usage
from tests.faults.promises import promise
from tests.pool.launches import launch, stop_at
from tests.pool.servers import Server, request

SEEDS = 25
ROWS = 120


class Moody(Server):
    """Every answer has a price of its own; `paid` are those that were sent, whether or not anybody took them."""

    def __init__(self, prices: Random, paid: list[Usage]) -> None:
        super().__init__()
        self.prices, self.paid = prices, paid

    async def answer(self, request: Request, at: float) -> Answer:
        usage = Usage(input=self.prices.randint(5, 40), output=self.prices.randint(0, 60))
        self.paid.append(usage)
        answer = await super().answer(request, at)
        assert isinstance(answer.result, Reply)
        return replace(answer, result=replace(answer.result, usage=usage))


def tokens(usages: list[Usage]) -> int:
    return sum(usage.input + usage.output for usage in usages)


@promise("9.1")
def test_over_any_number_of_kills_a_budget_is_exceeded_by_no_more_than_what_was_in_flight() -> None:
    seed = randrange(10_000)
    for number in range(seed, seed + SEEDS):
        print(f"seed {number}")
        _spend(Random(number))


def _spend(rng: Random) -> None:
    budget, width, kills = rng.randint(1_000, 4_000), rng.randint(1, 4), rng.randint(0, 3)
    paid, answered = list[Usage](), dict[str, Usage]()
    for left in range(kills, -1, -1):
        spent = sum(answered.values(), Usage())
        purse = Purse.of(Budget(tokens=budget), Price(input=1.0, output=1.0), spent=spent, output_at_most=60)
        rows = [request(row) for row in range(ROWS) if str(row) not in answered]
        died = stop_at(rng.uniform(0.1, 6.0), EvalsvcError("killed")) if left else None
        launched = launch(Moody(rng, paid), iter(rows), ceiling=width, during=died, drain_s=0.0, hooks={"payer": Paying(purse, lambda: 1)})
        for done in launched.finished:
            assert isinstance(done.result, Reply)
            answered[done.request.id] = done.result.usage or Usage()
    in_flight = width * (kills + 1) * 100  # of each launch, as dear as they come
    assert tokens(paid) <= budget + in_flight
    assert len(answered) == ROWS or isinstance(launched.error, BudgetSpent)


@promise("9.1")
def test_what_a_killed_launch_was_answered_is_spent_too_where_the_server_does_not_say_what_it_cost(tmp_path: Path) -> None:
    journal = tmp_path / "predictions.jsonl"
    metered, unmetered = Usage(input=30, output=3), "x" * 400
    replies = [
        Reply(output="spam", finish_reason="stop", usage=metered, latency_s=0.1),
        Reply(output=unmetered, finish_reason="stop", usage=None, latency_s=0.1),
    ]
    journal.write_bytes(b"".join(encode(_record(row, reply)) for row, reply in enumerate(replies)))
    spent = spent_before(journal, [])
    assert spent.input >= metered.input + 800 // BYTES_PER_TOKEN
    assert spent.output >= metered.output + len(unmetered) // BYTES_PER_TOKEN
    taken_over = _record(2, replies[1])
    journal.write_bytes(encode(replace(taken_over, attempts=0)))
    assert spent_before(journal, []) == Usage()


def _record(row: int, reply: Reply) -> Record:
    messages = b'[{"role":"user","content":"%s"}]' % (b"y" * 800)
    sent = request(row)
    return Record(
        id=sent.id,
        repeat=0,
        row_hash=sent.row_hash,
        key=sent.key,
        target="a",
        messages=messages,
        reply=reply,
        error=None,
        attempts=1,
        waited_s=0.0,
        at="2026-11-20T02:13:44.120Z",
    )
