"""Everything that can be wrong with a data set, and where the message says it is."""

import csv
import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from evalsvc.config.models import DatasetConfig
from evalsvc.dataset import open_dataset
from evalsvc.errors import UsageError
from tests.dataset.files import COMPRESSORS, INPUT_AND_TARGET, ROWS, as_csv, as_jsonl, as_tsv, dataset, refusal

MALFORMED: dict[str, tuple[str, bytes, dict[str, Any], str]] = {
    "invalid JSON": ("t.jsonl", b'{"a":1}\n{"a":}\n', {}, ":2: not valid JSON"),
    "cut JSON": ("t.jsonl", b'{"a":1}\n\n{"a":', {}, ":3: not valid JSON"),
    "NaN": ("t.jsonl", b'{"a":NaN}\n', {}, ":1: not valid JSON: NaN"),
    "bottomless JSON": ("t.jsonl", b'{"a":' + b"[" * 100_000, {}, ":1: not valid JSON: nested too deeply"),
    "an array": ("t.jsonl", b"[1]\n", {}, ":1: a row must be a JSON object, and this is an array"),
    "null": ("t.jsonl", b'{"a":1}\nnull\n', {}, ":2: a row must be a JSON object, and this is null"),
    "a number": ("t.jsonl", b"1\n", {}, ":1: a row must be a JSON object, and this is a number"),
    "Latin-1 JSON": ("t.jsonl", b'{"a":1}\n{"a":"\xe9"}\n', {}, ":2: not UTF-8: byte 0xe9 at column 7"),
    "Latin-1 TSV": ("t.tsv", b"a\tb\n\n1\t\xe9\n", {}, ":3: not UTF-8: byte 0xe9 at column 3"),
    "Latin-1 CSV": ("t.csv", b"a,b\n1,2\n1,\xe9\n", {}, ":3: not UTF-8: byte 0xe9"),
    "Latin-1 header": ("t.tsv", b"a\t\xe9\n1\t2\n", {}, ":1: not UTF-8"),
    "UTF-16": ("t.csv", "a,b\n1,2\n".encode("utf-16"), {}, "is UTF-16"),
    "a CSV row too long": ("t.csv", b'a,b\n"1\n2",2\n1,2,3\n', {}, ":4: 3 fields where the 2 columns a, b are expected"),
    "a TSV row too short": ("t.tsv", b"a\tb\n1\n", {}, ":2: 1 field where the 2 columns a, b are expected"),
    "columns that do not fit": ("t.tsv", b"1\t2\n", {"columns": ("a", "b", "c")}, ":1: 2 fields where the 3 columns a, b, c"),
    "a quote never closed": ("t.csv", b'a,b\n1,2\n"3,4\n5,6\n', {}, ":3: not valid CSV: unexpected end of data"),
    "a stray quote": ("t.csv", b'a,b\n"1"x,2\n', {}, ":2: not valid CSV"),
    "line ends of an old Mac": ("t.csv", b"a,b\r1,2\r", {}, ":1: not valid CSV"),
    "semicolons in CSV": ("t.csv", b'"a;b";c\n1;2\n', {}, ":1: the fields are separated by semicolons"),
    "tabs in CSV": ("t.csv", b"a\tb\n1\t2\n", {}, ":1: the fields are separated by tabs"),
    "bars in CSV under given names": ("t.csv", b"1|2\n", {"columns": ("a", "b")}, ":1: the fields are separated by bars"),
    "a column twice": ("t.csv", b"a,b,a\n1,2,3\n", {}, ":1: the column 'a' is named twice"),
    "a given column twice": ("t.csv", b"1,2\n", {"columns": ("a", "a")}, "`dataset.columns`: the column 'a' is named twice"),
    "an empty id": ("t.jsonl", b'{"id":"1"}\n{"id":""}\n', {"id": "id"}, ":2: the id in column 'id' is empty"),
    "a null id": ("t.jsonl", b'{"id":null}\n', {"id": "id"}, ":1: the id in column 'id' is empty"),
    "no id": ("t.jsonl", b'{"id":"1"}\n{"idd":"2"}\n', {"id": "id"}, ":2: no column 'id'; the columns are: idd"),
    "an id beyond 64 bits": (
        "t.jsonl",
        b'{"id":123456789012345678901}\n',
        {"id": "id"},
        ":1: the id 1.2345678901234568e+20 is a number too",
    ),
    "no input": ("t.jsonl", b'{"text":"1"}\n{"txt":"2"}\n', {"input": "text"}, ":2: no column 'text'; the columns are: txt"),
    "no input in the header": ("t.csv", as_csv(), {"input": "txt"}, ":1: no column 'txt'; the columns are: id, text, label"),
    "no target in the header": ("t.tsv", as_tsv(), {"target": "lable"}, ":1: no column 'lable'"),
    "no target anywhere": ("t.jsonl", as_jsonl(), {"target": "y"}, "t.jsonl: no column 'y'; the columns are: id, text, label"),
    "the target as input": ("t.jsonl", as_jsonl(), {"target": "label", "input": "label"}, "both name the column 'label'"),
    "columns for JSON": ("t.jsonl", as_jsonl(), {"columns": ("a",)}, "`dataset.columns` is for CSV and TSV"),
    "no bytes": ("t.csv", b"", INPUT_AND_TARGET, "the data set has no rows"),
    "only a header": ("t.csv", b"text,label\n", INPUT_AND_TARGET, "the data set has no rows"),
    "only blank lines": ("t.jsonl", b"\n \n", INPUT_AND_TARGET, "the data set has no rows"),
    "not gzip": ("t.jsonl.gz", as_jsonl(), {}, "t.jsonl.gz: the compressed file is damaged or cut"),
    "not zstd": ("t.jsonl.zst", as_jsonl(), {}, "t.jsonl.zst: the compressed file is damaged or cut"),
    "an unknown ending": ("t.text", as_jsonl(), {}, "the ending '.text' does not tell the format"),
    "no ending": ("rows", as_jsonl(), {}, "without an ending, the format is unknown"),
    "no ending but gz": ("rows.gz", gzip.compress(as_jsonl()), {}, "without an ending, the format is unknown"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_fault_is_named_with_its_place(tmp_path: Path, case: str) -> None:
    name, data, config, message = MALFORMED[case]
    assert message in str(refusal(tmp_path, name, data, **config))


@pytest.mark.parametrize("compression", [".gz", ".zst"])
def test_a_compressed_file_cut_anywhere_is_refused(tmp_path: Path, compression: str) -> None:
    whole = COMPRESSORS[compression](as_jsonl())
    for size in range(1, len(whole)):
        assert "damaged or cut" in str(refusal(tmp_path, f"t.jsonl{compression}", whole[:size]))


def test_a_flipped_byte_in_gzip_is_refused(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(as_jsonl(), compresslevel=0))
    data[-20] ^= 1
    assert "damaged or cut" in str(refusal(tmp_path, "t.jsonl.gz", bytes(data)))


def test_a_wrong_column_name_gets_the_nearest_one_as_hint(tmp_path: Path) -> None:
    assert "Did you mean 'text'?" in str(refusal(tmp_path, "t.csv", as_csv(), input="Txt").hint)


def test_a_forgotten_header_is_suspected_and_long_texts_are_not_repeated_whole(tmp_path: Path) -> None:
    error = refusal(tmp_path, "t.tsv", b"ham\t" + b"long " * 100 + b"\n", input="text")
    assert "`dataset.columns`" in str(error.hint)
    assert len(str(error)) < len(str(tmp_path)) + 200


def test_many_columns_are_not_all_listed(tmp_path: Path) -> None:
    header = ",".join(f"c{number}" for number in range(100)).encode()
    assert "c19 and 80 more" in str(refusal(tmp_path, "t.csv", header + b"\n", input="text"))


def test_duplicate_ids_are_listed_with_both_lines(tmp_path: Path) -> None:
    rows = [{"id": id_, "n": number} for number, id_ in enumerate(["x", "y", "x", "z", "y", "x"])]
    error = refusal(tmp_path, "t.jsonl", b"\n" + as_jsonl(rows), id="id")
    file = tmp_path / "t.jsonl"
    assert "3 rows have the id (column 'id') of an earlier row" in str(error)
    assert f"'x': {file}:2, {file}:4 and 1 more" in str(error)
    assert f"'y': {file}:3 and {file}:6" in str(error)
    assert "'z'" not in str(error)


def test_duplicate_ids_are_found_across_files_and_as_text(tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_bytes(b'{"id":7}\n')
    (tmp_path / "2.jsonl").write_bytes(b'{"id":"7"}\n')
    error = refusal(tmp_path, "*.jsonl", id="id")
    assert f"'7': {tmp_path / '1.jsonl'}:1 and {tmp_path / '2.jsonl'}:1" in str(error)


def test_only_the_first_ten_duplicate_ids_are_listed(tmp_path: Path) -> None:
    rows = [{"id": str(number % 30)} for number in range(60)]
    message = str(refusal(tmp_path, "t.jsonl", as_jsonl(rows), id="id"))
    assert message.startswith("30 rows have")
    assert len(message.splitlines()) == 12


def test_a_missing_file_gets_the_nearest_name_as_hint(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_bytes(as_jsonl())
    error = refusal(tmp_path, "tset.jsonl")
    assert "there is no file" in str(error)
    assert str(tmp_path / "test.jsonl") in str(error.hint)


def test_a_missing_file_with_no_near_name_gets_the_data_files_there_are(tmp_path: Path) -> None:
    (tmp_path / "holdout.csv").write_bytes(as_csv())
    (tmp_path / "notes.md").write_text("no data")
    assert str(refusal(tmp_path, "zzz.jsonl").hint).endswith(": holdout.csv.")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert f"There is no folder {tmp_path / 'no'}" in str(refusal(tmp_path, "no/test.jsonl").hint)


def test_an_empty_folder_is_said_to_have_no_data(tmp_path: Path) -> None:
    assert "There is no data file" in str(refusal(tmp_path, "test.jsonl").hint)


def test_a_pattern_without_a_match_is_refused(tmp_path: Path) -> None:
    assert "no file matches" in str(refusal(tmp_path, "*.csv"))


def test_a_folder_is_refused_with_the_pattern_that_would_do(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv.gz").write_bytes(gzip.compress(as_csv()))
    assert str(refusal(tmp_path, "data/").hint).endswith(": data/*.csv*")


def test_a_pipe_is_refused_because_it_cannot_be_read_twice(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    assert "not a regular file" in str(refusal(tmp_path, "pipe.jsonl"))


def test_files_of_several_formats_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(as_csv())
    (tmp_path / "b.tsv").write_bytes(as_tsv())
    assert "a.csv (csv), b.tsv (tsv)" in str(refusal(tmp_path, "*"))


@pytest.mark.parametrize("name", ["t.json", "t.arrow", "t.xlsx", "t.jsonl.bz2", "t.json.gz"])
def test_other_formats_are_refused_and_the_hint_converts_them(tmp_path: Path, name: str) -> None:
    error = refusal(tmp_path, name, b"")
    assert "Convert it: " in str(error.hint)


def test_a_file_written_to_between_the_passes_is_refused(tmp_path: Path) -> None:
    data = dataset(tmp_path, "t.jsonl", as_jsonl())
    survey = data.survey()
    (tmp_path / "t.jsonl").write_bytes(as_jsonl(ROWS[:3]))
    with pytest.raises(UsageError, match="changed while it was being read"):
        next(data.samples(survey))


def test_the_csv_field_limit_of_the_process_is_never_lowered(tmp_path: Path) -> None:
    before = csv.field_size_limit(1 << 30)
    try:
        assert "no rows" in str(refusal(tmp_path, "t.csv", b"a\n"))
        assert csv.field_size_limit() == 1 << 30
    finally:
        csv.field_size_limit(before)


def test_a_null_input_is_refused_with_its_line_where_it_would_be_sent_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "a"}\n{"text": null}\n')
    config = DatasetConfig(path=path.name, input="text")
    assert open_dataset(config, tmp_path).survey().rows == 2
    with pytest.raises(UsageError, match=r":2: the input, column 'text', is null") as error:
        open_dataset(config, tmp_path, sends_input=True).survey()
    chosen = DatasetConfig(path=path.name, input="text", where="text is not none")
    assert "text is not none" in str(error.value.hint)
    assert open_dataset(chosen, tmp_path, sends_input=True).survey().rows == 1
