"""What can be told from the first rows of a file: its format, and whether its first line names the columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from evalsvc.dataset.delimited import csv_rows, refuse_other_mark, tsv_rows
from evalsvc.dataset.formats import ENDINGS, HEADED, ending, format_of
from evalsvc.dataset.place import Place
from evalsvc.dataset.source import Source, open_source
from evalsvc.errors import UsageError

LOOK_AT = 2000  # rows in which the words of the first line may come again
LONGEST_NAME = 60
MOST_WORDS = 6
_GUESSED_FROM = ("", ".txt", ".text", ".dat", ".data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sniffed:
    """`format` as `dataset.format` names it; `told` is False where the file's ending says as much."""

    format: str
    told: bool
    width: int | None  # how many columns a file without a header has; None where the file names them


def sniff(place: Place) -> Sniffed:
    """UsageError when the file cannot be read, has no rows, or is of a format that has to be converted."""
    with open_source(place) as source:
        told = ending(place) not in ENDINGS
        name = _guessed(source) if told and ending(place) in _GUESSED_FROM else format_of(place)
        if name not in HEADED:
            return Sniffed(format=name, told=told, width=None)
        first, *rest = list(islice(_rows(name, source), LOOK_AT)) or [[]]
        if not first:
            raise UsageError(f"{place}: the file is empty", hint="Name a file with at least one row.")
        return Sniffed(format=name, told=told, width=None if is_header(first, rest) else len(first))


def is_header(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns: short names, none of which comes again as a value of its column.

    A column without a name is what pandas writes for its index; a name that stands twice is for the reader to refuse.

    >>> is_header(["label", "text"], [["ham", "hi"], ["spam", "win"]]), is_header(["ham", "hi"], [["spam", "win"], ["ham", "yo"]])
    (True, False)
    >>> is_header(["", "text"], [["0", "hi"], ["1", "win"]])
    True
    """
    if not rest:
        return True
    if not any(first) or not all(_is_name(name) for name in first if name):
        return False
    return not any(name == row[at] for at, name in enumerate(first) if name for row in rest if at < len(row))


def _is_name(text: str) -> bool:
    return 0 < len(text.strip()) <= LONGEST_NAME and len(text.split()) <= MOST_WORDS and not _is_number(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _rows(name: str, source: Source) -> Iterator[list[str]]:
    path = source.path
    rows = csv_rows(path, refuse_other_mark(path, source.lines)) if name == "csv" else tsv_rows(path, source.lines)
    return (row for _, row in rows)


def _guessed(source: Source) -> str:
    """The format of a file whose ending tells nothing, by its first bytes."""
    start = source.lines.peek(1 << 12).lstrip()
    line = start.partition(b"\n")[0]
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"{"):
        return "jsonl"
    # a comma in prose has a blank behind it; lines of prose are a TSV file of one column
    return "csv" if b"," in line and b", " not in line and b"\t" not in line else "tsv"
