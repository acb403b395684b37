"""A journal reduced in ranges, each by a process of its own: the same file and the same digits."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from evalsvc.errors import JournalDamaged
from evalsvc.reduce.fold import fold_journal
from evalsvc.reduce.graded import grade
from evalsvc.reduce.parts import FOLDER, TAKE, Range, ranges_of, take_parts
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.run import plan_of
from evalsvc.reduce.scored import open_scored
from evalsvc.reduce.taking import Tallies
from tests.reduce.cases import FIRST, IDS, Answered, append, make_run, records, samples


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    known = {"first": samples(tmp_path / "known", FIRST)}
    run = make_run(tmp_path)
    replies = ["spam", "ham", "no idea", None, "spam or ham", "", "Spam.", "ham"]
    append(run, records([Answered(id=id_, reply=reply) for id_, reply in zip(IDS, replies, strict=True)], known))
    return plan_of(run)


def taken(plan: Plan, ranges: list[Range]) -> tuple[bytes, bytes, object, int]:
    seen = bytearray()
    with open_scored(plan.run.scored, 0) as scored:
        result = take_parts(plan, ranges, scored, seen, Tallies.empty(plan))
        assert scored.tell() == result.scored_bytes
    return plan.run.scored.read_bytes(), bytes(seen), result.tallies.state(), result.end


def marks(plan: Plan) -> list[int]:
    """Where the lines of the journal begin, and its size."""
    lines = plan.run.journal.read_bytes().splitlines(keepends=True)
    return [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]


@pytest.mark.parametrize("cuts", [[0, 3, 8], [0, 1, 2, 8]])
def test_ranges_by_processes_give_what_one_pass_gives(plan: Plan, cuts: list[int]) -> None:
    at = marks(plan)
    whole = taken(plan, [(0, at[-1])])
    assert taken(plan, [(at[start], at[stop]) for start, stop in pairwise(cuts)]) == whole
    assert whole[3] == at[-1]
    assert not (plan.run.path / FOLDER).exists()


def test_ranges_begin_with_a_line_and_leave_nothing_out(plan: Plan) -> None:
    at = marks(plan)
    for processes in range(1, 20):
        found = ranges_of(plan.run.journal, 0, at[-1], at_least=1, processes=processes)
        assert found[0][0] == 0
        assert found[-1][1] == at[-1]
        assert all(before[1] == after[0] for before, after in pairwise(found))
        assert {begin for begin, _ in found} <= set(at)
        assert len(found) <= processes


def test_a_small_journal_is_not_worth_a_second_process(plan: Plan) -> None:
    assert len(ranges_of(plan.run.journal, 0, marks(plan)[-1], at_least=1 << 20, processes=8)) == 1


def test_what_a_part_dies_of_is_told(plan: Plan) -> None:
    at = marks(plan)
    whole = plan.run.journal.read_bytes()
    plan.run.journal.write_bytes(whole[: at[6]] + whole[at[6] :].replace(b"first", b"fi?st", 1).replace(b'"v"', b'"V"', 1))
    with pytest.raises(JournalDamaged, match="line 7"):
        taken(plan, [(0, at[4]), (at[4], at[8])])
    assert not (plan.run.path / FOLDER).exists()


def test_a_part_whose_parent_is_gone_writes_nothing(plan: Plan) -> None:
    """A later reduction may have begun in the same folder."""
    folder = plan.run.path / FOLDER / "0"
    folder.mkdir(parents=True)
    job = [sys.executable, "-P", "-m", "evalsvc.reduce.part", TAKE, str(plan.run.path), "0", str(marks(plan)[-1]), str(folder)]
    ended = subprocess.run([*job, "-1"], check=True, capture_output=True)
    assert (ended.stdout, list(folder.iterdir())) == (b"", [])
    alive = subprocess.run([*job, str(os.getpid())], check=True, capture_output=True)
    assert b"tallies" in alive.stdout
    assert (folder / "scored").stat().st_size > 0


def test_what_a_killed_reduction_left_is_cleared_away(plan: Plan) -> None:
    (plan.run.path / FOLDER / "7").mkdir(parents=True)
    taken(plan, [(0, marks(plan)[-1])])
    assert not (plan.run.path / FOLDER).exists()


def test_a_line_that_is_still_growing_is_left_for_the_next_time(plan: Plan) -> None:
    at = marks(plan)
    plan.run.journal.write_bytes(plan.run.journal.read_bytes()[:-3])
    assert taken(plan, [(0, at[4]), (at[4], at[8] - 3)])[3] == at[7]


def test_what_is_kept_of_rows_and_slices_is_the_same_from_any_number_of_processes(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = plan.manifest
    replace(manifest, config={**manifest.config, "slices": ["text", "label"], "repeats": 2}).write(plan.run)
    sliced = plan_of(plan.run)
    size = fold_journal(sliced).scored_bytes
    alone = grade(sliced, size).kept
    monkeypatch.setattr("evalsvc.reduce.graded._WORTH_A_PROCESS", 1)
    monkeypatch.setattr("evalsvc.reduce.graded.processes_here", lambda: 3)
    together = grade(sliced, size).kept
    assert alone is not None
    assert together is not None
    assert alone.all.rows == len(IDS)
    assert set(alone.slices) == {"text", "label"}
    assert together.state() == alone.state()
