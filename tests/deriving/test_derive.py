"""Every derived file is there after a derivation, and any that is missing or old is made again."""

from pathlib import Path

import pytest

from evalsvc.deriving.derive import count_run, derive_run, is_up_to_date
from evalsvc.journal.lock import RunLock
from evalsvc.reduce.run import plan_of
from evalsvc.rundir import RunDir
from tests.compare.runs import labels_but, make_run, rows_of
from tests.e2e.desk import Desk
from tests.faults.promises import promise


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    made = make_run(tmp_path, "one", rows_of(20), labels_but("r3"), gates=["accuracy >= 0.9"])
    derive_run(made)
    return made


def test_a_derivation_leaves_every_file_and_is_up_to_date(run: RunDir) -> None:
    assert all(file.stat().st_size for file in (run.scored, run.summary, run.report, run.junit, run.state))
    assert is_up_to_date(run, plan_of(run))


@pytest.mark.parametrize("name", ["scored.jsonl", "summary.json", "report.html", "junit.xml", "reduce.json"])
def test_a_derived_file_that_is_gone_is_made_again_as_it_was(name: str, run: RunDir) -> None:
    before = (run.path / name).read_bytes()
    (run.path / name).unlink()
    assert not is_up_to_date(run, plan_of(run))
    derive_run(run)
    assert is_up_to_date(run, plan_of(run))
    assert (run.path / name).read_bytes() == before


def test_a_run_without_gates_has_no_junit_file(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", rows_of(20), labels_but("r3"))
    derive_run(run)
    assert not run.junit.exists()
    assert is_up_to_date(run, plan_of(run))


@promise("8.1")
@pytest.mark.parametrize("at", [0, 1, 700, 1_500])
def test_what_was_counted_while_the_journal_grew_is_carried_on_to_the_same_files(at: int, run: RunDir) -> None:
    """Up to any byte: what is being written may be there in part."""
    files = (run.scored, run.summary, run.report, run.junit, run.state)
    whole = [file.read_bytes() for file in files]
    content = run.journal.read_bytes()
    for file in files:
        file.unlink()
    run.journal.write_bytes(content[:at])
    count_run(run)
    assert not run.summary.exists()
    assert run.scored.read_bytes().count(b"\n") == content[:at].count(b"\n")
    run.journal.write_bytes(content)
    derive_run(run)
    assert [file.read_bytes() for file in files] == whole


def test_a_report_is_not_written_beside_whoever_holds_the_run_but_elsewhere_it_is(run: RunDir, tmp_path: Path) -> None:
    desk = Desk(path=tmp_path, base_url="")
    with RunLock.acquire(run.lock, holder={"pid": 1, "host": "here", "started_at": "now"}):
        assert desk.run("report", str(run.path)).code == 8
        assert desk.run("report", str(run.path), "-o", "mine.html").code == 0
    assert (tmp_path / "mine.html").read_bytes() == run.report.read_bytes()
