"""An interval in a cell of a table: a line with its value on a scale that the cells above and below it share."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from evalsvc.report.html.markup import Html

WIDTH: Final = 160
HEIGHT: Final = 16
_EDGE: Final = 6

WHISKER_STYLE: Final = """
svg.whisker{display:inline-block;width:10rem;height:1rem;vertical-align:-.2em;stroke:currentColor;fill:currentColor}
svg.whisker .zero{stroke:var(--faint);stroke-dasharray:2 2;stroke-width:1} svg.whisker .ends{stroke-width:2}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From where to where a scale goes."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Self | None:
        """Around all that is known; None where that is less than two different numbers."""
        known = [value for value in values if value is not None]
        return cls(low=min(known), high=max(known)) if known and min(known) < max(known) else None

    @classmethod
    def around_zero(cls, values: Iterable[float | None]) -> Self | None:
        """With zero in the middle; None where all that is known is zero."""
        widest = max((abs(value) for value in values if value is not None), default=0.0)
        return cls(low=-widest, high=widest) if widest else None

    def x(self, value: float) -> str:
        return f"{_EDGE + (WIDTH - 2 * _EDGE) * (value - self.low) / (self.high - self.low):.1f}"


def whisker(span: Span | None, low: float | None, value: float | None, high: float | None, *, tone: str = "") -> Html:
    """The interval's line and the value's dot, with a dashed line at zero where zero is on the scale; "" without a value or a scale.

    It repeats the numbers beside it and is not read out.
    """
    if span is None or value is None:
        return Html("")
    middle = HEIGHT // 2
    zero = _line("zero", span.x(0.0), 0, span.x(0.0), HEIGHT) if span.low <= 0 <= span.high else ""
    ends = "" if low is None or high is None else _line("ends", span.x(low), middle, span.x(high), middle)
    dot = f'<circle cx="{span.x(value)}" cy="{middle}" r="3.5" stroke="none"/>'
    return Html(f'<svg class="whisker {tone}" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{zero}{ends}{dot}</svg>')


def _line(kind: str, x1: str, y1: int, x2: str, y2: int) -> str:
    return f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'
