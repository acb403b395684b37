"""Room for another measurement: nothing mixes, whatever moment the power goes at."""

import os
import sys
from pathlib import Path

import pytest

from evalsvc.errors import StorageFailed
from evalsvc.pipeline.drift import set_aside
from evalsvc.rundir import Manifest, RunDir
from tests.faults.promises import promise
from tests.faults.recording import recorded
from tests.faults.strace import needs_strace


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    """A run with answers, derived files and scores from outside."""
    run = RunDir(tmp_path / "run")
    run.create()
    Manifest(id="one", name="n", identity={"model": "m"}, config={}, config_file=None, base_dir="", dataset={"rows": 1}).write(run)
    for path in (run.journal, run.state, run.summary, run.scored, run.path / "external" / "comet.jsonl"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("monday")
    return run


def answers(run: RunDir) -> dict[str, str]:
    """Every journal below the run, and what is in it."""
    return {str(path.parent.relative_to(run.path)): path.read_text() for path in run.path.rglob("predictions.jsonl")}


def test_answers_manifest_and_outside_scores_move_and_derived_files_go(run: RunDir) -> None:
    earlier = set_aside(run)
    assert answers(run) == {"earlier/1": "monday"}
    assert Manifest.read(earlier) == Manifest.read(run)
    assert (earlier.path / "external" / "comet.jsonl").exists()
    assert not any(path.exists() for path in (run.state, run.summary, run.scored, run.path / "external"))


def test_each_measurement_gets_a_number_of_its_own(run: RunDir) -> None:
    set_aside(run)
    run.journal.write_text("tuesday")
    assert set_aside(run).path.name == "2"
    assert answers(run) == {"earlier/1": "monday", "earlier/2": "tuesday"}


@pytest.mark.parametrize("step", ["evalsvc.rundir.RunDir.create", "evalsvc.pipeline.drift.write_atomic", "evalsvc.pipeline.drift.sync_dir"])
def test_broken_off_at_any_step_the_run_is_still_the_old_measurement_and_the_next_try_ends_well(
    run: RunDir, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(step, broken)
        with pytest.raises(StorageFailed):
            set_aside(run)
    manifest = Manifest.read(run)
    assert manifest is not None
    assert manifest.identity == {"model": "m"}
    set_aside(run)
    assert list(answers(run).values()) == ["monday"]


def test_killed_before_run_json_is_the_new_one_it_moves_nothing_again_and_names_where_the_answers_are(run: RunDir) -> None:
    """The new journal was made, and is empty."""
    set_aside(run)
    run.journal.touch()
    assert set_aside(run).path.name == "1"
    run.journal.unlink()
    assert set_aside(run).path.name == "1"
    assert answers(run) == {"earlier/1": "monday"}


@needs_strace()
@promise("3.3")
def test_what_the_old_answers_are_of_is_on_the_disk_before_they_move(run: RunDir, tmp_path: Path) -> None:
    """Else a power loss leaves answers that were paid for beside an empty run.json, and nobody can tell what they are answers to."""
    moving = "import sys; from pathlib import Path; from evalsvc.pipeline.drift import set_aside; from evalsvc.rundir import RunDir\n"
    ops = recorded(
        [sys.executable, "-c", f"{moving}set_aside(RunDir(Path('run')))"], tmp_path / "trace", cwd=tmp_path, environ=dict(os.environ)
    )
    moved = next(at for at, op in enumerate(ops) if op.what == "rename" and op.to == "run/earlier/1/predictions.jsonl")
    named = next(at for at, op in enumerate(ops) if op.to == "run/earlier/1/run.json")
    synced = [op.path for op in ops[:named] if op.what == "sync"]
    assert ops[named].path in synced
    assert ("sync", "run/earlier/1") in [(op.what, op.path) for op in ops[named:moved]]
