"""Tables of numbers, without lines. Where the screen is narrow headings fold, then words are cut; a number is shown whole or not at all."""

from collections.abc import Iterable, Sequence
from textwrap import fill

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

_GAP = 2


def columns(headings: Sequence[str], rows: Sequence[Sequence[Text]], *, width: int, left: int = 1) -> Table:
    """The first `left` columns hold words, the others numbers."""
    table = Table(box=None, padding=(0, 0, 0, _GAP), pad_edge=True, header_style="dim")
    fold = width_of(headings, rows) > width
    for index, heading in enumerate(headings):
        cells = max((cell_len(row[index].plain) for row in rows), default=0)
        if index < left:
            table.add_column(_cut(Text(heading)))
        else:
            narrowest = max(map(cell_len, _breakable(heading).split()), default=0) if fold else cell_len(heading)
            table.add_column(_folded(heading, max(cells, narrowest)), justify="right", width=max(cells, narrowest))
    for row in rows:
        table.add_row(*map(_cut, row[:left]), *row[left:])
    return table


def width_of(headings: Iterable[str], rows: Iterable[Sequence[Text]]) -> int:
    """How many columns of the screen a table of these needs, when nothing is folded.

    >>> width_of(["metric", "rows"], [[Text("accuracy"), Text("1,200")]])
    17
    """
    cells = zip(map(Text, headings), *rows, strict=True)
    return sum(_GAP + max(cell_len(cell.plain) for cell in column) for column in cells)


def _breakable(heading: str) -> str:
    return heading.replace("_", "_ ")


def _folded(heading: str, width: int) -> str:
    r"""
    >>> _folded("balanced_accuracy", 9), _folded("balanced_accuracy", 17), _folded("", 0)
    ('balanced_\naccuracy', 'balanced_accuracy', '')
    """
    return heading if len(heading) <= width else fill(_breakable(heading), width).replace("_ ", "_")


def _cut(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
