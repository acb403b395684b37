"""Panels put together: one <svg>, with its words for those who do not see it, its legend, and its numbers as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evalsvc.report.html.markup import Html, figure, folded, note, part, table, text
from evalsvc.report.html.svg.axes import Axis
from evalsvc.report.html.svg.panel import FONT, GUIDE, GUIDE_DASHES, LETTER, Panel, drawn, shaped

WIDTH: Final = 440.0
_RIGHT: Final = 14.0
_ABOVE: Final = 26.0  # for the title of an axis
_BELOW: Final = 2 * FONT + 18.0
_BETWEEN: Final = 34.0
_PLANE: Final = 350.0  # about as wide as a panel is
ROWS_OF_NUMBERS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One entry of a legend: what is drawn so, and what it is."""

    shape: str  # line | box | dot | diamond | down | up
    colour: str
    words: str
    dashes: str = ""


def guide_key(words: str) -> Key:
    """Of `Panel.guide`."""
    return Key(shape="line", colour=GUIDE, dashes=GUIDE_DASHES, words=words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What a picture shows, to be read."""

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: Sequence[int] = ()  # places of columns beside the first that hold words


def stacked(x: Axis, *parts: tuple[Axis, float]) -> tuple[list[Panel], float]:
    """Panels one below the other over one x axis, each with its y axis and height; and how high all is."""
    x = x.with_room(_PLANE, LETTER * FONT)
    longest = max((len(label) for y, _ in parts for _, label in y.ticks), default=1)
    left = max([longest * LETTER * FONT + 10, *(_half(label) - x.part(value) * _PLANE for value, label in x.ticks)])
    right = max([_RIGHT, *(_half(label) - (1 - x.part(value)) * _PLANE + 2 for value, label in x.ticks)])
    panels, top = list[Panel](), _ABOVE
    for y, height in parts:
        panels.append(Panel(left=left, top=top, width=WIDTH - left - right, height=height, x=x, y=y))
        top += height + _BETWEEN
    return panels, top - _BETWEEN + _BELOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is drawn, and what is said of it."""

    title: str
    finding: str  # what is to be seen, in words
    content: str  # finished shapes
    height: float
    keys: Sequence[Key] = ()
    numbers: Numbers | None = None

    def html(self) -> Html:
        """With its heading (h3), legend, and the numbers behind a click."""
        words = Html(f'{_legend(self.keys)}<span style="display:block;margin-top:.3em">{text(self.finding)}</span>')
        return part(
            self.title, figure(svg(self.content, self.height, title=self.title, finding=self.finding), words), _numbers(self.numbers)
        )


def _half(label: str) -> float:
    """How far a label that is centred hangs over to each side."""
    return len(label) * LETTER * FONT / 2


def svg(content: str, height: float, *, title: str, finding: str) -> Html:
    words = f"<title>{text(title)}</title><desc>{text(finding)}</desc>"
    # a label of its own: not all who read pages aloud read what stands in a drawing
    label = text(f"{title}: {finding}")
    box = f'viewBox="0 0 {drawn(WIDTH)} {drawn(height)}" width="100%" style="max-width:29rem;font-size:{FONT:g}px"'
    return Html(f'<svg {box} role="img" aria-label="{label}">{words}{content}</svg>')


def _legend(keys: Sequence[Key]) -> str:
    items = "".join(f"<li>{_sample(key)} {text(key.words)}</li>" for key in keys)
    return f'<ul class="legend">{items}</ul>' if items else ""


def _sample(key: Key) -> str:
    """As it is drawn, in the size of a letter."""
    if key.shape == "line":
        dashed = f' stroke-dasharray="{key.dashes}"' if key.dashes else ""
        drawing = f'<path d="M0 6L22 6" style="stroke:{key.colour};stroke-width:2.5"{dashed}/>'
    elif key.shape == "box":
        drawing = f'<rect x="6" y="1" width="10" height="10" style="fill:{key.colour}"/>'
    else:
        drawing = shaped(key.shape, 11, 6, 4.5, key.colour)
    small = "display:inline-block;width:1.6em;height:.87em;vertical-align:-.05em"
    return f'<svg viewBox="0 0 22 12" aria-hidden="true" style="{small}">{drawing}</svg>'


def _numbers(numbers: Numbers | None) -> Html:
    """A page is to be opened in a moment: of very many rows some, evenly; all are in summary.json."""
    if numbers is None or not numbers.rows:
        return Html("")
    rows = evenly(numbers.rows, ROWS_OF_NUMBERS)
    left_out = note(f"{len(rows)} of {len(numbers.rows)} lines; all are in summary.json") if len(rows) < len(numbers.rows) else ""
    return folded("The numbers", table(numbers.headings, rows, caption=numbers.caption, words=numbers.words), left_out)


def evenly(rows: Sequence[Sequence[str]], most: int) -> list[Sequence[str]]:
    """At most so many, the first and the last among them.

    >>> evenly(["a", "b", "c", "d", "e"], 3)
    ['a', 'c', 'e']
    """
    if len(rows) <= most:
        return list(rows)
    return [rows[round(place * (len(rows) - 1) / (most - 1))] for place in range(most)]
