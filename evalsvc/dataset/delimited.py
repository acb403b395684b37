"""CSV, with quotes as in RFC 4180, and TSV, which has no quoting at all: every quote there is text."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Generic

from evalsvc.dataset.place import Place, pure
from evalsvc.dataset.reader import Raw, not_utf8
from evalsvc.errors import UsageError

# A quote that is never closed would otherwise take the rest of the file into memory.
MAX_FIELD_CHARS = 1 << 28
_OTHER_MARKS = {b";": "semicolons", b"\t": "tabs", b"|": "bars"}
_QUOTED = re.compile(rb'"[^"]*("|$)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimited(Generic[Raw]):
    """Rows of text under fixed column names; `values` takes a raw row apart."""

    path: Place
    columns: Sequence[str]
    raws: Iterator[tuple[int, Raw]]
    values: Callable[[Place, int, Raw], list[str]]

    def parse(self, line: int, raw: Raw, /) -> dict[str, str]:
        values = self.values(self.path, line, raw)
        if len(values) != len(self.columns):
            raise UsageError(
                f"{self.path}:{line}: {_fields(len(values))} where the {len(self.columns)} columns {', '.join(self.columns)} are expected",
                hint="A tab (TSV) or an unquoted comma (CSV) inside a value splits it; a file without a header needs `dataset.columns`.",
            )
        return dict(zip(self.columns, values, strict=True))


def open_csv(path: Place, lines: Iterable[bytes], names: Sequence[str] | None) -> Delimited[list[str]]:
    """Header from the first record unless `names` are given; newlines inside quotes are fine."""
    # a column of texts, alone in its file, may hold any mark
    raws = csv_rows(path, lines if names is not None and len(names) == 1 else refuse_other_mark(path, lines))
    return Delimited(path=path, columns=_header(path, raws, _as_is, names), raws=raws, values=_as_is)


def open_tsv(path: Place, lines: Iterable[bytes], names: Sequence[str] | None) -> Delimited[bytes]:
    """Header from the first line unless `names` are given; CR-LF is tolerated."""
    raws = _tsv_lines(lines)
    return Delimited(path=path, columns=_header(path, raws, _split, names), raws=raws, values=_split)


def tsv_rows(path: Place, lines: Iterable[bytes]) -> Iterator[tuple[int, list[str]]]:
    """(line, fields) of every line, a header among them."""
    return ((number, _split(path, number, line)) for number, line in _tsv_lines(lines))


def _tsv_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    return ((number, line) for number, line in enumerate(lines, 1) if line.rstrip(b"\r\n"))


def csv_rows(path: Place, lines: Iterable[bytes]) -> Iterator[tuple[int, list[str]]]:
    """(line, fields) of every record, a header among them."""
    _allow_long_fields()
    # strict: a stray quote is an error at its line, where csv's default swallows rows in silence
    reader = csv.reader(map(bytes.decode, lines), strict=True)
    start = 1
    try:
        for record in reader:
            if record:
                yield start, record
            start = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise not_utf8(path, reader.line_num + 1, error) from error
    except csv.Error as error:
        raise UsageError(
            f"{path}:{start}: not valid CSV: {error} (in the record that starts here)",
            hint='A field with quotes, commas or newlines stands in quotes, with its own quotes doubled: "she said ""yes""".',
        ) from error


def refuse_other_mark(path: Place, lines: Iterable[bytes]) -> Iterable[bytes]:
    """The same lines; UsageError when the first of them has no comma, and a mark by which spreadsheets separate fields elsewhere."""
    lines = iter(lines)
    first = next(lines, b"")
    unquoted = _QUOTED.sub(b"", first)
    mark = next((mark for mark in _OTHER_MARKS if mark in unquoted), None)
    # a quote that is left opens a name that goes on in the next line
    if mark is None or b"," in unquoted or b'"' in unquoted:
        return chain([first], lines)
    raise UsageError(
        f"{path}:1: the fields are separated by {_OTHER_MARKS[mark]}, and CSV is read with commas",
        hint="Set `dataset.format: tsv`, or rename the file to .tsv." if mark == b"\t" else f"Convert it: {_with_commas(path, mark)}",
    )


def _with_commas(path: Place, mark: bytes) -> str:
    new = f"{pure(path).stem}-commas.csv"
    program = "import csv; csv.writer(open({new!r}, 'w', newline='')).writerows(csv.reader(open({old!r}, newline=''), delimiter={mark!r}))"
    return f'python -c "{program.format(new=new, old=path.name, mark=mark.decode())}"'


def _allow_long_fields() -> None:
    # the limit belongs to the whole process: never lowered, for somebody else may have raised it
    if csv.field_size_limit() < MAX_FIELD_CHARS:
        csv.field_size_limit(MAX_FIELD_CHARS)


def _as_is(_path: Place, _line: int, record: list[str]) -> list[str]:
    return record


def _split(path: Place, line: int, raw: bytes) -> list[str]:
    try:
        return raw.decode().rstrip("\r\n").split("\t")
    except UnicodeDecodeError as error:
        raise not_utf8(path, line, error) from error


def _header(
    path: Place, raws: Iterator[tuple[int, Raw]], values: Callable[[Place, int, Raw], list[str]], names: Sequence[str] | None
) -> tuple[str, ...]:
    """The column names, given or from the first row, each once; none of an empty file."""
    where, first = "`dataset.columns`", None
    if names is None and (first := next(raws, None)):
        where, names = f"{path}:{first[0]}", values(path, *first)
    columns = tuple(names or ())
    if len(set(columns)) < len(columns):
        column, _ = Counter(columns).most_common(1)[0]
        raise UsageError(f"{where}: the column {column!r} is named twice", hint="Give every column a name of its own.")
    return columns


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"
