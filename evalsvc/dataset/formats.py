"""The formats there are: by name, by file ending, and those that must be converted first."""

from pathlib import PurePath
from typing import Any

from evalsvc.dataset.compression import COMPRESSIONS
from evalsvc.dataset.delimited import open_csv, open_tsv
from evalsvc.dataset.jsonl import open_jsonl
from evalsvc.dataset.reader import Reader
from evalsvc.dataset.source import Source
from evalsvc.errors import NotAvailableYet, UsageError

ENDINGS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "tsv"}

READABLE = "JSON Lines (.jsonl, .ndjson), CSV (.csv) and TSV (.tsv), each also with .gz or .zst"
_PANDAS = "python -c \"import pandas as pd; pd.{read}({name!r}).to_json({new!r}, orient='records', lines=True)\""
CONVERSIONS = {
    ".json": "jq -c '.[]' {name} > {new}",
    ".parquet": _PANDAS.replace("{read}", "read_parquet"),
    ".arrow": _PANDAS.replace("{read}", "read_feather"),
    ".feather": _PANDAS.replace("{read}", "read_feather"),
    ".xlsx": _PANDAS.replace("{read}", "read_excel"),
    ".xls": _PANDAS.replace("{read}", "read_excel"),
    ".pkl": _PANDAS.replace("{read}", "read_pickle"),
    ".bz2": "bunzip2 -k {name}",
    ".xz": "unxz -k {name}",
    ".zip": "unzip {name}",
}


def ending(path: PurePath) -> str:
    """The ending that tells the format, in lower case, compression left out.

    >>> ending(PurePath("a/Test.JSONL.gz")), ending(PurePath("notes"))
    ('.jsonl', '')
    """
    plain = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    return plain.suffix.lower()


def format_of(path: PurePath) -> str:
    """The format that the ending names; NotAvailableYet for those that can be converted, UsageError for unknown ones."""
    suffix = ending(path)
    if suffix in ENDINGS:
        return ENDINGS[suffix]
    if suffix in CONVERSIONS:
        command = CONVERSIONS[suffix].format(name=path.name, new=f"{path.stem}.jsonl")
        raise NotAvailableYet(f"{path}: {suffix} is not available yet; evalsvc reads {READABLE}", hint=f"Convert it: {command}")
    raise UsageError(
        f"{path}: the ending {suffix!r} does not tell the format" if suffix else f"{path}: without an ending, the format is unknown",
        hint=f"Set `dataset.format` to jsonl, csv or tsv; by their ending, evalsvc knows {READABLE}.",
    )


def open_reader(name: str, source: Source, columns: tuple[str, ...] | None) -> Reader[Any]:
    """The rows of `source` in the format `name`; `columns` name those of a file without a header."""
    if name == "jsonl":
        return open_jsonl(source.path, source.lines)
    if name == "csv":
        return open_csv(source.path, source.lines, columns)
    return open_tsv(source.path, source.lines, columns)


def is_data(path: PurePath) -> bool:
    return ending(path) in ENDINGS
