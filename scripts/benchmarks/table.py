"""What was measured, one row a number."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One number, its yardstick and its target, all as they are to be read."""

    case: str
    what: str
    measured: str
    bare: str = ""
    ratio: float | None = None  # measured over bare
    target: str = ""
    reached: bool | None = None  # None: shown without a target of its own


REACHED = {True: "yes", False: "NO", None: ""}


def show(results: Iterable[Result], console: Console) -> None:
    table = Table(box=None, header_style="bold")
    for title, justify in (("case", "left"), ("what", "left"), ("measured", "right"), ("bare", "right"), ("ratio", "right")):
        table.add_column(title, justify="right" if justify == "right" else "left", no_wrap=title != "what")
    table.add_column("target")
    table.add_column("reached")
    for result in results:
        ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
        table.add_row(result.case, result.what, result.measured, result.bare, ratio, result.target, REACHED[result.reached])
    console.print(table)
