"""Asked to stop: no new requests, what is in flight is kept, the same command carries on."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.desk import Desk, Ended, ended, messages_rows, until
from tests.e2e.server import Server, free_port, serving
from tests.faults.promises import promise

STOPPED = 75
IN_FLIGHT = 4
MARGIN_S = 15.0  # for a summary, and for a busy machine


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Server]:
    """Answers after 0.3 s: a signal always finds something in flight."""
    with serving(tmp_path / "calls.log", "--latency=0.3") as server:
        yield server


@pytest.fixture
def asking(tmp_path: Path, slow: Server) -> Desk:
    desk = Desk(path=tmp_path, base_url=slow.url)
    desk.write_rows(messages_rows(24, "stop"))
    desk.write_config(dataset={"id": "id"}, limits={"concurrency": IN_FLIGHT})
    return desk


@promise("8.1")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_keeps_what_is_in_flight_and_the_same_command_completes(number: signal.Signals, asking: Desk, slow: Server) -> None:
    stopped = _signalled(asking, number)

    calls = len(slow.calls())
    assert stopped.code == STOPPED, stopped.err
    assert number.name in stopped.err
    assert 0 < calls < 24
    assert len(asking.journal()) == calls, "every call that was sent has its answer in the journal"

    assert asking.run("run", "eval.yaml").code == 0
    assert len(slow.calls()) == 24 - calls
    assert asking.summary["rows"] == {"expected": 24, "ok": 24, "error": 0, "pending": 0}


@promise("8.1", "8.2")
def test_while_what_is_in_flight_is_waited_for_all_else_is_counted_and_a_second_signal_leaves_at_once(tmp_path: Path) -> None:
    with serving(tmp_path / "calls.log", "--silence=1:after=4") as server:
        desk = Desk(path=tmp_path, base_url=server.url)
        desk.write_rows(messages_rows(12, "stop"))
        desk.write_config(limits={"concurrency": IN_FLIGHT, "drain_s": 600})
        process = desk.start("run", "eval.yaml")
        until(lambda: desk.journal_lines() == 4)
        process.send_signal(signal.SIGTERM)
        _until_said(process, "once more to leave at once")
        until((desk.run_dir / "reduce.json").exists)
        process.send_signal(signal.SIGTERM)
        assert ended(process, MARGIN_S).code == STOPPED
        assert len(desk.journal()) == 4


@promise("8.1")
def test_what_does_not_answer_within_drain_s_stays_pending(tmp_path: Path) -> None:
    with serving(tmp_path / "calls.log", "--silence=1:after=4") as server:
        desk = Desk(path=tmp_path, base_url=server.url)
        desk.write_rows(messages_rows(12, "stop"))
        desk.write_config(limits={"concurrency": IN_FLIGHT, "drain_s": 0.3})
        process = desk.start("run", "eval.yaml")
        until(lambda: desk.journal_lines() == 4)
        process.send_signal(signal.SIGTERM)
        assert ended(process, 0.3 + MARGIN_S).code == STOPPED
        assert len(desk.journal()) == 4


@promise("8.1")
def test_a_stop_while_waiting_for_an_endpoint_that_is_not_there_is_obeyed_at_once(tmp_path: Path) -> None:
    desk = Desk(path=tmp_path, base_url=f"http://127.0.0.1:{free_port()}/v1")
    desk.write_rows(messages_rows(4, "stop"))
    desk.write_config(limits={"wait_for_endpoint_s": 600})
    process = desk.start("run", "eval.yaml")
    _until_said(process, "waiting up to")
    process.send_signal(signal.SIGTERM)
    stopped = ended(process, MARGIN_S)
    assert stopped.code == STOPPED, stopped.err
    assert not desk.journal()


def _signalled(desk: Desk, number: signal.Signals) -> Ended:
    """A run that was sent `number` once its first answers were on the disk."""
    process = desk.start("run", "eval.yaml")
    until(lambda: desk.journal_lines() > 0)
    process.send_signal(number)
    return ended(process)


def _until_said(process: "subprocess.Popen[str]", words: str) -> None:
    """Reads standard error up to the line that holds `words`."""
    assert process.stderr is not None
    give_up_at = time.monotonic() + MARGIN_S
    while words not in (line := process.stderr.readline()):
        assert line, "it ended without saying so"
        assert time.monotonic() < give_up_at
