"""What the second pass keeps of a set of rows: of all of them, and of each slice of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from evalsvc.metrics.clusters import Clustered
from evalsvc.metrics.drawn import Drawing, DrawnTally
from evalsvc.metrics.families.metric import AnyMetric, OwnMetric, ScoreTally, SumMetric
from evalsvc.metrics.sums import SumTally
from evalsvc.metrics.tally import ConfusionTally, OutcomeTally, RowTally
from evalsvc.nouns import built_quickly
from evalsvc.records import Outcome, Score

# A column with more values than this tells no groups apart; texts as targets, for one.
MOST_SLICES = 200
_OUTCOMES = tuple(Outcome)
_PLACE_OF = {outcome: place for place, outcome in enumerate(_OUTCOMES)}


@built_quickly
@dataclass(frozen=True, slots=True)
class Buckets:
    """Where a row is counted: see sums.Resampling."""

    cluster: int  # of the sums
    bucket: int  # of the outcomes: one of a few hundred
    own: int = 0  # of metrics with tallies of their own: as `cluster` where rows are no independent draws, else always 0
    hashed: int = 0  # the hash of the row's id, by which some are chosen to be drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is to be kept."""

    labels: tuple[str, ...] = ()
    metrics: tuple[AnyMetric, ...] = ()
    drawing: Drawing | None = None  # of all rows alone, not of slices

    @property
    def sums(self) -> tuple[SumMetric, ...]:
        return tuple(metric for metric in self.metrics if isinstance(metric, SumMetric))

    @property
    def own(self) -> tuple[OwnMetric, ...]:
        return tuple(metric for metric in self.metrics if isinstance(metric, OwnMetric))

    @property
    def confusion(self) -> ConfusionTally:
        return ConfusionTally.empty(self.labels)


@dataclass(slots=True, kw_only=True)
class Kept:
    """A tally as metrics/tally.py has them, of scores."""

    shape: Shape = field(repr=False, compare=False)
    sums: SumTally
    own: tuple[ScoreTally, ...]
    cells: dict[int, dict[int, int]] = field(default_factory=dict)  # rows by bucket and cell of the confusion, or outcome
    _confusion: ConfusionTally = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._confusion = self.shape.confusion

    @classmethod
    def empty(cls, shape: Shape) -> Self:
        return cls(shape=shape, sums=SumTally.empty(shape.sums), own=tuple(metric.empty() for metric in shape.own))

    def update(self, item: Score, where: Buckets) -> None:
        cells = self.cells.get(where.bucket)
        if cells is None:
            cells = self.cells[where.bucket] = {}
        cell = self._confusion.cell_of(item) if self.shape.labels else _PLACE_OF[item.outcome]
        cells[cell] = cells.get(cell, 0) + 1
        if self.sums.width:
            self.sums.update(item, cluster=where.cluster)
        for tally in self.own:
            tally.update(item, cluster=where.own)

    def merge(self, other: Self) -> Self:
        cells = {bucket: dict(counts) for bucket, counts in self.cells.items()}
        for bucket, counts in other.cells.items():
            there = cells.setdefault(bucket, {})
            for cell, count in counts.items():
                there[cell] = there.get(cell, 0) + count
        return type(self)(
            shape=self.shape,
            sums=self.sums.merge(other.sums),
            own=tuple(mine.merge(theirs) for mine, theirs in zip(self.own, other.own, strict=True)),
            cells=cells,
        )

    def state(self) -> dict[str, Any]:
        cells = [[bucket, sorted(counts.items())] for bucket, counts in sorted(self.cells.items())]
        return {"sums": self.sums.state(), "own": [tally.state() for tally in self.own], "cells": cells}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], shape: Shape) -> Self:
        return cls(
            shape=shape,
            sums=SumTally.from_state(state["sums"], shape.sums),
            own=tuple(metric.from_state(own) for metric, own in zip(shape.own, state["own"], strict=True)),
            cells={bucket: dict(map(tuple, counts)) for bucket, counts in state["cells"]},
        )

    @property
    def rows(self) -> int:
        return sum(sum(counts.values()) for counts in self.cells.values())

    def outcomes(self) -> RowTally:
        counts: dict[int, int] = {}
        for bucket in self.cells.values():
            for cell, count in bucket.items():
                counts[cell] = counts.get(cell, 0) + count
        if self.shape.labels:
            return ConfusionTally(labels=self.shape.labels, cells=counts)
        return OutcomeTally(counts={_OUTCOMES[cell].value: count for cell, count in counts.items()})

    def clustered(self) -> Clustered:
        """The confusion by bucket; only with labels."""
        return Clustered(buckets=self.cells, labels=len(self.shape.labels), width=self._confusion.width)

    def shares(self) -> dict[int, tuple[int, int]]:
        """Correct and judged rows of each bucket, where there are no labels."""
        correct, no_verdict = _OUTCOMES.index(Outcome.CORRECT), _OUTCOMES.index(Outcome.SCORED)
        return {
            bucket: (cells.get(correct, 0), judged)
            for bucket, cells in self.cells.items()
            if (judged := sum(cells.values()) - cells.get(no_verdict, 0))
        }


@dataclass(slots=True, kw_only=True)
class SlicedKept:
    """What is kept of all rows, and of their parts: by column, then by the value that rows have there.

    Of a column with more than MOST_SLICES values one more is kept than that, which says that it is not to be shown.
    """

    all: Kept
    slices: dict[str, dict[str, Kept]] = field(default_factory=dict)
    drawn: DrawnTally | None = None

    @classmethod
    def empty(cls, shape: Shape) -> Self:
        return cls(all=Kept.empty(shape), drawn=None if shape.drawing is None else DrawnTally(drawing=shape.drawing))

    def update(self, item: Score, parts: Iterable[tuple[str, str]], where: Buckets) -> None:
        self.all.update(item, where)
        if self.drawn is not None:
            self.drawn.update(item, where.hashed)
        for column, value in parts:
            part = self.slices.setdefault(column, {})
            if value not in part:
                if len(part) > MOST_SLICES:
                    continue
                part[value] = Kept.empty(self.all.shape)
            part[value].update(item, where)

    def merge(self, other: Self) -> Self:
        return type(self)(
            all=self.all.merge(other.all),
            slices={
                column: _merged(self.slices.get(column, {}), other.slices.get(column, {}))
                for column in dict.fromkeys([*self.slices, *other.slices])
            },
            drawn=None if self.drawn is None or other.drawn is None else self.drawn.merge(other.drawn),
        )

    def state(self) -> dict[str, Any]:
        slices = {column: {value: kept.state() for value, kept in parts.items()} for column, parts in self.slices.items()}
        return {"all": self.all.state(), "slices": slices, "drawn": None if self.drawn is None else self.drawn.state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], shape: Shape) -> Self:
        slices = {
            column: {value: Kept.from_state(kept, shape) for value, kept in parts.items()} for column, parts in state["slices"].items()
        }
        drawn = None if shape.drawing is None else DrawnTally.from_state(state["drawn"], shape.drawing)
        return cls(all=Kept.from_state(state["all"], shape), slices=slices, drawn=drawn)

    def shown(self, columns: Sequence[str]) -> dict[str, dict[str, Kept]]:
        """The slices of `columns` by value, in order, without columns that have too many."""
        return {
            column: dict(sorted(parts.items()))
            for column in columns
            if (parts := self.slices.get(column, {})) and len(parts) <= MOST_SLICES
        }


def _merged(left: Mapping[str, Kept], right: Mapping[str, Kept]) -> dict[str, Kept]:
    merged = dict(left)
    for value, kept in right.items():
        merged[value] = merged[value].merge(kept) if value in merged else kept
    return merged
