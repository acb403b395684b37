"""Scorers, groups and scores from outside, through the real command line."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.desk import Desk, ended, messages_rows, until
from tests.e2e.server import Server
from tests.faults.promises import promise

pytestmark = pytest.mark.long

METRIC = """
import os, time
from pathlib import Path

class Stuck:
    @classmethod
    def empty(cls, options): return cls()
    @classmethod
    def from_state(cls, state): return cls()
    def update(self, row):
        Path("stuck").write_text(str(os.getpid()))
        time.sleep(600)
    def merge(self, other): return self
    def state(self): return {}
    def value(self): return None

class Loud(Stuck):
    def update(self, row): print("a row")
    def value(self): return 1
"""
SCORER = """
import os, time
from pathlib import Path

def slow(row):
    Path("worker").write_text(str(os.getpid()))
    time.sleep(600)

def lenient(row):
    if row.id == "r3":
        os._exit(1)
    return row.target in row.output
"""


def write(desk: Desk, tag: str, count: int = 21, **changes: object) -> None:
    rows = [{**row, "talk": f"t{number // 3}"} for number, row in enumerate(messages_rows(count, tag))]
    desk.write_rows(rows)
    (desk.path / "scorers.py").write_text(SCORER, encoding="utf-8")
    (desk.path / "metrics.py").write_text(METRIC, encoding="utf-8")
    desk.write_config(dataset={"id": "id"}, stop_if=None, **changes)


def test_a_scorer_that_kills_its_process_costs_its_row_and_the_run_goes_on(desk: Desk, tag: str) -> None:
    write(desk, tag, scoring={"scorer": "scorers.py:lenient", "labels": None, "positive": None}, max_error_rate=0.1)
    end = desk.run("run", "eval.yaml")
    assert end.code == 0, end.err
    assert "outcome   by scorers.py:lenient, at the end" in end.err
    assert "accuracy=" not in end.err
    summary = desk.summary
    assert summary["outcomes"]["error"] == 1
    assert summary["rows"]["error"] == 0
    assert "the scorer failed on 1 row" in end.out


def test_a_scorer_that_cannot_be_loaded_is_told_before_anything_is_sent(desk: Desk, server: Server, tag: str) -> None:
    write(desk, tag, scoring={"scorer": "scorers.py:leniet", "labels": None, "positive": None})
    end = desk.run("run", "eval.yaml")
    assert end.code == 2
    assert "did you mean lenient?" in end.err
    assert server.calls() == []


def test_scores_from_outside_join_a_run_that_is_there(desk: Desk, server: Server, tag: str) -> None:
    write(desk, tag)
    assert desk.run("run", "eval.yaml").code == 0
    server.calls()
    lines = [json.dumps({"id": f"r{number}", "comet": number / 10, "genre": "ab"[number % 2]}) for number in range(20)]
    (desk.path / "comet.jsonl").write_text("\n".join(lines), encoding="utf-8")
    end = desk.run("score", "--scores", "comet.jsonl", "--by", "genre")
    assert end.code == 0, end.err
    assert "ext.comet for 20 rows, kept as" in end.err
    assert "ext.comet" in end.out
    comet = desk.summary["metrics"]["ext.comet"]
    assert (comet["value"], comet["n"], list(comet["slices"])) == (pytest.approx(0.95), 20, ["genre", "target"])
    assert server.calls() == []
    assert desk.run("score", "--by", "genre").code == 2


def test_a_group_widens_the_intervals_without_a_request(desk: Desk, server: Server, tag: str) -> None:
    write(desk, tag, count=120)
    assert desk.run("run", "eval.yaml").code == 0
    server.calls()
    desk.write_config(dataset={"id": "id", "group": "talk"})
    assert desk.run("score").code == 0
    assert "clusters:40" in desk.summary["metrics"]["accuracy"]["signature"]
    assert server.calls() == []


def test_a_killed_reduction_leaves_no_worker_behind(desk: Desk, tag: str) -> None:
    write(desk, tag)
    assert desk.run("run", "eval.yaml").code == 0
    write(desk, tag, scoring={"scorer": "scorers.py:slow", "labels": None, "positive": None})
    process = desk.start("score", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pid = desk.path / "worker"
    until(lambda: pid.exists() and bool(pid.read_text()))
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: not _lives(pid.read_text()))


@promise("8.1")
@pytest.mark.parametrize("answered", [False, True])
def test_a_signal_ends_a_run_that_is_only_scoring_any_more(desk: Desk, tag: str, answered: bool) -> None:
    write(desk, tag)
    if answered:
        assert desk.run("run", "eval.yaml").code == 0
    write(desk, tag, metrics=["metrics.py:Stuck"], limits={"drain_s": 1})
    process = desk.start("run", "eval.yaml")
    until((desk.path / "stuck").exists)
    process.send_signal(signal.SIGTERM)
    stopped = ended(process)
    assert (stopped.code, "stopped by SIGTERM" in stopped.err) == (75, True)
    write(desk, tag)
    assert desk.run("run", "eval.yaml").code == 0
    assert len(desk.journal()) == 21


@promise("8.2")
def test_a_second_signal_leaves_a_run_that_is_only_scoring_and_takes_the_reduction_along(desk: Desk, tag: str) -> None:
    write(desk, tag, metrics=["metrics.py:Stuck"], limits={"drain_s": 600})
    pid = desk.path / "stuck"
    with (desk.path / "told").open("w") as told:
        process = desk.start("run", "eval.yaml", stderr=told)
        until(lambda: pid.exists() and bool(pid.read_text()))
        process.send_signal(signal.SIGTERM)
        until(lambda: "once more to leave at once" in (desk.path / "told").read_text())
        process.send_signal(signal.SIGTERM)
        assert ended(process).code == 75
    until(lambda: not _lives(pid.read_text()))


def test_a_reduction_ends_with_the_run_that_was_killed(desk: Desk, tag: str) -> None:
    write(desk, tag, metrics=["metrics.py:Stuck"])
    process = desk.start("run", "eval.yaml", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pid = desk.path / "stuck"
    until(lambda: pid.exists() and bool(pid.read_text()))
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: not _lives(pid.read_text()))


def test_what_a_metric_prints_does_not_stand_between_the_events(desk: Desk, tag: str) -> None:
    write(desk, tag)
    assert desk.run("run", "eval.yaml").code == 0
    write(desk, tag, metrics=["metrics.py:Loud"])
    scored = desk.run("score", "--json")
    assert scored.events[-1]["metrics"]["ext.Loud"]["value"] == 1
    assert "a row" in scored.err


def _lives(pid: str) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def test_an_installed_package_may_bring_a_scorer_and_a_metric(desk: Desk, tag: str) -> None:
    package = desk.path / "site"
    about = package / "polite-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: polite\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(
        "[evalsvc.scorers]\npolite = polite:scorer\n[evalsvc.metrics]\nrows = polite:Rows\n", encoding="utf-8"
    )
    (package / "polite.py").write_text(INSTALLED, encoding="utf-8")
    write(desk, tag, scoring={"scorer": "polite", "labels": None, "positive": None}, metrics=["accuracy", "rows"])
    end = desk.run("run", "eval.yaml", environ={"PYTHONPATH": str(package)})
    assert end.code == 0, end.err
    assert list(desk.summary["metrics"]) == ["accuracy", "ext.score", "ext.rows"]
    assert desk.summary["metrics"]["ext.rows"]["value"] == 21


INSTALLED = """
def scorer(row):
    return 0.5

class Rows:
    def __init__(self, rows=0): self.rows = rows
    @classmethod
    def empty(cls, options): return cls()
    def update(self, row): self.rows += 1
    def merge(self, other): return Rows(self.rows + other.rows)
    def state(self): return {"rows": self.rows}
    @classmethod
    def from_state(cls, state): return cls(**state)
    def value(self): return self.rows
"""
