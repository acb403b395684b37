"""What is admitted when, what becomes of a row, and that each gets exactly one final word."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.endpoint.answer import Action, Answer
from evalsvc.errors import CredentialsRefused
from evalsvc.pool import Pool
from evalsvc.records import Reply, Request
from tests.pool.launches import launch
from tests.pool.servers import Scripted, Server, failure, requests


def crash() -> Answer:
    return failure("server_error", Action.RETRY, http=500)


def test_an_empty_data_set_is_done_at_once() -> None:
    launched = launch(Server(), 0)
    assert (launched.error, launched.ended_at) == (None, 0.0)


def test_every_row_gets_its_answer_with_what_it_cost() -> None:
    launched = launch(Server(), 3000)
    assert len(launched.answered) == 3000
    assert all(done.attempts == 1 and done.waited_s <= 0.3 for done in launched.finished)
    assert launched.counters.retries == 0
    assert launched.counters.spent.output == 30_000


@pytest.mark.parametrize("ceiling", [1, 2, 7, 100])
def test_the_ceiling_is_reached_and_never_passed(ceiling: int) -> None:
    server = Server()
    launch(server, 500, ceiling=ceiling)
    assert server.most_in_flight == ceiling


def test_rows_are_read_no_faster_than_they_are_asked() -> None:
    """A million rows would not be held in memory: at most one waits to be admitted."""
    server, read = Server(), 0

    def counted() -> Iterator[Request]:
        nonlocal read
        for row in requests(1000):
            read += 1
            assert read <= sum(call.status != 0 for call in server.calls) + 10 + 1
            yield row

    assert launch(server, counted(), ceiling=10).error is None
    assert read == 1000


def test_no_slot_is_held_while_a_row_waits_out_its_back_off() -> None:
    """Each row fails once; whenever one is admitted, ten are in flight."""
    cut_body = failure("malformed", Action.RETRY, http=200, outage=False)
    server = FullAtEveryCall(script=lambda _row, attempt, _at: cut_body if attempt == 1 else None)
    launched = launch(server, 400, ceiling=10)
    assert len(launched.answered) == 400
    full = dict(zip((call.at for call in server.calls), server.seen, strict=True))  # after the last call of each moment
    assert {seen for at, seen in full.items() if at < 0.8 * launched.ended_at} == {10}


def test_an_endpoint_that_fails_every_row_once_answers_every_row() -> None:
    """It looks like an outage at first; probed with new rows alone it would stay one."""
    server = Scripted(script=lambda _row, attempt, _at: crash() if attempt == 1 else None)
    assert len(launch(server, 400, ceiling=10).answered) == 400


@dataclass
class FullAtEveryCall(Scripted):
    seen: list[int] = field(default_factory=list)

    async def answer(self, request: Request, at: float) -> Answer:
        self.seen.append(self.in_flight)
        return await super().answer(request, at)


def test_a_row_that_is_due_again_goes_before_new_ones() -> None:
    server = Scripted(script=lambda row, attempt, _at: crash() if row == "0" and attempt == 1 else None)
    launch(server, 1000, ceiling=2)
    again = [number for number, call in enumerate(server.calls) if call.id == "0"][1]
    # back-off is at most half a second, which is at most six answers of two slots
    assert again <= 10


def test_rows_that_failed_together_do_not_come_back_together() -> None:
    server = Scripted(script=lambda _row, attempt, at: crash() if at == 0.0 and attempt == 1 else None)
    launch(server, 40)  # fewer than a breaker takes for an outage
    back = sorted(call.at - 0.01 for call in server.calls if call.at > 0.0)
    assert len(set(back)) == 40
    assert 0.0 <= back[0] <= 0.1
    assert 0.4 <= back[-1] <= 0.5


def test_a_row_is_asked_again_as_often_as_max_retries_says_and_once_in_the_sweep() -> None:
    server = Scripted(script=lambda row, _attempt, _at: crash() if row == "7" else None)
    launched = launch(server, 100, max_retries=2)
    assert launched.failed == {"7": "server_error"}
    assert launched.of("7").attempts == 2 + 1 + 1


def test_the_sweep_comes_when_all_else_is_done_and_asks_few_at_a_time() -> None:
    poison = {str(row) for row in range(0, 400, 10)}
    server = FullAtEveryCall(script=lambda row, attempt, _at: crash() if row in poison and attempt < 3 else None)
    launched = launch(server, 400, ceiling=100, max_retries=1)
    ((began_at, fields),) = launched.named("sweep")
    assert fields == {"rows": 40}
    assert len(launched.answered) == 400
    assert all(call.id in poison for call in server.calls if call.at >= began_at)
    assert max(seen for call, seen in zip(server.calls, server.seen, strict=True) if call.at >= began_at) == 8


def test_a_failure_that_asking_again_would_not_change_is_final_at_once() -> None:
    bad = failure("context_length", Action.FAIL_ROW, http=400)
    server = Scripted(script=lambda row, _attempt, _at: bad if row == "9" else None)
    launched = launch(server, 100)
    assert launched.failed == {"9": "context_length"}
    assert launched.of("9").attempts == 1


def test_a_row_ends_with_its_deadline_whatever_retries_it_has_left() -> None:
    server = Scripted(script=lambda row, _attempt, _at: crash() if row == "3" else None)
    launched = launch(server, 60, max_retries=10_000, row_deadline_s=120.0)
    assert launched.failed == {"3": "deadline"}
    assert 8 < launched.of("3").attempts < 60
    assert launched.ended_at <= 130


def test_nothing_is_admitted_while_answers_wait_to_be_written() -> None:
    server, clogged = Server(), False

    async def clog(_pool: Pool) -> None:
        nonlocal clogged
        await asyncio.sleep(2.0)
        clogged = True
        await asyncio.sleep(10.0)
        clogged = False

    launch(server, 2000, ceiling=50, during=clog, hooks={"clogged": lambda: clogged})
    assert not [call for call in server.calls if 2.0 < call.at < 12.0]
    assert [call for call in server.calls if 12.0 <= call.at < 12.1]


def test_rows_still_on_their_way_here_hold_up_nothing_and_end_nothing() -> None:
    server, starving, seen = Server(), False, []

    async def starve(pool: Pool) -> None:
        nonlocal starving
        await asyncio.sleep(2.0)
        starving = True
        await asyncio.sleep(10.0)
        seen.append(pool.view())
        starving = False

    launched = launch(server, 2000, ceiling=50, during=starve, hooks={"starving": lambda: starving})
    assert not [call for call in server.calls if 2.01 < call.at < 12.0]
    assert (seen[0].in_flight, seen[0].waiting_for) == (0, "the data")
    assert len(launched.finished) == 2000


def test_the_view_tells_what_is_being_waited_for() -> None:
    server, seen = Scripted(script=lambda _row, _attempt, at: failure("server_error", Action.RETRY, http=503) if at > 1 else None), []

    async def look(pool: Pool) -> None:
        await asyncio.sleep(0.5)
        seen.append(pool.view())
        await asyncio.sleep(60.0)
        seen.append(pool.view())

    launch(server, 5000, ceiling=100, outage_budget_s=100.0, during=look)
    early, late = seen
    assert (early.in_flight, early.limit, early.waiting_for) == (100, 100, None)
    assert late.waiting_for is not None
    assert "the endpoint, down for 5" in late.waiting_for
    assert late.delayed > 0


def test_a_bug_in_the_transport_stops_the_run_with_that_very_exception() -> None:
    class Bug(Exception):
        pass

    @dataclass
    class Buggy(Server):
        async def answer(self, request: Request, at: float) -> Answer:
            if request.id == "42":
                raise Bug("a bug, not a failure")
            return await super().answer(request, at)

    launched = launch(Buggy(), 1000)
    assert isinstance(launched.error, Bug)
    assert "42" not in launched.failed


def test_an_error_of_the_data_set_stops_the_run_with_that_very_error() -> None:
    def torn() -> Iterator[Request]:
        yield from requests(100)
        raise ValueError("line 101")

    launched = launch(Server(), torn(), ceiling=10)
    assert isinstance(launched.error, ValueError)
    assert len(launched.answered) >= 90


def test_rows_that_all_fail_for_themselves_do_not_hold_up_the_first_requests() -> None:
    """More of them than the limit starts with, and not one good answer."""
    filtered = failure("content_filter", Action.FAIL_ROW, http=400)
    launched = launch(Scripted(script=lambda _row, _attempt, _at: filtered), 1000)
    assert set(launched.failed.values()) == {"content_filter"}
    assert len(launched.failed) == 1000


# whatever the server does ----------------------------------------------------------------------------------------------

ANSWERS = {
    "good": None,
    "crash": failure("server_error", Action.RETRY, http=500),
    "unavailable": failure("server_error", Action.RETRY, http=503),
    "reset": failure("reset", Action.RETRY),
    "garbage": failure("malformed", Action.RETRY, http=200, outage=False),
    "slow down": failure("rate_limited", Action.WAIT, http=429),
    "slow down for 7 s": failure("rate_limited", Action.WAIT, http=429, retry_after_s=7.0),
    "filtered": failure("content_filter", Action.FAIL_ROW, http=400),
    "too long": failure("context_length", Action.FAIL_ROW, http=400),
    "refused": failure("auth", Action.CONFIRM, http=401, stop=CredentialsRefused),
}
SPARED = {"slow down", "slow down for 7 s", "refused"}  # a row that gets these for ever never ends, or ends the run
SCRIPTS = st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=60)


@settings(deadline=None, max_examples=150)
@given(script=SCRIPTS, rows=st.integers(0, 300), ceiling=st.sampled_from([1, 3, 20, 1000]), max_retries=st.integers(0, 3))
def test_no_row_is_lost_or_reported_twice_whatever_the_server_does(script: list[str], rows: int, ceiling: int, max_retries: int) -> None:
    """The n-th call gets the n-th answer of the script, then all is well. `launch` counts the rows, and notices a deadlock."""
    answers = iter(script)
    server = Scripted(script=lambda _row, _attempt, _at: ANSWERS[next(answers, "good")])
    launched = launch(server, rows, ceiling=ceiling, max_retries=max_retries)
    assert launched.error is None or isinstance(launched.error, CredentialsRefused)
    assert launched.counters.attempts == sum(done.attempts for done in launched.finished) or launched.error is not None


@settings(deadline=None, max_examples=60)
@given(
    sick=st.dictionaries(st.integers(0, 99).map(str), st.sampled_from([name for name in ANSWERS if name not in SPARED])),
    ceiling=st.sampled_from([1, 3, 20, 1000]),
)
def test_healthy_rows_are_answered_whatever_is_wrong_with_the_others(sick: dict[str, str], ceiling: int) -> None:
    server = Scripted(script=lambda row, _attempt, _at: ANSWERS[sick.get(row, "good")])
    poison = {row for row, answer in sick.items() if answer != "good"}
    launched = launch(server, 400, ceiling=ceiling, max_retries=1, outage_budget_s=300.0, wait_for_endpoint_s=300.0)
    assert launched.answered <= {str(row) for row in range(400)} - poison
    if "unavailable" not in sick.values():  # a row that only ever gets 503s looks like an outage once it is the last
        assert set(launched.failed) == poison


def test_an_answer_is_reported_with_the_reply_itself() -> None:
    done = launch(Server(), 1).finished[0]
    assert isinstance(done.result, Reply)
    assert done.result.output == "a"
    assert done.request.id == "0"
