"""The scale of a rubric: its ends, and the steps between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

MOST_STEPS = 1000
_CLOSE = 1e-6  # of a step


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Ratings from `low` to `high`, both included, `step` apart.

    >>> Scale.of([1, 5]).index(4), Scale.of([1, 5]).index(4.5), Scale.of([1, 5, 0.5]).index(4.5), Scale.of([1, 5]).index(6)
    (3, None, 7, None)
    """

    low: float
    high: float
    step: float = 1.0

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Self:
        """[lowest, highest] or [lowest, highest, step]. ValueError, in words, for what is no scale."""
        if not 2 <= len(numbers) <= 3:
            raise ValueError("a scale is [lowest, highest], or [lowest, highest, step]")
        scale = cls(low=numbers[0], high=numbers[1], step=numbers[2] if len(numbers) == 3 else 1.0)
        if scale.low >= scale.high or scale.step <= 0:
            raise ValueError(f"{list(numbers)} is no scale: the lowest rating comes first, and the step is above 0")
        if (scale.high - scale.low) / scale.step > MOST_STEPS:
            raise ValueError(f"{list(numbers)} has more than {MOST_STEPS:,} steps")
        if scale.index(scale.high) is None:
            raise ValueError(f"{list(numbers)}: steps of {scale.step:g} from {scale.low:g} never reach {scale.high:g}")
        return scale

    def index(self, rating: float) -> int | None:
        """Which step `rating` is, the lowest being 0; None for what is not on the scale."""
        if not self.low <= rating <= self.high:
            return None
        steps = (rating - self.low) / self.step
        nearest = round(steps)
        return nearest if abs(steps - nearest) <= _CLOSE else None

    @property
    def in_words(self) -> str:
        """
        >>> Scale.of([1, 5]).in_words, Scale.of([0, 1, 0.25]).in_words
        ('a whole number from 1 to 5', 'a number from 0 to 1 in steps of 0.25')
        """
        if self.step == 1 and self.low == int(self.low):
            return f"a whole number from {self.low:g} to {self.high:g}"
        return f"a number from {self.low:g} to {self.high:g} in steps of {self.step:g}"

    def __str__(self) -> str:
        return f"{self.low:g}-{self.high:g}" + ("" if self.step == 1 else f"/{self.step:g}")
