"""Killed anywhere, run again: the same file and the same numbers, and nothing paid twice."""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from tests.e2e.desk import PATIENCE_S, Desk, ended, fixed_parts, messages_rows, summary_of, until
from tests.e2e.server import Server, serving
from tests.faults.promises import promise

ROWS = 400
KILLS = 20
CONCURRENCY = 8
# An answer is in flight until it is written, at most 50 ms after it came; a slot brings ten answers a second at most.
IN_FLIGHT = CONCURRENCY + CONCURRENCY * 10 * 50 // 1000
SEED = int(os.environ.get("KILL_SEED", "20261120"))


@pytest.fixture
def slow_server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "calls.log", "--latency=0.1..0.12") as server:
        yield server


@promise("1.1", "1.2", "1.3")
def test_killed_at_twenty_moments_a_run_ends_like_one_that_was_left_alone(tmp_path: Path, slow_server: Server) -> None:
    """Every row twice and without ids: equal texts stay two rows."""
    desk = _desk(tmp_path, slow_server.url, rows=ROWS)
    rng = Random(SEED)
    print(f"KILL_SEED={SEED}")
    kills = sum(_killed(desk, rng) for _ in range(KILLS))
    last = ended(_launch(desk))
    calls = len(slow_server.calls())

    assert last.code == 0, last.err
    print(f"{kills} kills, {calls} calls for {ROWS} rows")
    assert kills > KILLS // 2
    journal = desk.journal()
    assert Counter((record["id"], record["repeat"]) for record in journal) == dict.fromkeys({(r["id"], 0) for r in journal}, 1)
    assert len(journal) == ROWS
    assert ROWS <= calls <= ROWS + IN_FLIGHT * kills

    left_alone = desk.run("run", "eval.yaml", "--quiet", "--run-id=left-alone")
    assert left_alone.code == 0, left_alone.err
    assert fixed_parts(summary_of(tmp_path / "runs/spam/left-alone")) == fixed_parts(summary_of(_own_run(desk)))


@promise("1.3")
def test_killed_between_the_last_answer_and_the_summary_it_asks_nothing_again(tmp_path: Path, slow_server: Server) -> None:
    desk = _desk(tmp_path, slow_server.url, rows=40)
    process = _launch(desk)
    until(lambda: desk.journal_lines() == 40, every_s=0.001)
    _kill(process)
    slow_server.calls()

    again = desk.run("run", "eval.yaml")

    assert again.code == 0, again.err
    assert "0 requests sent" in again.err
    assert slow_server.calls() == []
    assert desk.summary["rows"] == {"expected": 40, "ok": 40, "error": 0, "pending": 0}


@promise("1.4")
def test_nothing_that_a_killed_run_started_outlives_it(tmp_path: Path) -> None:
    """Neither the embedded server nor the reducer."""
    desk = _desk(tmp_path, "sandbox", rows=400)
    desk.write_config(model={"name": "echo", "sandbox": {"latency": 0.05}}, limits={"concurrency": 2})
    process = _launch(desk)
    until(lambda: desk.journal_lines() >= 3 and len(_processes_in(tmp_path)) >= 3)
    _kill(process)
    until(lambda: _processes_in(tmp_path) == [])


def _desk(path: Path, url: str, *, rows: int) -> Desk:
    desk = Desk(path=path, base_url=url)
    twice = [{"text": row["text"], "label": row["label"]} for row in messages_rows(rows // 2, "two of a kind:")] * 2
    desk.write_rows(twice)
    desk.write_config(limits={"concurrency": CONCURRENCY}, gates=["recall >= 0.5"], model={"price": {"input": 0.4, "output": 1.6}})
    return desk


def _launch(desk: Desk) -> "subprocess.Popen[str]":
    return desk.start("run", "eval.yaml", "--quiet")


def _killed(desk: Desk, rng: Random) -> bool:
    """Launches and kills, one time in five while it starts, else some answers and milliseconds later; False when it had ended by then."""
    before = desk.journal_lines()
    answers, moment_s = rng.randrange(20), rng.uniform(0, 0.1)
    process = _launch(desk)
    if rng.random() < 0.2:
        time.sleep(rng.uniform(0.05, 0.6))
    else:
        until(lambda: desk.journal_lines() > before + answers or process.poll() is not None, every_s=0.002)
        time.sleep(moment_s)
    return _kill(process)


def _kill(process: "subprocess.Popen[str]") -> bool:
    """True when it was still alive."""
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    # a child may keep the pipes open for a moment, so only the process itself is waited for
    process.wait(PATIENCE_S)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    return alive


def _processes_in(path: Path) -> list[int]:
    """Processes whose working directory is `path`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if (entry / "cwd").readlink() == path and (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


def _own_run(desk: Desk) -> Path:
    (found,) = (path for path in desk.run_dirs if path.name != "left-alone")
    return found
