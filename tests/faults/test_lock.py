"""Two processes and one run directory: one of them runs, the other is told who does."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from evalsvc.errors import RunInUse
from tests.e2e.desk import messages_rows, until
from tests.e2e.server import Server, serving
from tests.faults.desk import FaultDesk, finished
from tests.faults.promises import promise

TEXTS = ("", "torn {", '{"pid":1,"host":"long gone"}\n', "\0" * 64)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "calls.log", "--latency=0.2..0.3") as serving_one:
        yield serving_one


@contextmanager
def launched(desk: FaultDesk) -> "Iterator[subprocess.Popen[str]]":
    process = desk.start("run", "eval.yaml", "--quiet")
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def desk_of(path: Path, server: Server, rows: int) -> FaultDesk:
    desk = FaultDesk(path=path, base_url=server.url)
    desk.write_rows(messages_rows(rows, "two at once"))
    desk.write_config(limits={"concurrency": 4})
    return desk


@promise("5.1")
def test_a_directory_held_by_a_stopped_process_is_refused_before_any_request_and_the_holder_is_named(
    tmp_path: Path, server: Server
) -> None:
    desk = desk_of(tmp_path, server, 60)
    with launched(desk) as holder:
        until(lambda: desk.journal_lines() >= 4)
        holder.send_signal(signal.SIGSTOP)
        until(lambda: "\nState:\tT" in Path(f"/proc/{holder.pid}/status").read_text())
        before = desk.journal_lines()
        refused = desk.run("run", "eval.yaml", "--quiet")
        assert refused.code == RunInUse.exit_code, refused.err
        assert f"in use by process {holder.pid} on host {os.uname().nodename}" in refused.err
        assert "evalsvc" in refused.err
        scored = desk.run("score", str(desk.run_dir))
        assert scored.code == RunInUse.exit_code, scored.err
        assert desk.journal_lines() == before
        holder.send_signal(signal.SIGCONT)
        ended = finished(holder)
        assert ended.code == 0, ended.err
    assert desk.summary["rows"]["ok"] == 60
    assert len(server.calls()) == 60  # all of them its own


@promise("5.2")
@pytest.mark.long
@pytest.mark.parametrize("text", TEXTS)
def test_a_lock_file_that_nobody_holds_is_history_whatever_it_says(tmp_path: Path, server: Server, text: str) -> None:
    desk = desk_of(tmp_path, server, 4)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "run.lock").write_text(text)
    done = desk.run("run", "eval.yaml", "--quiet", "--run-dir=kept")
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "kept" / "run.lock").read_text())["host"] == os.uname().nodename


@promise("5.1")
@pytest.mark.long
@pytest.mark.parametrize("turn", range(5))
def test_of_two_launches_at_the_same_moment_exactly_one_runs(tmp_path: Path, server: Server, turn: int) -> None:
    """Neither of them asks anything that the other asks."""
    desk = desk_of(tmp_path, server, 12)
    with launched(desk) as one, launched(desk) as other:
        ends = [finished(one), finished(other)]
    assert sorted(end.code for end in ends) == [0, RunInUse.exit_code], [end.err for end in ends]
    assert len(server.calls()) == 12
    assert len(desk.journal()) == 12
