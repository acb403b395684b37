"""Killed at a system call, run again: the same numbers, and nothing paid twice. `scripts/torture --every` does it at all of them."""

import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

import pytest

from evalsvc.rundir import LATEST
from tests.e2e.desk import COMMAND, messages_rows
from tests.e2e.server import Server, serving
from tests.faults.desk import FaultDesk
from tests.faults.oracle import Reference, accepted_lines, changed, left_over, lost, paid_twice, processes_in
from tests.faults.promises import promise
from tests.faults.raw import GOOD, saying
from tests.faults.strace import FOLDER, Fault, needs_strace, traced
from tests.faults.torture.every import SCENES, SERVER, Point, Prepared, Scene, Stage
from tests.faults.torture.launching import run_in
from tests.faults.torture.rounds import RUN

SEED = int(os.environ.get("KILL_SEED", "20261121"))
# In the order in which a launch comes to them, so that one that was killed at the first still comes to the next.
BEFORE_ASKING = (
    ("ftruncate", "run.lock", 1),
    ("fdatasync", "predictions.jsonl", 1),
    ("write", "run.json", 1),
    ("rename", "run.json", 1),
    ("fsync", FOLDER, 2),
    ("symlink", LATEST, 1),
    ("rename", LATEST, 1),
    ("write", "events.jsonl", 1),
    ("write", "predictions.jsonl", 1),
)
WHILE_ASKING = tuple(("write", "predictions.jsonl", nth) for nth in (2, 3, 4))
AFTERWARDS = (
    ("fdatasync", "predictions.jsonl", 2),
    ("write", "scored.jsonl", 1),
    ("write", "reduce.json", 1),
    ("rename", "summary.json", 1),
    ("fsync", "report.html", 1),
    ("rename", "junit.xml", 1),
    ("rename", "reduce.json", 2),
    ("rename", "run.json", 3),
)
MANY = 3  # of each scene

pytestmark = needs_strace()


@pytest.fixture
def killing_server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "calls.log", *SERVER) as server:
        yield server


@promise("1.1", "1.2", "1.4")
def test_killed_before_while_and_after_asking_a_run_ends_like_one_that_was_left_alone(tmp_path: Path, killing_server: Server) -> None:
    stage = Stage(folder=tmp_path, server=killing_server)
    stage.write()
    assert stage.run(RUN).code == 0
    reference = Reference.of(stage.run_dir)
    shutil.rmtree(stage.run_dir)
    rng = Random(SEED)
    points = [Point(call=call, file=file, nth=nth) for call, file, nth in map(rng.choice, (BEFORE_ASKING, WHILE_ASKING, AFTERWARDS))]
    print(f"KILL_SEED={SEED}: {', '.join(map(str, points))}")

    struck, accepted = 0, list[bytes]()
    for point in points:
        stage.run_traced(RUN, point.kill)
        struck += Fault.struck(stage.trace)
        assert lost(accepted, stage.run_dir) == [], f"killed at {point}"
        accepted = accepted_lines(stage.run_dir)
    last = stage.run(RUN)

    assert last.code == 0, last.err
    assert struck > 1  # how often a file is synced depends on how fast the disk is
    assert changed(stage.run_dir, reference) == []
    assert (lost(accepted, stage.run_dir), paid_twice(stage.run_dir), left_over(stage.run_dir)) == ([], [], [])
    assert (stage.here / LATEST).resolve() == stage.run_dir
    assert list(processes_in(stage.here)) == []


@pytest.mark.long
@promise("1.1", "1.2", "1.3", "1.4")
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_killed_at_a_call_and_completed_it_is_as_if_nothing_had_been(tmp_path: Path, killing_server: Server, scene: Scene) -> None:
    prepared = Prepared.of(scene, tmp_path, killing_server)
    drawn = Random(f"{SEED}/{scene.name}").sample(prepared.operations, MANY)
    points = [Point(call=call, file=file, nth=1) for call, file in drawn]
    print(f"KILL_SEED={SEED}: {', '.join(map(str, points))}")
    wrong = {str(point): prepared.killed_at(point) for point in points}
    # an unlink of a file that is not there, say, may not come again
    assert sum(found is not None for found in wrong.values()) > MANY // 2
    assert {point: found for point, found in wrong.items() if found} == {}


@promise("1.1", "1.3")
def test_before_anybody_is_asked_run_json_says_what_the_answers_will_be_to(tmp_path: Path) -> None:
    """Also where the server lists no models. Else a kill leaves answers that were paid for, and the same command takes none of them."""
    found = list[bool]()

    def look(connection: socket.socket) -> None:
        found.append((tmp_path / "runs/spam/r/run.json").exists())
        connection.sendall(GOOD)

    with saying({}, otherwise=look) as server:
        desk = FaultDesk(path=tmp_path, base_url=f"http://127.0.0.1:{server.port}/v1")
        desk.write_rows(messages_rows(1, "asked"))
        desk.write_config()
        assert desk.run("run", "eval.yaml", "--quiet", "--run-id=r").code == 0
    assert found == [True]


PRUNE = (*COMMAND, "prune", "spam", "--keep", "1", "--yes")


@pytest.mark.long
@promise("1.1", "1.4")
def test_a_prune_that_is_killed_leaves_each_run_whole_or_gone(tmp_path: Path, killing_server: Server) -> None:
    stage = Stage(folder=tmp_path, server=killing_server)
    stage.write()
    for name in ("older", "newer"):
        assert run_in(stage.here, [*COMMAND, "run", "eval.yaml", "--quiet", f"--run-id={name}"]).code == 0
    stage.keep()
    runs = stage.here / "runs" / "spam"
    before = {run: _content(runs / run) for run in ("older", "newer")}

    for call, nth in (("rename", 1), ("fsync", 1), ("fsync", 2), ("unlinkat", 1), ("unlinkat", 5)):
        stage.restore()
        fault = Fault(calls=(call,), does="signal=KILL", nth=nth)
        also = [runs, runs / "older", runs / ".pruned", runs / ".pruned/older"]
        run_in(stage.here, traced(PRUNE, Path("runs/spam/older"), stage.trace, fault, also=also))
        assert Fault.struck(stage.trace)
        there = [run for run in before if (runs / run).exists()]
        assert {run: _content(runs / run) for run in there} == {run: before[run] for run in there}
        assert "newer" in there

        assert run_in(stage.here, PRUNE).code == 0
        assert sorted(path.name for path in runs.iterdir()) == [LATEST, "newer"]
        assert _content(runs / "newer") == before["newer"]


def _content(folder: Path) -> Mapping[str, bytes]:
    """All but who held the lock last."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "run.lock"}
