"""What can be drawn with characters: sparklines, and intervals on a scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What is drawn with."""

    levels: str  # of a sparkline, the lowest first
    none: str  # where it has no value
    ends: str  # of an interval: left, between, the value, right
    rise: str
    fall: str


BLOCKS: Final = Marks(levels="▁▂▃▄▅▆▇█", none="·", ends="├─●┤", rise="▲", fall="▼")
ASCII: Final = Marks(levels="_.,-=+*#", none=" ", ends="|-o|", rise="^", fall="v")


def sparkline(values: Sequence[float | None], marks: Marks = BLOCKS) -> str:
    """A character for each value, from the lowest of them to the highest.

    >>> sparkline([0.90, 0.91, None, 0.95]), sparkline([0.5, 0.5])
    ('▁▂·█', '▄▄')
    """
    there = [value for value in values if value is not None]
    low, high = min(there, default=0.0), max(there, default=0.0)
    return "".join(marks.none if value is None else marks.levels[_level(value, low, high, len(marks.levels))] for value in values)


def _level(value: float, low: float, high: float, levels: int) -> int:
    return (levels - 1) // 2 if high == low else min(int((value - low) / (high - low) * levels), levels - 1)


def interval_bar(low: float, value: float, high: float, *, scale: tuple[float, float], cells: int, marks: Marks = BLOCKS) -> str:
    """An interval and its value, `cells` wide, where `scale` goes from the first cell to the last one.

    >>> interval_bar(0.2, 0.5, 0.8, scale=(0.0, 1.0), cells=11), interval_bar(0.5, 0.5, 0.5, scale=(0.0, 1.0), cells=5)
    ('  ├──●──┤  ', '  ●  ')
    """
    start, width = scale[0], scale[1] - scale[0]
    left, middle, right = ((round((one - start) / width * (cells - 1)) if width else cells // 2) for one in (low, value, high))
    line = [" "] * cells
    line[left : right + 1] = marks.ends[1] * (right + 1 - left)
    line[left], line[right] = marks.ends[0], marks.ends[3]
    line[middle] = marks.ends[2]
    return "".join(line)
