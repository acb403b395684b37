"""How numbers are spread: counts in bins, the same bins whatever came first.

Numbers are counted to the nearest 1e-9, and above 2,000 distinct ones in cells ten times as wide, then a hundred times, and so on:
how wide is a function of the numbers and not of their order. What is shown has at most 30 bins, of 1, 2 or 5 times a power of ten.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self, TypedDict

MOST_CELLS: Final = 2_000
BINS_SHOWN: Final = 30
BINS_BETWEEN_ENDS: Final = 20
_UNITS: Final = 10**9  # of 1
# A share of the rows at each side, left to the open ends where the few outermost rows would take more than half of the picture.
_FAR_OUT: Final = 0.005


class Histogram(TypedDict):
    """Bins between neighbouring edges, each with its lower end; the last one with both where nothing lies above."""

    edges: list[float]
    counts: list[int]
    below: int  # rows that lie before the first edge
    above: int


@dataclass(slots=True, kw_only=True)
class HistogramTally:
    """A tally of numbers under the laws of metrics/tally.py, without updates to be taken back."""

    most: int = MOST_CELLS
    width: int = 1  # of a cell, in units: a power of ten
    cells: dict[int, int] = field(default_factory=dict)

    def update(self, item: float) -> None:
        """`item` is finite."""
        try:
            cell = round(item * _UNITS) // self.width
        except OverflowError:
            cell = int(item) * _UNITS // self.width  # so large a double is a whole number
        count = self.cells.get(cell, 0)
        self.cells[cell] = count + 1
        if not count and len(self.cells) > self.most:
            self._widen()

    def _widen(self) -> None:
        while len(self.cells) > self.most:
            self._to_width(self.width * 10)

    def _to_width(self, width: int) -> None:
        wide: dict[int, int] = {}
        for cell, count in self.cells.items():
            wider = cell * self.width // width
            wide[wider] = wide.get(wider, 0) + count
        self.cells, self.width = wide, width

    def merge(self, other: Self) -> Self:
        merged = type(self)(most=self.most, width=self.width, cells=dict(self.cells))
        merged._to_width(max(self.width, other.width))
        for cell, count in other.cells.items():
            wider = cell * other.width // merged.width
            merged.cells[wider] = merged.cells.get(wider, 0) + count
        merged._widen()
        return merged

    def state(self) -> dict[str, Any]:
        """Cells as text: they outgrow the integers of many JSON readers."""
        return {"most": self.most, "width": str(self.width), "cells": [[str(cell), count] for cell, count in sorted(self.cells.items())]}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        return cls(most=state["most"], width=int(state["width"]), cells={int(cell): count for cell, count in state["cells"]})

    @property
    def rows(self) -> int:
        return sum(self.cells.values())

    def at(self, value: float) -> int:
        """Rows with this number, as far as it is told from others."""
        return self.cells.get(round(value * _UNITS) // self.width, 0)

    def value(self) -> Histogram | None:
        """None without rows."""
        if not self.cells:
            return None
        first, last = self._shown()
        step = _step(first, last)
        return self._in_bins(first // step * step * self.width, (last // step + 1) * step * self.width, step * self.width)

    def between(self, low: float, high: float) -> Histogram | None:
        """In 20 bins from `low` to `high`, for numbers that lie between the two; the last bin holds `high` too."""
        units = round(low * _UNITS), round(high * _UNITS)
        step, rest = divmod(units[1] - units[0], BINS_BETWEEN_ENDS)
        if rest or step % self.width or units[0] % self.width:
            return self.value()
        return self._in_bins(*units, step, closed=True) if self.cells else None

    def _in_bins(self, start: int, stop: int, step: int, *, closed: bool = False) -> Histogram:
        """All in units. `closed`: what lies at `stop` is in the last bin."""
        counts = [0] * ((stop - start) // step)
        below = above = 0
        for cell, count in self.cells.items():
            at = cell * self.width
            if at < start:
                below += count
            elif at < stop:
                counts[(at - start) // step] += count
            elif closed and at == stop:
                counts[-1] += count
            else:
                above += count
        return {"edges": [edge / _UNITS for edge in range(start, stop + 1, step)], "counts": counts, "below": below, "above": above}

    def _shown(self) -> tuple[int, int]:
        """The first and the last cell that are shown: all, unless a few rows lie very far out."""
        least, greatest = min(self.cells), max(self.cells)
        few = int(_FAR_OUT * self.rows)
        first, last = _after(few, sorted(self.cells.items())), _after(few, sorted(self.cells.items(), reverse=True))
        return (first, last) if greatest - least > 2 * (last - first) > 0 else (least, greatest)


def _after(rows: int, cells: list[tuple[int, int]]) -> int:
    """The cell that the row behind the first `rows` lies in."""
    for cell, count in cells:
        rows -= count
        if rows < 0:
            return cell
    return cells[-1][0]


def _step(first: int, last: int) -> int:
    """The least of 1, 2, 5, 10, 20 … that puts the cells from `first` to `last` into no more than BINS_SHOWN bins.

    >>> _step(0, 29), _step(0, 30), _step(-7, 120), _step(3, 3)
    (1, 2, 5, 1)
    """
    return next(step for step in _steps() if last // step - first // step < BINS_SHOWN)


def _steps() -> Iterator[int]:
    power = 1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10
