"""Parquet gives the rows that JSON Lines would."""

import datetime as dt
import io
import json
import sys
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalsvc.dataset.parquet import BATCH_ROWS, Batch
from tests.dataset.files import INPUT_AND_TARGET, ROWS, as_jsonl, dataset, read, refusal

MOMENT = dt.datetime.fromisoformat("2026-11-20T02:13:44.120000")
BERLIN = dt.timezone(dt.timedelta(hours=1))


def as_parquet(rows: Any = ROWS, **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(rows if isinstance(rows, pa.Table) else pa.Table.from_pylist([dict(row) for row in rows]), file, **options)
    return file.getvalue()


def one_column(values: list[Any], kind: pa.DataType) -> bytes:
    return as_parquet(pa.table({"x": pa.array(values, type=kind)}))


def test_samples_ids_and_hashes_are_those_of_the_same_rows_as_json(tmp_path: Path) -> None:
    rows = [
        {
            "text": "free money",
            "label": "spam",
            "n": number % 2,
            "share": 0.1,
            "ok": True,
            "tags": ["a", "b"],
            "by": {"who": None, "at": [1]},
        }
        for number in range(5)
    ]
    survey, samples = read(dataset(tmp_path, "t.parquet", as_parquet(rows), **INPUT_AND_TARGET))
    expected_survey, expected = read(dataset(tmp_path, "t.jsonl", as_jsonl(rows), **INPUT_AND_TARGET))
    assert samples == expected
    assert (survey.id_hashes, survey.row_hashes, survey.labels) == (
        expected_survey.id_hashes,
        expected_survey.row_hashes,
        expected_survey.labels,
    )


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd"])
def test_rows_come_in_order_through_batches_and_row_groups(tmp_path: Path, compression: str) -> None:
    rows = [{"n": number} for number in range(2 * BATCH_ROWS + 10)]
    data = as_parquet(rows, row_group_size=700, compression=compression)
    survey, samples = read(dataset(tmp_path, "t.parquet", data))
    assert [sample.fields["n"] for sample in samples] == list(range(len(rows)))
    assert survey.sha256 == sha256(data).hexdigest()


def test_several_files_are_one_data_set(tmp_path: Path) -> None:
    (tmp_path / "0.parquet").write_bytes(as_parquet(ROWS[:1]))
    (tmp_path / "1.parquet").write_bytes(as_parquet(ROWS[1:]))
    _, samples = read(dataset(tmp_path, "*.parquet", id="id"))
    assert [sample.id for sample in samples] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, None], pa.int8(), [1, None]),
        ([2**64 - 1], pa.uint64(), [2**64 - 1]),
        ([0.5, float("nan"), None], pa.float64(), [0.5, None, None]),
        ([0.5], pa.float16(), [0.5]),
        ([[0.5, float("nan")], None], pa.list_(pa.float32()), [[0.5, None], None]),
        ([True, None], pa.bool_(), [True, None]),
        (["é", None], pa.large_string(), ["é", None]),
        (["a", "b", "a"], pa.dictionary(pa.int32(), pa.string()), ["a", "b", "a"]),
        ([None], pa.null(), [None]),
        ([MOMENT], pa.timestamp("ms"), ["2026-11-20 02:13:44.120"]),
        ([MOMENT.replace(tzinfo=BERLIN)], pa.timestamp("us", "UTC"), ["2026-11-20 01:13:44.120000Z"]),
        ([MOMENT.date()], pa.date32(), ["2026-11-20"]),
        ([MOMENT.time()], pa.time64("us"), ["02:13:44.120000"]),
        ([Decimal("1.50")], pa.decimal128(5, 2), ["1.50"]),
        ([[MOMENT.date()]], pa.list_(pa.date32()), [["2026-11-20"]]),
        ([{"a": MOMENT.date(), "b": None}], pa.struct({"a": pa.date32(), "b": pa.int32()}), [{"a": "2026-11-20", "b": None}]),
        ([[{"role": "user"}]], pa.list_(pa.struct({"role": pa.string()})), [[{"role": "user"}]]),
    ],
)
def test_every_type_is_spelt_as_json_has_it(tmp_path: Path, values: list[Any], kind: pa.DataType, expected: list[Any]) -> None:
    _, samples = read(dataset(tmp_path, "t.parquet", one_column(values, kind)))
    assert [sample.fields["x"] for sample in samples] == expected
    assert json.dumps(expected, allow_nan=False)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([b"\xff"], pa.binary()),
        ([[("a", 1)]], pa.map_(pa.string(), pa.int8())),
        ([{"bytes": b""}], pa.struct({"bytes": pa.binary()})),
        ([5], pa.duration("s")),
    ],
)
def test_a_column_without_a_spelling_in_json_is_refused_by_name(tmp_path: Path, values: list[Any], kind: pa.DataType) -> None:
    assert "the column 'x' is of the type" in str(refusal(tmp_path, "t.parquet", one_column(values, kind)))


def test_infinity_is_refused_at_its_row(tmp_path: Path) -> None:
    error = refusal(tmp_path, "t.parquet", one_column([0.0, float("inf")], pa.float32()))
    assert "t.parquet:row 2: the column 'x' holds inf" in str(error)


def test_a_fault_is_placed_by_the_number_of_its_row(tmp_path: Path) -> None:
    rows = [{"id": "a"}, {"id": ""}]
    assert "t.parquet:row 2: the id in column 'id' is empty" in str(refusal(tmp_path, "t.parquet", as_parquet(rows), id="id"))


def test_a_wrong_column_name_is_told_from_the_schema(tmp_path: Path) -> None:
    error = refusal(tmp_path, "t.parquet", as_parquet(), input="txt")
    assert "no column 'txt'; the columns are: id, text, label" in str(error)


@pytest.mark.parametrize("data", [b"", b"PAR1", as_parquet()[:-20], as_jsonl()])
def test_what_is_no_parquet_is_refused(tmp_path: Path, data: bytes) -> None:
    assert "not a Parquet file" in str(refusal(tmp_path, "t.parquet", data))


def test_a_file_damaged_in_the_middle_is_refused(tmp_path: Path) -> None:
    rows = [{"text": f"{number} {'x' * 50}", "label": "ham"} for number in range(3000)]
    data = bytearray(as_parquet(rows, compression="gzip"))
    data[500:520] = bytes(20)
    assert "damaged or cut" in str(refusal(tmp_path, "t.parquet", bytes(data)))


def test_rows_that_nobody_needs_are_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    row = Batch.row

    def noted(batch: Batch, number: int) -> dict[str, Any]:
        made.append(number)
        return row(batch, number)

    rows = [{"n": number} for number in range(2 * BATCH_ROWS)]
    data = dataset(tmp_path, "t.parquet", as_parquet(rows))
    survey = data.survey()
    monkeypatch.setattr(Batch, "row", noted)
    skip = bytes([1]) * (len(rows) - 1) + b"\0"
    assert [sample.fields["n"] for sample in data.samples(survey, skip=skip)] == [len(rows) - 1]
    assert made == [len(rows)]


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    table = pa.table([pa.array([1]), pa.array([2])], names=["x", "x"])
    assert "named twice" in str(refusal(tmp_path, "t.parquet", as_parquet(table)))


def test_given_column_names_and_outer_compression_do_not_fit_parquet(tmp_path: Path) -> None:
    assert "`dataset.columns` is for CSV and TSV" in str(refusal(tmp_path, "t.parquet", as_parquet(), columns=("a",)))
    assert "compressed inside" in str(refusal(tmp_path, "t.parquet.gz", as_parquet()))


def test_a_missing_pyarrow_is_told_with_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert refusal(tmp_path, "t.parquet", b"PAR1").hint == "pip install 'evalsvc[parquet]'"
