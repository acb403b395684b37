"""Everybody refused: for a while, for ever, or until there is a new key. What was not answered stays pending."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evalsvc.endpoint.answer import Action, Answer
from evalsvc.endpoint.errors import classify, classify_exception
from evalsvc.errors import CredentialsRefused, EndpointDown
from tests.e2e.desk import messages_rows
from tests.e2e.server import free_port, serving
from tests.faults.canary import CANARY
from tests.faults.desk import KEY_VARIABLE, FaultDesk
from tests.faults.promises import promise
from tests.faults.raw import response, saying
from tests.pool.launches import launch
from tests.pool.servers import Scripted

HALF_AN_HOUR = 1800.0
WORKERS = 50


def refused(status: int, error: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    body = b"" if error is None else json.dumps({"error": {"message": "no", **error}}).encode()
    return Answer(result=classify(status, headers or {}, body, now_s=0.0))


STORMS = {
    "500": refused(500),
    "502": refused(502),
    "503 for ages": refused(503, headers={"retry-after": "1000000000"}),
    "529": refused(529, {"type": "overloaded_error"}),
    "an error in a 200": refused(200, {"code": "server_error"}),
    "reset": Answer(result=classify_exception(ConnectionResetError(104, "reset by peer"))),
    "refused": Answer(result=classify_exception(ConnectionRefusedError(111, "refused"))),
}
FOR_GOOD = {
    "401": refused(401),
    "403": refused(403, {"code": "permission_denied"}),
    "402": refused(402),
    "quota": refused(429, {"code": "insufficient_quota", "type": "insufficient_quota"}),
    "a spend limit": refused(429, {"code": "organization_spend_limit_exceeded"}),
    "credit": refused(400, {"type": "credit_balance_exhausted"}),
}


# in virtual time ------------------------------------------------------------------------------------------------------


@promise("7.2")
@pytest.mark.parametrize("rows", [30, 1500], ids=["a few rows", "many"])
@pytest.mark.parametrize("storm", STORMS)
def test_after_half_an_hour_every_row_is_answered_and_none_failed(storm: str, rows: int) -> None:
    """From the start where there are few rows: they would be answered before any storm."""
    since_s = 0.0 if rows < WORKERS else 2.0
    server = Scripted(script=lambda _row, _attempt, at: STORMS[storm] if since_s <= at < since_s + HALF_AN_HOUR else None)
    launched = launch(server, rows, ceiling=WORKERS)
    assert (launched.error, len(launched.answered)) == (None, rows)
    assert launched.ended_at < since_s + HALF_AN_HOUR + 30
    assert len(server.calls) <= rows + 600, "a storm costs few calls"


@promise("7.2")
@pytest.mark.parametrize("storm", STORMS)
def test_one_that_goes_on_for_ever_ends_the_launch_with_the_rest_pending(storm: str) -> None:
    launched = launch(Scripted(script=lambda _row, _attempt, at: STORMS[storm] if at >= 2 else None), 1500, ceiling=WORKERS)
    assert isinstance(launched.error, EndpointDown)
    assert (bool(launched.answered), launched.failed) == (True, {})
    assert launched.ended_at <= 2 + HALF_AN_HOUR + 30


@promise("7.2")
@pytest.mark.parametrize("storm", ["502", "503 for ages", "refused"])
def test_a_server_that_is_away_when_only_few_rows_are_left_is_waited_for_too(storm: str) -> None:
    server = Scripted(script=lambda row, _attempt, at: STORMS[storm] if int(row) >= 150 and at < HALF_AN_HOUR else None)
    launched = launch(server, 200, ceiling=WORKERS)
    assert (launched.error, launched.failed) == (None, {})


@promise("7.1")
@pytest.mark.parametrize("retry_after", [None, "2", "-5", "1e9", "soon", "1000000000"])
def test_a_storm_of_429s_uses_up_no_retry_whatever_its_retry_after_says(retry_after: str | None) -> None:
    """For ten minutes, with no retry to use up and a minute for each row."""
    storm = refused(429, headers={} if retry_after is None else {"retry-after": retry_after})
    server = Scripted(script=lambda _row, _attempt, at: storm if 1 <= at < 600 else None)
    launched = launch(server, 1000, ceiling=WORKERS, max_retries=0, row_deadline_s=60.0)
    assert (launched.error, len(launched.answered)) == (None, 1000)
    assert server.count(429) <= 600, "one a second at the most"
    assert launched.ended_at <= 600 + 300 + 60, "no advice parks a run for longer than five minutes"


@promise("7.3")
@pytest.mark.parametrize("why", FOR_GOOD)
def test_what_is_refused_for_good_stops_the_launch_within_one_request_a_worker(why: str) -> None:
    failure = FOR_GOOD[why].result
    server = Scripted(script=lambda _row, _attempt, at: FOR_GOOD[why] if 3 <= at < HALF_AN_HOUR else None)
    launched = launch(server, 5000, ceiling=WORKERS)
    assert isinstance(launched.error, CredentialsRefused)
    assert launched.failed == {}
    # what stops only when another row is refused too takes one more
    asked_after = sum(call.at >= 3 for call in server.calls)
    assert asked_after <= WORKERS + (getattr(failure, "action", None) is Action.CONFIRM)


# for real -------------------------------------------------------------------------------------------------------------


@promise("7.3", "12.1")
def test_a_new_key_completes_what_a_revoked_one_had_begun(tmp_path: Path) -> None:
    port, new_key = free_port(), "sk-the-new-one"
    desk = FaultDesk(path=tmp_path, base_url=f"http://127.0.0.1:{port}/v1")
    desk.write_rows(messages_rows(40, "keys"))
    desk.write_config(limits={"concurrency": 4})
    with serving(tmp_path / "first.log", f"--port={port}", f"--require-key={CANARY}", "--revoked-after=10", "--latency=0.02") as server:
        stopped = desk.run("run", "eval.yaml")
        asked = len(server.calls())
    assert stopped.code == 5, stopped.err
    assert "model.api_key_env" in stopped.err
    assert 11 <= asked <= 10 + 4 + 1
    assert [record["status"] for record in desk.journal()] == ["ok"] * 10
    with serving(tmp_path / "second.log", f"--port={port}", f"--require-key={new_key}") as server:
        completed = desk.run("run", "eval.yaml", environ={KEY_VARIABLE: new_key})
        assert len(server.calls()) == 30
    assert completed.code == 0, completed.err
    assert desk.summary["rows"] == {"expected": 40, "ok": 40, "error": 0, "pending": 0}


@promise("7.5")
@pytest.mark.parametrize("client", ["http", pytest.param("sdk", marks=pytest.mark.long)])
def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(tmp_path: Path, client: str) -> None:
    with saying({}) as elsewhere:
        location = f"location: http://localhost:{elsewhere.port}/v1/chat/completions"
        with saying({}, response(b"", location, status="307 Temporary Redirect")) as server:
            desk = FaultDesk(path=tmp_path, base_url=f"http://127.0.0.1:{server.port}/v1")
            desk.write_rows(messages_rows(3, "elsewhere"))
            desk.write_config(model={"client": client}, limits={"wait_for_endpoint_s": 0})
            end = desk.run("run", "eval.yaml")
        assert elsewhere.heads == []
    assert end.code == 2, end.err
    assert f"points to http://localhost:{elsewhere.port}/v1" in end.err
    assert all(f"authorization: bearer {CANARY}" in head.lower() for head in server.heads)
    assert server.heads
