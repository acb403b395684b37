"""The live panel of a terminal: a bar and a few lines that stay where they are."""

from collections.abc import Callable, Mapping
from typing import TextIO

from rich.live import Live
from rich.text import Text

from evalsvc.records import Progress
from evalsvc.report.console import CalmConsole, Unpadded, open_console, rich_block, rich_line
from evalsvc.report.facts import LABEL_WIDTH
from evalsvc.report.intro import Exchange, RunIntro, exchange_facts, intro_facts
from evalsvc.report.lines import Pace
from evalsvc.report.plain import one_line, plain
from evalsvc.report.progress import progress_facts
from evalsvc.report.words import count, percent

BAR_AT_MOST = 48


class TerminalView:
    """Redraws at most every `every_s`; between two redraws an update costs a comparison."""

    def __init__(self, stream: TextIO, *, environ: Mapping[str, str], every_s: float, clock: Callable[[], float]) -> None:
        self._console = open_console(stream, environ)
        self._pace = Pace(every_s, clock)
        self._live: Live | None = None
        self._undrawn: Progress | None = None

    def start(self, run: RunIntro) -> None:
        self._console.print(Text(one_line(run.name), style="bold"))
        self._console.print(Unpadded(rich_block(intro_facts(run))))
        self._console.line()

    def note(self, text: str) -> None:
        self._console.print(Text(f"note: {plain(text)}", style="yellow"))

    def first_exchange(self, exchange: Exchange) -> None:
        columns = max(20, self._console.width - LABEL_WIDTH - 2)
        self._console.print(Text("first exchange", style="bold"))
        self._console.print(Unpadded(rich_block(exchange_facts(exchange, columns=columns))))
        self._console.line()

    def update(self, progress: Progress) -> None:
        self._undrawn = progress
        if self._pace.due():
            self._draw(progress)

    def close(self) -> None:
        if self._undrawn is not None:
            self._draw(self._undrawn)
        if self._live is not None:
            self._live.stop()
            self._console.line()

    def _draw(self, progress: Progress) -> None:
        self._undrawn = None
        if self._live is None:
            self._live = self._open_live()
        self._live.update(panel(progress, width=self._console.width, ascii_only=ascii_only(self._console)), refresh=True)

    def _open_live(self) -> Live:
        live = Live(console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False, vertical_overflow="crop")
        live.start()
        # a killed process could not give the cursor back
        self._console.show_cursor(True)
        return live


def ascii_only(console: CalmConsole) -> bool:
    return not console.encoding.lower().startswith("utf")


def panel(progress: Progress, *, width: int, ascii_only: bool = False) -> Text:
    """The whole panel as one text, every line at most `width` wide."""
    lines = [bar(progress, width=width, ascii_only=ascii_only), *(rich_line(item) for item in progress_facts(progress))]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Text("\n", no_wrap=True, overflow="crop").join(lines)


def bar(progress: Progress, *, width: int, ascii_only: bool) -> Text:
    """How far it is, drawn and in numbers; the bar takes what the numbers leave, 48 columns at most."""
    numbers = f"  {count(progress.done)} of {count(progress.expected)}  {percent(progress.done, progress.expected)}"
    room = max(0, min(BAR_AT_MOST, width - len(numbers) - 2))
    full = room * min(progress.done, progress.expected) // progress.expected if progress.expected else 0
    done, left = ("#", "-") if ascii_only else ("━", "─")
    return Text("  ").append(done * full, "bold").append(left * (room - full), "dim").append(numbers)
