"""Which runs may go, and how they go."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from evalsvc.errors import UsageError
from evalsvc.journal.lock import RunLock
from evalsvc.jsonio import dumps, loads
from evalsvc.pipeline.pruning import PRUNED, Found, Rule, fates, find_runs, prune
from evalsvc.report.pruned import Fate, Pruning, pruning_json, pruning_table
from evalsvc.rundir import Manifest, RunDir, all_runs
from tests.report.cases import drawn, summary

DAY_S = 86_400.0
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOLDER = {"pid": 1, "host": "here", "command": "evalsvc prune"}
PASSED = [{"gate": "recall >= 0.80", "passed": True, "value": 0.9, "reason": None}]
FAILED = [{"gate": "recall >= 0.80", "passed": False, "value": 0.7, "reason": "0.7 is below 0.8"}]


def made(root: Path, day: int, *, name: str = "spam", status: str = "complete", gates: Sequence[Any] = PASSED, **manifest: Any) -> RunDir:
    """The run of that day of November, with a megabyte of answers to speak of."""
    run = RunDir(root / name / f"n{day:02d}")
    run.create()
    at = f"2026-11-{day:02d}T02:00:00.000Z"
    whole = Manifest(
        id=run.path.name,
        name=name,
        identity={},
        config={"max_error_rate": 0.01},
        config_file=None,
        base_dir=str(root),
        dataset={"rows": 1},
        launches=({"started_at": at, "ended_at": f"2026-11-{day:02d}T12:00:00.000Z"},),
    )
    replace(whole, **manifest).write(run)
    run.journal.write_bytes(b"x" * 1000)
    run.summary.write_bytes(dumps(summary(status=status, gates=list(gates))))
    return run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Six nights that passed, the newest of them the latest."""
    for day in (1, 2, 3, 4, 5, 6):
        made(tmp_path / "runs", day).point_latest()
    return tmp_path / "runs"


def decided(root: Path, *, name: str | None = None, yes: bool = False, **rule: Any) -> Pruning:
    return prune(Rule(**rule), name=name, now_s=NOW.timestamp(), holder=HOLDER, yes=yes, root=root)


def doomed(root: Path, **rule: Any) -> list[str]:
    return [fate.run for fate in decided(root, **rule).doomed]


def why(root: Path, run: str, **rule: Any) -> str:
    (found,) = [fate for fate in decided(root, **rule).fates if fate.run == run]
    assert not found.is_doomed, found
    return found.reason


def there(root: Path) -> list[str]:
    return sorted(f"{run.path.parent.name}/{run.path.name}" for run in all_runs(root))


def test_the_last_complete_ones_of_each_name_are_kept(root: Path) -> None:
    made(root, 1, name="topics")
    made(root, 2, name="topics").point_latest()
    assert doomed(root, keep=2) == ["spam/n01", "spam/n02", "spam/n03", "spam/n04"]
    assert doomed(root, keep=1) == ["spam/n01", "spam/n02", "spam/n03", "spam/n04", "spam/n05", "topics/n01"]
    assert doomed(root, keep=1, name="topics") == ["topics/n01"]
    assert why(root, "spam/n05", keep=2) == "one of the last 2"


def test_what_a_disk_of_its_own_has_beside_the_runs_is_not_looked_into(root: Path) -> None:
    """runs/ may be a volume: only root can read its lost+found."""
    made(root, 7, name="lost+found").path.parent.chmod(0)
    assert {found.name for found in find_runs(root)} == {"spam"}


def test_what_is_younger_is_kept(root: Path) -> None:
    # they ended at noon, as it is now
    assert doomed(root, days=27.0) == ["spam/n01", "spam/n02", "spam/n03"]
    assert doomed(root, days=27.01) == ["spam/n01", "spam/n02"]
    assert why(root, "spam/n05", days=26) == "younger than 26 days"


def test_with_both_only_what_both_let_go_goes(root: Path) -> None:
    assert doomed(root, keep=2, days=28) == ["spam/n01", "spam/n02"]
    assert doomed(root, keep=5, days=1) == ["spam/n01"]


def test_the_age_is_that_of_the_last_launch_and_the_place_that_of_the_first(root: Path) -> None:
    run = RunDir(root / "spam/n01")
    manifest = Manifest.read(run)
    assert manifest is not None
    manifest.launched(started_at="2026-11-29T12:00:00.000Z").write(run)
    assert doomed(root, days=2) == ["spam/n02", "spam/n03", "spam/n04", "spam/n05"]
    assert doomed(root, keep=4) == ["spam/n01", "spam/n02"]


def test_without_a_rule_nothing_is_decided(root: Path) -> None:
    with pytest.raises(UsageError, match="which runs may go"):
        decided(root)
    with pytest.raises(UsageError, match="no run of 'spma'") as refused:
        decided(root, keep=1, name="spma")
    assert "spam" in (refused.value.hint or "")


def test_what_latest_points_to_is_kept(root: Path) -> None:
    (root / "spam/latest").unlink()
    RunDir(root / "spam/n02").point_latest()
    assert why(root, "spam/n02", keep=0) == "latest points to it"


def test_the_newest_that_no_gate_failed_is_kept_for_the_next_night(root: Path) -> None:
    for day in (5, 6):
        made(root, day, gates=FAILED)
    assert why(root, "spam/n04", keep=1) == "the newest that no gate failed, which the next run may be held against"
    assert doomed(root, keep=1) == ["spam/n01", "spam/n02", "spam/n03", "spam/n05"]


def test_a_baseline_is_never_deleted(root: Path) -> None:
    made(root, 1, saved_as=("baseline.jsonl.gz",))
    assert why(root, "spam/n01", keep=0) == "saved as the baseline baseline.jsonl.gz"


def regressed(baseline: str) -> list[dict[str, Any]]:
    return [{**PASSED[0], "regression": {"metric": "accuracy", "baseline": baseline}}]


def test_what_a_kept_run_was_held_against_is_kept_and_that_ones_own_baseline_is_not(root: Path) -> None:
    for day in (3, 4, 5, 6):
        made(root, day, gates=regressed(f"spam/n{day - 1:02d}"))
    assert doomed(root, keep=2) == ["spam/n01", "spam/n02", "spam/n03"]
    assert why(root, "spam/n04", keep=2) == "it is the baseline of spam/n05"


def test_the_baseline_of_another_name_is_kept_even_where_only_this_one_is_pruned(root: Path) -> None:
    made(root, 9, name="topics", gates=regressed("spam/n01"))
    assert why(root, "spam/n01", keep=1, name="spam") == "it is the baseline of topics/n09"
    assert why(root, "spam/n01", keep=1) == "it is the baseline of topics/n09"


def test_answers_that_are_the_data_of_a_kept_run_are_kept(root: Path) -> None:
    made(root, 9, name="judged", dataset={"rows": 1, "runs": [{"path": "/x", "name": "spam", "id": "n02"}]})
    assert why(root, "spam/n02", keep=1) == "its answers are the data of judged/n09"


def test_partial_runs_are_kept_unless_they_may_go_too(root: Path) -> None:
    made(root, 2, status="partial")
    assert why(root, "spam/n02", keep=2) == "not complete: it can be carried on (--partial lets it go)"
    assert doomed(root, keep=2, partial=True) == ["spam/n01", "spam/n02", "spam/n03", "spam/n04"]
    # it is none of the last complete ones, but it is as new as they are
    made(root, 5, status="partial")
    assert doomed(root, keep=2, partial=True) == ["spam/n01", "spam/n02", "spam/n03"]


def test_a_run_in_use_is_kept(root: Path) -> None:
    with RunLock.acquire(root / "spam/n01/run.lock", holder=HOLDER):
        assert why(root, "spam/n01", keep=1).startswith("in use by process 1 on host here")
    assert "spam/n01" in doomed(root, keep=1)


def test_a_run_that_cannot_be_read_is_kept(root: Path) -> None:
    RunDir(root / "spam/n01").manifest.write_text("{")
    assert why(root, "spam/n01", keep=1) == "its run.json cannot be read"


@pytest.mark.parametrize("foreign", ["notes.md", "plots/a.png", "earlier/1/notes.md", "earlier/notes.md", ".git/config"])
def test_a_run_with_a_file_of_somebody_else_is_kept_and_it_is_named(foreign: str, root: Path) -> None:
    path = root / "spam/n01" / foreign
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    assert why(root, "spam/n01", keep=1).startswith("it holds what evalsvc did not put there: ")
    decided(root, keep=1, yes=True)
    assert path.read_text() == "mine"


def test_everything_that_evalsvc_writes_goes(root: Path) -> None:
    run = root / "spam/n01"
    ours = [
        "scored.jsonl",
        "reduce.json",
        "report.html",
        "junit.xml",
        "events.jsonl",
        "eval.yaml",
        ".summary.json.123.tmp",
        ".scored.jsonl.tmp",
    ]
    ours += ["predictions.jsonl.repair", "quarantine/tail-1.bin", "external/lengths.jsonl", ".parts/0/ids"]
    ours += ["earlier/1/predictions.jsonl", "earlier/1/run.json", "earlier/1/external/a.jsonl"]
    for name in ours:
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text("ours")
    assert "spam/n01" in doomed(root, keep=1)
    decided(root, keep=1, yes=True)
    assert not run.exists()


def test_only_yes_deletes(root: Path) -> None:
    before = there(root)
    planned = decided(root, keep=2)
    assert (planned.is_done, there(root)) == (False, before)
    done = decided(root, keep=2, yes=True)
    assert done.is_done
    assert done.fates == planned.fates
    assert there(root) == ["spam/n05", "spam/n06"]
    assert (root / "spam/latest").resolve().name == "n06"
    assert sorted(path.name for path in (root / "spam").iterdir()) == ["latest", "n05", "n06"]


def test_what_it_frees_is_the_size_of_the_files(root: Path) -> None:
    sizes = sum(path.stat().st_size for day in (1, 2) for path in (root / f"spam/n0{day}").iterdir())
    # the lock file is written when it is deleted
    assert decided(root, keep=4).octets == sizes > 2000


def test_links_are_not_followed(root: Path, tmp_path: Path) -> None:
    elsewhere = made(tmp_path / "elsewhere", 1)
    (root / "linked").symlink_to(elsewhere.path.parent, target_is_directory=True)
    (root / "spam/n00").symlink_to(elsewhere.path, target_is_directory=True)
    assert {fate.run for fate in decided(root, keep=0).fates} == {f"spam/n0{day}" for day in range(1, 7)}
    (root / "spam/n01/quarantine").symlink_to(elsewhere.path, target_is_directory=True)
    assert "quarantine" in why(root, "spam/n01", keep=0)
    decided(root, keep=0, yes=True)
    assert elsewhere.journal.exists()


def test_the_folder_that_runs_are_moved_to_is_no_link_either(root: Path, tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    (root / "spam" / PRUNED).symlink_to(tmp_path / "others", target_is_directory=True)
    with pytest.raises(UsageError, match="is a link"):
        decided(root, keep=1, yes=True)
    assert len(there(root)) == 6


def test_a_run_that_was_taken_up_between_the_look_and_the_deletion_stays(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken_up(*args: Any, **more: Any) -> list[Fate]:
        found = fates(*args, **more)
        held.append(RunLock.acquire(root / "spam/n01/run.lock", holder=HOLDER))
        made(root, 2, saved_as=("b.gz",))
        shutil.rmtree(root / "spam/n03")
        return found

    held: list[RunLock] = []
    monkeypatch.setattr("evalsvc.pipeline.pruning.fates", taken_up)
    done = {fate.run: fate for fate in decided(root, keep=2, yes=True).fates}
    assert not done["spam/n01"].is_doomed
    assert "in use by" in done["spam/n01"].reason
    assert done["spam/n02"].reason == "saved as the baseline b.gz"
    assert done["spam/n03"].reason == "gone by now"
    assert there(root) == ["spam/n01", "spam/n02", "spam/n05", "spam/n06"]
    held[0].release()


DIES = """
import os, signal, sys, time
from pathlib import Path
from evalsvc.pipeline.pruning import Rule, prune
left = int(sys.argv[2])
def hook(event, args):
    global left
    if event in ("os.remove", "os.rename", "os.rmdir", "os.mkdir"):
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
import evalsvc.compare.regression, shutil
sys.addaudithook(hook)
prune(Rule(keep=5), name=None, now_s=2e9, holder={}, yes=True, root=Path(sys.argv[1]))
"""


@pytest.mark.long
def test_whoever_is_killed_in_the_middle_leaves_only_whole_runs_and_the_next_one_clears_up(root: Path) -> None:
    names = {path.name for path in (root / "spam/n01").iterdir()} | {"run.lock"}
    steps = with_leftovers = 0
    while subprocess.run([sys.executable, "-c", DIES, str(root), str(steps)], check=False).returncode:
        for run in all_runs(root):
            assert {path.name for path in run.path.iterdir()} | {"run.lock"} == names, (steps, run)
        with_leftovers += bool(decided(root, keep=9).leftovers)
        decided(root, keep=5, yes=True)
        assert there(root) == [f"spam/n0{day}" for day in (2, 3, 4, 5, 6)]
        assert not (root / "spam" / PRUNED).exists()
        made(root, 1)
        steps += 1
    # a folder, the move, four files, two folders
    assert (steps, with_leftovers) == (8, 5)


def test_leftovers_are_counted_in_what_is_freed(root: Path) -> None:
    (root / "spam" / PRUNED).mkdir()
    os.rename(root / "spam/n01", root / "spam" / PRUNED / "n01")  # noqa: PTH104
    planned = decided(root, keep=9)
    assert planned.leftovers == [str(root / "spam" / PRUNED / "n01")]
    assert planned.octets > 1000
    text = "\n".join(drawn(pruning_table(planned), width=100).split("\n"))
    assert "1 run of which an earlier prune was broken off" in text
    assert "--yes" in text
    assert decided(root, keep=9, yes=True).octets == planned.octets
    assert not (root / "spam" / PRUNED).exists()


def test_the_table_says_of_each_run_what_becomes_of_it_and_why(root: Path) -> None:
    lines = drawn(pruning_table(decided(root, keep=2)), width=110).splitlines()
    assert lines[0].split() == ["run", "age", "size", "why"]
    assert lines[1].split()[:4] == ["spam/n01", "29", "d", "0"]
    assert lines[1].endswith("delete  not one of the last 2")
    assert "keep    latest points to it" in lines[6]
    assert re.fullmatch(r"  would delete 4 of 6 runs, .* kB; the same command with --yes does", lines[-1])
    assert drawn(pruning_table(decided(root, keep=9)), width=80).splitlines()[-1].strip() == "nothing to delete: 6 runs kept"


def test_json_has_every_run(root: Path) -> None:
    values = loads(dumps(pruning_json(decided(root, keep=2, yes=True))))
    assert values["is_done"] is True
    assert [run["run"] for run in values["runs"] if run["is_doomed"]] == [f"spam/n0{day}" for day in (1, 2, 3, 4)]
    assert values["octets"] == sum(run["octets"] for run in values["runs"] if run["is_doomed"])


def test_runs_are_found_by_name_and_then_by_when_they_began(root: Path) -> None:
    found: list[Found] = find_runs(root)
    assert [one.label for one in found] == [f"spam/n0{day}" for day in range(1, 7)]
    assert find_runs(root / "nowhere") == []


def test_what_comes_and_goes_while_it_is_looked_at_is_no_failure(root: Path) -> None:
    """A run under way writes whole files by way of temporary ones, and another prune may be at work."""
    passing = Thread(target=_come_and_go, args=(root, over := Event()))
    passing.start()
    try:
        for _ in range(300):
            assert {one.run.path.name for one in find_runs(root)} >= {f"n{day:02d}" for day in range(1, 7)}
    finally:
        over.set()
        passing.join()


def _come_and_go(root: Path, over: Event) -> None:
    temporary = root / "spam" / "n06" / ".summary.json.1.tmp"
    while not over.is_set():
        temporary.write_bytes(b"x")
        temporary.unlink()
        gone = made(root, 7).path.rename(root / ".gone")
        shutil.rmtree(gone)
