"""`evalsvc compare` and `evalsvc baseline save`, as they are typed."""

import csv
import io
import json
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.e2e.desk import COMMAND, PATIENCE_S, Desk, environment, messages_rows, summary_of
from tests.e2e.server import Server

# Echoes what the row says, but for these rows.
WORSE = "{{ text if id not in ('r4', 'r5', 'r8', 'r10') else 'ham' if id != 'r4' else 'neither' }}"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, shared_server: Server) -> Desk:
    """Three runs of one name, in this order: first, worse, third; and one of another data set."""
    desk = Desk(path=tmp_path_factory.mktemp("runs"), base_url=shared_server.url)
    desk.write_rows(messages_rows(30, "one"))
    desk.write_config(dataset={"id": "id"})
    for name, prompt in (("first", "{{ text }}"), ("worse", WORSE), ("third", "{{ text }}")):
        assert desk.run("run", "eval.yaml", "-q", f"--run-id={name}", f"--set=prompt.user={prompt}").code == 0
    desk.write_rows([{**row, "id": f"other {row['id']}"} for row in messages_rows(30, "one")], "other.jsonl")
    assert desk.run("run", "eval.yaml", "-q", "--set=name=other", "--set=dataset.path=other.jsonl").code == 0
    return desk


def test_two_runs_side_by_side(runs: Desk) -> None:
    end = runs.run("compare", "spam/first", "spam/worse")
    assert end.code == 0, end.err
    for said in ("spam/first", "spam/worse", "accuracy", "30 compared", "turned wrong", "r10"):
        assert said in end.out
    assert end.err == ""


def test_as_json_it_is_all_that_is_known(runs: Desk) -> None:
    end = runs.run("compare", "spam/first", "spam/worse", "--json", "--flips=3")
    said = json.loads(end.out)
    assert (said["a"]["run_id"], said["b"]["run_id"]) == ("first", "worse")
    assert said["rows"]["common"] == 30
    assert said["flips"]["to_wrong"] == 4
    assert [flip["change"] for flip in said["examples"]] == [-1.0] * 3
    assert {flip["output_b"] for flip in said["examples"]} <= {"ham", "neither"}
    assert all(flip["prompt"] for flip in said["examples"])
    accuracy = said["differences"]["accuracy"]
    assert accuracy["a"] == summary_of(runs.path / "runs/spam/first")["metrics"]["accuracy"]["value"]
    assert accuracy["difference"] == pytest.approx(-4 / 30)
    assert json.loads(runs.run("compare", "spam/first", "spam/worse", "--json", "--flips=0").out)["examples"] == []


def test_one_run_is_held_against_the_one_before_it(runs: Desk) -> None:
    end = runs.run("compare", "spam/third", "--json")
    assert end.err == "runs/spam/third against the complete run before it: runs/spam/worse\n"
    said = json.loads(end.out)
    assert (said["a"]["run_id"], said["b"]["run_id"]) == ("worse", "third")
    first = runs.run("compare", "spam/first")
    assert first.code == 2
    assert "no complete run of spam before runs/spam/first" in first.err


def test_several_runs_are_all_held_against_each_other(runs: Desk) -> None:
    end = runs.run("compare", "spam/first", "spam/worse", "spam/third", "--json", "--metric=accuracy")
    said = json.loads(end.out)
    assert list(said["pairs"]) == ["1-2", "1-3", "2-3"]
    assert said["letters"] == {"accuracy": ["a", "a", "a"]}
    assert said["pairs"]["1-2"]["differences"]["accuracy"]["p_holm"] > said["pairs"]["1-2"]["differences"]["accuracy"]["p"]
    assert "third" in runs.run("compare", "spam/first", "spam/worse", "spam/third").out
    refused = runs.run("compare", "spam/first", "spam/worse", "spam/third", "--flips=3")
    assert refused.code == 2
    assert "--flips shows the rows of two runs" in refused.err


@pytest.mark.parametrize(("ending", "begins"), [(".csv", ""), (".md", ""), (".tex", ""), (".html", "<!doctype html>"), (".json", "{")])
def test_a_file_is_written_as_its_name_ends(runs: Desk, ending: str, begins: str) -> None:
    end = runs.run("compare", "spam/first", "spam/worse", "-o", f"out{ending}")
    assert (end.code, end.out) == (0, f"out{ending}\n"), end.err
    text = (runs.path / f"out{ending}").read_text()
    assert text.lower().startswith(begins)
    assert "accuracy" in text


def test_csv_has_a_line_for_each_metric(runs: Desk) -> None:
    lines = list(csv.DictReader(io.StringIO(runs.run("compare", "spam/first", "spam/worse", "--format=csv").out)))
    assert [line["metric"] for line in lines] == list(summary_of(runs.path / "runs/spam/worse")["metrics"])


def test_runs_over_other_rows_are_refused_with_ids_of_both(runs: Desk) -> None:
    end = runs.run("compare", "spam/first", "other")
    assert end.code == 2
    assert "have no row in common" in end.err
    assert "'other r" in end.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("spam/first", "nothere"), "nothere is no run directory"),
        (("spam/first", "gone.jsonl.gz"), "evalsvc baseline save RUN -o gone.jsonl.gz"),
        (("spam/first", "data.jsonl"), "data.jsonl is no baseline file"),
        (("spam/first", "spam/worse", "--metric=acuracy"), "did you mean 'accuracy'?"),
        (("spam/first", "spam/worse", "--format=docx"), "there is no format 'docx'"),
        (("spam/first", "spam/worse", "--json", "--format=csv"), "leave one out"),
        (("spam/first", "spam/worse", "-o", "."), ". cannot be written: it is a directory"),
        (("spam/first", "spam/worse", "-o", "nowhere/x.json"), "there is no directory nowhere"),
    ],
)
def test_what_cannot_be_is_exit_2_with_what_to_do(runs: Desk, args: tuple[str, ...], said: str) -> None:
    end = runs.run("compare", *args)
    assert end.code == 2
    assert said in end.err
    assert "Traceback" not in end.err


def test_a_run_that_was_killed_over_its_summary_is_scored_first(runs: Desk) -> None:
    (runs.path / "runs/spam/third/summary.json").unlink()
    end = runs.run("compare", "spam/first", "spam/third", "--json")
    assert end.code == 0, end.err
    assert json.loads(end.out)["flips"]["both_right"] > 0


def test_github_is_told_too(runs: Desk, tmp_path: Path) -> None:
    summary = tmp_path / "step.md"
    end = runs.run("compare", "spam/first", "spam/worse", environ={"GITHUB_STEP_SUMMARY": str(summary)})
    assert end.code == 0, end.err
    assert "accuracy" in summary.read_text()


def test_a_baseline_is_saved_committed_and_compared_with(runs: Desk, server: Server) -> None:
    end = runs.run("baseline", "save", "spam/first", "-o", "baseline.jsonl.gz")
    assert end.code == 0, end.err
    assert end.out.startswith("baseline.jsonl.gz: 30 rows of spam/first, ")
    assert "gates: [{regression: accuracy, margin: 0.01, baseline: baseline.jsonl.gz}]" in end.out
    assert json.loads((runs.path / "runs/spam/first/run.json").read_text())["saved_as"] == [str(runs.path / "baseline.jsonl.gz")]
    (runs.path / "runs/spam/first").rename(runs.path / "gone")
    try:
        said = json.loads(runs.run("compare", "baseline.jsonl.gz", "spam/worse", "--json").out)
    finally:
        (runs.path / "gone").rename(runs.path / "runs/spam/first")
    assert said["a"]["is_baseline"]
    assert said["flips"]["to_wrong"] == 4
    assert said["examples"][0]["output_a"] is None
    assert runs.run("compare", "baseline.jsonl.gz", "spam/worse").code == 0
    assert server.calls() == []


@pytest.mark.parametrize(
    ("file", "seen"),
    [("b1.jsonl.gz", "b1.jsonl.gz"), ("../b1.jsonl.gz", "../b1.jsonl.gz"), ("a, b.jsonl.gz", '"a, b.jsonl.gz"')],
)
def test_the_gate_that_is_shown_can_be_pasted_into_the_config(runs: Desk, file: str, seen: str) -> None:
    gate = json.loads(runs.run("baseline", "save", "spam/first", "-o", file, "--json").out)["gate"]
    assert gate == f"{{regression: accuracy, margin: 0.01, baseline: {seen}}}"
    end = runs.run("score", "spam/third", f"--set=gates=[{gate}]")
    assert end.code == 0, end.err
    assert "accuracy no worse than" in end.out


@pytest.mark.parametrize(
    "command",
    [
        "compare spam/first spam/worse --json",
        "history --json",
        "prune --keep=9 --json",
        "baseline save spam/first -o b2.jsonl.gz",
    ],
)
@pytest.mark.parametrize(("to", "code"), [("| true", 0), (">&-", 0), (">/dev/full", 9)])
def test_a_reader_that_went_away_is_no_error_and_a_full_disk_is_one(runs: Desk, command: str, to: str, code: int) -> None:
    script = f"set -o pipefail; {shlex.join(COMMAND)} {command} {to}"
    done = subprocess.run(["bash", "-c", script], cwd=runs.path, env=environment(), capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == code, done.stderr
    assert (b"error: standard output: no space left" in done.stderr) == (code == 9)
    assert b"Traceback" not in done.stderr


def test_a_baseline_says_what_it_replaces_and_spares_other_files(runs: Desk) -> None:
    assert runs.run("baseline", "save", "spam/first", "-o", "b.jsonl.gz").code == 0
    again = json.loads(runs.run("baseline", "save", "spam/worse", "-o", "b.jsonl.gz", "--json").out)
    assert (again["run"], again["rows"], again["replaced"]) == ("spam/worse", 30, "spam/first")
    refused = runs.run("baseline", "save", "spam/first", "-o", "data.jsonl")
    assert refused.code == 2
    assert "data.jsonl is there already, and is no baseline file" in refused.err
    assert (runs.path / "data.jsonl").read_text().startswith('{"id"')


def test_a_run_that_is_going_on_is_not_waited_for(desk: Desk, tag: str) -> None:
    import fcntl

    desk.write_rows(messages_rows(4, tag))
    desk.write_config(dataset={"id": "id"})
    assert desk.run("run", "eval.yaml", "-q").code == 0
    (desk.run_dir / "summary.json").unlink()
    with (desk.run_dir / "run.lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        end = desk.run("compare", str(desk.run_dir), str(desk.run_dir))
        assert end.code == 2
        assert "is being written by process" in end.err
        assert desk.run("baseline", "save").code == 8
