"""journal -> tallies: one streaming pass, carried on from where the last one stopped.

What is kept besides the tallies is 8 bytes a row, to notice rows that were asked again. Those are rare, so they are not
looked for beforehand: their older records are taken back out of the tallies afterwards, as scored.jsonl says they were
counted, which is exact, because tallies are integers.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import EllipsisType
from typing import Any, BinaryIO

from evalsvc.dataset import id_hash, open_dataset
from evalsvc.journal.files import storage_failed, write_atomic
from evalsvc.journal.read import read_records
from evalsvc.journal.scan import scan
from evalsvc.jsonio import dumps, loads
from evalsvc.metrics.tally import LatencySketch, RowTally, UsageTally, empty_row_tally, row_tally_from_state
from evalsvc.records import Record, Score
from evalsvc.reduce.custom import CustomStates, fold_custom
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.scored import drop_lines, ids_in, open_scored, score_of, scored_line
from evalsvc.reduce.view import DataView
from evalsvc.scoring.outcomes import is_cut
from evalsvc.scoring.rows import Pair, open_scorer

_KEPT = ("offset", "scored_bytes", "superseded", "custom")


@dataclass(slots=True, kw_only=True)
class Tallies:
    """All that a summary needs of the rows. Every part is a monoid of exact sums."""

    outcomes: RowTally
    usage: UsageTally = field(default_factory=UsageTally)
    latency: LatencySketch = field(default_factory=LatencySketch)
    ok: int = 0
    error: int = 0

    def update(self, record: Record, score: Score, times: int = 1) -> None:
        self.outcomes.update(score, times)
        self.usage.update(record, times)
        if record.reply is None:
            self.error += times
        else:
            self.ok += times
            if record.reply.latency_s is not None:
                self.latency.update(record.reply.latency_s, times)

    def state(self) -> dict[str, Any]:
        parts = {"outcomes": self.outcomes.state(), "usage": self.usage.state(), "latency": self.latency.state()}
        return {**parts, "ok": self.ok, "error": self.error}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Tallies":
        return cls(
            outcomes=row_tally_from_state(state["outcomes"]),
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
    custom: CustomStates = field(default_factory=dict)  # of the user's metrics, by name
    read: int = 0  # records read by this call

    @classmethod
    def empty(cls, plan: Plan) -> "Fold":
        return cls(tallies=Tallies(outcomes=empty_row_tally(plan.labels)), offset=0)


def load_fold(plan: Plan) -> Fold | None:
    """The fold of the last reduction; None when there is none, or none that this plan can carry on."""
    try:
        state = loads(plan.run.state.read_bytes())
        usable = (
            state["fold_key"] == plan.fold_key
            and state["offset"] <= _size(plan.run.journal)
            and state["scored_bytes"] <= _size(plan.run.scored)
        )
        fields = {name: state[name] for name in _KEPT}
        return Fold(tallies=Tallies.from_state(state["tallies"]), **fields) if usable else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # derived, so a damaged one is simply made again


def save_fold(plan: Plan, fold: Fold, *, summarised: bool) -> None:
    """`summarised`: summary.json has been written of this fold; a kill between the two leaves a summary that is known to be old."""
    fields = {name: getattr(fold, name) for name in _KEPT}
    key = plan.summary_key if summarised else None
    state = {"v": 1, "fold_key": plan.fold_key, "summary_key": key, **fields, "tallies": fold.tallies.state()}
    write_atomic(plan.run.state, dumps(state) + b"\n")


def fold_journal(plan: Plan) -> Fold:
    """Brings the fold, and scored.jsonl with it, up to the end of the journal, and saves it."""
    fold = load_fold(plan)
    view = DataView.of(open_dataset(plan.config.dataset, plan.config.base_dir)) if plan.manifest.data_changed else None
    try:
        if fold is None:
            fold = Fold.empty(plan)
            plan.run.state.unlink(missing_ok=True)
        with open_scored(plan.run.scored, fold.scored_bytes) as scored:
            seen = ids_in(plan.run.scored, fold.scored_bytes)
            _take_in(plan, fold, view, scored, seen)
        # of changed data an older record may fit a row whose last one does not: no repeat shows it
        if plan.manifest.data_changed or _has_repeats(seen):
            _take_back(plan, fold, view)
        fold.custom = fold_custom(plan, fold.custom, offset=fold.offset, scored_bytes=fold.scored_bytes, superseded=fold.superseded)
    except OSError as exc:
        raise storage_failed(exc, plan.run.scored) from exc
    save_fold(plan, fold, summarised=False)
    return fold


def _take_in(plan: Plan, fold: Fold, view: DataView | None, scored: BinaryIO, seen: bytearray) -> None:
    if fold.offset == _size(plan.run.journal):
        return
    with open_scorer(plan.config, plan.labels) as scorer:
        for record, score in scorer.scores(_pairs(plan, fold, view)):
            fold.tallies.update(record, score)
            fold.scored_bytes += scored.write(scored_line(score))
            seen += id_hash(record.id, record.repeat)


def _pairs(plan: Plan, fold: Fold, view: DataView | None) -> Iterator[Pair]:
    """The records that the fold does not have, with the targets that their rows have now; then the fold has them."""
    end = fold.offset
    for offset, record in read_records(plan.run.journal, start=fold.offset, stop=_size(plan.run.journal)):
        fold.read += 1
        end = offset
        target = _target(record, view)
        if not isinstance(target, EllipsisType):
            yield record, target
    if fold.read:
        fold.offset = _end_of_line(plan.run.journal, end)


def _target(record: Record, view: DataView | None) -> str | EllipsisType | None:
    """The Ellipsis for a record whose row is gone or has changed since: it does not count."""
    return record.target if view is None else view.target(record)


def _take_back(plan: Plan, fold: Fold, view: DataView | None) -> None:
    """Takes out what later records replaced: exactly once each, whichever call met it."""
    superseded = [offset for offset in scan(plan.run.journal).superseded if offset < fold.offset]
    known = set(fold.superseded)
    taken = defaultdict[tuple[str, int], deque[Record]](deque)
    for offset in superseded:
        if offset not in known:
            _, record = next(read_records(plan.run.journal, start=offset))
            if _target(record, view) is not ...:
                taken[record.id, record.repeat].append(record)
    fold.superseded = superseded

    def take_back(row: tuple[str, int], line: bytes) -> bool:
        """The oldest lines of a row are those of its oldest records."""
        if row not in taken or not taken[row]:
            return False
        record = taken[row].popleft()
        fold.tallies.update(record, score_of(line, cut=is_cut(record)), -1)
        return True

    if taken:
        # a kill between the two files must not leave a state that counts bytes of the old one
        plan.run.state.unlink(missing_ok=True)
        fold.scored_bytes = drop_lines(plan.run.scored, take_back)


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
