"""scripts/torture would notice what it looks for, and repeats a round that it is asked to."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.oracle import accepted_lines, left_over, lost, paid_twice
from tests.faults.strace import needs_strace
from tests.faults.torture.disturbances import DISTURBANCES
from tests.faults.torture.rounds import CALLS, KINDS, Round
from tests.journal.cases import answered, failed, write

SCRIPT = Path(__file__).parents[2] / "scripts" / "torture"


def test_a_round_is_the_same_whenever_it_is_drawn_and_another_for_each_number() -> None:
    rounds = [Round.drawn(7, number) for number in range(200)]
    assert rounds == [Round.drawn(7, number) for number in range(200)]
    assert {what.kind for round_ in rounds for what in round_.disturbances} == set(DISTURBANCES) == {kind for _, kind in KINDS}
    assert {what.fault.file for round_ in rounds for what in round_.disturbances if what.fault} == set(CALLS)


def test_a_record_that_is_gone_or_altered_is_lost(tmp_path: Path) -> None:
    journal = tmp_path / "predictions.jsonl"
    assert accepted_lines(tmp_path) == []
    write(journal, [answered("1"), answered("2"), answered("3")])
    accepted = accepted_lines(tmp_path)
    assert (len(accepted), lost(accepted, tmp_path)) == (3, [])
    write(journal, [answered("3"), answered("1")])
    assert lost(accepted, tmp_path) == [accepted[1]]
    journal.write_bytes(journal.read_bytes().replace(b"spam", b"ham", 1))
    assert lost(accepted, tmp_path) == sorted(accepted[1:])


def test_an_answer_that_was_there_and_was_asked_for_again_was_paid_twice(tmp_path: Path) -> None:
    first, again = answered("1"), replace(answered("1"), attempts=3)
    write(tmp_path / "predictions.jsonl", [first, answered("2"), again, replace(answered("2"), repeat=1)])
    assert paid_twice(tmp_path) == [("1", 0)]
    write(tmp_path / "predictions.jsonl", [failed("1"), first])
    assert paid_twice(tmp_path) == []


def test_what_is_half_written_is_left_over(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    (run_dir / "quarantine").mkdir(parents=True)
    for name in ("run.json", ".run.json.4.tmp", "quarantine/.tail.4.tmp", "quarantine/tail", "predictions.jsonl.repair"):
        (run_dir / name).touch()
    (tmp_path / "latest").symlink_to("run")
    (tmp_path / ".latest.4").symlink_to("run")
    assert left_over(run_dir) == [".latest.4", "run/.run.json.4.tmp", "run/predictions.jsonl.repair", "run/quarantine/.tail.4.tmp"]


@pytest.mark.long
@needs_strace()
def test_one_round_of_it_loses_nothing_and_changes_nothing() -> None:
    command = [sys.executable, str(SCRIPT), "--seed", "298", "--round", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert "records lost: 0, numbers changed: 0, rounds with anything wrong: 0" in done.stderr.splitlines()[-1]
