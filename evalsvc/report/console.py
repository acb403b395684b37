"""The one place where facts become rich text."""

from collections.abc import Iterable, Mapping
from typing import NoReturn, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from evalsvc.report.facts import LABEL_WIDTH, SEPARATOR, Fact, Part, Tone
from evalsvc.report.streams import lost

PIPED_WIDTH = 120

# the sixteen colours of the terminal's own theme, which its owner chose to be readable
STYLES = {Tone.PLAIN: "", Tone.STRONG: "bold", Tone.FAINT: "dim", Tone.GOOD: "green", Tone.WARN: "yellow", Tone.BAD: "red"}


class CalmConsole(Console):
    """A console whose broken pipe is an error like any other."""

    def on_broken_pipe(self) -> NoReturn:
        # rich itself would end the process here
        raise  # noqa: PLE0704


class Unpadded:
    """A renderable without the blanks at line ends that fill its tables, so that what is copied or searched is what is seen."""

    def __init__(self, content: RenderableType) -> None:
        self._content = content

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Segment]:
        for line in console.render_lines(self._content, options, pad=False):
            yield from _without_trailing_blanks(line)
            yield Segment.line()


def _without_trailing_blanks(line: list[Segment]) -> list[Segment]:
    while line and not line[-1].text.strip():
        line = line[:-1]
    return [*line[:-1], line[-1]._replace(text=line[-1].text.rstrip())] if line else []


def show(console: Console, content: RenderableType, stream: TextIO, *, unfolded: Iterable[Fact] = ()) -> None:
    """Prints and flushes a result; errors as `lost`.

    `unfolded` facts follow; their lines are as long as they are, for a path or command cut in two cannot be copied.
    """
    try:
        console.print(Unpadded(content))
        for item in unfolded:
            console.print(rich_line(item), soft_wrap=True)
        stream.flush()
    except OSError as exc:
        lost(stream, exc)


def open_console(stream: TextIO, environ: Mapping[str, str], *, width: int | None = None) -> CalmConsole:
    """A console on `stream` that follows NO_COLOR, FORCE_COLOR, COLUMNS and TERM of `environ`.

    `width` None means the terminal's; where there is none, 120.
    """
    if width is None and not stream.isatty() and "COLUMNS" not in environ:
        width = PIPED_WIDTH
    return CalmConsole(file=stream, width=width, highlight=False, markup=False, emoji=False, force_jupyter=False, _environ=environ)


def rich_part(part: Part) -> Text:
    return Text(part.text, style=STYLES[part.tone])


def rich_parts(item: Fact) -> Text:
    """The parts of a fact in their colours, separated by middle dots."""
    return Text(SEPARATOR).join(rich_part(part) for part in item.parts)


def rich_line(item: Fact) -> Text:
    """A fact that is not folded; further lines of a text stand under its first."""
    line = Text(f"  {item.label:<{LABEL_WIDTH}}", style="dim")
    words = rich_parts(item).split("\n")
    return Text("").join([line, Text("\n" + " " * (LABEL_WIDTH + 2)).join(words)])


def rich_block(facts: Iterable[Fact]) -> Table:
    """Facts in two columns, long texts folded under themselves."""
    grid = Table.grid(padding=(0, 0, 0, 0))
    grid.add_column(width=LABEL_WIDTH + 2, no_wrap=True)
    grid.add_column(overflow="fold")
    for item in facts:
        grid.add_row(Text(f"  {item.label}", style="dim"), rich_parts(item))
    return grid
