"""What is kept of single rows for the pictures of a report: how a number is spread, and some rows with both of their numbers."""

from bisect import insort
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from evalsvc.metrics.histogram import HistogramTally
from evalsvc.records import Score

MOST_POINTS: Final = 300

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What is drawn of a task's rows."""

    name: str  # the score that is counted; where there are pairs, what their difference is called
    ends: tuple[float, float] | None = None  # between which it lies
    pair: Callable[[Score], Pair | None] | None = None  # target and prediction, where both are numbers


@dataclass(slots=True, kw_only=True)
class SampleTally:
    """The rows with the lowest hashes of their ids, whatever the order. A tally under the laws of metrics/tally.py."""

    most: int = MOST_POINTS
    rows: int = 0  # that it was drawn from
    chosen: list[tuple[int, Pair]] = field(default_factory=list)  # in order

    def update(self, hashed: int, pair: Pair) -> None:
        self.rows += 1
        if len(self.chosen) < self.most or hashed < self.chosen[-1][0]:
            insort(self.chosen, (hashed, pair))
            del self.chosen[self.most :]

    def merge(self, other: Self) -> Self:
        return type(self)(most=self.most, rows=self.rows + other.rows, chosen=sorted(self.chosen + other.chosen)[: self.most])

    def state(self) -> dict[str, Any]:
        """Hashes as text: they outgrow the integers of many JSON readers."""
        return {"most": self.most, "rows": self.rows, "chosen": [[str(hashed), *pair] for hashed, pair in self.chosen]}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        chosen = [(int(hashed), (target, prediction)) for hashed, target, prediction in state["chosen"]]
        return cls(most=state["most"], rows=state["rows"], chosen=chosen)


@dataclass(slots=True, kw_only=True)
class DrawnTally:
    """A tally under the laws of metrics/tally.py, without updates to be taken back."""

    drawing: Drawing = field(repr=False, compare=False)
    histogram: HistogramTally = field(default_factory=HistogramTally)  # of the score, or of prediction - target
    sample: SampleTally = field(default_factory=SampleTally)  # of pairs; empty where there are none

    def update(self, item: Score, hashed: int) -> None:
        """`hashed`: of the row's id; repeats of one row have the same."""
        if self.drawing.pair is None:
            value = None if item.scores is None else item.scores.get(self.drawing.name)
        elif (pair := self.drawing.pair(item)) is None:
            value = None
        else:
            value = pair[1] - pair[0]
            self.sample.update(hashed, pair)
        if value is not None:
            self.histogram.update(value)

    def merge(self, other: Self) -> Self:
        return type(self)(drawing=self.drawing, histogram=self.histogram.merge(other.histogram), sample=self.sample.merge(other.sample))

    def state(self) -> dict[str, Any]:
        return {"histogram": self.histogram.state(), "sample": self.sample.state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], drawing: Drawing) -> Self:
        return cls(
            drawing=drawing,
            histogram=HistogramTally.from_state(state["histogram"]),
            sample=SampleTally.from_state(state["sample"]),
        )
