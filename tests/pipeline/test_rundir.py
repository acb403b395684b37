"""Run directories: found by what people type, and read with what may be wrong with them."""

import os
from pathlib import Path

import pytest

from evalsvc.errors import JournalDamaged, StorageFailed, UsageError
from evalsvc.rundir import Manifest, RunDir, all_runs, find_run
from tests.faults.promises import promise


def made(root: Path, name: str, run_id: str, *, changed_at: float) -> RunDir:
    run = RunDir(root / name / run_id)
    run.create()
    manifest = Manifest(id=run_id, name=name, identity={}, config={}, config_file=None, base_dir=str(root), dataset={"rows": 1})
    manifest.write(run)
    os.utime(run.manifest, (changed_at, changed_at))
    run.point_latest()
    return run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two runs of one name and one of another, which is the newest."""
    root = tmp_path / "runs"
    made(root, "spam", "monday", changed_at=100)
    made(root, "spam", "tuesday", changed_at=200)
    made(root, "topics", "sunday", changed_at=300)
    return root


def test_runs_are_listed_once_each_the_newest_first(root: Path) -> None:
    assert [run.path.name for run in all_runs(root)] == ["sunday", "tuesday", "monday"]


@pytest.mark.parametrize(
    ("named", "found"),
    [(None, "sunday"), ("spam", "tuesday"), ("spam/monday", "monday"), ("spam/latest", "tuesday"), ("topics", "sunday")],
)
def test_a_run_is_found_by_nothing_by_its_name_or_by_name_and_id(named: str | None, found: str, root: Path) -> None:
    assert find_run(named, root=root).path.name == found


def test_a_run_is_found_by_its_directory_wherever_that_is(root: Path, tmp_path: Path) -> None:
    elsewhere = made(tmp_path, "else", "where", changed_at=1)
    assert find_run(str(elsewhere.path), root=root).path == elsewhere.path


def test_a_name_that_fits_no_run_is_refused_with_those_there_are(root: Path) -> None:
    with pytest.raises(UsageError, match="no run directory") as refused:
        find_run("spma", root=root)
    assert "monday" in (refused.value.hint or "")
    with pytest.raises(UsageError, match="there is no run"):
        find_run(None, root=root / "empty")


def test_latest_moves_to_the_newest_and_never_replaces_a_directory_of_that_name(root: Path) -> None:
    RunDir(root / "spam/monday").point_latest()
    assert (root / "spam/latest").resolve().name == "monday"
    (root / "other/latest").mkdir(parents=True)
    made(root, "other", "one", changed_at=1)
    assert (root / "other/latest").is_dir()
    assert not (root / "other/latest").is_symlink()


def test_a_manifest_comes_back_as_it_was_written(root: Path) -> None:
    run = RunDir(root / "spam/monday")
    manifest = Manifest.read(run)
    assert manifest is not None
    landed = manifest.launched(pid=7).landed(exit_code=0)
    landed.write(run)
    assert Manifest.read(run) == landed
    assert landed.launches == ({"pid": 7, "exit_code": 0},)


def test_what_a_later_version_adds_to_a_manifest_is_passed_over(root: Path) -> None:
    run = RunDir(root / "spam/monday")
    manifest = Manifest.read(run)
    run.manifest.write_bytes(run.manifest.read_bytes().replace(b"{", b'{"of_tomorrow":1,', 1))
    assert Manifest.read(run) == manifest


@pytest.mark.parametrize(
    ("text", "error"),
    [("{", JournalDamaged), ('{"v": 1, "id": "x"}', JournalDamaged), ('{"v": 99}', UsageError), ("[]", JournalDamaged)],
)
def test_a_manifest_that_cannot_be_read_says_why(text: str, error: type[Exception], root: Path) -> None:
    run = RunDir(root / "spam/monday")
    run.manifest.write_text(text)
    with pytest.raises(error, match=r"run\.json"):
        Manifest.read(run)


def test_no_manifest_is_none_and_a_directory_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    assert Manifest.read(RunDir(tmp_path)) is None
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed, match="not a directory"):
        RunDir(tmp_path / "file/run").create()


@promise("1.4")
def test_what_a_killed_launch_left_of_a_link_keeps_nobody_from_pointing_to_the_latest(root: Path) -> None:
    """Also one with this process's number, as the first process of a container always has."""
    for number in (1, os.getpid()):
        (root / f"spam/.latest.{number}").symlink_to("gone")
    RunDir(root / "spam/monday").point_latest()
    assert (root / "spam/latest").readlink() == Path("monday")
    assert not list((root / "spam").glob(".latest.*"))
