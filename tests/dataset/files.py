"""Small data sets in every format, and what the tests ask of them."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import zstandard

from evalsvc.config.models import DatasetConfig
from evalsvc.dataset import Dataset, Survey, open_dataset
from evalsvc.errors import UsageError
from evalsvc.records import Sample

ROWS = (
    {"id": "a", "text": "free money", "label": "spam"},
    {"id": "b", "text": 'he said "hi", twice', "label": "ham"},
    {"id": "c", "text": "Grüße aus 東京 🎉", "label": "ham"},
    {"id": "d", "text": "nobody knows", "label": ""},
)
COLUMNS = ("id", "text", "label")
INPUT_AND_TARGET = {"input": "text", "target": "label"}


def as_jsonl(rows: Sequence[Mapping[str, Any]] = ROWS) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_csv(rows: Sequence[Mapping[str, Any]] = ROWS, *, header: bool = True) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_tsv(rows: Sequence[Mapping[str, Any]] = ROWS, *, header: bool = True) -> bytes:
    lines = [list(rows[0])] if header else []
    lines += [list(row.values()) for row in rows]
    return "".join("\t".join(line) + "\n" for line in lines).encode()


def plain(data: bytes) -> bytes:
    return data


def zst(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


WRITERS: dict[str, Callable[[], bytes]] = {".jsonl": as_jsonl, ".ndjson": as_jsonl, ".csv": as_csv, ".tsv": as_tsv}
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {"": plain, ".gz": gzip.compress, ".zst": zst}


def dataset(folder: Path, name: str, data: bytes | None = None, **config: Any) -> Dataset:
    """The data set at `name`, which is written first when `data` are given."""
    if data is not None:
        (folder / name).write_bytes(data)
    return open_dataset(DatasetConfig(path=name, **config), folder)


def read(data: Dataset) -> tuple[Survey, list[Sample]]:
    survey = data.survey()
    return survey, list(data.samples(survey))


def refusal(folder: Path, name: str, data: bytes | None = None, **config: Any) -> UsageError:
    """What reading the data set is refused with, in either pass."""
    with pytest.raises(UsageError) as caught:
        read(dataset(folder, name, data, **config))
    assert caught.value.exit_code == 2
    assert caught.value.hint
    return caught.value
