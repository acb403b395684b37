"""The role of a file format, and the errors that all formats share."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeVar

from evalsvc.dataset.place import Place
from evalsvc.errors import UsageError

Raw = TypeVar("Raw")


class Reader(Protocol[Raw]):
    """The rows of one open file, in two steps, so that a row nobody needs is never parsed."""

    @property
    def columns(self) -> Sequence[str] | None:
        """The columns of every row, or None where each row brings its own."""
        ...

    @property
    def raws(self) -> Iterator[tuple[int, Raw]]:
        """(physical line the row starts on, from 1; the row unparsed), blank lines left out."""
        ...

    def parse(self, line: int, raw: Raw, /) -> dict[str, Any]:
        """The row, a new dict; UsageError with file and line when it is malformed."""
        ...


class RowNumber(int):
    """In place of a line, for files that have none: counted from 1.

    >>> f"t.parquet:{RowNumber(7)}"
    't.parquet:row 7'
    """

    def __str__(self) -> str:
        return f"row {int(self)}"

    __repr__ = __str__


def not_utf8(path: Place, line: int, error: UnicodeDecodeError) -> UsageError:
    """The error for a line that is not UTF-8 text; columns are counted in bytes, from 1."""
    return UsageError(
        f"{path}:{line}: not UTF-8: byte 0x{error.object[error.start]:02x} at column {error.start + 1}",
        hint=f"Convert the file, for example: iconv -f WINDOWS-1252 -t UTF-8 {path.name} > utf-8-{path.name}",
    )
