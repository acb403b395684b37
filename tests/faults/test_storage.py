"""A disk that fails, is full, or may not be written: exit 9, nothing that was accepted is lost, the same command completes."""

import os
import shlex
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random

import pytest

from tests.e2e.desk import COMMAND, PATIENCE_S, Ended, environment, messages_rows
from tests.e2e.server import Server, serving
from tests.faults.canary import CANARY
from tests.faults.desk import KEY_VARIABLE, FaultDesk, without_key
from tests.faults.oracle import Reference, accepted_lines, changed, is_record, left_over, lost, paid_twice
from tests.faults.promises import promise
from tests.faults.small_disk import PAGE, ROOM, Mount, Run, SmallDisk, lines_of, needs_small_disks, used_bytes
from tests.faults.strace import NAMES, SYNCS, WRITES, Call, Fault, needs_strace, traced

SEED = int(os.environ.get("STORAGE_SEED", "20261121"))
RENAMES = ("rename", "renameat", "renameat2")
STORAGE = 9
ROWS, CONCURRENCY = 36, 4
# (file, calls) of which at least the first happens in every launch that asks
STRUCK = [
    *product(("run.json", "summary.json", "report.html", "reduce.json", "junit.xml"), (WRITES, SYNCS, NAMES)),
    ("predictions.jsonl", WRITES),
    ("predictions.jsonl", SYNCS),
    ("scored.jsonl", WRITES),
    ("events.jsonl", WRITES),
    ("run.lock", WRITES),
]
FAULTS = [
    Fault(calls=calls, does=f"error={error}", nth=1, ever=ever, file=file)
    for (file, calls), error, ever in product(STRUCK, ("EIO", "ENOSPC"), (False, True))
]
# the second and third of them are later in the launch; those that it may do once only are not among them
LATER = [
    Fault(calls=WRITES, does="error=ENOSPC", nth=nth, ever=ever, file=file)
    for file, nth, ever in product(("run.json", "events.jsonl", "predictions.jsonl"), (2, 3), (False, True))
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server") / "calls.log", "--latency=0.02..0.04") as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path, server: Server) -> FaultDesk:
    return _desk(tmp_path, server.url)


def _desk(path: Path, url: str) -> FaultDesk:
    desk = FaultDesk(path=path, base_url=url)
    desk.write_rows(messages_rows(ROWS, "disk"))
    desk.write_config(dataset={"id": "id"}, limits={"concurrency": CONCURRENCY}, gates=["recall >= 0.5"])
    return desk


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Path:
    """The run directory of a run that nothing disturbed."""
    desk = _desk(tmp_path_factory.mktemp("alone"), server.url)
    end = desk.run("run", "eval.yaml", "--quiet", "--run-id=r")
    assert end.code == 0, end.err
    return desk.run_dir


def _drawn(faults: list[Fault], count: int, why: str) -> list[Fault]:
    return Random(f"{SEED}/{why}").sample(faults, min(count, len(faults)))


@promise("2.1", "2.2")
@needs_strace()
@pytest.mark.parametrize("fault", _drawn(FAULTS, 1, "quick"), ids=str)
def test_what_fails_in_any_file_ends_with_9_and_the_same_command_completes(desk: FaultDesk, alone: Path, fault: Fault) -> None:
    _strike_and_carry_on(desk, alone, fault)


@pytest.mark.long
@promise("2.1", "2.2")
@needs_strace()
@pytest.mark.parametrize("fault", [*_drawn(FAULTS, 7, "long"), *_drawn(LATER, 3, "long")], ids=str)
def test_what_fails_in_any_file_and_at_any_time_ends_with_9(desk: FaultDesk, alone: Path, fault: Fault) -> None:
    _strike_and_carry_on(desk, alone, fault)


@promise("2.1")
@needs_strace()
def test_the_log_of_what_was_sent_fails_when_all_is_answered(desk: FaultDesk, alone: Path) -> None:
    """It is what `calls` in the summary is counted from: a launch that could not write it is no success."""
    _strike_and_carry_on(desk, alone, Fault(calls=WRITES, does="error=ENOSPC", nth=2, file="events.jsonl"))


@pytest.mark.long
@promise("2.2")
@needs_strace()
@pytest.mark.parametrize("calls", [("ftruncate",), SYNCS], ids=["cut", "sync"])
def test_a_repair_that_fails_is_done_by_the_next_launch(desk: FaultDesk, alone: Path, calls: tuple[str, ...]) -> None:
    assert desk.run("run", "eval.yaml", "--quiet", "--run-id=r", "--limit=9").code == 0
    journal = desk.run_dir / "predictions.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"v":1,"id":"r9","rep')
    _strike_and_carry_on(desk, alone, Fault(calls=calls, does="error=EIO", nth=1, ever=True, file="predictions.jsonl"))
    assert [path.read_bytes() for path in (desk.run_dir / "quarantine").iterdir()][:1] == [b'{"v":1,"id":"r9","rep']


@pytest.mark.long
@promise("2.1")
@needs_strace()
def test_a_link_to_the_latest_that_cannot_be_put_in_place_is_done_without(desk: FaultDesk) -> None:
    run_dir, trace = desk.path / "runs/spam/r", desk.path / "trace"
    command = [*COMMAND, "run", "eval.yaml", "--quiet", f"--run-dir={run_dir}"]
    struck = _ended(desk.path, traced(command, run_dir, trace, Fault(calls=RENAMES, does="error=ENOSPC", nth=1, file="latest")))
    assert Fault.struck(trace)
    assert struck.code == 0, struck.err
    assert [path.name for path in run_dir.parent.iterdir()] == ["r"]


@promise("2.1", "2.5")
@needs_strace()
def test_after_a_failed_sync_none_is_tried_again_and_nothing_more_is_asked(desk: FaultDesk, alone: Path, server: Server) -> None:
    server.calls()
    fault = Fault(calls=SYNCS, does="error=EIO", nth=1, file="predictions.jsonl")
    trace = _strike_and_carry_on(desk, alone, fault)
    syncs = [call for call in Call.all_in(trace) if call.name == "fdatasync"]
    assert [call.struck for call in syncs] == [True]
    # what the first launch asked and could not keep was in flight, or came while the disk was at it
    assert len(server.calls()) < ROWS + ROWS // 2


def _strike_and_carry_on(desk: FaultDesk, alone: Path, fault: Fault) -> Path:
    """A launch that `fault` strikes, and a second one; gives the trace of the first."""
    run_dir, trace = desk.path / "runs/spam/r", desk.path / "trace"
    command = [*COMMAND, "run", "eval.yaml", "--quiet", f"--run-dir={run_dir}"]
    struck = _ended(desk.path, traced(command, run_dir, trace, fault))
    assert Fault.struck(trace)
    assert struck.code == STORAGE, (struck.code, struck.err)
    assert fault.file is not None
    _told(struck, run_dir)
    accepted = accepted_lines(run_dir)
    again = _ended(desk.path, command)
    assert again.code == 0, again.err
    _as_if_alone(run_dir, accepted, alone)
    return trace


def _ended(folder: Path, command: list[str]) -> Ended:
    environ = environment({KEY_VARIABLE: CANARY, "OPENAI_API_KEY": CANARY})
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=PATIENCE_S * 2, check=False)
    return without_key(Ended(code=done.returncode, out=done.stdout, err=done.stderr))


def _told(end: Ended, where: Path | str) -> None:
    """The file is named, and what to do next; nobody has to read Python."""
    assert "Traceback" not in end.err, end.err
    assert f"error: {where}" in end.err, end.err
    assert "try: " in end.err
    assert "run the same command again" in end.err


def _as_if_alone(run_dir: Path, accepted: list[bytes], alone: Path) -> None:
    assert not lost(accepted, run_dir)
    assert not changed(run_dir, Reference.of(alone))
    assert not paid_twice(run_dir)
    assert not left_over(run_dir)


@promise("2.3")
@needs_small_disks()
def test_a_disk_that_fills_up_in_the_middle_loses_no_row(desk: FaultDesk, alone: Path) -> None:
    """In the journal, of which a whole run takes a few pages."""
    _fill_and_make_room(desk, alone, size=5 * PAGE)


@pytest.mark.long
@promise("2.3")
@needs_small_disks()
@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.3, 0.6, 0.9, 0.99])
def test_a_disk_of_any_size_that_is_too_small_loses_no_row(desk: FaultDesk, alone: Path, share: float) -> None:
    _fill_and_make_room(desk, alone, size=int(used_bytes(alone) * share))


def _fill_and_make_room(desk: FaultDesk, alone: Path, *, size: int) -> None:
    disk = SmallDisk(desk=desk)
    run = Run(["run", "eval.yaml", "--quiet", "--run-id=r"])
    full, complete = disk.play(run, Mount(f"size={ROOM}"), run, size=size)
    assert full.code == STORAGE, full.err
    _told(full, "runs/spam/r")
    assert "no space left on the device (ENOSPC)" in full.err
    assert complete.code == 0, complete.err
    accepted = [line for line in lines_of(Run.journal(desk, 0)) if is_record(line)]
    _as_if_alone(disk.kept / "spam/r", accepted, alone)


@promise("2.4")
@needs_small_disks()
def test_a_disk_that_may_not_be_written_is_told_before_anything_is_asked(desk: FaultDesk, alone: Path, server: Server) -> None:
    disk, run = SmallDisk(desk=desk), Run(["run", "eval.yaml", "--quiet", "--run-id=r"])
    server.calls()
    refused, complete = disk.play(Mount("ro"), run, Mount("rw"), run, size=ROOM)
    assert (refused.code, complete.code) == (STORAGE, 0), refused.err + complete.err
    assert "the file system is read-only (EROFS)" in refused.err
    assert len(server.calls()) == ROWS
    _as_if_alone(disk.kept / "spam/r", [], alone)


@pytest.mark.long
@promise("2.4")
@needs_strace()
@pytest.mark.parametrize("file", ["predictions.jsonl", "events.jsonl", "summary.json"])
def test_one_that_may_be_written_no_longer_ends_the_run(desk: FaultDesk, alone: Path, file: str) -> None:
    """No file system with open files lets itself be remounted; what a broken disk does to them is injected."""
    _strike_and_carry_on(desk, alone, Fault(calls=(*WRITES, *SYNCS, *NAMES), does="error=EROFS", nth=1, ever=True, file=file))


@promise("2.6")
@pytest.mark.parametrize(
    "command", ["show", "show --json", "list", "compare spam/r spam/r2", "doctor", "run eval.yaml -q --run-id=r --json"]
)
def test_a_result_that_finds_no_room_is_told(alone: Path, command: str) -> None:
    end = _to(alone, command, ">/dev/full")
    assert end.code == STORAGE, end.err
    assert end.err.count("error: standard output: no space left on the device (ENOSPC)") == 1
    assert "Traceback" not in end.err


@promise("2.6")
def test_where_the_messages_go_may_be_full(alone: Path) -> None:
    assert _to(alone, "run eval.yaml --run-id=r", "2>/dev/full").code == 0


def _to(alone: Path, command: str, where: str) -> Ended:
    folder = alone.parent.parent.parent
    other = alone.parent / "r2"
    if "r2" in command and not other.exists():
        subprocess.run(["cp", "-r", alone, other], check=True)
    script = f"{shlex.join(COMMAND)} {command} {where}"
    return _ended(folder, ["bash", "-c", script])
