"""Run directories of other versions: older ones open and are carried on, newer ones are refused and left alone."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest

from evalsvc.cli import app
from evalsvc.compare.comparing import compare
from evalsvc.compare.side import open_side
from evalsvc.config import load_config
from evalsvc.deriving.derive import derive_run
from evalsvc.errors import IdentityDiffers
from evalsvc.journal import read_records
from evalsvc.pipeline.launch import take_up
from evalsvc.pipeline.prepare import RunOptions, prepare
from evalsvc.records import Summary
from evalsvc.reduce.run import read_summary
from evalsvc.rundir import RunDir
from tests.faults.desk import FaultDesk
from tests.faults.promises import promise
from tests.journal.test_repair import NOW

GOLDEN = Path(__file__).parents[1] / "golden"
OLDER = ("first", "doors", "metrics", "reports")
EVERY = (*OLDER, "present")
# Defined alike in all of them. Intervals are not: those of averages over labels came to be drawn by cluster.
ALIKE = ("rows", "outcomes", "confusion_matrix", "usage", "cost_usd")
DERIVED = ("summary.json", "scored.jsonl", "reduce.json", "junit.xml")


def golden(name: str, desk: Path) -> RunDir:
    """A copy of the run, with its config and data as they were, in the working directory `desk`."""
    desk.mkdir(exist_ok=True)
    for file in ("eval.yaml", "data.jsonl"):
        shutil.copy(GOLDEN / file, desk)
    run = RunDir(desk / "runs" / "spam" / name)
    shutil.copytree(GOLDEN / name, run.path)
    run.manifest.write_text(run.manifest.read_text().replace("BASE", str(desk)))
    return run


def killed_after(run: RunDir, rows: int) -> list[bytes]:
    """As a kill leaves it: some rows, and no numbers. The lines of the others."""
    lines = run.journal.read_bytes().splitlines(keepends=True)
    run.journal.write_bytes(b"".join(lines[:rows]))
    for name in DERIVED:
        (run.path / name).unlink(missing_ok=True)
    return lines[rows:]


def values(summary: Summary) -> dict[str, object]:
    return {name: (metric["value"], metric["n"]) for name, metric in summary["metrics"].items()}


def alike(then: Summary, now: Summary) -> None:
    assert {part: value for part, value in now.items() if part in ALIKE} == {part: value for part, value in then.items() if part in ALIKE}
    assert values(now) == values(then)
    assert [(gate["gate"], gate["passed"], gate["value"]) for gate in now["gates"]] == [
        (gate["gate"], gate["passed"], gate["value"]) for gate in then["gates"]
    ]
    for label, counts in then["per_class"].items():
        assert {name: now["per_class"][label][name] for name in ("precision", "recall", "f1", "support", "predicted")} == {
            name: counts[name] for name in ("precision", "recall", "f1", "support", "predicted")
        }


@promise("14.1")
@pytest.mark.parametrize("name", EVERY)
def test_a_run_of_an_earlier_version_has_the_same_numbers_when_it_is_scored_now(name: str, tmp_path: Path) -> None:
    run = golden(name, tmp_path)
    then = read_summary(run)
    alike(then, derive_run(run))
    assert compare(open_side(run.path), open_side(run.path)).rows.common == 12


@promise("14.1")
@pytest.mark.parametrize("name", EVERY)
def test_a_run_that_an_earlier_version_began_is_carried_on(name: str, tmp_path: Path) -> None:
    run = golden(name, tmp_path)
    then = read_summary(run)
    left = killed_after(run, 7)
    prepared = prepare(load_config(tmp_path / "eval.yaml", environ={}), RunOptions(run_dir=run.path))
    launch = take_up(prepared, NOW)
    assert (launch.resume.done, launch.to_ask) == (7, 5)
    launch.manifest.write(run)
    with run.journal.open("ab") as journal:
        journal.write(b"".join(left))
    alike(then, derive_run(run))


@promise("14.1")
def test_a_first_run_that_did_not_write_down_its_input_column_is_not_mixed_with_other_answers(tmp_path: Path) -> None:
    run = golden("first", tmp_path)
    values = json.loads(run.manifest.read_text())
    values["identity"]["prompt"] = "deefe03412fc4ff6"  # what that version made of {{ input }}
    run.manifest.write_text(json.dumps(values))
    config = (tmp_path / "eval.yaml").read_text().splitlines(keepends=True)
    (tmp_path / "eval.yaml").write_text("".join(line for line in config if not line.startswith("prompt:")))
    prepared = prepare(load_config(tmp_path / "eval.yaml", environ={}), RunOptions(run_dir=run.path))
    with pytest.raises(IdentityDiffers, match="prompt"):
        take_up(prepared, NOW)


@promise("14.1")
@pytest.mark.long
@pytest.mark.parametrize("name", EVERY)
def test_every_command_takes_a_run_of_an_earlier_version(name: str, tmp_path: Path) -> None:
    run = golden(name, tmp_path)
    then = read_summary(run)
    desk, path = FaultDesk(path=tmp_path, base_url="sandbox"), str(run.path)
    shown = desk.run("show", path, "--json")
    assert shown.code == 0, shown.err
    assert json.loads(shown.out)["metrics"] == then["metrics"]
    for command in (["score", path], ["report", path], ["compare", path, path], ["doctor", path], ["list"]):
        done = desk.run(*command)
        assert done.code == 0, done.err
    killed_after(run, 7)
    resumed = desk.run("run", "eval.yaml", "--run-dir", path, "--quiet")
    assert resumed.code == 0, resumed.err
    assert len({record.id for _, record in read_records(run.journal)}) == len(run.journal.read_bytes().splitlines()) == 12
    alike(then, read_summary(run))


def newer_manifest(run: RunDir) -> None:
    run.manifest.write_text(json.dumps({**json.loads(run.manifest.read_text()), "v": 2}))


def newer_line(run: RunDir) -> None:
    lines = run.journal.read_bytes().splitlines()
    body = lines[-1].replace(b'{"v":1', b'{"v":2')[:-16]
    lines[-1] = b'%b,"c":"%08x"}' % (body, crc32(body))
    run.journal.write_bytes(b"\n".join(lines) + b"\n")


def newer_summary(run: RunDir) -> None:
    run.summary.write_text(json.dumps({**json.loads(run.summary.read_text()), "v": 2}))


ASKING, SCORING, REPAIRING = "run eval.yaml --run-dir RUN --quiet", "score RUN", "doctor RUN --repair"
SHOWING = ("show RUN", "report RUN -o page.html")
COMPARING = ("compare RUN RUN", "baseline save RUN -o base.jsonl")
REFUSED = [
    *((newer_manifest, command) for command in (ASKING, SCORING, *SHOWING, *COMPARING, REPAIRING)),
    *((newer_line, command) for command in (ASKING, SCORING, *COMPARING, REPAIRING)),
    *((newer_summary, command) for command in SHOWING),
]


def contents(folder: Path) -> dict[str, bytes]:
    """What is in it, but for the lock: who takes it writes its name."""
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "run.lock"
    }


@promise("14.2")
@pytest.mark.parametrize(("newer", "command"), REFUSED)
def test_a_run_of_a_newer_version_is_refused_in_words_and_left_as_it_is(
    newer: Callable[[RunDir], None], command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = golden("present", tmp_path)
    newer(run)
    before = contents(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        app(command.replace("RUN", str(run.path)).split())
    said = capfd.readouterr().err
    assert ended.value.code == 2, said
    assert "was written by a newer evalsvc" in said
    assert contents(tmp_path) == before


def newer_state(run: RunDir) -> None:
    state = json.loads(run.state.read_text())
    run.state.write_text(json.dumps({**state, "v": 2, "tallies": {**state["tallies"], "error": 5}}))


@promise("14.2")
@pytest.mark.parametrize("newer", [newer_state, newer_summary])
def test_what_a_newer_version_derived_is_made_again_from_the_journal(newer: Callable[[RunDir], None], tmp_path: Path) -> None:
    run = golden("present", tmp_path)
    then = read_summary(run)
    newer(run)
    alike(then, derive_run(run))
    assert json.loads(run.state.read_text())["v"] == json.loads(run.summary.read_text())["v"] == 1


@promise("14.2")
@pytest.mark.parametrize("what", ["--keep 1", "--days 0.001"])
def test_a_run_of_a_newer_version_is_not_pruned(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One beside it, which this version can read, is."""
    newer, older, last = (golden(name, tmp_path) for name in ("first", "doors", "present"))
    newer_manifest(newer)
    os.utime(newer.manifest, (0, 0))  # by its age it could go too
    before = contents(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        app(["prune", *what.split(), "--partial", "--yes"])
    assert ended.value.code in (0, None)
    assert not older.path.exists()
    assert last.path.exists()
    assert contents(tmp_path) == {name: content for name, content in before.items() if not name.startswith("runs/spam/doors/")}
