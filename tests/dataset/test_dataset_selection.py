"""Which rows are asked: where, then subsample, then limit; and which of them belong together."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.config.models import Subsample
from evalsvc.dataset.draw import MAX_STRATA, SLACK, shares
from evalsvc.dataset.hashes import id_hash
from evalsvc.errors import UsageError
from tests.dataset.files import COMPRESSORS, as_csv, as_jsonl, as_tsv, dataset, read, refusal

ROWS = tuple({"id": f"r{number}", "n": number, "label": "ab"[number % 5 == 0]} for number in range(100))


def ids(folder: Path, name: str = "t.jsonl", **config: Any) -> list[str]:
    return [sample.id for sample in read(dataset(folder, name, id="id", target="label", **config))[1]]


def numbers(folder: Path, **config: Any) -> list[int]:
    return [int(id_[1:]) for id_ in ids(folder, **config)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "t.jsonl").write_bytes(as_jsonl(ROWS))
    return tmp_path


@pytest.mark.parametrize(
    ("where", "chosen"),
    [
        ("n < 3", [0, 1, 2]),
        ('label == "b" and n > 90', [95]),
        ('row["n"] is divisibleby 50', [0, 50]),
        ("id in ['r7', 'r9']", [7, 9]),
        ("(n|string)|length == 1 and n % 4 == 1", [1, 5, 9]),
        ("missing|default(false) or n == 99", [99]),
        ("n > 97 if n is defined else true", [98, 99]),
    ],
)
def test_only_the_rows_are_asked_for_which_the_expression_holds(folder: Path, where: str, chosen: list[int]) -> None:
    assert numbers(folder, where=where) == chosen


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv", as_csv(ROWS)),
        ("t.tsv.gz", COMPRESSORS[".gz"](as_tsv([{"id": row["id"], "n": str(row["n"]), "label": row["label"]} for row in ROWS]))),
    ],
)
def test_in_csv_and_tsv_values_are_text(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    assert ids(tmp_path, name, where='n|int > 97 and n != "98"') == ["r99"]


def test_the_target_selects_and_is_still_no_field(folder: Path) -> None:
    _, samples = read(dataset(folder, "t.jsonl", target="label", where='label == "b"'))
    assert {sample.target for sample in samples} == {"b"}
    assert all("label" not in sample.fields for sample in samples)


def test_the_survey_counts_the_chosen_rows_alone(folder: Path) -> None:
    survey = dataset(folder, "t.jsonl", id="id", target="label", where="n < 10").survey(with_targets=True)
    assert (survey.rows, survey.labels, survey.notes) == (
        10,
        {"b": 2, "a": 8},
        ("10 of 100 rows are chosen (dataset.where, dataset.subsample)",),
    )
    assert len(survey.id_hashes) == len(survey.row_hashes) == len(survey.target_hashes or b"") == 80
    assert len(survey.chosen or b"") == 100


def test_a_row_keeps_its_id_and_its_hash_whatever_else_is_chosen(folder: Path) -> None:
    everything = {sample.id: sample for sample in read(dataset(folder, "t.jsonl", target="label"))[1]}
    for sample in read(dataset(folder, "t.jsonl", target="label", where="n % 7 == 0"))[1]:
        assert everything[sample.id] == sample


def test_rows_that_are_not_chosen_may_be_unfit_to_be_asked(tmp_path: Path) -> None:
    data = as_jsonl([{"id": "", "text": "a"}, {"id": "1", "text": "b"}, {"id": "1", "text": "c"}, {"id": "2"}])
    _, samples = read(dataset(tmp_path, "t.jsonl", data, id="id", input="text", where='id and text|default("") == "b"'))
    assert [sample.id for sample in samples] == ["1"]


def test_rows_that_are_not_chosen_are_not_parsed_again(folder: Path) -> None:
    data = dataset(folder, "t.jsonl", id="id", target="label", where="n == 5")
    survey = data.survey()
    lines = as_jsonl(ROWS).splitlines(keepends=True)
    stat = (folder / "t.jsonl").stat()
    unreadable = [line if number == 5 else b"x" * (len(line) - 1) + b"\n" for number, line in enumerate(lines)]
    (folder / "t.jsonl").write_bytes(b"".join(unreadable))
    os.utime(folder / "t.jsonl", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert [sample.id for sample in data.samples(survey)] == ["r5"]


def test_chosen_rows_are_skipped_by_their_ordinal_among_the_chosen(folder: Path) -> None:
    data = dataset(folder, "t.jsonl", id="id", target="label", where="n % 10 == 0")
    skip = bytes(ordinal != 3 for ordinal in range(10))
    assert [sample.id for sample in data.samples(data.survey(), skip=skip)] == ["r30"]


def test_selections_reach_through_several_files(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.jsonl").write_bytes(as_jsonl(ROWS[25 * number : 25 * number + 25]))
    (tmp_path / "t.jsonl").write_bytes(as_jsonl(ROWS))
    (tmp_path / "2a.jsonl").write_bytes(b"")
    for config in ({"where": "n % 9 == 0"}, {"where": "n % 9 == 0", "limit": 7}, {"subsample": Subsample(n=9)}):
        assert ids(tmp_path, "[0-9]*.jsonl", **config) == ids(tmp_path, **config)


def test_the_limit_counts_chosen_rows_and_nothing_beyond_it_is_parsed(tmp_path: Path) -> None:
    data = as_jsonl(ROWS[:30]) + b"not JSON\n"
    (tmp_path / "t.jsonl").write_bytes(data)
    assert ids(tmp_path, where="n % 10 == 9", limit=2) == ["r9", "r19"]


def test_the_limit_comes_after_the_subsample(folder: Path) -> None:
    drawn = ids(folder, subsample=Subsample(n=20))
    assert ids(folder, subsample=Subsample(n=20), limit=5) == drawn[:5]


def test_duplicate_ids_are_looked_for_among_the_chosen(tmp_path: Path) -> None:
    data = as_jsonl([{"id": "x", "n": 1}, {"id": "x", "n": 2}, {"id": "x", "n": 2}])
    assert read(dataset(tmp_path, "t.jsonl", data, id="id", where="n == 1"))[0].rows == 1
    error = refusal(tmp_path, "t.jsonl", id="id", where="n == 2")
    assert f"'x': {tmp_path / 't.jsonl'}:2 and {tmp_path / 't.jsonl'}:3" in str(error)


WRONG: dict[str, tuple[str, str, str]] = {
    "a syntax error": ("n >", "`dataset.where`: 'n >' is no valid expression", "docs/data.md#choosing-rows"),
    "a statement": ("{% if n %}", "is no valid expression", "docs/data.md#choosing-rows"),
    "an unknown filter": ("n|nope", "is no valid expression", "docs/data.md"),
    "an unknown column": (
        "lable == 'a'",
        "t.jsonl:1: `dataset.where` names lable, which this row does not have; did you mean label?",
        "default('')",
    ),
    "an unknown one alone": ("zzz", "names zzz, which this row does not have; its columns: id, n, label", "default('')"),
    "an unknown item": ("row['lable'] == 'a'", "names lable, which this row does not have; did you mean label?", "default('')"),
    "text beside a number": ("label > 5", "t.jsonl:1: `dataset.where` (label > 5) fails on this row: TypeError", "score|float"),
    "nothing chosen": ("n > 100", "`dataset.where` (n > 100) holds for none of the 100 rows", "docs/data.md#choosing-rows"),
    "a way out of the sandbox": ("n.__class__.__mro__", "t.jsonl:1: ", ""),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_expression_that_fails_is_named_with_its_row(folder: Path, case: str) -> None:
    where, said, hint = WRONG[case]
    with pytest.raises(UsageError) as caught:
        ids(folder, where=where)
    assert said in str(caught.value)
    assert hint in str(caught.value.hint)


def test_a_subsample_has_n_rows_in_the_order_of_the_file(folder: Path) -> None:
    drawn = numbers(folder, subsample=Subsample(n=20))
    assert len(drawn) == 20
    assert drawn == sorted(drawn)


def test_another_seed_draws_others(folder: Path) -> None:
    draws = {tuple(ids(folder, subsample=Subsample(n=20, seed=seed))) for seed in range(10)}
    assert len(draws) == 10


def test_a_smaller_subsample_is_part_of_a_larger_one(folder: Path) -> None:
    assert set(ids(folder, subsample=Subsample(n=10))) < set(ids(folder, subsample=Subsample(n=30)))


def test_the_order_of_the_rows_decides_nothing(folder: Path) -> None:
    (folder / "u.jsonl").write_bytes(as_jsonl(ROWS[::-1]))
    for stratify in (None, "label"):
        subsample = Subsample(n=17, stratify=stratify)
        assert sorted(ids(folder, subsample=subsample)) == sorted(ids(folder, "u.jsonl", subsample=subsample))


def test_rows_that_are_added_push_out_few_of_the_others(folder: Path) -> None:
    before = set(ids(folder, subsample=Subsample(n=50)))
    more = [{"id": f"m{number}", "n": number, "label": "a"} for number in range(10)]
    (folder / "t.jsonl").write_bytes(as_jsonl([*more, *ROWS]))
    after = set(ids(folder, subsample=Subsample(n=50)))
    assert len(before - after) == len(after - before) <= 10


def test_every_row_is_drawn_about_equally_often(folder: Path) -> None:
    drawn = Counter(number for seed in range(200) for number in numbers(folder, subsample=Subsample(n=25, seed=seed)))
    # 200 draws of a quarter: 50 expected, six standard deviations are 37
    assert len(drawn) == 100
    assert all(13 < count < 87 for count in drawn.values())


def test_strata_keep_their_shares(folder: Path) -> None:
    data = dataset(folder, "t.jsonl", target="label", subsample=Subsample(n=10, stratify="label"))
    assert data.survey().labels == {"a": 8, "b": 2}


def test_strata_may_be_of_any_column_and_rows_without_a_value_are_one(tmp_path: Path) -> None:
    rows = [{"n": number, "of": [None, "x", ""][number % 3]} for number in range(30)]
    _, samples = read(dataset(tmp_path, "t.jsonl", as_jsonl(rows), subsample=Subsample(n=6, stratify="of")))
    assert Counter(sample.fields["of"] or None for sample in samples) == {None: 4, "x": 2}


def test_the_answers_of_conversations_are_strata_under_the_name_of_their_column(tmp_path: Path) -> None:
    rows = [
        {"talk": [{"role": "user", "content": str(number)}, {"role": "assistant", "content": "ab"[number % 4 == 0]}]}
        for number in range(40)
    ]
    survey = dataset(tmp_path, "t.jsonl", as_jsonl(rows), messages="talk", subsample=Subsample(n=8, stratify="talk")).survey()
    assert survey.labels == {"a": 6, "b": 2}


def test_the_subsample_is_of_the_rows_for_which_where_holds(folder: Path) -> None:
    drawn = numbers(folder, where="n < 30", subsample=Subsample(n=10))
    assert len(drawn) == 10
    assert max(drawn) < 30


def test_more_rows_than_there_are_is_all_of_them_and_said_so(folder: Path) -> None:
    survey = dataset(folder, "t.jsonl", id="id", subsample=Subsample(n=1000)).survey()
    assert survey.rows == 100
    assert survey.notes == ("dataset.subsample asks for 1,000 rows, and there are 100: all are taken",)


def test_large_draws_are_those_of_sorting_all_tickets(tmp_path: Path) -> None:
    rows = [{"id": str(number)} for number in range(4 * SLACK)]
    (tmp_path / "t.jsonl").write_bytes(as_jsonl(rows))
    data = dataset(tmp_path, "t.jsonl", id="id", subsample=Subsample(n=len(rows)))
    assert data.survey().rows == len(rows)
    small = {sample.id for sample in read(dataset(tmp_path, "t.jsonl", id="id", subsample=Subsample(n=50)))[1]}
    large = {sample.id for sample in read(dataset(tmp_path, "t.jsonl", id="id", subsample=Subsample(n=3 * SLACK)))[1]}
    assert len(small) == 50
    assert len(large) == 3 * SLACK
    assert small < large


def test_equal_rows_without_ids_are_drawn_together_up_to_n(tmp_path: Path) -> None:
    rows = [{"text": text} for text in "abcabcabc"]
    _, samples = read(dataset(tmp_path, "t.jsonl", as_jsonl(rows), subsample=Subsample(n=4)))
    assert sorted(Counter(sample.fields["text"] for sample in samples).values()) == [1, 3]


@pytest.mark.parametrize(("name", "data"), [("t.csv", as_csv(ROWS)), ("u.jsonl", as_jsonl(ROWS))])
def test_strata_of_a_column_that_is_not_there_are_refused(tmp_path: Path, name: str, data: bytes) -> None:
    error = refusal(tmp_path, name, data, subsample=Subsample(n=3, stratify="lable"))
    assert f"{tmp_path / name}:1: no column 'lable'" in str(error)
    assert "Did you mean 'label'? Set `dataset.subsample.stratify`" in str(error.hint)


def test_a_column_with_a_value_for_each_row_is_no_stratum(tmp_path: Path) -> None:
    data = as_jsonl([{"id": number} for number in range(MAX_STRATA + 1)])
    assert "more than 10,000 different values" in str(refusal(tmp_path, "t.jsonl", data, subsample=Subsample(n=3, stratify="id")))


def test_a_file_written_to_between_draw_and_survey_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from evalsvc.dataset import draw, selection

    def draw_and_append(layout: Any, subsample: Subsample) -> Any:
        drawn = draw.draw_subsample(layout, subsample)
        with (folder / "t.jsonl").open("ab") as file:
            file.write(b'{"id":"new","n":1,"label":"a"}\n')
        return drawn

    monkeypatch.setattr(selection, "draw_subsample", draw_and_append)
    assert "changed while it was being read" in str(refusal(folder, "t.jsonl", subsample=Subsample(n=3)))


@given(counts=st.lists(st.integers(0, 1000), min_size=1, max_size=20), n=st.integers(1, 2000))
def test_shares_add_up_and_none_is_more_than_one_off(counts: list[int], n: int) -> None:
    total, given_out = sum(counts), shares(counts, n)
    assert sum(given_out) == min(n, total)
    assert all(share <= count for share, count in zip(given_out, counts, strict=True))
    if n < total:
        assert all(abs(share - n * count / total) < 1 for share, count in zip(given_out, counts, strict=True))


@given(data=st.data())
def test_any_selection_gives_samples_that_agree_with_their_survey(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp()
    rows = [{"n": number} for number in data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=12))]
    config: dict[str, Any] = {
        "where": data.draw(st.sampled_from([None, "n < 4", "n != 0"])),
        "subsample": data.draw(st.none() | st.builds(Subsample, n=st.integers(1, 14), stratify=st.sampled_from([None, "n"]))),
        "limit": data.draw(st.none() | st.integers(1, 14)),
    }
    source = dataset(folder, "any.jsonl", as_jsonl(rows), **config)
    if not any({None: True, "n < 4": row["n"] < 4, "n != 0": row["n"] != 0}[config["where"]] for row in rows):
        with pytest.raises(UsageError, match="holds for none"):
            source.survey()
        return
    survey = source.survey()
    samples = list(source.samples(survey))
    assert [id_hash(sample.id) for sample in samples] == [bytes(survey.id_hashes[at : at + 8]) for at in range(0, 8 * survey.rows, 8)]
    assert len({sample.id for sample in samples}) == survey.rows


def test_the_group_is_the_column_as_text(tmp_path: Path) -> None:
    _, samples = read(dataset(tmp_path, "t.jsonl", as_jsonl([{"doc": 1, "x": 1}, {"doc": "1", "x": 2}]), group="doc"))
    assert [sample.group for sample in samples] == ["1", "1"]


def test_without_a_group_column_there_is_no_group(tmp_path: Path) -> None:
    assert read(dataset(tmp_path, "t.jsonl", as_jsonl([{"doc": 1}])))[1][0].group is None


def test_a_row_without_the_group_column_is_refused_with_its_line(tmp_path: Path) -> None:
    error = refusal(tmp_path, "t.jsonl", as_jsonl([{"doc": 1}, {"x": 1}]), group="doc")
    assert f"{tmp_path / 't.jsonl'}:2: no column 'doc'" in str(error)


def test_a_row_whose_group_is_empty_has_none(tmp_path: Path) -> None:
    _, samples = read(dataset(tmp_path, "t.jsonl", as_jsonl([{"doc": 1}, {"doc": ""}, {"doc": None}]), group="doc"))
    assert [sample.group for sample in samples] == ["1", None, None]


def test_the_target_is_no_group(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"`dataset\.group` and `dataset\.target` both name"):
        dataset(tmp_path, "t.jsonl", as_jsonl(ROWS), group="label", target="label")
