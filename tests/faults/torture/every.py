"""A kill at every operation of a launch, one after the other: N = 1, 2, 3 … for each call on each file, until the launch ends untouched."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from tests.e2e.desk import COMMAND, Ended, messages_rows
from tests.e2e.server import Server
from tests.faults.desk import FaultDesk
from tests.faults.oracle import Reference, accepted_lines, changed, left_over, lost, paid_twice, processes_in, records_in
from tests.faults.strace import Call, Fault, traced
from tests.faults.torture.disturbances import KILLED, STORAGE_FAILED
from tests.faults.torture.launching import run_in
from tests.faults.torture.rounds import RUN

ROWS = 50
CONCURRENCY = 4
# An answer takes a moment, so that there are several writes. A row that says "refused" is, when it is asked for the first time.
SERVER: Final = ("--latency=0.01..0.03", "--fault=blocked:times=1:match=refused")
HALF: Final = ROWS // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A directory that `prepare` makes, and the command that is killed there; `then` completes what it left."""

    name: str
    prepare: Callable[["Stage"], None]
    command: Sequence[str]
    then: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The `nth` call on a file of the run directory."""

    call: str
    file: str
    nth: int

    def __str__(self) -> str:
        return f"{self.call} {self.nth} of {self.file}"

    @property
    def kill(self) -> Fault:
        return Fault(calls=(self.call,), does="signal=KILL", nth=self.nth, file=self.file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a scene is played, always at the same paths: `before` holds what it looks like when the curtain rises."""

    folder: Path
    server: Server

    @property
    def here(self) -> Path:
        return self.folder / "here"

    @property
    def desk(self) -> FaultDesk:
        return FaultDesk(path=self.here, base_url=self.server.url)

    @property
    def before(self) -> Path:
        return self.folder / "before"

    @property
    def run_dir(self) -> Path:
        return self.here / "run"

    @property
    def trace(self) -> Path:
        return self.folder / "trace"

    def write(self, **changes: object) -> None:
        self.here.mkdir(parents=True, exist_ok=True)
        self.desk.write_rows(messages_rows(ROWS, "every"))
        self.desk.write_config(**{"dataset": {"id": "id"}, "limits": {"concurrency": CONCURRENCY}, "gates": ["recall >= 0.5"], **changes})

    def run(self, command: Sequence[str]) -> Ended:
        return run_in(self.here, [*COMMAND, *self.words(command)])

    def run_traced(self, command: Sequence[str], fault: Fault | None) -> Ended:
        return run_in(self.here, traced([*COMMAND, *self.words(command)], self.run_dir, self.trace, fault))

    def words(self, command: Sequence[str]) -> list[str]:
        return [word.format(run=self.run_dir) for word in command]

    def keep(self) -> None:
        shutil.copytree(self.here, self.before, symlinks=True)

    def restore(self) -> None:
        shutil.rmtree(self.here, ignore_errors=True)
        shutil.copytree(self.before, self.here, symlinks=True)


def _new(stage: Stage) -> None:
    stage.write()


def _half_done(stage: Stage) -> None:
    """Half of the answers, and a part of the next one."""
    stage.write()
    _must(stage.run(RUN), 0)
    journal = stage.run_dir / "predictions.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:HALF]) + lines[HALF][:100])
    for name in ("summary.json", "scored.jsonl", "reduce.json", "report.html", "junit.xml"):
        (stage.run_dir / name).unlink()


def _some_failed(stage: Stage) -> None:
    stage.write()
    rows = messages_rows(ROWS, "every")
    stage.desk.write_rows({**row, "text": f"{row['text']} refused"} if number % 10 == 0 else row for number, row in enumerate(rows))
    _must(stage.run(RUN), 0)


def _answered(stage: Stage) -> None:
    """Complete; and then the config says another positive label."""
    stage.write()
    _must(stage.run(RUN), 0)
    stage.write(scoring={"positive": "ham"})


def _damaged(stage: Stage) -> None:
    """Complete; and then a letter in the middle of the journal is another one."""
    stage.write()
    _must(stage.run(RUN), 0)
    journal = stage.run_dir / "predictions.jsonl"
    data = bytearray(journal.read_bytes())
    data[len(data) // 2] ^= 1
    journal.write_bytes(data)


def _must(end: Ended, code: int) -> None:
    assert end.code == code, end.err


SCENES: Final = (
    Scene(name="a run", prepare=_new, command=RUN, then=(RUN,)),
    Scene(name="a run carried on over a torn journal", prepare=_half_done, command=RUN, then=(RUN,)),
    Scene(name="failed rows asked again", prepare=_some_failed, command=(*RUN, "--retry-failed"), then=((*RUN, "--retry-failed"),)),
    Scene(name="a run scored anew", prepare=_answered, command=("score", "{run}"), then=(("score", "{run}"),)),
    Scene(
        name="a journal repaired", prepare=_damaged, command=("doctor", "{run}", "--repair"), then=(("doctor", "{run}", "--repair"), RUN)
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A scene that can be played any number of times."""

    scene: Scene
    stage: Stage
    reference: Reference  # what it comes to, left alone
    operations: tuple[tuple[str, str], ...]  # which calls on which files there are

    @classmethod
    def of(cls, scene: Scene, folder: Path, server: Server) -> "Prepared":
        stage = Stage(folder=folder, server=server)
        scene.prepare(stage)
        stage.keep()
        _must(stage.run_traced(scene.command, None), 0)
        operations = dict.fromkeys((call.name, call.file) for call in Call.all_in(stage.trace))
        for command in scene.then:
            _must(stage.run(command), 0)
        return cls(scene=scene, stage=stage, reference=Reference.of(stage.run_dir), operations=tuple(operations))

    def points(self) -> Iterator[tuple[Point, list[str]]]:
        """Each kill that strikes, and what was wrong afterwards."""
        for call, file in self.operations:
            for nth in count(1):
                point = Point(call=call, file=file, nth=nth)
                wrong = self.killed_at(point)
                if wrong is None:
                    break
                yield point, wrong

    def killed_at(self, point: Point) -> list[str] | None:
        """Kills at `point` and completes; what was wrong then. None where the launch ended before it came there."""
        stage = self.stage
        stage.restore()
        end = stage.run_traced(self.scene.command, point.kill)
        if not Fault.struck(stage.trace):
            return None
        accepted = accepted_lines(stage.run_dir)
        wrong = [] if end.code in (*KILLED, STORAGE_FAILED) else [f"killed, it ended with {end.code}: {end.err}"]
        began_at = time.time()
        for command in self.scene.then:
            end = stage.run(command)
            wrong += [] if end.code == 0 else [f"{' '.join(command)} then ended with {end.code}: {end.err}"]
        return wrong or self._wrong(accepted, began_at)

    def _wrong(self, accepted: Sequence[bytes], began_at: float) -> list[str]:
        run_dir = self.stage.run_dir
        wrong = changed(run_dir, self.reference)
        wrong += [f"{len(gone)} records lost" for gone in [lost(accepted, run_dir)] if gone]
        wrong += [f"{row} was asked again" for row in paid_twice(run_dir)]
        wrong += [f"{name} was left behind" for name in left_over(run_dir)]
        wrong += [f"process {number} was left behind" for number in processes_in(self.stage.here)]
        added = sum(map(len, records_in(run_dir).values())) - len(accepted)
        # calls of the killed launch may reach the log late, and bear their time
        calls = sum(call["t"] >= began_at for call in self.stage.server.calls())
        return wrong if calls == added else [*wrong, f"{calls} calls were sent for {added} records"]
