"""A plane between two axes. What is drawn on it is given in the values of the axes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from evalsvc.report.html.markup import text
from evalsvc.report.html.svg.axes import Axis
from evalsvc.report.plain import shorten

FONT: Final = 13.5  # in a picture that is 440 wide: 10 px on a phone
LETTER: Final = 0.56  # how wide a letter is on average, of the font's size
GUIDE: Final = "var(--faint)"
GUIDE_DASHES: Final = "2 3"
_SERIES: Final = 6
_DASHES: Final = ("", "7 3", "2 3")
_GAP: Final = 6

Point = tuple[float, float]


def colour(series: int) -> str:
    """That of the series, counted from 0; the seventh has the first one's again, and another dash."""
    return f"var(--series-{series % _SERIES + 1})"


def dash(series: int) -> str:
    return _DASHES[series // _SERIES % len(_DASHES)]


def drawn(value: float) -> str:
    """A coordinate.

    >>> drawn(12.0), drawn(3.14159), drawn(-0.01)
    ('12', '3.1', '0')
    """
    short = f"{value:.1f}".removesuffix(".0")
    return "0" if short == "-0" else short


def tip(words: str) -> str:
    """What is shown when the pointer rests on a shape."""
    return f"<title>{text(words)}</title>" if words else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """`left`, `top`, `width` and `height` are of the plane itself, without what is written around it."""

    left: float
    top: float
    width: float
    height: float
    x: Axis
    y: Axis

    def at(self, point: Point) -> tuple[str, str]:
        return drawn(self.left + self.width * self.x.part(point[0])), drawn(self.top + self.height * (1 - self.y.part(point[1])))

    def frame(self, *, x_labels: bool = True) -> str:
        """Grid lines, labels, titles; without those along x for a panel above another one."""
        lines = "".join(self._across(value) for value, _ in self.y.ticks)
        labels = "".join(self._y_label(value, label) for value, label in self.y.ticks)
        along_x = "".join(self._x_label(value, label) for value, label in self.x.ticks) + self._x_title() if x_labels else ""
        y_title = f'<text x="{drawn(self.left)}" y="{drawn(self.top - 9)}">{self._titled(self.y)}</text>'
        return (
            f'<g style="stroke:var(--line)">{lines}</g><g style="stroke:var(--faint)">{self._across(self.y.low)}</g>'
            f'<g style="fill:var(--faint)">{labels}{along_x}{y_title}</g>'
        )

    def _across(self, value: float) -> str:
        y = drawn(self.top + self.height * (1 - self.y.part(value)))
        return f'<path d="M{drawn(self.left)} {y}L{drawn(self.left + self.width)} {y}"/>'

    def _y_label(self, value: float, label: str) -> str:
        y = self.top + self.height * (1 - self.y.part(value)) + FONT * 0.35
        return f'<text x="{drawn(self.left - _GAP)}" y="{drawn(y)}" text-anchor="end">{text(label)}</text>'

    def _x_label(self, value: float, label: str) -> str:
        x, y = self.left + self.width * self.x.part(value), self.top + self.height + FONT + 6
        return f'<text x="{drawn(x)}" y="{drawn(y)}" text-anchor="middle">{text(label)}</text>'

    def _titled(self, axis: Axis) -> str:
        """As much of the title as has room."""
        return text(shorten(axis.title, int(self.width / (LETTER * FONT))))

    def _x_title(self) -> str:
        x, y = self.left + self.width, self.top + self.height + 2 * FONT + 12
        return f'<text x="{drawn(x)}" y="{drawn(y)}" text-anchor="end">{self._titled(self.x)}</text>'

    # what is drawn on it -----------------------------------------------------------------------------------------

    def line(self, points: Sequence[Point], *, stroke: str, width: float = 2, dashes: str = "", words: str = "") -> str:
        path = "L".join(" ".join(self.at(point)) for point in points)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        style = f"fill:none;stroke:{stroke};stroke-width:{width:g};stroke-linejoin:round"
        return f'<path d="M{path}" style="{style}"{dashed}>{tip(words)}</path>' if points else ""

    def guide(self, start: Point, end: Point, *, words: str) -> str:
        """What to compare with: chance, the diagonal."""
        return self.line([start, end], stroke=GUIDE, width=1.5, dashes=GUIDE_DASHES, words=words)

    def area(self, points: Sequence[Point], *, fill: str) -> str:
        """Between the line through `points` and 0."""
        if not points:
            return ""
        around = [(points[0][0], 0.0), *points, (points[-1][0], 0.0)]
        return f'<path d="M{"L".join(" ".join(self.at(point)) for point in around)}Z" style="fill:{fill};opacity:.25"/>'

    def bar(self, span: tuple[float, float], to: float, *, fill: str, since: float = 0.0, words: str = "", opacity: float = 1) -> str:
        """From `since` to `to`, with a small gap to its neighbours; one that is too low to be seen is seen."""
        left, right = (self.left + self.width * self.x.part(end) for end in span)
        top, bottom = sorted(self.top + self.height * (1 - self.y.part(end)) for end in (to, since))
        gap = 1.0 if right - left > 4 else 0.0
        high = max(bottom - top, 1.0 if to != since else 0.0)
        y = bottom - high if to > since else top
        faint = f";opacity:{opacity:g}" if opacity < 1 else ""
        place = f'x="{drawn(left)}" y="{drawn(y)}" width="{drawn(max(right - left - gap, 0.5))}" height="{drawn(high)}"'
        return f'<rect {place} style="fill:{fill}{faint}">{tip(words)}</rect>'

    def upright(self, x: float, *, stroke: str, dashes: str = "4 3", words: str = "") -> str:
        """A line from the bottom to the top."""
        return self.line([(x, self.y.low), (x, self.y.high)], stroke=stroke, width=1.5, dashes=dashes, words=words)

    def whisker(self, x: float, low: float, high: float, *, stroke: str) -> str:
        """An interval along y."""
        return self.line([(x, low), (x, high)], stroke=stroke, width=1.5)

    def mark(self, point: Point, shape: str, *, fill: str, size: float = 5, words: str = "") -> str:
        x, y = self.at(point)
        return shaped(shape, float(x), float(y), size, fill, words)

    def dots(self, points: Iterable[Point], *, fill: str, size: float = 2.6) -> str:
        """Many points of one kind, that are seen through where they lie upon each other."""
        circles = "".join('<circle cx="{}" cy="{}" r="{:g}"/>'.format(*self.at(point), size) for point in points)
        return f'<g style="fill:{fill};opacity:.65">{circles}</g>'


_OUTLINES: Final = {
    "diamond": ((0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)),
    "down": ((-1.1, -0.8), (1.1, -0.8), (0.0, 1.1)),
    "up": ((-1.1, 0.8), (1.1, 0.8), (0.0, -1.1)),
}


def shaped(shape: str, x: float, y: float, size: float, fill: str, words: str = "") -> str:
    """A dot, a diamond, or a triangle, set off from what lies below it."""
    style = f"fill:{fill};stroke:var(--paper);stroke-width:1.5"
    if shape == "dot":
        return f'<circle cx="{drawn(x)}" cy="{drawn(y)}" r="{size:g}" style="{style}">{tip(words)}</circle>'
    path = "L".join(f"{drawn(x + size * dx)} {drawn(y + size * dy)}" for dx, dy in _OUTLINES[shape])
    return f'<path d="M{path}Z" style="{style}">{tip(words)}</path>'
