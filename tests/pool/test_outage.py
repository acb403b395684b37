"""The endpoint is down for everybody, for a while or for ever; and rows that fail alone, which is something else."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from evalsvc.endpoint.answer import Action, Answer
from evalsvc.errors import EndpointDown, Stopped
from evalsvc.pool.dispatcher import AGAIN, NEVER_ANSWERED
from evalsvc.records import Request
from tests.faults.promises import promise
from tests.pool.launches import launch, stop_at
from tests.pool.servers import Scripted, Server, failure

HALF_AN_HOUR = 1800.0
Down = Callable[[float], bool]


def unavailable() -> Answer:
    return failure("server_error", Action.RETRY, http=503)


def down_while(down: Down) -> Scripted:
    return Scripted(script=lambda _row, _attempt, at: unavailable() if down(at) else None)


def crash() -> Answer:
    return failure("server_error", Action.RETRY, http=500)


def crashes_on(*rows: range) -> Scripted:
    """A server that a few rows always bring down, for themselves only."""
    poison = {str(number) for numbers in rows for number in numbers}
    return Scripted(script=lambda row, _attempt, _at: crash() if row in poison else None)


@dataclass
class Silent(Server):
    """Never answers the rows that `silent` names, nor anybody while `down`; the client gives up after `timeout_s`."""

    silent: frozenset[str] = frozenset()
    timeout_s: float = 600.0
    down: Down = lambda _at: False

    async def answer(self, request: Request, at: float) -> Answer:
        if request.id not in self.silent and not self.down(at):
            return await super().answer(request, at)
        await asyncio.sleep(self.timeout_s)
        return failure("timeout", Action.RETRY)


@promise("7.2")
def test_after_half_an_hour_of_503_every_row_is_answered_and_none_failed() -> None:
    """And few calls were made for nothing in the meantime."""
    server = down_while(lambda at: 2 <= at < 2 + HALF_AN_HOUR)
    launched = launch(server, 10_000)
    assert len(launched.answered) == 10_000
    assert launched.ended_at < 2 + HALF_AN_HOUR + 20
    assert sum(3 <= call.at < 2 + HALF_AN_HOUR for call in server.calls) <= 150
    assert server.count(503) <= 4_000  # of them nearly all while good answers still came in


def test_rows_without_a_single_retry_outlive_an_outage_too() -> None:
    launched = launch(down_while(lambda at: 1 <= at < 1 + HALF_AN_HOUR), 8_000, max_retries=0)
    assert len(launched.answered) == 8_000


def test_an_outage_is_told_when_it_begins_and_when_it_is_over() -> None:
    launched = launch(down_while(lambda at: 1 <= at < 300), 5_000)
    (_, began), (over_at, over) = launched.named("outage")
    assert began["state"] == "began"
    assert over["state"] == "over"
    assert over_at == pytest.approx(300, abs=20)


@promise("7.2")
def test_an_endpoint_that_stays_down_stops_the_run_and_leaves_the_rest_pending() -> None:
    server = down_while(lambda at: at >= 2)
    launched = launch(server, 8_000)
    assert isinstance(launched.error, EndpointDown)
    assert launched.error.hint == AGAIN
    assert launched.answered
    assert not launched.failed
    assert HALF_AN_HOUR <= launched.ended_at <= 2 + HALF_AN_HOUR + 20


def test_a_server_that_fails_every_row_from_the_first_on_is_told_from_one_that_went_away() -> None:
    launched = launch(Scripted(script=lambda _row, _attempt, _at: failure("server_error", Action.RETRY)), 5, outage_budget_s=60.0)
    assert isinstance(launched.error, EndpointDown)
    assert launched.error.hint == f"{NEVER_ANSWERED}; {AGAIN}"
    assert (launched.answered, launched.failed) == (set(), {})


def test_an_endpoint_that_was_never_up_is_waited_for() -> None:
    refused = failure("connect", Action.RETRY)
    server = Scripted(script=lambda _row, _attempt, at: refused if at < 800 else None)
    launched = launch(server, 500, outage_budget_s=60.0, wait_for_endpoint_s=900.0)
    assert len(launched.answered) == 500


def test_an_endpoint_that_never_comes_up_stops_the_run_after_that_wait() -> None:
    refused = failure("connect", Action.RETRY)
    launched = launch(Scripted(script=lambda _row, _attempt, _at: refused), 500, outage_budget_s=60.0, wait_for_endpoint_s=900.0)
    assert isinstance(launched.error, EndpointDown)
    assert not launched.finished
    assert 900 <= launched.ended_at <= 930


@pytest.mark.parametrize(("up_s", "down_s", "least"), [(5, 5, 5000), (30, 120, 5000), (1, 10, 4900)])
def test_an_endpoint_that_comes_and_goes_answers_every_row_in_the_end(up_s: int, down_s: int, least: int) -> None:
    """All but a few, where it is up for one second in eleven."""
    launched = launch(down_while(lambda at: at % (up_s + down_s) >= up_s), 5_000, ceiling=100)
    assert len(launched.answered) >= least
    assert launched.error is None


def test_a_server_that_falls_silent_for_an_hour_loses_no_row() -> None:
    """Every attempt runs into its timeout of ten minutes, the row's deadline is an hour."""
    server = Silent(down=lambda at: 1 <= at < 3600)
    launched = launch(server, 5_000, outage_budget_s=7200.0)
    assert len(launched.answered) == 5_000


def test_time_under_an_open_breaker_is_not_charged_to_the_rows() -> None:
    launched = launch(down_while(lambda at: 2 <= at < 1000), 2_000, ceiling=100, row_deadline_s=30.0, max_retries=1)
    assert len(launched.answered) == 2_000


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_a_server_that_fails_now_and_then_is_not_taken_for_an_outage(share: float) -> None:
    server = Scripted()
    server.script = lambda _row, _attempt, _at: crash() if server.rng.random() < share else None
    launched = launch(server, 10_000)
    assert len(launched.answered) >= 9_950
    assert not launched.named("outage")


def test_rows_that_always_fail_end_as_errors_after_one_sweep() -> None:
    launched = launch(crashes_on(range(0, 2000, 100)), 2_000)
    assert launched.failed == {str(number): "server_error" for number in range(0, 2000, 100)}
    assert [fields["rows"] for _, fields in launched.named("sweep")] == [20]
    assert all(launched.of(row).attempts == 9 for row in launched.failed)  # 8 as max_retries says, and the sweep


@pytest.mark.parametrize("first", [0, 1000, 1980], ids=["at the start", "in the middle", "at the tail"])
def test_poison_rows_in_a_row_are_no_outage(first: int) -> None:
    launched = launch(crashes_on(range(first, first + 20)), 2_000, ceiling=8)
    assert set(launched.failed) == {str(number) for number in range(first, first + 20)}
    assert not launched.named("outage")


def test_poison_rows_do_not_become_the_only_probes_of_an_outage() -> None:
    """Some of them open the breaker; were they also what probes it, the outage would never end."""
    launched = launch(crashes_on(range(500, 590)), 2_000, ceiling=64)
    assert launched.error is None
    assert len(launched.failed) == 90
    assert all(fields["seconds"] < 60 for _, fields in launched.named("outage") if fields["state"] == "over")  # type: ignore[operator]


@promise("6.6")
def test_the_last_rows_of_a_thousand_that_never_get_an_answer_end_within_their_deadline() -> None:
    server = Silent(silent=frozenset({"997", "998", "999"}))
    launched = launch(server, 1000)
    assert launched.failed == dict.fromkeys(("997", "998", "999"), "deadline")
    assert len(launched.answered) == 997
    assert launched.ended_at <= 3600 + 10


@promise("6.2")
def test_a_row_that_hangs_longer_than_its_deadline_is_given_up_on_time() -> None:
    server = Silent(silent=frozenset({"5"}), timeout_s=1e6)
    launched = launch(server, 50, row_deadline_s=90.0)
    assert launched.failed == {"5": "deadline"}
    assert launched.ended_at == pytest.approx(90.0, abs=1)


@promise("8.1")
def test_a_stop_during_an_outage_ends_at_once() -> None:
    launched = launch(down_while(lambda at: at >= 1), 5_000, during=stop_at(500.0, Stopped("SIGTERM")))
    assert isinstance(launched.error, Stopped)
    assert launched.ended_at == pytest.approx(500.0, abs=1)
    assert not launched.failed


def test_the_ramp_begins_again_after_an_outage() -> None:
    launched = launch(down_while(lambda at: 1 <= at < 400), 8_000)
    reasons = [(fields["reason"], fields["concurrency"]) for _, fields in launched.named("limit")]
    assert ("back after an outage", 250) in reasons
    assert reasons[-1][1] == 1000
