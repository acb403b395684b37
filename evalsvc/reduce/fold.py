"""journal -> tallies: one streaming pass, carried on from where the last one stopped.

What is kept besides the tallies is 8 bytes a row, to notice rows that were asked again. Those are rare, so they are not
looked for beforehand: their older records are taken back out of the tallies afterwards, which is exact, because tallies
are integers.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from evalsvc.dataset import id_hash, open_dataset
from evalsvc.journal.files import storage_failed, write_atomic
from evalsvc.journal.read import read_records
from evalsvc.journal.scan import scan
from evalsvc.jsonio import dumps, loads
from evalsvc.metrics.tally import ConfusionTally, LatencySketch, UsageTally
from evalsvc.records import Record, Score
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.view import DataView
from evalsvc.scoring.classify import Scorer, make_scorer

_BUFFER = 1 << 20
_SCORED_ID = re.compile(rb'\{"id":"([^"\\]*)","repeat":([0-9]+),')


@dataclass(slots=True, kw_only=True)
class Tallies:
    """All that a summary needs of the rows. Every part is a monoid of exact sums."""

    confusion: ConfusionTally
    usage: UsageTally = field(default_factory=UsageTally)
    latency: LatencySketch = field(default_factory=LatencySketch)
    ok: int = 0
    error: int = 0

    def update(self, record: Record, score: Score, times: int = 1) -> None:
        self.confusion.update(score, times)
        self.usage.update(record, times)
        if record.reply is None:
            self.error += times
        else:
            self.ok += times
            self.latency.update(record.reply.latency_s, times)

    def state(self) -> dict[str, Any]:
        parts = {"confusion": self.confusion.state(), "usage": self.usage.state(), "latency": self.latency.state()}
        return {**parts, "ok": self.ok, "error": self.error}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Tallies":
        return cls(
            confusion=ConfusionTally.from_state(state["confusion"]),
            usage=UsageTally.from_state(state["usage"]),
            latency=LatencySketch.from_state(state["latency"]),
            ok=state["ok"],
            error=state["error"],
        )


@dataclass(slots=True, kw_only=True)
class Fold:
    """The tallies, and how much of the journal is in them."""

    tallies: Tallies
    offset: int  # of the journal: all records before it are in
    scored_bytes: int = 0  # of scored.jsonl: its lines for those records
    superseded: list[int] = field(default_factory=list)  # offsets of records that were taken back
    read: int = 0  # records read by this call

    @classmethod
    def empty(cls, plan: Plan) -> "Fold":
        return cls(tallies=Tallies(confusion=ConfusionTally.empty(plan.labels)), offset=0)


def load_fold(plan: Plan) -> Fold | None:
    """The fold of the last reduction; None when there is none, or none that this plan can carry on."""
    try:
        state = loads(plan.run.state.read_bytes())
        usable = (
            state["fold_key"] == plan.fold_key
            and state["offset"] <= _size(plan.run.journal)
            and state["scored_bytes"] <= _size(plan.run.scored)
        )
        fields = {name: state[name] for name in ("offset", "scored_bytes", "superseded")}
        return Fold(tallies=Tallies.from_state(state["tallies"]), **fields) if usable else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # derived, so a damaged one is simply made again


def save_fold(plan: Plan, fold: Fold) -> None:
    fields = {name: getattr(fold, name) for name in ("offset", "scored_bytes", "superseded")}
    state = {"v": 1, "fold_key": plan.fold_key, "summary_key": plan.summary_key, **fields, "tallies": fold.tallies.state()}
    write_atomic(plan.run.state, dumps(state) + b"\n")


def fold_journal(plan: Plan) -> Fold:
    """Brings the fold, and scored.jsonl with it, up to the end of the journal, and saves it."""
    fold = load_fold(plan)
    scorer = _Rescorer.of(plan)
    try:
        if fold is None:
            fold = Fold.empty(plan)
            plan.run.state.unlink(missing_ok=True)
        with _open_scored(plan.run.scored, fold.scored_bytes) as scored:
            seen = _ids_in(plan.run.scored, fold.scored_bytes)
            _take_in(plan, fold, scorer, scored, seen)
        # of changed data an older record may fit a row whose last one does not: no repeat shows it
        if plan.manifest.data_changed or _has_repeats(seen):
            _take_back(plan, fold, scorer)
    except OSError as exc:
        raise storage_failed(exc, plan.run.scored) from exc
    save_fold(plan, fold)
    return fold


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rescorer:
    """Scores a record with the target that its row has now."""

    scorer: Scorer
    view: DataView | None

    @classmethod
    def of(cls, plan: Plan) -> "_Rescorer":
        view = DataView.of(open_dataset(plan.config.dataset, plan.config.base_dir)) if plan.manifest.data_changed else None
        return cls(scorer=make_scorer(plan.config, plan.labels), view=view)

    def score(self, record: Record) -> Score | None:
        """None for a record whose row is gone or has changed since."""
        if self.view is None:
            return self.scorer.score(record)
        target = self.view.target(record)
        return None if target is ... else self.scorer.score(record, target=target)


def _take_in(plan: Plan, fold: Fold, scorer: _Rescorer, scored: BinaryIO, seen: bytearray) -> None:
    end = fold.offset
    size = _size(plan.run.journal)
    for offset, record in read_records(plan.run.journal, start=fold.offset, stop=size):
        score = scorer.score(record)
        if score is not None:
            fold.tallies.update(record, score)
            fold.scored_bytes += scored.write(scored_line(score))
            seen += id_hash(record.id, record.repeat)
        fold.read += 1
        end = offset
    if fold.read:
        fold.offset = _end_of_line(plan.run.journal, end)


def _take_back(plan: Plan, fold: Fold, scorer: _Rescorer) -> None:
    """Takes out what later records replaced: exactly once each, whichever call met it."""
    superseded = [offset for offset in scan(plan.run.journal).superseded if offset < fold.offset]
    known = set(fold.superseded)
    taken = Counter[tuple[str, int]]()
    for offset in superseded:
        if offset not in known:
            _, record = next(read_records(plan.run.journal, start=offset))
            score = scorer.score(record)
            if score is not None:
                fold.tallies.update(record, score, -1)
                taken[record.id, record.repeat] += 1
    fold.superseded = superseded
    if taken:
        # a kill between the two files must not leave a state that counts bytes of the old one
        plan.run.state.unlink(missing_ok=True)
        fold.scored_bytes = _without_first(plan.run.scored, taken)


def scored_line(score: Score) -> bytes:
    fields = {"id": score.id, "repeat": score.repeat, "target": score.target, "prediction": score.prediction}
    return dumps({**fields, "outcome": score.outcome.value, "rule": score.rule, "scores": {}}) + b"\n"


def _open_scored(path: Path, size: int) -> BinaryIO:
    """scored.jsonl, cut to the lines that the fold knows, open for more."""
    file = path.open("r+b" if path.exists() else "w+b", buffering=_BUFFER)
    file.truncate(size)
    file.seek(size)
    return file


def _scored_lines(path: Path) -> Iterator[tuple[bytes, tuple[str, int]]]:
    with path.open("rb") as file:
        for line in file:
            found = _SCORED_ID.match(line)
            if found is None:
                values = loads(line)
                yield line, (values["id"], values["repeat"])
            else:
                yield line, (found[1].decode(), int(found[2]))


def _ids_in(path: Path, size: int) -> bytearray:
    """The id hashes of the first `size` bytes of scored.jsonl."""
    hashes = bytearray()
    if size:
        for _, (id_, repeat) in _scored_lines(path):
            hashes += id_hash(id_, repeat)
    return hashes


def _without_first(path: Path, taken: Counter[tuple[str, int]]) -> int:
    """Drops as many lines of each row as `taken` says, oldest first; gives the new size."""
    temp = path.with_name(f".{path.name}.tmp")
    with temp.open("wb", buffering=_BUFFER) as file:
        for line, row in _scored_lines(path):
            if taken[row] > 0:
                taken[row] -= 1
            else:
                file.write(line)
        size = file.tell()
    temp.replace(path)
    return size


def _has_repeats(hashes: bytearray) -> bool:
    import numpy as np

    ordered = np.sort(np.frombuffer(hashes, dtype=np.uint64))
    return bool((ordered[1:] == ordered[:-1]).any())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _end_of_line(path: Path, offset: int) -> int:
    with path.open("rb") as file:
        file.seek(offset)
        return offset + len(file.readline())
