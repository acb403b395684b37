"""SIGINT, SIGTERM and SIGHUP, from the first line of a command to its last."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Set
from itertools import islice
from pathlib import Path
from random import Random, randrange
from typing import Any

import pytest

from evalsvc.config import load_config
from evalsvc.config.models import Limits
from evalsvc.errors import Stopped
from evalsvc.journal import encode
from evalsvc.journal.events import read_events
from evalsvc.pipeline import RunOptions, prepare
from evalsvc.pipeline.stop import ANSWERS_UNTIL, NUMBERS_UNTIL, WORD_UNTIL, StopSwitch
from tests.e2e.desk import messages_rows, until
from tests.e2e.server import free_port, serving
from tests.faults.canary import CANARY
from tests.faults.desk import KEY_VARIABLE, FaultDesk, finished
from tests.faults.promises import promise
from tests.journal.cases import answered
from tests.pipeline.answering import launched
from tests.virtual_time import run

STOPPED = 75
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
CHECKOUT = Path(__file__).parents[2]
MARGIN_S = 15.0  # for a busy machine
QUICK = 1_000  # answers, after which 1,000 are in flight
EARLIER = 200_000  # rows
READING = ("show", "list", "score", "report", "compare", "history", "doctor", "plan")


def caught(process: "subprocess.Popen[str]", number: signal.Signals) -> bool:
    """Whether the process has a handler for the signal by now; false too before it is evalsvc."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    mask = int(next(line for line in lines if line.startswith("SigCgt")).split()[1], 16)
    return bool(mask >> (number - 1) & 1)


def lost_endpoint(path: Path, **changes: Any) -> FaultDesk:
    """A run that waits for somebody who is not there."""
    desk = FaultDesk(path=path, base_url=f"http://127.0.0.1:{free_port()}/v1")
    desk.write_rows(messages_rows(4, "signal"))
    desk.write_config(**{"limits": {"wait_for_endpoint_s": 600}, **changes})
    return desk


# the start -------------------------------------------------------------------------------------------------------


# The command line that is about to be loaded, replaced by a signal.
AT_THE_START = """
import os, sys, types
number = int(sys.argv.pop(1))
sys.modules["evalsvc.cli"] = types.ModuleType("evalsvc.cli")
sys.modules["evalsvc.cli"].main = lambda: os.kill(os.getpid(), number)
from evalsvc.__main__ import main
main()
"""


@promise("8.1", "8.4")
@pytest.mark.parametrize(("command", "number", "code"), [*(("run", number, STOPPED) for number in SIGNALS), ("show", signal.SIGINT, -2)])
def test_a_signal_before_anything_is_loaded_ends_the_command_without_a_word(command: str, number: signal.Signals, code: int) -> None:
    script = [sys.executable, "-c", AT_THE_START, str(int(number)), command]
    done = subprocess.run(script, cwd=CHECKOUT, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


@promise("8.1", "8.2")
@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_a_signal_at_any_moment_of_the_start_is_exit_75_and_the_run_can_be_carried_on(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    after_s, number = rng.uniform(0.0, 1.5), rng.choice(SIGNALS)
    with serving(tmp_path / "calls.log", "--latency=0.3") as server:
        desk = FaultDesk(path=tmp_path, base_url=server.url)
        desk.write_rows(messages_rows(40, "signal"))
        desk.write_config(dataset={"id": "id"}, limits={"concurrency": 2})
        process = desk.start("run", "eval.yaml")
        until(lambda: caught(process, signal.SIGHUP), every_s=0.001)
        with pytest.raises(subprocess.TimeoutExpired):  # the moment is what the seed says, and nothing to wait for
            process.wait(after_s)
        process.send_signal(number)
        end = finished(process, MARGIN_S)
        assert (end.code, "Traceback" in end.err) == (STOPPED, False), end.err
        assert desk.run("run", "eval.yaml", "--set=limits.concurrency=40").code == 0
        assert len(desk.winners()) == len(desk.journal()) == 40


@promise("8.1")
@pytest.mark.long
def test_a_signal_ends_the_first_pass_over_a_large_data_set_where_it_stands(tmp_path: Path) -> None:
    desk = lost_endpoint(tmp_path)
    desk.write_rows(messages_rows(300_000, "signal"))
    process = desk.start("run", "eval.yaml")
    until(lambda: any(tmp_path.glob("runs/spam/*/run.lock")))
    process.send_signal(signal.SIGTERM)
    end = finished(process, MARGIN_S)
    assert (end.code, "stopped by SIGTERM" in end.err) == (STOPPED, True)
    assert "in flight" not in end.err
    assert desk.run_dirs == []


@promise("8.4")
def test_ctrl_c_ends_a_command_that_only_reads_as_a_signal_does_and_without_a_traceback(tmp_path: Path) -> None:
    seed = randrange(1_000)
    for command in Random(seed).sample(READING, 2):
        print(f"seed {seed}: {command}")
        process = lost_endpoint(tmp_path).start(command)
        until(lambda: caught(process, signal.SIGTERM), every_s=0.001)  # noqa: B023 - within the round
        process.send_signal(signal.SIGINT)
        end = finished(process, MARGIN_S)
        assert (end.code, end.err) == (-signal.SIGINT, "")


@promise("8.1")
def test_nohup_is_obeyed(tmp_path: Path) -> None:
    process = lost_endpoint(tmp_path).start("run", "eval.yaml", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    until(lambda: any(tmp_path.glob("runs/spam/*/events.jsonl")))
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    end = finished(process, MARGIN_S)
    assert (end.code, "SIGTERM" in end.err, "SIGHUP" in end.err) == (STOPPED, True, False)


# while it asks ---------------------------------------------------------------------------------------------------


@promise("8.1")
@pytest.mark.long
def test_a_thousand_in_flight_that_take_a_minute_and_200_000_rows_to_count_end_within_the_drain_time(tmp_path: Path) -> None:
    """With no setting but the ceiling, over the journal of a launch that was killed before it had counted any row. The first answers
    are quick: before them there is only a quarter of the ceiling in flight.
    """
    port, done = free_port(), EARLIER + QUICK
    desk = FaultDesk(path=tmp_path, base_url=f"http://127.0.0.1:{port}/v1")
    desk.write_rows(messages_rows(done + 2_000, "signal"))
    desk.write_config(dataset={"id": "id"}, limits={"concurrency": 1_000})
    journal = answered_before(desk, EARLIER)
    earlier = journal.read_bytes()
    with serving(tmp_path / "calls.log", f"--port={port}", "--latency=0.5", f"--fault=latency=60:after={QUICK}"):
        process = desk.start("run", "eval.yaml", "--run-id=r")
        until(lambda: {("in_flight", 1_000), ("rows", QUICK)} <= last_counters(desk), every_s=0.1)
        process.send_signal(signal.SIGTERM)
        end = finished(process, Limits().drain_s)
    assert end.code == STOPPED, end.err
    assert desk.summary["rows"] == {"expected": done + 2_000, "ok": done, "error": 0, "pending": 2_000}
    assert desk.summary["metrics"]["accuracy"]["n"] == done
    assert journal.read_bytes().startswith(earlier)
    with serving(tmp_path / "again.log", f"--port={port}") as server:
        completed = desk.run("run", "eval.yaml", "--run-id=r")
        assert len(server.calls()) == 2_000
    assert completed.code == 0, completed.err
    assert desk.summary["rows"]["ok"] == desk.journal_lines() == done + 2_000
    wrong = sum(number % 7 == 0 for number in range(EARLIER, done + 2_000))
    assert desk.summary["metrics"]["accuracy"]["value"] == 1 - wrong / (done + 2_000)


def answered_before(desk: FaultDesk, rows: int) -> Path:
    """The journal of run r, of which so many of the first rows are answered, all of them rightly."""
    loaded = load_config(desk.path / "eval.yaml", environ={KEY_VARIABLE: CANARY})
    prepared = prepare(loaded, RunOptions(run_dir=desk.path / "runs" / "spam" / "r"))
    launch = launched(prepared)
    with prepared.run.journal.open("wb") as journal:
        for sample in islice(prepared.dataset.samples(launch.survey), rows):
            record = answered(sample.id, output=sample.target, target=sample.target, row_hash=sample.row_hash, messages=None)
            journal.write(encode(record))
    return prepared.run.journal


def last_counters(desk: FaultDesk) -> Set[tuple[str, int]]:
    """What the run wrote of itself last, some seconds ago at the most."""
    told = [
        {(name, value) for name, value in event.items() if isinstance(value, int)}
        for path in desk.path.glob("runs/spam/r/events.jsonl")
        for event in read_events(path)
        if event["event"] == "counters"
    ]
    return told[-1] if told else set()


@promise("8.2")
@pytest.mark.long
@pytest.mark.parametrize(("signals", "code"), [(1, 0), (2, STOPPED)])
def test_while_a_message_hangs_over_a_complete_run_one_signal_leaves_its_code_alone_and_a_second_leaves_at_once(
    signals: int, code: int, tmp_path: Path
) -> None:
    with serving(tmp_path / "calls.log") as server, socket.create_server(("127.0.0.1", 0)) as silent:
        desk = FaultDesk(path=tmp_path, base_url=server.url)
        desk.write_rows(messages_rows(8, "signal"))
        hook = f"http://127.0.0.1:{silent.getsockname()[1]}/hook"
        desk.write_config(webhook={"url": hook}, limits={"drain_s": 1 if signals == 1 else 600})
        process = desk.start("run", "eval.yaml")
        with silent.accept()[0]:
            for _ in range(signals):
                process.send_signal(signal.SIGTERM)
                until(lambda: not pending(process))
            end = finished(process, MARGIN_S)
        assert (end.code, "Traceback" in end.err) == (code, False), end.err
        assert desk.summary["status"] == "complete"


def pending(process: "subprocess.Popen[str]") -> bool:
    """Whether the process has a signal that it has not taken; two alike would be one."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    except OSError:
        return False
    return any(int(line.split()[1], 16) for line in lines if line.startswith(("SigPnd", "ShdPnd")))


# the switch ------------------------------------------------------------------------------------------------------


def stopped() -> Stopped:
    return Stopped("stopped by SIGTERM")


@promise("8.1")
def test_the_parts_of_a_stop_add_up_to_less_than_the_drain_time() -> None:
    assert 0 < ANSWERS_UNTIL < NUMBERS_UNTIL < WORD_UNTIL < 1


@promise("8.1")
def test_work_that_holds_the_loop_up_is_broken_off_where_it_stands() -> None:
    async def main() -> list[str]:
        stop, done = StopSwitch(), list[str]()

        def read() -> None:
            with stop.at_once():
                done.append("read")
                stop.strike(stopped())
                done.append("never")

        with pytest.raises(Stopped):
            read()
        await asyncio.sleep(0)
        with pytest.raises(Stopped):
            stop.check()
        return done

    assert run(main) == ["read"]


@promise("8.1")
def test_work_that_takes_a_stop_for_something_else_is_stopped_all_the_same() -> None:
    async def main() -> None:
        stop = StopSwitch()

        def read() -> None:
            with stop.at_once():
                try:
                    stop.strike(stopped())
                except Stopped as error:
                    raise ValueError("an odd line") from error

        with pytest.raises(Stopped):
            read()

    run(main)


@promise("8.1")
def test_outside_such_work_a_signal_waits_for_the_loop_s_next_turn() -> None:
    async def main() -> list[Any]:
        stop, told = StopSwitch(), list[Any]()
        stop.attach(told.append)
        stop.strike(stopped())
        before = list(told)
        await asyncio.sleep(0)
        return [before, len(told)]

    assert run(main) == [[], 1]


@promise("8.1")
def test_a_look_that_nobody_answers_ends_with_the_stop() -> None:
    async def main() -> float:
        stop, loop = StopSwitch(), asyncio.get_running_loop()
        loop.call_later(3.0, stop.pull, stopped())
        with pytest.raises(Stopped):
            await stop.during(asyncio.sleep(600))
        assert await quick(StopSwitch()) == "listed"
        return loop.time()

    async def quick(stop: StopSwitch) -> str:
        async def look() -> str:
            return "listed"

        return await stop.during(look())

    assert run(main) == 3.0
