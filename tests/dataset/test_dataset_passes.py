"""The two passes agree, keep little, and notice what changed between them."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from evalsvc.dataset import Dataset, Survey, id_hash, row_hash, target_hash
from evalsvc.dataset.source import open_source
from evalsvc.dataset.survey import MAX_LABELS
from evalsvc.errors import StorageFailed, UsageError
from tests.dataset.files import COMPRESSORS, INPUT_AND_TARGET, ROWS, as_csv, as_jsonl, as_tsv, dataset, read

REPEATED = [{"text": text, "label": "ham"} for text in ("a", "b", "a", "a", "c", "b")]


def hashes(packed: bytes | bytearray | None) -> list[bytes]:
    assert packed is not None
    return [bytes(packed[at : at + 8]) for at in range(0, len(packed), 8)]


def rewrite_in_place(path: Path, data: bytes) -> None:
    """New bytes of the same length under the old time stamp: what only the rows themselves can tell."""
    stat = path.stat()
    assert len(data) == stat.st_size
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_the_survey_hashes_are_those_of_the_samples(tmp_path: Path) -> None:
    data = dataset(tmp_path, "t.jsonl", as_jsonl(), id="id", **INPUT_AND_TARGET)
    survey = data.survey(with_targets=True)
    samples = list(data.samples(survey))
    assert hashes(survey.id_hashes) == [id_hash(sample.id) for sample in samples]
    assert hashes(survey.row_hashes) == [sample.row_hash for sample in samples] == [row_hash(sample.fields) for sample in samples]
    assert hashes(survey.target_hashes) == [target_hash(sample.target) for sample in samples]


def test_target_hashes_are_kept_only_when_asked_for(tmp_path: Path) -> None:
    assert dataset(tmp_path, "t.jsonl", as_jsonl()).survey().target_hashes is None


def test_rows_without_an_id_are_named_by_hash_and_equal_ones_numbered(tmp_path: Path) -> None:
    survey, samples = read(dataset(tmp_path, "t.jsonl", as_jsonl(REPEATED), **INPUT_AND_TARGET))
    a, b, c = (row_hash({"text": text}).hex() for text in "abc")
    assert [sample.id for sample in samples] == [a, b, f"{a}-2", f"{a}-3", c, f"{b}-2"]
    assert hashes(survey.id_hashes) == [id_hash(sample.id) for sample in samples]
    assert survey.duplicate_texts == 3


def test_ids_do_not_depend_on_the_order_of_rows_or_columns(tmp_path: Path) -> None:
    _, samples = read(dataset(tmp_path, "t.jsonl", as_jsonl(REPEATED), **INPUT_AND_TARGET))
    turned = [dict(reversed(row.items())) for row in reversed(REPEATED)]
    _, others = read(dataset(tmp_path, "u.jsonl", as_jsonl(turned), **INPUT_AND_TARGET))
    assert {sample.id: sample.fields for sample in samples} == {sample.id: sample.fields for sample in others}


def test_a_new_target_does_not_make_a_new_row(tmp_path: Path) -> None:
    first, _ = read(dataset(tmp_path, "t.jsonl", b'{"x":1,"y":"ham"}', target="y"))
    second, _ = read(dataset(tmp_path, "u.jsonl", b'{"x":1,"y":"spam"}', target="y"))
    assert (first.id_hashes, first.row_hashes) == (second.id_hashes, second.row_hashes)


def test_with_ids_of_their_own_equal_texts_are_different_rows(tmp_path: Path) -> None:
    rows = [{"id": "1", "text": "same"}, {"id": "2", "text": "same"}]
    survey, samples = read(dataset(tmp_path, "t.jsonl", as_jsonl(rows), id="id", input="text"))
    assert [sample.id for sample in samples] == ["1", "2"]
    assert survey.duplicate_texts == 0


def test_repeated_rows_are_counted_whatever_their_ids_and_so_are_those_with_another_target(tmp_path: Path) -> None:
    rows = [("1", "a", "spam"), ("2", "b", "spam"), ("3", "a", "spam"), ("4", "a", "ham"), ("5", "b", "ham"), ("6", "c", "ham")]
    with_ids = [{"id": id_, "text": text, "label": label} for id_, text, label in rows]
    without = [{"text": text, "label": label} for _, text, label in rows]
    columns = {"input": "text", "target": "label"}
    for survey, _ in (
        read(dataset(tmp_path, "t.jsonl", as_jsonl(with_ids), id="id", **columns)),
        read(dataset(tmp_path, "u.jsonl", as_jsonl(without), **columns)),
    ):
        assert (survey.repeated_rows, survey.conflicting_rows) == (3, 2)


def test_rows_that_differ_in_more_than_id_and_target_are_no_repeats(tmp_path: Path) -> None:
    rows = [{"id": number, "text": "same", "from": [number], "label": "ham"} for number in (1, 2)]
    survey, _ = read(dataset(tmp_path, "t.jsonl", as_jsonl(rows), id="id", input="text", target="label"))
    assert (survey.repeated_rows, survey.conflicting_rows) == (0, 0)


def test_where_targets_are_missing_nobody_can_say_which_of_them_conflict(tmp_path: Path) -> None:
    rows: list[dict[str, str | None]] = [{"text": "same", "label": "ham"}, {"text": "same", "label": None}]
    survey, _ = read(dataset(tmp_path, "t.jsonl", as_jsonl(rows), **INPUT_AND_TARGET))
    assert (survey.repeated_rows, survey.conflicting_rows) == (1, None)


def test_many_repeats_are_numbered_alike_by_dict_and_by_sorting(tmp_path: Path) -> None:
    rows = [{"n": number % 1700} for number in range(6000)]
    survey, samples = read(dataset(tmp_path, "t.jsonl", as_jsonl(rows)))
    assert len({sample.id for sample in samples}) == 6000
    assert survey.duplicate_texts == 4300
    assert samples[5999].id == f"{row_hash({'n': 5999 % 1700}).hex()}-4"
    assert hashes(survey.id_hashes) == [id_hash(sample.id) for sample in samples]


@pytest.mark.parametrize(("name", "data"), [("t.jsonl", as_jsonl(REPEATED)), ("t.csv", as_csv(REPEATED)), ("t.tsv", as_tsv(REPEATED))])
def test_skipped_rows_are_left_out_and_the_others_keep_their_ids(tmp_path: Path, name: str, data: bytes) -> None:
    rows = dataset(tmp_path, name, data, **INPUT_AND_TARGET)
    survey, samples = read(rows)
    for mask in range(1 << len(samples)):
        skip = bytes(mask >> ordinal & 1 for ordinal in range(len(samples)))
        expected = [sample for ordinal, sample in enumerate(samples) if not skip[ordinal]]
        assert list(rows.samples(survey, skip=memoryview(skip))) == expected


def test_a_skip_that_is_too_short_is_a_bug_of_the_caller(tmp_path: Path) -> None:
    rows = dataset(tmp_path, "t.jsonl", as_jsonl())
    with pytest.raises(ValueError, match="3 entries for 4 rows"):
        next(rows.samples(rows.survey(), skip=bytes(3)))


@pytest.mark.parametrize("compression", COMPRESSORS)
@pytest.mark.parametrize("limit", [None, 2])
def test_sha256_is_of_the_whole_file_as_stored(tmp_path: Path, compression: str, limit: int | None) -> None:
    data = COMPRESSORS[compression](as_jsonl())
    assert dataset(tmp_path, f"t.jsonl{compression}", data, limit=limit).survey().sha256 == sha256(data).hexdigest()


def test_several_files_are_one_data_set_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_bytes(as_jsonl(ROWS[:1]))
    (tmp_path / "2.jsonl.gz").write_bytes(COMPRESSORS[".gz"](as_jsonl(ROWS[1:3])))
    (tmp_path / "3.jsonl").write_bytes(b"")
    (tmp_path / "4.jsonl").write_bytes(as_jsonl(ROWS[3:]))
    survey, samples = read(dataset(tmp_path, "*.jsonl*", id="id"))
    assert [sample.id for sample in samples] == ["a", "b", "c", "d"]
    digests = [sha256((tmp_path / name).read_bytes()).digest() for name in ("1.jsonl", "2.jsonl.gz", "3.jsonl", "4.jsonl")]
    assert survey.sha256 == sha256(b"".join(digests)).hexdigest()


def test_a_name_with_brackets_is_a_file_before_it_is_a_pattern(tmp_path: Path) -> None:
    survey, _ = read(dataset(tmp_path, "test[1].jsonl", as_jsonl()))
    assert survey.rows == 4


def test_a_folder_with_brackets_is_no_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "run [1]"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(as_jsonl())
    assert dataset(folder, "*.jsonl").survey().rows == 4


def test_the_limit_counts_through_all_files_and_nothing_beyond_it_is_parsed(tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_bytes(as_jsonl(ROWS[:2]))
    (tmp_path / "2.jsonl").write_bytes(as_jsonl(ROWS[2:3]) + b"not JSON\n")
    (tmp_path / "3.jsonl").write_bytes(b"not JSON\n")
    for limit, ids in ((1, ["a"]), (2, ["a", "b"]), (3, ["a", "b", "c"])):
        _, samples = read(dataset(tmp_path, "*.jsonl", id="id", limit=limit))
        assert [sample.id for sample in samples] == ids


def test_duplicate_ids_beyond_the_limit_do_no_harm(tmp_path: Path) -> None:
    assert dataset(tmp_path, "t.jsonl", as_jsonl(ROWS + ROWS), id="id", limit=4).survey().rows == 4


def test_labels_stand_in_order_of_appearance(tmp_path: Path) -> None:
    rows = [{"y": label} for label in ("b", "a", "c", "a")]
    assert list(dataset(tmp_path, "t.jsonl", as_jsonl(rows), target="y").survey().labels.items()) == [("b", 1), ("a", 2), ("c", 1)]


def test_targets_that_are_free_text_are_not_all_kept(tmp_path: Path) -> None:
    rows = [{"y": f"text {number % (MAX_LABELS + 5)}"} for number in range(MAX_LABELS + 10)]
    survey = dataset(tmp_path, "t.jsonl", as_jsonl(rows), target="y").survey()
    assert len(survey.labels) == MAX_LABELS
    assert not survey.labels_complete
    assert survey.labels["text 0"] == 2


def changed_after_survey(folder: Path, data: bytes) -> tuple[Dataset, Survey]:
    rows = dataset(folder, "t.jsonl", as_jsonl(), id="id", **INPUT_AND_TARGET)
    survey = rows.survey()
    rewrite_in_place(folder / "t.jsonl", data)
    return rows, survey


def test_an_edit_that_leaves_size_and_time_alone_is_noticed_at_its_row(tmp_path: Path) -> None:
    rows, survey = changed_after_survey(tmp_path, as_jsonl().replace(b"money", b"honey"))
    with pytest.raises(UsageError, match="changed while it was being read"):
        list(rows.samples(survey))


def test_rows_that_vanished_are_noticed_at_the_end(tmp_path: Path) -> None:
    lines = as_jsonl().splitlines(keepends=True)
    rows, survey = changed_after_survey(tmp_path, b"".join(lines[:-1]) + b" " * len(lines[-1]))
    with pytest.raises(UsageError, match="changed while it was being read"):
        list(rows.samples(survey, skip=bytes(4)))


def test_closing_the_samples_closes_the_file(tmp_path: Path) -> None:
    rows = dataset(tmp_path, "t.jsonl", as_jsonl())
    samples = rows.samples(rows.survey())
    next(samples)
    open_files = list(Path("/dev/fd").iterdir())
    samples.close()
    assert len(list(Path("/dev/fd").iterdir())) == len(open_files) - 1


def test_a_file_that_vanished_between_the_passes_is_refused(tmp_path: Path) -> None:
    rows = dataset(tmp_path, "t.jsonl", as_jsonl())
    survey = rows.survey()
    (tmp_path / "t.jsonl").unlink()
    with pytest.raises(UsageError, match="No such file"):
        next(rows.samples(survey))


def test_a_disk_that_fails_under_the_reader_is_a_storage_failure(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_bytes(as_jsonl())
    with pytest.raises(StorageFailed, match="Input/output error"), open_source(tmp_path / "t.jsonl"):
        raise OSError(5, "Input/output error")


def test_a_small_data_set_is_read_without_loading_numpy(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_bytes(as_jsonl(REPEATED))
    program = (
        "import sys, pathlib\n"
        "from evalsvc.config.models import DatasetConfig\n"
        "from evalsvc.dataset import open_dataset\n"
        f"data = open_dataset(DatasetConfig(path='t.jsonl'), pathlib.Path({str(tmp_path)!r}))\n"
        "list(data.samples(data.survey()))\n"
        "sys.exit('numpy' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("depth", [200, 400, 800])
def test_a_deeply_nested_row_is_read_as_it_is(tmp_path: Path, depth: int) -> None:
    _, samples = read(dataset(tmp_path, "t.jsonl", b'{"a":' + b"[" * depth + b"]" * depth + b"}"))
    assert len(samples) == 1


def test_a_row_nested_too_deeply_to_be_written_again_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"t\.jsonl:1: .*nested too deeply"):
        read(dataset(tmp_path, "t.jsonl", b'{"a":' + b"[" * 1010 + b"]" * 1010 + b"}"))
