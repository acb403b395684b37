"""The formats there are: by name, by file ending, and those that must be converted first."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from evalsvc.dataset.compression import COMPRESSIONS
from evalsvc.dataset.delimited import open_csv, open_tsv
from evalsvc.dataset.jsonl import open_jsonl
from evalsvc.dataset.own import open_own
from evalsvc.dataset.parquet import open_parquet
from evalsvc.dataset.place import Place, pure
from evalsvc.dataset.reader import Reader
from evalsvc.dataset.source import Source
from evalsvc.errors import UsageError
from evalsvc.plugins import Kind, load

# Opens one file; the column names are those that the config gives to a file without a header.
Format = Callable[[Source, tuple[str, ...] | None], Reader[Any]]

HEADED = ("csv", "tsv")  # the formats whose first line names the columns, or `dataset.columns` does
ENDINGS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet"}

READABLE = "JSON Lines (.jsonl, .ndjson), CSV (.csv) and TSV (.tsv), each also with .gz or .zst, and Parquet (.parquet)"
_PANDAS = "python -c \"import pandas as pd; pd.{read}({name!r}).to_json({new!r}, orient='records', lines=True)\""
CONVERSIONS = {
    ".json": "jq -c '.[]' {name} > {new}",
    ".arrow": _PANDAS.replace("{read}", "read_feather"),
    ".feather": _PANDAS.replace("{read}", "read_feather"),
    ".xlsx": _PANDAS.replace("{read}", "read_excel"),
    ".xls": _PANDAS.replace("{read}", "read_excel"),
    ".pkl": _PANDAS.replace("{read}", "read_pickle"),
    ".bz2": "bunzip2 -k {name}",
    ".xz": "unxz -k {name}",
    ".zip": "unzip {name}",
}


def ending(place: Place) -> str:
    """The ending that tells the format, in lower case, compression left out.

    >>> ending(Path("a/Test.JSONL.gz")), ending(Path("notes"))
    ('.jsonl', '')
    """
    path = pure(place)
    plain = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    return plain.suffix.lower()


def format_of(path: Place) -> str:
    """The format that the ending names; UsageError for those that can be converted, and for unknown ones."""
    suffix = ending(path)
    if suffix in ENDINGS:
        return ENDINGS[suffix]
    if suffix in CONVERSIONS:
        command = CONVERSIONS[suffix].format(name=path.name, new=f"{pure(path).stem}.jsonl")
        raise UsageError(
            f"{path}: evalsvc does not read {suffix} files; it reads {READABLE}",
            hint=f"Convert it: {command}; or bring a reader of your own: docs/extending.md#a-data-set-reader",
        )
    raise UsageError(
        f"{path}: the ending {suffix!r} does not tell the format" if suffix else f"{path}: without an ending, the format is unknown",
        hint=f"Set `dataset.format` to jsonl, csv, tsv or parquet; by their ending, evalsvc knows {READABLE}.",
    )


def find_format(name: str, base_dir: Path) -> Format:
    """What opens files of the format `name`: one of ours, or a reader of the user's own, which is loaded here.

    UsageError, with the nearest known name, when there is none.
    """
    if name in FORMATS:
        return FORMATS[name]
    read = load(Kind.READER, name, base_dir, place="`dataset.format`", built_in=tuple(FORMATS))
    if not callable(read):
        raise UsageError(
            f"`dataset.format`: {name} is no function, but {type(read).__name__}",
            hint="A reader takes the path of a file and gives its rows: docs/extending.md#a-data-set-reader",
        )
    return lambda source, _header: open_own(name, read, source)


def _jsonl(source: Source, _header: tuple[str, ...] | None) -> Reader[Any]:
    return open_jsonl(source.path, source.lines)


def _csv(source: Source, header: tuple[str, ...] | None) -> Reader[Any]:
    return open_csv(source.path, source.lines, header)


def _tsv(source: Source, header: tuple[str, ...] | None) -> Reader[Any]:
    return open_tsv(source.path, source.lines, header)


FORMATS: dict[str, Format] = {"jsonl": _jsonl, "csv": _csv, "tsv": _tsv, "parquet": lambda source, _header: open_parquet(source)}


def is_data(path: Place) -> bool:
    return ending(path) in ENDINGS
