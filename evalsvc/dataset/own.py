"""Readers that users bring: a function that takes a file and gives its rows."""

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsvc.dataset.place import Url
from evalsvc.dataset.reader import RowNumber
from evalsvc.dataset.source import Source
from evalsvc.errors import UsageError
from evalsvc.jsonio import dumps
from evalsvc.plugins import prints_to_stderr

_NO_MORE = object()
Rows = Iterable[Mapping[str, Any] | tuple[int, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRows:
    """What a user's reader gives of one file, checked row by row."""

    name: str  # as the config has it
    path: Path
    read: Callable[[Path], Rows]
    columns: None = None

    @property
    def raws(self) -> Iterator[tuple[int, Any]]:
        number = 0
        try:
            for number, given in enumerate(self._given(), 1):
                yield given if isinstance(given, tuple) and len(given) == 2 else (RowNumber(number), given)
        except UsageError:
            raise
        except (Exception, SystemExit) as error:
            raise UsageError(
                f"{self.path}: the reader {self.name} failed after row {number}: {_where(error)}{type(error).__name__}: {error}",
                hint="Mend the reader; its protocol is in docs/extending.md#a-data-set-reader",
            ) from error

    def _given(self) -> Iterator[Any]:
        with prints_to_stderr():
            rows = iter(self.read(self.path))
        while True:
            with prints_to_stderr():
                row = next(rows, _NO_MORE)
            if row is _NO_MORE:
                return
            yield row

    def parse(self, line: int, raw: Any, /) -> dict[str, Any]:
        row = dict(raw) if isinstance(raw, Mapping) else None
        if row is None or not all(isinstance(name, str) for name in row):
            raise self._no_row(line, f"gave {type(raw).__name__}, where a mapping of column names to values is expected")
        try:
            dumps(row)
        except (TypeError, ValueError) as error:
            raise self._no_row(line, f"gave a value that JSON cannot carry: {error}") from error
        return row

    def _no_row(self, line: int, what: str) -> UsageError:
        hint = "Give each row as a dict of text, numbers, booleans, None, lists and dicts: docs/extending.md#a-data-set-reader"
        return UsageError(f"{self.path}:{line}: the reader {self.name} {what}", hint=hint)


def open_own(name: str, read: Callable[[Path], Rows], source: Source) -> OwnRows:
    if isinstance(source.path, Url):
        raise UsageError(f"{source.path}: the reader {name} reads files of this machine only", hint="Download the file and name it here.")
    return OwnRows(name=name, path=source.path, read=read)


def _where(error: BaseException) -> str:
    """The deepest line of somebody else's code that is no library's."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    own = [frame for frame in frames if "site-packages" not in frame.filename and "/lib/python" not in frame.filename]
    return "".join(f"{frame.filename}:{frame.lineno}: " for frame in (own or frames)[-1:])
