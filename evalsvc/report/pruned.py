"""What `evalsvc prune` says of each run: is it kept or deleted, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TextIO

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from evalsvc.report.console import open_console, rich_part, show
from evalsvc.report.facts import Part, Tone
from evalsvc.report.plain import one_line, shorten
from evalsvc.report.streams import forgive_encoding
from evalsvc.report.words import duration, size, some

RUN_COLUMNS = 40
GAP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """One run."""

    run: str  # NAME/ID, by the folders
    path: str
    age_s: float  # since its last launch ended
    octets: int
    is_doomed: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """All runs that were looked at, the oldest first within each name; sizes in bytes."""

    fates: Sequence[Fate]
    leftovers: Sequence[str]  # folders that an earlier prune was killed over
    leftover_octets: int
    is_done: bool  # whether what is doomed is gone

    @property
    def doomed(self) -> list[Fate]:
        return [fate for fate in self.fates if fate.is_doomed]

    @property
    def octets(self) -> int:
        """What is freed, or would be."""
        return sum(fate.octets for fate in self.doomed) + self.leftover_octets


def pruning_json(pruning: Pruning) -> dict[str, Any]:
    """One object: what became of every run, and how many bytes that frees."""
    runs = [asdict(fate) for fate in pruning.fates]
    return {"is_done": pruning.is_done, "octets": pruning.octets, "runs": runs, "leftovers": list(pruning.leftovers)}


def print_pruning(pruning: Pruning, *, stdout: TextIO | None, environ: Mapping[str, str]) -> None:
    """On `stdout`; nothing when it was closed from the start."""
    if stdout is None:
        return
    forgive_encoding(stdout)
    console = open_console(stdout, environ)
    show(console, pruning_table(pruning), stdout)


def pruning_table(pruning: Pruning) -> RenderableType:
    """A line for each run, then what it comes to and what to type next."""
    parts: list[RenderableType] = [_table(pruning)] if pruning.fates else []
    if pruning.leftovers:
        words = f"{some(len(pruning.leftovers), 'run')} of which an earlier prune was broken off: {size(pruning.leftover_octets)}"
        parts += [Padding(Text(words), (0, 0, 0, GAP))]
    return Group(*parts, *([Text("")] if parts else []), Padding(Text(_total(pruning), style="bold"), (0, 0, 0, GAP)))


def _table(pruning: Pruning) -> Table:
    table = Table(box=None, padding=(0, 0, 0, GAP), header_style="dim")
    table.add_column("run", no_wrap=True)
    table.add_column("age", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("why", overflow="fold")
    for fate in pruning.fates:
        gone = Part("deleted" if pruning.is_done else "delete", Tone.WARN) if fate.is_doomed else Part("keep", Tone.FAINT)
        name, age = Text(shorten(fate.run, RUN_COLUMNS)), Text(duration(fate.age_s))
        table.add_row(name, age, Text(size(fate.octets)), rich_part(gone), Text(one_line(fate.reason)))
    return table


def _total(pruning: Pruning) -> str:
    number = len(pruning.doomed)
    if not number and not pruning.leftovers:
        return f"nothing to delete: {some(len(pruning.fates), 'run')} kept"
    of = f"{number} of {some(len(pruning.fates), 'run')}, {size(pruning.octets)}"
    return f"deleted {of}" if pruning.is_done else f"would delete {of}; the same command with --yes does"
