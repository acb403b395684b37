"""Rows by how likely they were said to be of a label: counts on the log-odds scale, exact while there are few distinct ones.

Probabilities from logprobs crowd at 0 and 1; on the scale of log-odds they are told apart there as well as in the middle.
Log-odds are whole multiples of 2**-32, so that equal ones are equal whatever came before them. Above 50,000 distinct ones they
are thrown together in bins of 1/1024, then 1/256, 1/16, 1/4 and 1; how wide is a function of the rows and not of their order.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import exp, floor, log
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

MOST_EXACT = 50_000
UNITS_PER_NAT = 1 << 32
# No softmax in single precision tells more than that.
_MOST_NATS = 100
# Bits that are dropped at each level.
_WIDTHS: Final = (0, 22, 24, 28, 30, 32)
_WIDTH_NAMES: Final = ("exact", "bins:1/1024-nat", "bins:1/256-nat", "bins:1/16-nat", "bins:1/4-nat", "bins:1-nat")
_LAST = len(_WIDTHS) - 1


def log_odds(probability: float, rest: float) -> int:
    """log(probability / rest) in units of 2**-32, rounded down. `rest` is given, for 1 - probability has no digits near 1.

    >>> log_odds(0.5, 0.5), log_odds(1.0, 0.0) // UNITS_PER_NAT, log_odds(0.0, 1.0) // UNITS_PER_NAT
    (0, 100, -100)
    """
    if probability <= 0 or rest <= 0:
        return (_MOST_NATS if probability > 0 else -_MOST_NATS) * UNITS_PER_NAT
    return floor(max(-_MOST_NATS, min(_MOST_NATS, log(probability / rest) if rest > 1e-300 else _MOST_NATS)) * UNITS_PER_NAT)


def probability_at(units: int) -> float:
    """The inverse, as near as a double comes to it.

    >>> probability_at(0), round(probability_at(log_odds(0.75, 0.25)), 9)
    (0.5, 0.75)
    """
    nats = units / UNITS_PER_NAT
    return 1 / (1 + exp(-nats)) if nats >= 0 else exp(nats) / (1 + exp(nats))


@dataclass(slots=True, kw_only=True)
class OddsTally:
    """Rows of one label and of all others by log-odds, and by cluster, with the rows that have none.

    A tally under the laws of metrics/tally.py, without updates to be taken back.
    """

    most: int = MOST_EXACT
    level: int = 0
    cells: dict[int, dict[int, int]] = field(default_factory=dict)  # cluster -> 2 * log-odds + (1 for the label) -> rows
    without: dict[int, tuple[int, int]] = field(default_factory=dict)  # cluster -> rows without an answer: others, of the label
    entries: int = 0  # of all `cells`

    def update(self, units: int | None, *, of_label: bool, cluster: int = 0) -> None:
        """`units`: log-odds of the label; None for a row without an answer."""
        if units is None:
            others, own = self.without.get(cluster, (0, 0))
            self.without[cluster] = (others, own + 1) if of_label else (others + 1, own)
            return
        width = _WIDTHS[self.level]
        key = (units >> width << width) * 2 + of_label
        there = self.cells.get(cluster)
        if there is None:
            there = self.cells[cluster] = {}
        count = there.get(key, 0)
        there[key] = count + 1
        if not count:
            self.entries += 1
            self._widen()

    def _widen(self) -> None:
        while self.entries > self.most and self.level < _LAST:
            self._to_level(self.level + 1)

    def _to_level(self, level: int) -> None:
        self.level, width = level, _WIDTHS[level]
        for cluster, counts in self.cells.items():
            wide: dict[int, int] = {}
            for key, count in counts.items():
                wider = (key >> 1 >> width << width) * 2 + (key & 1)
                wide[wider] = wide.get(wider, 0) + count
            self.cells[cluster] = wide
        self.entries = sum(map(len, self.cells.values()))

    def merge(self, other: Self) -> Self:
        merged = type(self)(most=self.most, cells={cluster: dict(counts) for cluster, counts in self.cells.items()})
        for cluster, counts in other.cells.items():
            there = merged.cells.setdefault(cluster, {})
            for key, count in counts.items():
                there[key] = there.get(key, 0) + count
        merged.without = dict(self.without)
        for cluster, (others, own) in other.without.items():
            here = merged.without.get(cluster, (0, 0))
            merged.without[cluster] = here[0] + others, here[1] + own
        merged._to_level(max(self.level, other.level))
        merged._widen()
        return merged

    def state(self) -> dict[str, Any]:
        """Keys as text: they outgrow the integers of many JSON readers."""
        cells = [[cluster, [[str(key), count] for key, count in sorted(counts.items())]] for cluster, counts in sorted(self.cells.items())]
        without = [[cluster, *rows] for cluster, rows in sorted(self.without.items())]
        return {"most": self.most, "level": self.level, "cells": cells, "without": without}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        cells = {cluster: {int(key): count for key, count in counts} for cluster, counts in state["cells"]}
        return cls(
            most=state["most"],
            level=state["level"],
            cells=cells,
            without={cluster: (others, own) for cluster, others, own in state["without"]},
            entries=sum(map(len, cells.values())),
        )

    @property
    def resolution(self) -> str:
        """For signatures."""
        return _WIDTH_NAMES[self.level]

    @property
    def exact(self) -> bool:
        return self.level == 0

    def curve(self) -> "Curve":
        """All clusters together."""
        import numpy as np

        pooled: dict[int, int] = {}
        for counts in self.cells.values():
            for key, count in counts.items():
                pooled[key] = pooled.get(key, 0) + count
        keys = sorted({key >> 1 for key in pooled})
        return Curve(
            units=np.array(keys, dtype=np.int64),
            own=np.array([pooled.get(2 * key + 1, 0) for key in keys], dtype=np.int64),
            others=np.array([pooled.get(2 * key, 0) for key in keys], dtype=np.int64),
            lost=sum(own for _, own in self.without.values()),
            lost_others=sum(others for others, _ in self.without.values()),
        )

    def clusters(self) -> "list[int]":
        return sorted({*self.cells, *self.without})

    def rounded(self, level: int) -> "OddsTally":
        """A copy in bins at least as wide as those of `level`."""
        copy = self.merge(type(self)(most=self.most))
        if copy.level < level:
            copy._to_level(level)
        return copy

    def rows(self) -> Iterator[tuple[int, int, bool, int]]:
        """(cluster, log-odds, of the label, rows), without those that have none."""
        for cluster, counts in sorted(self.cells.items()):
            for key, count in sorted(counts.items()):
                yield cluster, key >> 1, bool(key & 1), count


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Counts by log-odds, lowest first: all that a ranking metric or a threshold depends on."""

    units: "Ints"
    own: "Ints"  # rows of the label
    others: "Ints"
    lost: int = 0  # rows of the label without an answer
    lost_others: int = 0

    def rounded(self, level: int) -> "Curve":
        """In bins at least as wide as those of `level`."""
        import numpy as np

        units, of = np.unique(self.units >> _WIDTHS[level] << _WIDTHS[level], return_inverse=True)
        own, others = np.zeros(len(units), dtype=np.int64), np.zeros(len(units), dtype=np.int64)
        np.add.at(own, of, self.own)
        np.add.at(others, of, self.others)
        return replace(self, units=units, own=own, others=others)

    @property
    def support(self) -> int:
        """Rows of the label."""
        return int(self.own.sum()) + self.lost

    @property
    def support_others(self) -> int:
        return int(self.others.sum()) + self.lost_others
