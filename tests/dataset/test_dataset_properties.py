"""What holds for every row that JSON can say."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.dataset import id_hash
from evalsvc.dataset.hashes import row_hash
from evalsvc.dataset.occurrences import _counted, _sorted
from evalsvc.jsonio import dumps
from tests.dataset.files import dataset

# Every code point, lone surrogates included.
texts = st.text(st.characters(exclude_categories=()))
leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6)
json_rows = st.lists(st.dictionaries(texts, values, max_size=4), min_size=1, max_size=8)
tsv_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n"))


def surveyed_and_read(name: str, data: bytes, **config: Any) -> list[dict[str, Any]]:
    """The rows as read, after the hashes of both passes were found to agree."""
    with tempfile.TemporaryDirectory() as folder:
        rows = dataset(Path(folder), name, data, **config)
        survey = rows.survey()
        samples = list(rows.samples(survey))
    assert bytes(survey.id_hashes) == b"".join(id_hash(sample.id) for sample in samples)
    assert bytes(survey.row_hashes) == b"".join(row_hash(sample.fields) for sample in samples)
    assert len({sample.id for sample in samples}) == survey.rows == len(samples)
    return [dict(sample.fields) for sample in samples]


@settings(deadline=None)
@given(json_rows)
def test_json_lines_come_back_as_they_were_written(rows: list[dict[str, Any]]) -> None:
    assert surveyed_and_read("t.jsonl", b"\n".join(map(dumps, rows))) == rows


@settings(deadline=None)
@given(st.lists(st.tuples(tsv_texts, tsv_texts), min_size=1, max_size=8))
def test_tsv_comes_back_as_it_was_written(rows: list[tuple[str, str]]) -> None:
    data = "".join(f"{a}\t{b}\r\n" for a, b in rows).encode()
    assert surveyed_and_read("t.tsv", data, columns=("a", "b")) == [{"a": a, "b": b} for a, b in rows]


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), tsv_texts), min_size=1, max_size=8))
def test_quoted_csv_comes_back_as_it_was_written(rows: list[tuple[str, str]]) -> None:
    data = "".join('"' + '","'.join(value.replace('"', '""') for value in row) + '"\n' for row in rows).encode()
    assert surveyed_and_read("t.csv", data, columns=("a", "b")) == [{"a": a, "b": b} for a, b in rows]


@given(st.lists(st.integers(0, 5) | st.sampled_from([255, 256, 2**63, 2**64 - 1]), max_size=60))
def test_counting_and_sorting_find_the_same_repeats(numbers: list[int]) -> None:
    packed = b"".join(number.to_bytes(8, "little") for number in numbers)
    assert list(_counted(packed)) == list(_sorted(packed))


@given(texts, texts, st.integers(0, 100), st.integers(0, 100))
def test_an_id_hash_tells_ids_and_repeats_apart(one: str, other: str, repeat: int, other_repeat: int) -> None:
    assert (id_hash(one, repeat) == id_hash(other, other_repeat)) == ((one, repeat) == (other, other_repeat))
