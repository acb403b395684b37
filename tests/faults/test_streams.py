"""Whoever watches a run may go away, or stop reading: the run goes on, and its exit code tells."""

import fcntl
import io
import os
import pty
import shlex
import signal
import subprocess
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from evalsvc.report.live import choose_view
from evalsvc.report.streams import settle, unhurried
from tests.e2e.desk import COMMAND, PATIENCE_S, Ended, environment, messages_rows, summary_of, until
from tests.e2e.server import Server, serving
from tests.faults.canary import CANARY
from tests.faults.desk import KEY_VARIABLE, FaultDesk, finished, without_key
from tests.faults.promises import promise
from tests.report.cases import INTRO, PROGRESS

STOPPED = 75
ROWS = 8
VIEWS: Mapping[str, tuple[bool, Mapping[str, str]]] = {
    "lines": (False, {}),
    "JSON logs": (False, {"EVALSVC_LOG": "json"}),
    "events": (True, {}),
}


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """Its reader's end and its writer's."""
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


def fill(writer: int) -> int:
    """Writes until there is no more room; gives how many bytes."""
    count = 0
    os.set_blocking(writer, False)
    while True:
        try:
            count += os.write(writer, b"." * 4096)
        except BlockingIOError:
            os.set_blocking(writer, True)
            return count


def read(reader: int, count: int) -> bytes:
    content = b""
    while len(content) < count:
        content += os.read(reader, count - len(content))
    return content


def read_all_there_is(reader: int) -> bytes:
    os.set_blocking(reader, False)
    try:
        return os.read(reader, 1 << 20)
    except BlockingIOError:
        return b""


# a reader that stalls --------------------------------------------------------------------------------------------


@promise("8.3")
def test_what_a_stalled_reader_does_not_take_is_left_out_by_whole_lines() -> None:
    with pipe() as (reader, writer):
        filled = fill(writer)
        stream = unhurried(io.TextIOWrapper(io.FileIO(writer, "w", closefd=False)))
        for number in range(5):
            stream.write(f"line {number}\n")
            stream.flush()
        read(reader, filled)
        for number in range(5, 7):
            stream.write(f"line {number}\n")
            stream.flush()
        assert read_all_there_is(reader) == b"line 0\nline 5\nline 6\n"


@promise("8.3")
def test_a_line_longer_than_what_is_free_is_given_up_in_pieces_and_nothing_comes_between_them() -> None:
    long = "x" * 200_000 + "\n"
    with pipe() as (reader, writer):
        stream = unhurried(io.TextIOWrapper(io.FileIO(writer, "w", closefd=False)))
        content = b""
        for text in (long, "lost\n", "lost too\n"):
            stream.write(text)
            stream.flush()
        while taken := read_all_there_is(reader):
            content += taken
            settle(stream, within_s=0.0)
        stream.write("the last\n")
        stream.flush()
        assert content + read_all_there_is(reader) == long.encode() + b"the last\n"


@promise("8.3")
@pytest.mark.parametrize("which", VIEWS)
def test_a_view_into_a_full_pipe_holds_nobody_up(which: str) -> None:
    json, environ = VIEWS[which]
    with pipe() as (reader, writer):
        filled = fill(writer)
        with open(writer, "w", encoding="utf-8", closefd=False) as stream:
            view = choose_view(stream, stdout=stream, quiet=False, json=json, environ=environ)
            view.start(INTRO)
            for _ in range(200):
                view.note("a note " * 100)
                view.update(PROGRESS)
        assert set(read(reader, filled)) == {ord(".")}


# whole runs ------------------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "calls.log", "--latency=0.1") as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path, server: Server) -> FaultDesk:
    desk = FaultDesk(path=tmp_path, base_url=server.url)
    desk.write_rows(messages_rows(ROWS, "stream"))
    desk.write_config(dataset={"id": "id"}, limits={"concurrency": 2})
    return desk


@promise("8.3")
def test_a_log_collector_that_has_stalled_does_not_stop_a_run(desk: FaultDesk) -> None:
    with pipe() as (_reader, writer):
        fill(writer)
        end = finished(desk.start("run", "eval.yaml", stderr=writer))
    assert (end.code, "accuracy" in end.out) == (0, True)
    assert desk.summary["rows"]["ok"] == ROWS


@promise("8.3", "8.2")
@pytest.mark.long
def test_a_result_that_nobody_reads_is_waited_with_and_a_signal_ends_that_with_the_run_s_own_code(desk: FaultDesk) -> None:
    desk.write_config(dataset={"id": "id"}, gates=["accuracy >= 0.99"])
    with pipe() as (_reader, writer):
        fill(writer)
        process = desk.start("run", "eval.yaml", "--json", stdout=writer)
        until(lambda: any(b'"end"' in path.read_bytes() for path in desk.path.glob("runs/spam/*/events.jsonl")))
        until(lambda: _is_over(desk, process))
        process.send_signal(signal.SIGTERM)
        assert finished(process).code == 3


def _is_over(desk: FaultDesk, process: "subprocess.Popen[str]") -> bool:
    """Whether the run has let go of its directory, and its process waits for something."""
    for lock in desk.path.glob("runs/spam/*/run.lock"):
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


@promise("8.3")
@pytest.mark.long
@pytest.mark.parametrize("hangs_up", [False, True])
def test_a_terminal_that_goes_away_in_the_middle(hangs_up: bool, desk: FaultDesk) -> None:
    """One that is only written to costs its run nothing; one that controls it hangs up, which is a signal to stop."""
    master, slave = pty.openpty()
    owner: dict[str, Any] = {"preexec_fn": _own_terminal} if hangs_up else {}
    desk.write_config(dataset={"id": "id"}, limits={"concurrency": 1})
    process = desk.start(
        "run", "eval.yaml", stdin=slave, stdout=subprocess.PIPE, stderr=slave, environ={"TERM": "xterm"}, start_new_session=True, **owner
    )
    os.close(slave)
    until(lambda: desk.journal_lines() > 0)
    os.close(master)
    end = finished(process)
    assert end.code == (STOPPED if hangs_up else 0)
    assert desk.run("run", "eval.yaml").code == 0
    assert desk.summary["rows"]["ok"] == ROWS


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@promise("8.3")
@pytest.mark.long
def test_closed_streams_and_readers_that_leave_change_no_exit_code(desk: FaultDesk) -> None:
    for number, redirected in enumerate((">&-", "2>&-", "<&- 2>&1 | head -n 1", "--json | head -n 1", "2> /dev/full")):
        command = shlex.join((*COMMAND, "run", "eval.yaml", f"--run-id=n{number}"))
        bash = ["bash", "-c", f"set -o pipefail; setsid --wait timeout --signal=KILL {PATIENCE_S} {command} {redirected}"]
        keys = environment({KEY_VARIABLE: CANARY})
        done = subprocess.run(bash, cwd=desk.path, env=keys, capture_output=True, text=True, check=False)
        end = without_key(Ended(code=done.returncode, out=done.stdout, err=done.stderr))
        assert (redirected, end.code, "Traceback" in end.err) == (redirected, 0, False), end.err
        summary = summary_of(desk.path / "runs" / "spam" / f"n{number}")
        assert summary["rows"]["ok"] == ROWS
