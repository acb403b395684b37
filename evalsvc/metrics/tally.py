"""What is kept of the rows: counts that add up. Every tally obeys the same laws, and tests enumerate all of them.

    merge is associative and commutative, and an empty tally changes nothing
    update in any order, or over any shards that are merged, gives an equal tally
    from_state(state()) is the tally, and the state is JSON

`times=-1` takes back an update, for a record that a later one replaces.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, exp, log
from typing import Any, Protocol, Self, TypeVar

from evalsvc.errors import UsageError
from evalsvc.records import WITHOUT_LABEL, Outcome, Record, Score, Usage

Item_contra = TypeVar("Item_contra", contravariant=True)


class Tally(Protocol[Item_contra]):
    """One family of counts."""

    def update(self, item: Item_contra, times: int = 1) -> None:
        """Count one more item, in place."""
        ...

    def merge(self, other: Self) -> Self:
        """The tally of both; neither is changed."""
        ...

    def state(self) -> dict[str, Any]:
        """All of it, as JSON."""
        ...

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self: ...

    def value(self) -> Any:
        """What a reader wants to see of it."""
        ...


def _add(counts: dict[Any, int], key: Any, times: int) -> None:
    """Zero counts are dropped, so that equal tallies are equal however they came about."""
    count = counts.get(key, 0) + times
    if count:
        counts[key] = count
    else:
        counts.pop(key, None)


def _sum(left: Mapping[Any, int], right: Mapping[Any, int]) -> dict[Any, int]:
    total = dict(left)
    for key, count in right.items():
        _add(total, key, count)
    return total


@dataclass(slots=True, kw_only=True)
class ConfusionTally:
    """Rows by true label and by what came back: K true labels, and one line for rows without a target.

    Columns are the K labels, then the outcomes without one in the order of records.WITHOUT_LABEL. Only cells that are not
    zero take room.
    """

    labels: tuple[str, ...]
    cells: dict[int, int] = field(default_factory=dict)  # by line * width + column
    cut: int = 0  # a label was found although the reply was cut at max_output_tokens
    width: int = field(init=False, repr=False, compare=False)
    _line: dict[str | None, int] = field(init=False, repr=False, compare=False)
    _column: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.width = len(self.labels) + len(WITHOUT_LABEL)
        self._line = {**{label: index for index, label in enumerate(self.labels)}, None: len(self.labels)}
        self._column = {outcome: len(self.labels) + index for index, outcome in enumerate(WITHOUT_LABEL)}

    @classmethod
    def empty(cls, labels: Sequence[str]) -> Self:
        return cls(labels=tuple(labels))

    def update(self, item: Score, times: int = 1) -> None:
        """UsageError when the target or the prediction is none of the labels."""
        _add(self.cells, self.cell_of(item), times)
        if item.cut and item.outcome not in self._column:
            self.cut += times

    def cell_of(self, item: Score) -> int:
        """Where a row is counted: line * width + column. Errors as `update`."""
        try:
            column = self._column.get(item.outcome)
            if column is None:
                column = self._line[item.prediction]
            return self._line[item.target] * self.width + column
        except KeyError as error:
            raise UsageError(
                f"row {item.id!r}: {error.args[0]!r} is not one of the labels this run is scored with", hint="add it to `scoring.labels`"
            ) from error

    def merge(self, other: Self) -> Self:
        if self.labels != other.labels:
            raise ValueError("tallies over different labels do not add up")
        return type(self)(labels=self.labels, cells=_sum(self.cells, other.cells), cut=self.cut + other.cut)

    def state(self) -> dict[str, Any]:
        return {"labels": list(self.labels), "cells": [list(cell) for cell in sorted(self.cells.items())], "cut": self.cut}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        return cls(labels=tuple(state["labels"]), cells=dict(state["cells"]), cut=state["cut"])

    def value(self) -> dict[str, int]:
        """Rows by outcome."""
        counts = dict.fromkeys(map(str, Outcome), 0)
        for line, column, count in self.triples(with_target_only=False):
            counts[self._outcome(line, column)] += count
        return counts

    def triples(self, *, with_target_only: bool = True) -> list[tuple[int, int, int]]:
        """(true label, column, rows) of the cells that are not zero, in order; index K is a row without target."""
        ordered = ((*divmod(cell, self.width), count) for cell, count in sorted(self.cells.items()))
        return [triple for triple in ordered if triple[0] < len(self.labels) or not with_target_only]

    def _outcome(self, line: int, column: int) -> Outcome:
        if column >= len(self.labels):
            return WITHOUT_LABEL[column - len(self.labels)]
        if line == len(self.labels):
            return Outcome.SCORED
        return Outcome.CORRECT if line == column else Outcome.WRONG


@dataclass(slots=True, kw_only=True)
class OutcomeTally:
    """Rows by outcome, where there are no labels."""

    counts: dict[str, int] = field(default_factory=dict)
    cut: int = 0  # an answer was found although the reply was cut

    @classmethod
    def empty(cls) -> Self:
        return cls()

    def update(self, item: Score, times: int = 1) -> None:
        _add(self.counts, item.outcome.value, times)
        if item.cut and item.outcome not in WITHOUT_LABEL:
            self.cut += times

    def merge(self, other: Self) -> Self:
        return type(self)(counts=_sum(self.counts, other.counts), cut=self.cut + other.cut)

    def state(self) -> dict[str, Any]:
        return {"counts": dict(sorted(self.counts.items())), "cut": self.cut}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        return cls(counts=dict(state["counts"]), cut=state["cut"])

    def value(self) -> dict[str, int]:
        """Rows by outcome, zeros included."""
        return {outcome.value: self.counts.get(outcome.value, 0) for outcome in Outcome}


# What is kept of the outcomes: by label where there are labels.
RowTally = ConfusionTally | OutcomeTally


def empty_row_tally(labels: Sequence[str]) -> RowTally:
    return ConfusionTally.empty(labels) if labels else OutcomeTally.empty()


def row_tally_from_state(state: Mapping[str, Any]) -> RowTally:
    return ConfusionTally.from_state(state) if "labels" in state else OutcomeTally.from_state(state)


_USAGE = ("input", "output", "cached", "reasoning")


@dataclass(slots=True, kw_only=True)
class UsageTally:
    """Tokens of the answers, and what it took to get them."""

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0
    without_usage: int = 0  # answers of which the server did not say what they used
    attempts: int = 0
    retries: int = 0
    errors: dict[str, int] = field(default_factory=dict)  # final errors by kind

    @classmethod
    def empty(cls) -> Self:
        return cls()

    @property
    def usage(self) -> Usage:
        return Usage(input=self.input, output=self.output, cached=self.cached, reasoning=self.reasoning)

    def update(self, item: Record, times: int = 1) -> None:
        self.attempts += item.attempts * times
        if item.attempts > 1:
            self.retries += (item.attempts - 1) * times
        if item.error is not None:
            _add(self.errors, item.error.kind, times)
        if item.reply is not None:
            self._use(item.reply.usage, times)

    def _use(self, used: Usage | None, times: int) -> None:
        if used is None:
            self.without_usage += times
            return
        self.input += used.input * times
        self.output += used.output * times
        self.cached += used.cached * times
        self.reasoning += used.reasoning * times

    def merge(self, other: Self) -> Self:
        sums = {name: getattr(self, name) + getattr(other, name) for name in _COUNTED}
        return type(self)(**sums, errors=_sum(self.errors, other.errors))

    def state(self) -> dict[str, Any]:
        return {**{name: getattr(self, name) for name in _COUNTED}, "errors": dict(sorted(self.errors.items()))}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        return cls(**{**state, "errors": dict(state["errors"])})

    def value(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in _USAGE}


_COUNTED = (*_USAGE, "without_usage", "attempts", "retries")


@dataclass(slots=True, kw_only=True)
class ServedTally:
    """Answers by the model name that the server gave with them; answers that name none are in `unnamed`."""

    names: dict[str, int] = field(default_factory=dict)
    unnamed: int = 0

    @classmethod
    def empty(cls) -> Self:
        return cls()

    def update(self, item: str | None, times: int = 1) -> None:
        """`item`: the name, or None."""
        if item is None:
            self.unnamed += times
        else:
            _add(self.names, item, times)

    def merge(self, other: Self) -> Self:
        return type(self)(names=_sum(self.names, other.names), unnamed=self.unnamed + other.unnamed)

    def state(self) -> dict[str, Any]:
        return {"names": dict(sorted(self.names.items())), "unnamed": self.unnamed}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        return cls(names=dict(state["names"]), unnamed=state["unnamed"])

    def value(self) -> dict[str, int]:
        """Answers by name, the most frequent first, equal counts by code point."""
        return dict(sorted(self.names.items(), key=lambda item: (-item[1], item[0])))


RELATIVE_ERROR = 0.01
_LOG_GAMMA = log((1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR))
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_SHORTEST_S = 1e-9


@dataclass(slots=True, kw_only=True)
class LatencySketch:
    """Quantiles of durations within 1 % of the exact ones, in logarithmic buckets (DDSketch: Masson et al., VLDB 2019).

    `max_s` is exact and, alone of all, cannot be taken back: an update with `times=-1` leaves it.
    """

    buckets: dict[int, int] = field(default_factory=dict)
    max_s: float | None = None

    @classmethod
    def empty(cls) -> Self:
        return cls()

    def update(self, item: float, times: int = 1) -> None:
        """`item` in seconds; what is shorter than a nanosecond counts as one."""
        _add(self.buckets, ceil(log(item if item > _SHORTEST_S else _SHORTEST_S) / _LOG_GAMMA), times)
        if self.max_s is None or item > self.max_s:
            self.max_s = item

    def quantile(self, q: float) -> float | None:
        """The duration that a share `q` of all do not exceed, in seconds; None when there is none."""
        rank = q * (sum(self.buckets.values()) - 1)
        seen = 0
        for bucket, count in sorted(self.buckets.items()):
            seen += count
            if seen > rank:
                middle = 2 * exp(bucket * _LOG_GAMMA) / (exp(_LOG_GAMMA) + 1)
                return middle if self.max_s is None else min(middle, self.max_s)
        return None

    def merge(self, other: Self) -> Self:
        longest = [seconds for seconds in (self.max_s, other.max_s) if seconds is not None]
        return type(self)(buckets=_sum(self.buckets, other.buckets), max_s=max(longest, default=None))

    def state(self) -> dict[str, Any]:
        return {"buckets": [list(bucket) for bucket in sorted(self.buckets.items())], "max_s": self.max_s}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        return cls(buckets=dict(state["buckets"]), max_s=state["max_s"])

    def histogram(self, most: int = 60) -> dict[str, list[Any]] | None:
        """`counts` between neighbouring `edges_s`, in at most `most` bins of one width on a logarithmic scale; None when there is none."""
        if not self.buckets:
            return None
        least, greatest = min(self.buckets), max(self.buckets)
        # a bucket holds what is above its lower end, up to its upper one
        wide = (greatest - least) // (most - 1) + 1
        first, last = -(-least // wide), -(-greatest // wide)
        counts = [0] * (last - first + 1)
        for bucket, rows in self.buckets.items():
            counts[-(-bucket // wide) - first] += rows
        return {"edges_s": [exp(place * wide * _LOG_GAMMA) for place in range(first - 1, last + 1)], "counts": counts}

    def value(self) -> dict[str, float | None]:
        """p50 to p99 and max, in seconds."""
        return {**{name: self.quantile(q) for name, q in _QUANTILES.items()}, "max": self.max_s}
