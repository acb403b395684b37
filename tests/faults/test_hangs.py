"""Servers that say nothing, take nothing, drip, die and come back: every attempt and every row ends, and so does the run."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from evalsvc.endpoint.answer import Failure
from evalsvc.endpoint.apis import APIS
from evalsvc.endpoint.http import HttpAsk
from evalsvc.endpoint.sdk import SdkAsk
from evalsvc.records import Request
from tests.e2e.desk import messages_rows, until
from tests.e2e.server import free_port, serving
from tests.faults.desk import FaultDesk, finished
from tests.faults.promises import promise

DEADLINE_S = 0.4
PATIENCE_S = 10.0


@contextmanager
def deaf(*, accepts: bool) -> Iterator[str]:
    """A base URL where a connection is taken and never read from, or not even taken."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as door:
        taken = []
        if accepts:
            door.listen(8)
            threading.Thread(target=lambda: taken.append(door.accept()[0]), daemon=True).start()
        host, port = door.getsockname()
        # the kernel completes a connection or two by itself: with these its queue is full
        waiting = [] if accepts else [_knocking(host, port) for _ in range(3)]
        try:
            yield f"http://{host}:{port}/v1"
        finally:
            for one in (*taken, *waiting):
                one.close()


def _knocking(host: str, port: int) -> socket.socket:
    knocking = socket.socket()
    knocking.setblocking(False)
    knocking.connect_ex((host, port))
    return knocking


@promise("6.2")
@pytest.mark.parametrize("accepts", [True, False], ids=["never reads", "never accepts"])
@pytest.mark.parametrize("transport", [HttpAsk, SdkAsk])
def test_a_server_that_takes_nothing_ends_with_the_deadline(transport: type[HttpAsk | SdkAsk], accepts: bool) -> None:
    """The request is larger than what the kernel keeps for a socket, so that it can never be sent whole."""
    request = Request(
        id="1", repeat=0, row_hash=bytes(8), key="0" * 32, target=None, messages=b"[]", body=b"x" * 30_000_000, input_tokens_estimate=1
    )  # fmt: skip

    async def attempt(url: str) -> Failure:
        async with transport(base_url=url, api=APIS["chat"], attempt_timeout_s=DEADLINE_S, concurrency=2, environ={}) as ask:
            result = (await asyncio.wait_for(ask(request), PATIENCE_S)).result
        assert isinstance(result, Failure)
        return result

    with deaf(accepts=accepts) as url:
        failure = asyncio.run(attempt(url))
    assert (failure.kind, failure.outage) == ("timeout", True)
    assert DEADLINE_S <= failure.latency_s < PATIENCE_S


@promise("6.2", "6.6")
@pytest.mark.parametrize(("fault", "stream"), [("silence", False), ("drip", True)])
@pytest.mark.long
def test_the_last_three_rows_of_a_thousand_are_given_up_in_time(tmp_path: Path, fault: str, stream: bool) -> None:
    rows = messages_rows(997, "quick") + [{"id": f"hole {number}", "text": f"(hole) {number} spam", "label": "spam"} for number in range(3)]
    with serving(tmp_path / "calls.log", f"--fault={fault}:match=(hole)") as server:
        desk = FaultDesk(path=tmp_path, base_url=server.url)
        desk.write_rows(rows)
        desk.write_config(
            dataset={"id": "id"}, model={"stream": stream}, limits={"concurrency": 64, "attempt_timeout_s": 1, "row_deadline_s": 3}
        )
        end = desk.run("run", "eval.yaml")
        attempts = [call for call in server.calls() if call["status"] != 200 or fault == "drip"]
    assert end.code == 0, end.err
    given_up = {record["id"]: record for record in desk.journal() if record["status"] == "error"}
    assert set(given_up) == {"hole 0", "hole 1", "hole 2"}
    assert {record["error"]["kind"] for record in given_up.values()} <= {"timeout", "deadline"}
    # as many as fit into the row's time, and the one that it runs out in
    assert all(2 <= record["attempts"] <= 4 for record in given_up.values())
    assert attempts
    assert desk.summary["rows"] == {"expected": 1000, "ok": 997, "error": 3, "pending": 0}


@promise("7.4")
@pytest.mark.long
def test_a_server_that_is_killed_in_the_middle_and_comes_back_costs_no_row(tmp_path: Path) -> None:
    """Idle connections that are kept die with it, and what is in flight is lost."""
    port = free_port()
    desk = FaultDesk(path=tmp_path, base_url=f"http://127.0.0.1:{port}/v1")
    desk.write_rows(messages_rows(300, "mortal"))
    desk.write_config(limits={"concurrency": 8, "outage_budget_s": 60})
    with serving(tmp_path / "first.log", f"--port={port}", "--latency=0.05") as server:
        process = desk.start("run", "eval.yaml")
        until(lambda: desk.journal_lines() >= 40 or process.poll() is not None)
        assert server.url
    answered = desk.journal_lines()
    with serving(tmp_path / "second.log", f"--port={port}"):
        end = finished(process)
    assert end.code == 0, end.err
    assert 40 <= answered < 300
    assert desk.summary["rows"] == {"expected": 300, "ok": 300, "error": 0, "pending": 0}
