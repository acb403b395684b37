"""The power goes at any moment of a run: whatever the disk is left with, the same command ends with the same numbers.

The operations of a real run are recorded; every state that its disk may legally be left in is laid out, taken up as a launch does, what
is then left to ask is answered as it was in the recorded run, and the numbers are made.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from random import Random

import orjson
import pytest

from evalsvc.config import load_config
from evalsvc.config.load import LoadedConfig
from evalsvc.deriving.derive import derive_run
from evalsvc.journal import EventLog, read_records
from evalsvc.journal.line import is_whole
from evalsvc.pipeline.launch import take_up
from evalsvc.pipeline.prepare import RunOptions, prepare
from evalsvc.records import Summary
from evalsvc.rundir import RunDir
from tests.e2e.desk import COMMAND, environment, fixed_parts, messages_rows
from tests.e2e.server import serving
from tests.faults.canary import CANARY
from tests.faults.desk import KEY_VARIABLE, FaultDesk
from tests.faults.power import Disk, Link, Op, Tree, lay_out, tree_of
from tests.faults.promises import promise
from tests.faults.recording import recorded
from tests.faults.strace import needs_strace

RUN = "runs/spam/night"
JOURNAL = f"{RUN}/predictions.jsonl"
REPLACED = ("run.json", "summary.json", "reduce.json", "report.html", "junit.xml")
ROWS = 36
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SEED = int(os.environ.get("POWER_SEED", "20261121"))
QUICK, MANY = 40, 350  # states that are taken up, of many hundred


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A run that was left alone: what it did, what came of it."""

    ops: Sequence[Op]
    desk: FaultDesk
    lines: dict[str, bytes]  # its journal, by id
    numbers: dict[str, bytes]

    @property
    def loaded(self) -> LoadedConfig:
        return load_config(self.desk.path / "eval.yaml", environ={KEY_VARIABLE: CANARY})


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """Some pages of journal, and a sync every second while it grows."""
    with serving(tmp_path / "calls.log", "--latency=0.35..0.45") as server:
        path = tmp_path / "desk"
        path.mkdir()
        desk = FaultDesk(path=path, base_url=server.url)
        desk.write_rows(messages_rows(ROWS, "a long message " * 40))
        desk.write_config(limits={"concurrency": 6}, gates=["recall >= 0.5"])
        ops = record(desk, tmp_path / "trace", "run", "eval.yaml", "--quiet", "--run-id=night")
    lines = {orjson.loads(line)["id"]: line for line in (path / JOURNAL).read_bytes().splitlines(keepends=True)}
    assert len(lines) == ROWS
    return Recording(ops=ops, desk=desk, lines=lines, numbers=fixed_parts(desk.summary))


def record(desk: FaultDesk, trace: Path, *args: str) -> list[Op]:
    try:
        return recorded([*COMMAND, *args], trace, cwd=desk.path, environ=environment({KEY_VARIABLE: CANARY, "OPENAI_API_KEY": CANARY}))
    finally:
        trace.unlink(missing_ok=True)  # in it is every file that was read, the test's own too


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """A disk as the next start finds it, and what had been said to be on it."""

    after: int  # operations
    found: Tree
    durable: frozenset[str]  # ids of rows


def crashes(ops: Sequence[Op], rng: Random, *, complete: bool, since: int = 0) -> Iterator[Crash]:
    """After each operation, from the `since`th on, each state that is not one of those before; `complete`: they are those of a run
    that ended as complete.
    """
    disk, seen = Disk(), set[tuple[bytes, frozenset[str]]]()
    for after, op in enumerate(ops, 1):
        disk.do(op)
        if after <= since:
            continue
        said = disk.file(JOURNAL)
        durable = ids_in(said.now if complete and after == len(ops) else said.on_disk)
        for found in disk.crashes(rng):
            key = blake2b(repr(sorted(found.items())).encode()).digest(), durable
            if key not in seen:
                seen.add(key)
                yield Crash(after=after, found=found, durable=durable)


def ids_in(journal: bytes) -> frozenset[str]:
    return frozenset(orjson.loads(line)["id"] for line in journal.split(b"\n")[:-1] if is_whole(line))


def versions(ops: Sequence[Op]) -> dict[str, set[bytes]]:
    """Each content that a file, replaced as a whole, was ever given."""
    disk, given = Disk(), dict[str, set[bytes]]()
    for op in ops:
        if op.what == "rename":
            given.setdefault(op.to, set()).add(disk.file(op.path).now)
        disk.do(op)
    return given


def recovered(recording: Recording, crash: Crash, root: Path) -> Summary:
    """What the same command does with this disk: nothing that was durable is asked again, and nothing twice."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    lay_out(crash.found, root)
    run = RunDir(root / RUN)
    prepared = prepare(recording.loaded, RunOptions(run_id="night", run_dir=run.path))
    run.create()
    EventLog(run.events, clock=NOW.timestamp).close()
    launch = take_up(prepared, NOW)
    kept = {record.id for _, record in read_records(run.journal)}
    assert crash.durable <= kept, "a record was lost that had been reported durable"
    launch.manifest.write(run)
    left = [
        sample.id for _, skip in launch.asked.passes(launch.survey.rows, 1) for sample in prepared.dataset.samples(launch.survey, skip=skip)
    ]
    assert kept.isdisjoint(left)
    assert len(kept) + len(left) == ROWS
    with run.journal.open("ab") as journal:
        journal.write(b"".join(recording.lines[id_] for id_ in left))
    return derive_run(run)


def all_end_alike(recording: Recording, some: Sequence[Crash], given: dict[str, set[bytes]], root: Path) -> None:
    for crash in some:
        nothing_durable_is_gone(crash, given)
        try:
            summary = recovered(recording, crash, root)
        except Exception as error:
            error.add_note(f"POWER_SEED={SEED}, after operation {crash.after}")
            raise
        assert fixed_parts(summary) == recording.numbers


def nothing_durable_is_gone(crash: Crash, given: dict[str, set[bytes]]) -> None:
    """By a look at the disk alone, so that every state can be looked at: those in which a directory is gone are few."""
    journal = crash.found.get(JOURNAL)
    there = ids_in(journal) if isinstance(journal, bytes) else frozenset()
    assert crash.durable <= there, f"a record is gone that had been reported durable, after operation {crash.after}"
    for name in REPLACED:
        content = crash.found.get(f"{RUN}/{name}")
        assert content is None or content in given[f"{RUN}/{name}"], f"{name} is a part, after operation {crash.after}"
    state, scored = crash.found.get(f"{RUN}/reduce.json"), crash.found.get(f"{RUN}/scored.jsonl")
    if isinstance(state, bytes):  # it says how much of scored.jsonl there is, and a complete run is not scored again
        size = orjson.loads(state)["scored_bytes"]
        assert isinstance(scored, bytes)
        assert len(scored.partition(b"\0")[0]) >= size, f"scored.jsonl is a part, after operation {crash.after}"


def draw(ops: Sequence[Op], count: int) -> list[Crash]:
    print(f"POWER_SEED={SEED}")
    every, given = list(crashes(ops, Random(SEED), complete=True)), versions(ops)
    for crash in every:
        nothing_durable_is_gone(crash, given)
    print(f"{len(ops)} operations, {len(every)} states, of which {min(count, len(every))} are tried")
    return Random(SEED).sample(every, min(count, len(every)))


@needs_strace()
@promise("3.1", "3.2", "3.3")
def test_a_power_loss_at_any_moment_costs_at_most_what_was_not_yet_durable(recording: Recording, tmp_path: Path) -> None:
    """Every state is looked at, a draw of them taken up; the recording is whole, for replayed it makes the files that the run left."""
    assert disk_after(recording.ops).now() == tree_of(recording.desk.path, "runs")
    all_end_alike(recording, draw(recording.ops, QUICK), versions(recording.ops), tmp_path / "found")


@needs_strace()
@promise("3.1", "3.2", "3.3")
@pytest.mark.long
def test_a_power_loss_at_more_moments(recording: Recording, tmp_path: Path) -> None:
    all_end_alike(recording, draw(recording.ops, MANY), versions(recording.ops), tmp_path / "found")


@needs_strace()
@promise("3.2")
@pytest.mark.long
def test_what_a_killed_run_wrote_is_durable_once_the_next_launch_has_said_that_it_is_complete(recording: Recording, tmp_path: Path) -> None:
    """Killed after its last write and before that was synced: the page cache survives the process, and not the machine."""
    last = max(number for number, op in enumerate(recording.ops) if op.what == "write" and op.path == JOURNAL)
    killed = recording.ops[: last + 1]
    assert disk_after(killed).file(JOURNAL).now != disk_after(killed).file(JOURNAL).on_disk
    shutil.rmtree(recording.desk.path / "runs")
    lay_out(disk_after(killed).now(), recording.desk.path)
    again = record(recording.desk, tmp_path / "trace", "run", "eval.yaml", "--quiet", "--run-id=night")
    ops = [*killed, *(replace(op, covers=op.covers + len(killed)) for op in again)]
    assert len(ids_in(disk_after(ops).file(JOURNAL).now)) == ROWS
    some = list(crashes(ops, Random(SEED), complete=True, since=len(killed)))
    all_end_alike(recording, Random(SEED).sample(some, QUICK), versions(ops), tmp_path / "found")
    at_the_end = [crash for crash in some if crash.after == len(ops)]
    all_end_alike(recording, at_the_end, versions(ops), tmp_path / "found")


@needs_strace()
@promise("3.1")
@pytest.mark.long
def test_a_power_loss_in_the_middle_of_a_repair_costs_nothing_more(recording: Recording, tmp_path: Path) -> None:
    """The disk as one power loss left it, with holes and a torn end, and then another one while that is repaired."""
    found = dict(disk_after(recording.ops).now())
    journal = found[JOURNAL]
    assert isinstance(journal, bytes)
    found[JOURNAL] = holed = journal[:8192] + bytes(4096) + journal[12288:-300]
    shutil.rmtree(recording.desk.path / "runs")
    lay_out(found, recording.desk.path)
    repair = record(recording.desk, tmp_path / "trace", "doctor", RUN, "--repair")
    durable = as_operations(found)
    ops = [*durable, *(replace(op, covers=op.covers + len(durable)) for op in repair)]
    some = list(crashes(ops, Random(SEED), complete=False, since=len(durable)))
    broken = [line for line in holed.split(b"\n") if not is_whole(line)]
    for crash in some:
        kept = b"".join(content for path, content in crash.found.items() if isinstance(content, bytes) and is_kept(path))
        assert [line for line in broken if line not in kept] == [], f"left the journal before it was in quarantine: {crash.after}"
    # every journal that can be there, and a draw of what can be beside it
    journals = {(crash.found.get(JOURNAL), crash.durable): crash for crash in some}.values()
    all_end_alike(recording, [*journals, *Random(SEED).sample(some, QUICK)], versions(recording.ops), tmp_path / "found")


def is_kept(path: str) -> bool:
    """Whether what a repair found is to be in this file, before it or afterwards."""
    return path == JOURNAL or (path.startswith(f"{RUN}/quarantine/") and not PurePosixPath(path).name.startswith("."))


def disk_after(ops: Sequence[Op]) -> Disk:
    disk = Disk()
    for op in ops:
        disk.do(op)
    return disk


def as_operations(tree: Tree) -> list[Op]:
    """What makes a disk on which `tree` is durable."""
    made: list[Op] = []
    for path, content in tree.items():
        match content:
            case None:
                made.append(Op(what="mkdir", path=path))
            case Link():
                made.append(Op(what="symlink", path=path, to=content.to))
            case _:
                made += [Op(what="create", path=path), Op(what="write", path=path, data=content)]
    synced = [".", *(path for path, content in tree.items() if not isinstance(content, Link))]
    return made + [Op(what="sync", path=path, covers=len(made)) for path in synced]
