"""The labelled examples of a training file: JSON Lines, CSV or TSV, gzipped or not."""

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

Rows = Iterator[tuple[int, Mapping[str, Any]]]  # line number, row


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Texts and their labels, in the order of the file."""

    texts: Sequence[str]
    labels: Sequence[str]


def read_examples(
    path: Path, *, columns: Sequence[str] | None, text_column: str, label_column: str, tag_column: str | None = None
) -> Examples:
    """Every row of `path` that has a label; `columns` names those of a headerless CSV or TSV file, `tag_column` one that is put before
    the text as <2de>. Of a label that is a list, such as of several right answers, the first is learned.

    ValueError with file and line when a row lacks a column or is not what the file's ending promises; OSError when it
    cannot be read.
    """
    texts, labels = [], []
    with _opened(path) as file:
        for line, row in _reader(path)(path, file, columns):
            for column in (text_column, label_column, *([tag_column] if tag_column is not None else ())):
                if column not in row:
                    raise ValueError(f"{path}:{line}: no column {column!r}; this row has {', '.join(row)}")
            if label := _as_text(_first(row[label_column])):
                text = _as_text(row[text_column])
                texts.append(text if tag_column is None else f"<2{_as_text(row[tag_column])}> {text}")
                labels.append(label)
    return Examples(texts=texts, labels=labels)


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _reader(path: Path) -> Callable[[Path, TextIO, Sequence[str] | None], Rows]:
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if suffix not in _READERS:
        raise ValueError(f"{path}: the ending of a training file must be one of {', '.join(_READERS)}, also with .gz")
    return _READERS[suffix]


def _json_lines(path: Path, file: TextIO, _columns: Sequence[str] | None) -> Rows:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{path}:{number}: not JSON: {error}") from error
        if not isinstance(row, dict):
            raise ValueError(f"{path}:{number}: a JSON object is expected on each line")
        yield number, row


def _csv(path: Path, file: TextIO, columns: Sequence[str] | None) -> Rows:
    reader = csv.reader(file, strict=True)
    return _named(path, ((reader.line_num, cells) for cells in reader), columns)


def _tsv(path: Path, file: TextIO, columns: Sequence[str] | None) -> Rows:
    # not csv's excel-tab: in a TSV file a quote is a character like any other
    lines = (line.rstrip("\r\n") for line in file)
    return _named(path, ((number, line.split("\t")) for number, line in enumerate(lines, 1) if line), columns)


def _named(path: Path, rows: Iterable[tuple[int, list[str]]], columns: Sequence[str] | None) -> Rows:
    names = columns
    for line, cells in rows:
        if names is None:
            names = cells
        elif len(cells) != len(names):
            if cells:
                raise ValueError(f"{path}:{line}: {len(cells)} cells where {len(names)} columns are expected")
        else:
            yield line, dict(zip(names, cells, strict=True))


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value and isinstance(value[0], str) else value


def _as_text(value: Any) -> str:
    """As data sets are compared elsewhere: text as it is, true and false in lower case, nothing for null."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


_READERS: Mapping[str, Callable[[Path, TextIO, Sequence[str] | None], Rows]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".csv": _csv,
    ".tsv": _tsv,
}
