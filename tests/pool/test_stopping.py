"""Ways to end before the end: asked to stop, cancelled, refused by the endpoint. Rows without a final word stay pending."""

import asyncio
from random import Random

import pytest

from evalsvc.endpoint.answer import Action, Answer
from evalsvc.errors import CredentialsRefused, Stopped, StorageFailed, UsageError
from evalsvc.pool import Finished, Hooks, Pool
from tests.faults.promises import promise
from tests.pool.launches import launch, settings, stop_at
from tests.pool.servers import Scripted, Server, failure, requests
from tests.virtual_time import run

SIGTERM = Stopped("stopped by SIGTERM")


def refused() -> Answer:
    return failure("auth", Action.CONFIRM, http=401, outage=False, stop=CredentialsRefused, hint="set OPENAI_API_KEY")


def bad(code: str | None = None, *, param: str | None = None) -> Answer:
    return failure("invalid_request", Action.FAIL_ROW, http=400, code=code, param=param)


# asked to stop -------------------------------------------------------------------------------------------------------


@promise("8.1")
def test_after_a_stop_nothing_is_admitted_and_what_is_in_flight_may_finish() -> None:
    server = Server(low_s=5.0, high_s=10.0)
    launched = launch(server, 1000, ceiling=50, during=stop_at(22.0, SIGTERM), drain_s=25.0)
    assert launched.error is SIGTERM
    assert max(call.at for call in server.calls) <= 22.0
    assert len(launched.answered) == len(server.calls)
    assert launched.ended_at <= 32.0


@promise("8.1")
def test_what_has_not_finished_within_drain_s_is_cancelled_and_not_reported() -> None:
    server = Server(low_s=100.0, high_s=100.0)
    launched = launch(server, 1000, ceiling=50, during=stop_at(10.0, SIGTERM), drain_s=25.0)
    assert launched.error is SIGTERM
    assert launched.ended_at == pytest.approx(35.0)
    assert not launched.finished


def test_a_full_disk_waits_for_nobody() -> None:
    full = StorageFailed("no space left")
    launched = launch(Server(low_s=5.0, high_s=10.0), 1000, ceiling=50, during=stop_at(22.0, full))
    assert launched.error is full
    assert launched.ended_at == pytest.approx(22.0)


def test_rows_in_back_off_are_not_reported_after_a_stop() -> None:
    crash = failure("server_error", Action.RETRY, http=500)
    server = Scripted(script=lambda row, _attempt, _at: crash if row in {"1", "2", "3"} else None)
    launched = launch(server, 5000, ceiling=20, during=stop_at(3.0, SIGTERM))
    assert launched.error is SIGTERM
    assert not launched.failed


def test_of_two_stops_the_first_one_counts() -> None:
    async def twice(pool: Pool) -> None:
        await asyncio.sleep(1.0)
        pool.stop(SIGTERM)
        pool.stop(UsageError("later"))

    assert launch(Server(), 5000, ceiling=20, during=twice).error is SIGTERM


@promise("8.1")
def test_a_stop_does_not_wait_for_its_turn_at_one_request_a_minute() -> None:
    launched = launch(Server(), 100, requests_per_minute=1, during=stop_at(5.0, SIGTERM))
    assert launched.error is SIGTERM
    assert launched.ended_at == pytest.approx(5.0, abs=0.1)


@promise("8.1")
def test_a_stop_does_not_wait_for_a_rate_limit_to_pass() -> None:
    storm = failure("rate_limited", Action.WAIT, http=429, retry_after_s=200.0)
    launched = launch(Scripted(script=lambda _row, _attempt, _at: storm), 100, during=stop_at(5.0, SIGTERM))
    assert launched.ended_at == pytest.approx(5.0, abs=0.1)


@pytest.mark.parametrize("at", [0.0, 0.1, 1.0, 7.7])
def test_a_cancelled_run_leaves_no_task_behind(at: float) -> None:
    finished: list[Finished] = []

    async def main() -> Server:
        server = Server(low_s=5, high_s=10)
        pool = _pool(server, finished)
        running = asyncio.create_task(pool.run(requests(100)))
        await asyncio.sleep(at)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return server

    server = run(main)
    assert server.in_flight == 0
    assert len(finished) == sum(call.status == 200 for call in server.calls)


def test_a_run_that_is_cancelled_while_it_drains_leaves_no_task_behind() -> None:
    async def main() -> float:
        pool = _pool(Server(low_s=100, high_s=100), [])
        running = asyncio.create_task(pool.run(requests(100)))
        await asyncio.sleep(1.0)
        pool.stop(SIGTERM)
        await asyncio.sleep(1.0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return asyncio.get_running_loop().time()

    assert run(main) == pytest.approx(2.0)


# refused by the endpoint ---------------------------------------------------------------------------------------------


def test_refused_credentials_before_any_answer_stop_the_run_and_no_row_is_reported() -> None:
    launched = launch(Scripted(script=lambda _row, _attempt, _at: refused()), 1000, ceiling=10)
    assert isinstance(launched.error, CredentialsRefused)
    assert launched.error.hint == "set OPENAI_API_KEY"
    assert not launched.finished


@promise("7.3")
def test_credentials_revoked_in_the_middle_stop_the_run_once_another_row_confirms_it() -> None:
    server = Scripted(script=lambda _row, _attempt, at: refused() if at >= 3 else None)
    launched = launch(server, 5000, ceiling=100)
    assert isinstance(launched.error, CredentialsRefused)
    assert not launched.failed
    assert server.count(401) <= 101  # those that started before the first refusal was seen, and one to confirm


def test_a_refusal_that_nobody_confirms_is_that_rows_own() -> None:
    server = Scripted(script=lambda row, _attempt, _at: refused() if row == "300" else None)
    launched = launch(server, 2000, ceiling=100)
    assert launched.error is None
    assert launched.failed == {"300": "auth"}
    assert server.count(401) == 1


def test_rows_refused_at_the_same_moment_are_asked_again_when_nobody_confirms() -> None:
    server = Scripted(script=lambda _row, attempt, at: refused() if 3.0 <= at < 3.01 and attempt == 1 else None)
    launched = launch(server, 3000, ceiling=100)
    assert launched.error is None
    assert len(launched.failed) == 1
    assert server.count(401) > 1


def test_the_very_last_row_may_be_refused() -> None:
    launched = launch(Scripted(script=lambda row, _attempt, _at: refused() if row == "99" else None), 100, ceiling=1)
    assert launched.error is None
    assert launched.failed == {"99": "auth"}


def test_while_a_refusal_is_in_doubt_one_row_at_a_time_is_asked() -> None:
    server = Scripted(script=lambda row, _attempt, _at: refused() if row == "300" else None)
    launch(server, 2000, ceiling=100)
    doubted_at = next(call.at for call in server.calls if call.status == 401) + 0.01
    assert sum(doubted_at <= call.at < doubted_at + 0.19 for call in server.calls) == 1


@promise("7.3")
def test_an_exhausted_quota_stops_within_one_request_a_worker() -> None:
    quota = failure("quota", Action.STOP, http=429, outage=False, stop=CredentialsRefused, hint="look at billing")
    server = Scripted(script=lambda _row, _attempt, at: quota if at >= 3 else None)
    launched = launch(server, 5000, ceiling=100)
    assert isinstance(launched.error, CredentialsRefused)
    assert not launched.failed
    assert server.count(429) <= 100


def test_a_model_that_is_not_found_stops_at_the_first_row() -> None:
    unknown = failure("model_not_found", Action.STOP, http=404, outage=False, stop=UsageError)
    server = Scripted(script=lambda _row, _attempt, _at: unknown)
    launched = launch(server, 1000, ceiling=10)
    assert isinstance(launched.error, UsageError)
    assert not launched.finished
    assert len(server.calls) <= 10


# every row alike -----------------------------------------------------------------------------------------------------


def test_the_same_4xx_for_the_first_twenty_rows_stops_the_run_and_reports_none_of_them() -> None:
    launched = launch(Scripted(script=lambda _row, _attempt, _at: bad()), 1000, ceiling=5)
    assert isinstance(launched.error, UsageError)
    assert "first 20 rows" in launched.error.message
    assert not launched.finished
    assert launched.counters.attempts <= 25


def test_nineteen_bad_rows_before_the_first_good_one_fail_for_themselves() -> None:
    server = Scripted(script=lambda row, _attempt, _at: bad() if int(row) < 19 else None)
    launched = launch(server, 100, ceiling=5)
    assert launched.error is None
    assert len(launched.failed) == 19


def test_a_data_set_of_fewer_bad_rows_than_that_ends_with_errors() -> None:
    launched = launch(Scripted(script=lambda _row, _attempt, _at: bad()), 12)
    assert launched.error is None
    assert len(launched.failed) == 12


def test_twenty_bad_rows_after_a_good_one_fail_for_themselves() -> None:
    server = Scripted(script=lambda row, _attempt, _at: bad() if int(row) > 0 else None)
    launched = launch(server, 500, ceiling=1)
    assert launched.error is None
    assert len(launched.failed) == 499


def test_filtered_rows_do_not_stop_the_run_however_many_come_first() -> None:
    filtered = failure("content_filter", Action.FAIL_ROW, http=400, code="content_filter")
    launched = launch(Scripted(script=lambda row, _attempt, _at: filtered if int(row) < 90 else None), 100, ceiling=5)
    assert launched.error is None
    assert len(launched.failed) == 90


def test_a_400_that_names_a_parameter_stops_at_the_first_row_with_the_line_to_change() -> None:
    hooks = {
        "param_paths": {"logprobs": "model.params.logprobs"},
        "config_line": lambda path: f"`{path}` (eval.yaml, line 12)",
    }
    server = Scripted(script=lambda _row, _attempt, _at: bad("unsupported_parameter", param="logprobs"))
    launched = launch(server, 1000, ceiling=3, hooks=hooks)
    assert isinstance(launched.error, UsageError)
    assert "eval.yaml, line 12" in (launched.error.hint or "")
    assert not launched.finished
    assert len(server.calls) <= 3


def _pool(server: Server, finished: list[Finished]) -> Pool:
    return Pool(server, settings(10), Hooks(finished=finished.append), rng=Random(0))
