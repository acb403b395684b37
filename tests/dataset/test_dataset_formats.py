"""What the formats have in common, and what each does with the odd bytes of real files."""

import codecs
import gzip
from pathlib import Path

import pytest

from evalsvc.jsonio import dumps
from tests.dataset.files import COLUMNS, COMPRESSORS, INPUT_AND_TARGET, ROWS, WRITERS, as_csv, as_jsonl, as_tsv, dataset, read, zst


@pytest.mark.parametrize("compression", COMPRESSORS)
@pytest.mark.parametrize("ending", WRITERS)
def test_every_format_and_compression_gives_the_same_samples(tmp_path: Path, ending: str, compression: str) -> None:
    data = COMPRESSORS[compression](WRITERS[ending]())
    survey, samples = read(dataset(tmp_path, f"Test{ending}{compression}", data, id="id", **INPUT_AND_TARGET))
    _, expected = read(dataset(tmp_path, "expected.jsonl", as_jsonl(), id="id", **INPUT_AND_TARGET))
    assert samples == expected
    assert survey.labels == {"spam": 1, "ham": 2}
    assert (survey.rows, survey.without_target) == (4, 1)


def test_a_sample_shows_every_column_but_the_target(tmp_path: Path) -> None:
    _, samples = read(dataset(tmp_path, "t.jsonl", as_jsonl(), id="id", **INPUT_AND_TARGET))
    assert samples[0].fields == {"id": "a", "text": "free money"}
    assert (samples[0].id, samples[0].input, samples[0].target) == ("a", "free money", "spam")
    assert samples[3].target is None


def test_without_roles_a_sample_has_all_columns_and_no_input(tmp_path: Path) -> None:
    survey, samples = read(dataset(tmp_path, "t.jsonl", as_jsonl()))
    assert samples[0].fields == ROWS[0]
    assert (samples[0].input, samples[0].target) == (None, None)
    assert survey.without_target == 4


def test_the_format_may_be_named_in_place_of_the_ending(tmp_path: Path) -> None:
    _, samples = read(dataset(tmp_path, "rows.txt.gz", gzip.compress(as_tsv()), format="tsv", id="id"))
    assert [sample.id for sample in samples] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(("name", "data"), [("t.csv", as_csv(header=False)), ("t.tsv", as_tsv(header=False))])
def test_columns_name_the_fields_of_a_file_without_a_header(tmp_path: Path, name: str, data: bytes) -> None:
    _, samples = read(dataset(tmp_path, name, data, columns=COLUMNS))
    assert [sample.fields for sample in samples] == list(ROWS)


@pytest.mark.parametrize("ending", WRITERS)
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path, ending: str) -> None:
    _, samples = read(dataset(tmp_path, f"t{ending}", codecs.BOM_UTF8 + WRITERS[ending](), id="id"))
    assert samples[0].fields == ROWS[0]


@pytest.mark.parametrize("ending", WRITERS)
def test_line_endings_of_windows_and_blank_lines_change_nothing(tmp_path: Path, ending: str) -> None:
    lines = WRITERS[ending]().replace(b"\r\n", b"\n").splitlines()
    _, samples = read(dataset(tmp_path, f"t{ending}", b"\r\n\r\n".join(lines)))
    assert [sample.fields for sample in samples] == list(ROWS)


def test_quotes_in_tsv_are_text(tmp_path: Path) -> None:
    _, samples = read(dataset(tmp_path, "t.tsv", b'text\tlabel\n"free\tspam\n""\tham\n'))
    assert [sample.fields["text"] for sample in samples] == ['"free', '""']


def test_csv_fields_may_hold_newlines_and_doubled_quotes(tmp_path: Path) -> None:
    _, samples = read(dataset(tmp_path, "t.csv", b'text,label\n"two\nlines, ""quoted""",ham\n'))
    assert samples[0].fields["text"] == 'two\nlines, "quoted"'


def test_a_csv_field_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    _, samples = read(dataset(tmp_path, "t.csv", b"text,label\n" + b"x" * 10_000_000 + b",ham\n"))
    assert len(samples[0].fields["text"]) == 10_000_000


def test_an_empty_field_stays_an_empty_text(tmp_path: Path) -> None:
    _, samples = read(dataset(tmp_path, "t.tsv", b"text\tlabel\n\tham\n", **INPUT_AND_TARGET))
    assert samples[0].input == ""


def test_unicode_line_separators_do_not_end_a_row(tmp_path: Path) -> None:
    text = "one\u2028two\x0bthree\x85four"
    for name, data in (("t.jsonl", dumps({"text": text})), ("t.tsv", f"text\n{text}\n".encode()), ("t.csv", f"text\n{text}\n".encode())):
        _, samples = read(dataset(tmp_path, name, data))
        assert [sample.fields["text"] for sample in samples] == [text]


def test_a_lone_surrogate_in_json_lines_survives(tmp_path: Path) -> None:
    _, samples = read(dataset(tmp_path, "t.jsonl", b'{"id":"\\ud800","text":"\\udc00x"}\n', id="id", input="text"))
    assert (samples[0].id, samples[0].input) == ("\ud800", "\udc00x")


def test_targets_and_ids_are_text_whatever_json_made_of_them(tmp_path: Path) -> None:
    data = b'{"id":7,"y":1}\n{"id":"x","y":true}\n{"id":1.5,"y":null}\n'
    survey, samples = read(dataset(tmp_path, "t.jsonl", data, id="id", target="y"))
    assert [(sample.id, sample.target) for sample in samples] == [("7", "1"), ("x", "true"), ("1.5", None)]
    assert survey.labels == {"1": 1, "true": 1}


def test_a_target_missing_in_some_rows_is_no_target(tmp_path: Path) -> None:
    survey, _ = read(dataset(tmp_path, "t.jsonl", b'{"x":1}\n{"x":2,"y":"ham"}\n', target="y"))
    assert (survey.without_target, survey.labels) == (1, {"ham": 1})


@pytest.mark.parametrize("compression", [".gz", ".zst"])
def test_several_compressed_members_are_one_file(tmp_path: Path, compression: str) -> None:
    compress = COMPRESSORS[compression]
    data = compress(as_jsonl(ROWS[:2])) + compress(b"") + compress(as_jsonl(ROWS[2:]))
    survey, _ = read(dataset(tmp_path, f"t.jsonl{compression}", data))
    assert survey.rows == 4


def test_zeros_after_a_gzip_member_are_padding(tmp_path: Path) -> None:
    survey, _ = read(dataset(tmp_path, "t.jsonl.gz", gzip.compress(as_jsonl()) + bytes(512)))
    assert survey.rows == 4


def test_a_skippable_zstd_frame_is_skipped(tmp_path: Path) -> None:
    frame = (0x184D2A50).to_bytes(4, "little") + (4).to_bytes(4, "little") + b"note"
    survey, _ = read(dataset(tmp_path, "t.jsonl.zst", frame + zst(as_jsonl())))
    assert survey.rows == 4


def test_a_lone_column_of_texts_may_hold_any_mark(tmp_path: Path) -> None:
    _, samples = read(dataset(tmp_path, "t.csv", b"well; yes | no\n", columns=("text",)))
    assert samples[0].fields == {"text": "well; yes | no"}
    _, samples = read(dataset(tmp_path, "u.csv", b'"a;\nb|c",text\n1,2\n'))
    assert samples[0].fields == {"a;\nb|c": "1", "text": "2"}
