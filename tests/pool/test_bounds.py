"""Every moment of asking is put to what held it back, in virtual time: the server, a rate limit, the config, or we ourselves."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from evalsvc.endpoint.answer import Action, Answer
from evalsvc.errors import Stopped
from evalsvc.pool.bounds import Bounds
from evalsvc.records import Cause, Request
from tests.pool.launches import Launch, launch, stop_at
from tests.pool.servers import RateLimited, Scripted, Server, Slots, failure
from tests.pool.test_payer import Patron
from tests.virtual_time import VirtualLoop


@dataclass
class Laborious(Server):
    """What it answers costs us so many seconds of work before anything else may run."""

    work_s: float = 0.02

    async def answer(self, request: Request, at: float) -> Answer:
        answer = await super().answer(request, at)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.spend(self.work_s)
        return answer


def down(since_s: float, until_s: float) -> Server:
    unavailable = failure("server_error", Action.RETRY, http=503)
    return Scripted(script=lambda _row, _attempt, at: unavailable if since_s <= at < until_s else None)


def holding(name: str) -> dict[str, Any]:
    """A hook that says yes four times in five moments."""
    asked = iter(range(10**9))
    return {"hooks": {name: lambda: next(asked) % 5 > 0}}


CASES: Mapping[Cause, Callable[[], Launch]] = {
    Cause.CONCURRENCY: lambda: launch(Server(), 1_000, ceiling=10),
    Cause.SERVER: lambda: launch(Slots(slots=16, low_s=0.9, high_s=1.1), 1_000),
    Cause.RATE_LIMIT: lambda: launch(RateLimited(per_s=20, burst=20), 600),
    Cause.REQUESTS_PER_MINUTE: lambda: launch(Server(), 300, requests_per_minute=600),
    Cause.TOKENS_PER_MINUTE: lambda: launch(Server(), 300, tokens_per_minute=30 * 60 * 10),
    Cause.OUTAGE: lambda: launch(down(1.0, 600.0), 2_000, ceiling=100),
    Cause.DATA: lambda: launch(Server(), 300, **holding("starving")),
    Cause.DISK: lambda: launch(Server(), 300, **holding("clogged")),
    Cause.BUDGET: lambda: launch(Server(low_s=20.0, high_s=30.0), 1_000, hooks={"payer": Patron(50)}),
    Cause.RAMP: lambda: launch(Server(low_s=20.0, high_s=21.0), 900),
    Cause.TAIL: lambda: launch(Server(low_s=4.0, high_s=5.0), 60),
    Cause.STOP: lambda: launch(Server(low_s=20.0, high_s=21.0), 900, during=stop_at(1.0, Stopped("by SIGTERM")), drain_s=30.0),
    Cause.CLIENT: lambda: launch(Laborious(), 500, ceiling=300),
}


@cache
def asked(cause: Cause) -> Launch:
    return CASES[cause]()


@pytest.mark.parametrize("cause", Cause)
def test_most_of_the_time_goes_to_what_really_held_the_run_back(cause: Cause) -> None:
    launched = asked(cause)
    assert max(launched.bounds, key=lambda name: launched.bounds[name]) == cause, launched.bounds


@pytest.mark.parametrize("cause", Cause)
def test_every_moment_goes_to_exactly_one_cause(cause: Cause) -> None:
    launched = asked(cause)
    assert sum(launched.bounds.values()) == pytest.approx(launched.ended_at, abs=0.02)


def test_a_server_that_fails_many_requests_is_what_bounds_a_run_at_its_ceiling_too() -> None:
    broken = failure("server_error", Action.RETRY, http=500)
    server = Scripted(script=lambda row, attempt, _at: broken if attempt == 1 and int(row) % 5 == 0 else None)
    bounds = launch(server, 4_000, ceiling=50).bounds
    assert bounds[Cause.SERVER] > bounds.get(Cause.CONCURRENCY, 0.0)


def test_a_stretch_in_which_the_process_was_busy_is_the_clients_whatever_it_waited_for() -> None:
    bounds = Bounds(0.0)
    bounds.turn(0.0, Cause.CONCURRENCY)
    bounds.settle(10.0, cpu_s=1.0)
    bounds.settle(20.0, cpu_s=10.1)
    bounds.turn(25.0, Cause.TAIL)
    bounds.settle(30.0, cpu_s=10.2)
    assert bounds.seconds() == {"client": 10.0, "concurrency": 15.0, "tail": 5.0}


def test_a_ramp_that_has_led_nowhere_was_the_server() -> None:
    bounds = Bounds(0.0)
    bounds.turn(0.0, Cause.RAMP)
    bounds.settle(6.0, cpu_s=0.0)
    bounds.not_ramp(Cause.SERVER)
    bounds.turn(6.0, Cause.TAIL)
    bounds.settle(8.0, cpu_s=0.0)
    assert bounds.seconds() == {"server": 6.0, "tail": 2.0}
