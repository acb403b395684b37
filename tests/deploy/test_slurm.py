"""The script for Slurm: its shell, what it makes of each exit code, and a job that is stopped and put back into the queue.

The environment of a job is set by hand and `scontrol` is a script that writes down how it was called: no test needs a cluster.
"""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.advice import ADVICE, DEPLOY, Advice
from tests.e2e.desk import Desk, Ended, ended, environment, messages_rows, until
from tests.e2e.server import Server, serving

SCRIPT = DEPLOY / "slurm" / "evalsvc.sbatch"
TEXT = SCRIPT.read_text(encoding="utf-8")
OPTIONS = dict(re.findall(r"^#SBATCH --([\w-]+)(?:=(.*))?$", TEXT, re.MULTILINE))
GOES_BACK = {Advice.RETRY, Advice.REQUEUE}
ROWS = 60


def test_it_is_bash_that_runs() -> None:
    done = subprocess.run(["bash", "-n", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not here (apt-get install shellcheck)")
def test_shellcheck_finds_nothing() -> None:
    done = subprocess.run(["shellcheck", SCRIPT], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_the_job_may_come_back_and_is_told_in_time() -> None:
    assert {"requeue", "open-mode", "signal"} <= set(OPTIONS)
    assert OPTIONS["open-mode"] == "append"
    [before_s] = re.findall(r"B:TERM@(\d+)", OPTIONS["signal"])
    assert int(before_s) >= 25 + 30, "limits.drain_s, and time for the summary"


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder for PATH with a `scontrol` that writes down what it is asked, and a `squeue` that knows a running job."""
    folder = tmp_path / "bin"
    folder.mkdir()
    _tool(folder / "scontrol", f'echo "$*" >> {tmp_path}/scontrol.log')
    _tool(folder / "squeue", "echo RUNNING")
    return folder


def _tool(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/bash\n{body}\n")
    path.chmod(0o755)


def started(tools: Path, *arguments: str, **environ: str) -> "subprocess.Popen[str]":
    job = {"SLURM_JOB_ID": "41", "PATH": f"{tools}:/usr/bin:/bin", **environ}
    return subprocess.Popen(
        ["bash", SCRIPT, *arguments], cwd=tools.parent, env=environment(job), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def job(tools: Path, *arguments: str, **environ: str) -> Ended:
    return ended(started(tools, *arguments, **environ))


def requeued(tools: Path) -> list[str]:
    log = tools.parent / "scontrol.log"
    return log.read_text().splitlines() if log.exists() else []


@pytest.mark.parametrize(("code", "advice"), [*ADVICE.items(), *((other, Advice.RETRY) for other in (127, 137, 139, 143))])
def test_a_job_goes_back_into_the_queue_as_the_table_says_and_ends_as_its_run_did(code: int, advice: Advice, tools: Path) -> None:
    _tool(tools / "evalsvc", f"exit {code}")
    assert job(tools).code == code
    assert requeued(tools) == (["requeue 41"] if advice in GOES_BACK else [])


@pytest.mark.parametrize("state", ["COMPLETING", "CANCELLED", ""])
def test_a_job_that_was_cancelled_stays_away(state: str, tools: Path) -> None:
    """scancel sends the signal that the time limit sends, and a job that is over can be put back all the same."""
    _tool(tools / "squeue", f"echo {state}")
    _tool(tools / "evalsvc", "exit 75")
    assert (job(tools).code, requeued(tools)) == (75, [])


def test_a_job_that_comes_again_and_again_is_given_up(tools: Path) -> None:
    _tool(tools / "evalsvc", "exit 6")
    done = job(tools, SLURM_RESTART_COUNT="20")
    assert (done.code, requeued(tools)) == (6, [])
    assert "not put back into the queue" in done.err


@pytest.mark.parametrize(
    ("environ", "run_id"),
    [
        ({}, "slurm-41"),
        ({"SLURM_RESTART_COUNT": "3"}, "slurm-41"),
        ({"SLURM_ARRAY_JOB_ID": "40", "SLURM_ARRAY_TASK_ID": "2"}, "slurm-40_2"),
        ({"EVALSVC_RUN_ID": "night-2026-11-20"}, "night-2026-11-20"),
    ],
)
def test_every_start_of_a_job_is_of_one_measurement(environ: dict[str, str], run_id: str, tools: Path) -> None:
    _tool(tools / "evalsvc", 'echo "$EVALSVC_RUN_ID $EVALSVC_LOG: $*"')
    assert job(tools, "nightly/eval.yaml", "--limit", "5", **environ).out == f"{run_id} json: run nightly/eval.yaml --limit 5\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "calls.log", "--latency=0.1") as server:
        yield server


def test_a_job_that_reaches_its_time_limit_is_carried_on_by_its_next_start(tmp_path: Path, tools: Path, server: Server) -> None:
    _tool(tools / "evalsvc", f'exec {sys.executable} -m evalsvc "$@"')
    desk = Desk(path=tmp_path, base_url=server.url)
    desk.write_rows(messages_rows(ROWS, "limit"))
    desk.write_config(dataset={"id": "id"}, limits={"concurrency": 4})

    first = started(tools)
    until(lambda: desk.journal_lines() >= 4 or first.poll() is not None)
    first.send_signal(signal.SIGTERM)  # to the batch shell alone, as B: has it
    stopped = ended(first)
    assert (stopped.code, requeued(tools)) == (75, ["requeue 41"]), stopped.err

    again = job(tools, SLURM_RESTART_COUNT="1")
    assert (again.code, requeued(tools)) == (0, ["requeue 41"]), again.err
    assert desk.run_dir.name == "slurm-41"
    assert len(server.calls()) == ROWS
