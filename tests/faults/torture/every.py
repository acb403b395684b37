"""A kill at every operation of a launch, one after the other: N = 1, 2, 3 … for each call on each file, until the launch ends untouched."""

import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from tests.e2e.desk import COMMAND, Ended, messages_rows
from tests.e2e.server import Server
from tests.faults.desk import FaultDesk
from tests.faults.oracle import Reference, accepted_lines, changed, left_over, paid_twice, processes_in, was_asked
from tests.faults.strace import Call, Fault, traced
from tests.faults.torture.disturbances import KILLED, STORAGE_FAILED
from tests.faults.torture.launching import run_in
from tests.faults.torture.rounds import RUN

ROWS = 50
CONCURRENCY = 4
# An answer takes a moment, so that there are several writes. A row that says "refused" is, when it is asked for the first time.
SERVER: Final = ("--latency=0.01..0.03", "--fault=blocked:times=1:match=refused")
HALF: Final = ROWS // 2
FIRST: Final = ("run", "eval.yaml", "--quiet", "--run-dir", "first")
REUSE: Final = (*RUN, "--reuse", "first")
RERUN: Final = (*RUN, "--on-drift", "rerun")
SAVE: Final = ("baseline", "save", "{run}", "-o", "{here}/baseline.jsonl.gz")
INIT: Final = ("init", "unlabelled.jsonl", "-o", "{here}/eval.yaml", "--force")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A directory that `prepare` makes, and the command that is killed there; `then` completes what it left.

    `runs` and `files` are what comes of it: run directories, and files that are the old ones or the whole new ones at any moment.
    """

    name: str
    prepare: Callable[["Stage"], None]
    command: Sequence[str]
    then: Sequence[Sequence[str]]
    runs: Sequence[str] = ("run",)
    files: Sequence[str] = ()


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
        return [word.format(here=self.here, run=self.run_dir) for word in command]

    def keep(self) -> None:
        shutil.copytree(self.here, self.before, symlinks=True)

    def accepted(self, runs: Sequence[str]) -> list[bytes]:
        return [line for run in runs for line in accepted_lines(self.here / run)]

    def content(self, files: Iterable[str]) -> "dict[str, bytes | None]":
        """None for one that is not there."""
        return {name: path.read_bytes() if (path := self.here / name).exists() else None for name in files}

    def names(self) -> set[str]:
        """Of all that is here, but what a repair put aside, and what a kill leaves beside a file that it was to replace: no lock says
        that nobody is about to.
        """
        found = {str(path.relative_to(self.here)) for path in self.here.rglob("*")}
        return {name for name in found if "/quarantine" not in name and not re.fullmatch(r"\.[^/]+\.\d+\.tmp", name)}

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


def _half_known(stage: Stage) -> None:
    """Another run has the answers to half of the rows."""
    stage.write(model={"revision": "1"})
    _must(stage.run((*FIRST, f"--limit={HALF}")), 0)


def _another_measurement(stage: Stage) -> None:
    """Complete; and then the prompt is another one, to which every answer is spam."""
    stage.write()
    _must(stage.run(RUN), 0)
    stage.write(prompt={"user": "{{ text | replace('ham', 'spam') }}"})


def _saved_before(stage: Stage) -> None:
    """Complete, beside the baseline file of an earlier run over half of the rows."""
    stage.write()
    _must(stage.run((*FIRST, f"--limit={HALF}")), 0)
    _must(stage.run(("baseline", "save", "first")), 0)
    _must(stage.run(RUN), 0)


def _begun_before(stage: Stage) -> None:
    """Data without right answers, which need a scorer beside the config; and a config of other data."""
    stage.write()
    (stage.here / ".env").write_text(f"OPENAI_BASE_URL={stage.server.url}\n")
    stage.desk.write_rows(({"text": row["text"]} for row in messages_rows(ROWS, "every")), "unlabelled.jsonl")


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
    Scene(name="answers of another run taken over", prepare=_half_known, command=REUSE, then=(REUSE,), runs=("run", "first")),
    Scene(
        name="another measurement in the same directory",
        prepare=_another_measurement,
        command=RERUN,
        then=(RERUN, ("score", "{run}/earlier/1")),
        runs=("run", "run/earlier/1"),
    ),
    Scene(name="a baseline saved", prepare=_saved_before, command=SAVE, then=(SAVE,), runs=("run", "first"), files=("baseline.jsonl.gz",)),
    Scene(name="a first config", prepare=_begun_before, command=INIT, then=(INIT,), runs=(), files=("eval.yaml", "scorer.py")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A scene that can be played any number of times."""

    scene: Scene
    stage: Stage
    runs: Mapping[str, Reference]  # what it comes to, left alone
    names: Set[str]
    old: Mapping[str, bytes | None]  # files
    new: Mapping[str, bytes | None]
    operations: tuple[tuple[str, str], ...]  # which calls on which files there are

    @classmethod
    def of(cls, scene: Scene, folder: Path, server: Server) -> "Prepared":
        stage = Stage(folder=folder, server=server)
        scene.prepare(stage)
        stage.keep()
        old = stage.content(scene.files)
        _must(stage.run_traced(scene.command, None), 0)
        operations = dict.fromkeys((call.name, call.file) for call in Call.all_in(stage.trace))
        for command in scene.then:
            _must(stage.run(command), 0)
        runs = {run: Reference.of(stage.here / run) for run in scene.runs}
        new = stage.content(scene.files)
        return cls(scene=scene, stage=stage, runs=runs, names=stage.names(), old=old, new=new, operations=tuple(operations))

    @property
    def rows(self) -> int:
        return sum(len(reference.rows) for reference in self.runs.values())

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
        stage, scene = self.stage, self.scene
        stage.restore()
        end = stage.run_traced(scene.command, point.kill)
        if not Fault.struck(stage.trace):
            return None
        accepted = stage.accepted(scene.runs)
        wrong = [] if end.code in (*KILLED, STORAGE_FAILED) else [f"killed, it ended with {end.code}: {end.err}"]
        found = stage.content(scene.files)
        wrong += [f"killed, it left a part of {name}" for name in found if found[name] not in (self.old[name], self.new[name])]
        began_at = time.time()
        for command in scene.then:
            end = stage.run(command)
            wrong += [] if end.code == 0 else [f"{' '.join(command)} then ended with {end.code}: {end.err}"]
        return wrong or self._wrong(accepted, began_at)

    def _wrong(self, accepted: Sequence[bytes], began_at: float) -> list[str]:
        stage, there = self.stage, self.stage.accepted(self.scene.runs)
        wrong = [f"{run}: {what}" for run, reference in self.runs.items() for what in self._wrong_in(stage.here / run, reference)]
        wrong += [f"{len(gone)} records lost" for gone in [set(accepted) - set(there)] if gone]
        wrong += [f"{name} is {'missing' if name in self.names else 'one too many'}" for name in self.names ^ stage.names()]
        wrong += [f"{name} is not the new one" for name, found in stage.content(self.new).items() if found != self.new[name]]
        wrong += [f"process {number} was left behind" for number in processes_in(stage.here)]
        added = sum(map(was_asked, set(there) - set(accepted)))
        # calls of the killed launch may reach the log late, and bear their time
        calls = sum(call["t"] >= began_at for call in stage.server.calls())
        return wrong if calls == added else [*wrong, f"{calls} calls were sent for {added} records"]

    @staticmethod
    def _wrong_in(run_dir: Path, reference: Reference) -> list[str]:
        again = [f"{row} was asked again" for row in paid_twice(run_dir)]
        return [*changed(run_dir, reference), *again, *(f"{name} was left behind" for name in left_over(run_dir))]
