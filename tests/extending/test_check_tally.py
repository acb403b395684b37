"""check_tally finds the law that a metric breaks, and says which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pytest

from evalsvc.extending import JudgedRow, Tally, check_tally

ROWS = [JudgedRow(id=str(number), output="x" * number, scores={"s": 0.1 * number}) for number in range(12)]


@dataclass
class Lengths:
    """A lawful one; each of the others breaks one law."""

    total: float = 0

    @classmethod
    def empty(cls, options: Mapping[str, Any], /) -> Self:
        return cls(options.get("start", 0))

    def update(self, row: JudgedRow, /) -> None:
        self.total += len(row.output)

    def merge(self, other: Self, /) -> Self:
        return type(self)(self.total + other.total)

    def state(self) -> dict[str, Any]:
        return {"total": self.total}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], /) -> Self:
        return cls(**state)

    def value(self) -> float | None:
        return self.total


class Floats(Lengths):
    def update(self, row: JudgedRow, /) -> None:
        self.total += row.scores["s"]


class Last(Lengths):
    def update(self, row: JudgedRow, /) -> None:
        self.total = len(row.output)


class Greedy(Lengths):
    def merge(self, other: Self, /) -> Self:
        self.total += other.total
        return self


class Forgetful(Lengths):
    def merge(self, other: Self, /) -> Self:
        return type(self)(max(self.total, other.total))


class Stateless(Lengths):
    def state(self) -> dict[str, Any]:
        return {}


def test_a_lawful_metric_passes() -> None:
    check_tally(Lengths, ROWS)


@pytest.mark.parametrize(
    ("metric", "law"),
    [
        (Floats, "another order"),
        (Last, "another order"),
        (Greedy, "merged|merge"),
        (Forgetful, "merged parts differ"),
        (Stateless, r"from_state\(state\(\)\) is another tally"),
    ],
)
def test_a_broken_law_is_named(metric: type[Tally], law: str) -> None:
    with pytest.raises(AssertionError, match=f"{metric.__name__}: .*({law})"):
        check_tally(metric, ROWS)


def test_an_empty_tally_that_is_not_empty_is_found() -> None:
    with pytest.raises(AssertionError):
        check_tally(Lengths, ROWS, {"start": 5})


@pytest.mark.parametrize("rows", [[], ROWS[:1]])
def test_few_rows_are_enough_to_run(rows: Sequence[JudgedRow]) -> None:
    check_tally(Lengths, rows)
