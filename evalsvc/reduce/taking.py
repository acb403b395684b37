"""journal -> scored.jsonl and tallies, over one range of bytes: what a fold is made of, in this process or in another."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import EllipsisType
from typing import Any, BinaryIO

from evalsvc.dataset import id_hash, open_dataset
from evalsvc.journal.read import read_records
from evalsvc.metrics.families.registry import columns_of_metrics, measuring_of
from evalsvc.metrics.tally import LatencySketch, RowTally, ServedTally, UsageTally, empty_row_tally, row_tally_from_state
from evalsvc.prompt.likelihood import scores_target
from evalsvc.records import Record, Reply, Score
from evalsvc.reduce.examples import Examples
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.scored import scored_line
from evalsvc.reduce.view import DataView, Fields
from evalsvc.scoring.rows import Row, open_scorer

_NO_FIELDS: Mapping[str, str] = {}
_PARTS = ("outcomes", "usage", "latency", "ttft", "itl", "served", "examples")


@dataclass(slots=True, kw_only=True)
class Tallies:
    """All that a summary and a report need of the rows. Every part is a monoid: exact sums, and a draw by hash."""

    outcomes: RowTally
    examples: Examples  # kept by `take_range`, who knows where they stand
    usage: UsageTally = field(default_factory=UsageTally)
    latency: LatencySketch = field(default_factory=LatencySketch)
    ttft: LatencySketch = field(default_factory=LatencySketch)
    itl: LatencySketch = field(default_factory=LatencySketch)
    served: ServedTally = field(default_factory=ServedTally)
    ok: int = 0
    error: int = 0

    @classmethod
    def empty(cls, plan: Plan) -> "Tallies":
        return cls(outcomes=empty_row_tally(plan.labels), examples=Examples.empty(plan))

    def update(self, record: Record, score: Score, times: int = 1) -> None:
        self.outcomes.update(score, times)
        self.usage.update(record, times)
        if record.reply is None:
            self.error += times
        else:
            self.ok += times
            self.served.update(record.reply.model, times)
            self._time(record.reply, times)

    def _time(self, reply: Reply, times: int) -> None:
        if reply.latency_s is not None:
            self.latency.update(reply.latency_s, times)
        if reply.ttft_s is not None:
            self.ttft.update(reply.ttft_s, times)
        if reply.itl_s is not None:
            self.itl.update(reply.itl_s, times)

    def merge(self, other: "Tallies") -> "Tallies":
        parts: dict[str, Any] = {name: getattr(self, name).merge(getattr(other, name)) for name in _PARTS}
        return Tallies(**parts, ok=self.ok + other.ok, error=self.error + other.error)

    def state(self) -> dict[str, Any]:
        return {**{name: getattr(self, name).state() for name in _PARTS}, "ok": self.ok, "error": self.error}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Tallies":
        return cls(
            outcomes=row_tally_from_state(state["outcomes"]),
            examples=Examples.from_state(state["examples"]),
            usage=UsageTally.from_state(state["usage"]),
            latency=LatencySketch.from_state(state["latency"]),
            ttft=LatencySketch.from_state(state["ttft"]),
            itl=LatencySketch.from_state(state["itl"]),
            served=ServedTally.from_state(state["served"]),
            ok=state["ok"],
            error=state["error"],
        )


@dataclass(slots=True, kw_only=True)
class Taken:
    """What came of a range."""

    tallies: Tallies
    end: int  # of the last record in it: all before that byte is taken in
    scored_bytes: int = 0  # written
    read: int = 0  # records


def take_range(plan: Plan, start: int, stop: int, scored: BinaryIO, seen: bytearray, tallies: Tallies) -> Taken:
    """Scores the records of the journal that lie wholly in [start, stop), writes their lines to `scored` and their id hashes to `seen`,
    and counts them in `tallies`.
    """
    taken = Taken(tallies=tallies, end=start)
    began = at = scored.tell()
    offsets = deque[int]()
    with open_scorer(plan.config, plan.labels, measuring_of(plan.config, plan.metrics)) as scorer:
        update, keep, write = tallies.update, tallies.examples.update, scored.write
        for record, score in scorer.scores(_rows(plan, start, stop, taken, offsets)):
            update(record, score)
            hashed = id_hash(record.id, record.repeat)
            keep(score, hashed, offsets.popleft(), at)
            at += write(scored_line(score))
            seen += hashed
    taken.scored_bytes = at - began
    return taken


def _rows(plan: Plan, start: int, stop: int, taken: Taken, offsets: deque[int]) -> Iterator[Row]:
    """The records that count, with the targets that their rows have now; where they begin is added to `offsets`."""
    view = view_of(plan)
    fields_of = _fields_of(plan)
    last = start
    prompts = plan.config.scoring.scorer is not None
    read = 0
    for last, record in read_records(plan.run.journal, start=start, stop=stop, prompts=prompts):
        read += 1
        target = record.target if view is None else view.target(record)
        if target is not ...:
            offsets.append(last)
            yield record, target, fields_of(record.id) if fields_of is not None else _NO_FIELDS
    taken.read = read
    if read:
        taken.end = _end_of_line(plan.run.journal, last)


def view_of(plan: Plan) -> DataView | None:
    """The data set as it is now, where the journal holds answers to more than one state of it."""
    if not plan.manifest.data_changed:
        return None
    return DataView.of(open_dataset(plan.config.dataset, plan.config.base_dir), asks_target=scores_target(plan.config))


def target_of(record: Record, view: DataView | None) -> str | EllipsisType | None:
    """The Ellipsis for a record whose row is gone or has changed since: it does not count."""
    return record.target if view is None else view.target(record)


def _fields_of(plan: Plan) -> Callable[[str], Mapping[str, str]] | None:
    """What metrics want to know of a row beside its answer and its target; None: nothing."""
    columns = columns_of_metrics(plan.metrics)
    if not columns:
        return None
    dataset = open_dataset(plan.config.dataset, plan.config.base_dir)
    return Fields.of(dataset, dataset.survey(), columns).of_row


def _end_of_line(path: Path, offset: int) -> int:
    with path.open("rb") as file:
        file.seek(offset)
        return offset + len(file.readline())
