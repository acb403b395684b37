"""Which rows two runs have in common."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalsvc.compare.baseline import save_baseline
from evalsvc.compare.pairing import LISTED, Pairing, SideRows, pair
from evalsvc.compare.side import open_side
from evalsvc.dataset import id_hash
from evalsvc.errors import UsageError
from evalsvc.rundir import Manifest, RunDir
from tests.compare.runs import DATASET, labels_but, make_run, reduced, rows_of

ALL = labels_but()


def paired(a: RunDir, b: RunDir, **more: Any) -> Pairing:
    return pair(SideRows(open_side(a.path)), SideRows(open_side(b.path)), **more)


def common_ids(a: RunDir, b: RunDir) -> set[tuple[str, int]]:
    """As both sides have them, number by number."""
    found = paired(a, b)
    scores = [
        [(score.id, score.repeat) for score in map(list(open_side(run.path).source.scores()).__getitem__, places.tolist())]
        for run, places in ((a, found.places_a), (b, found.places_b))
    ]
    assert scores[0] == scores[1]
    assert len(scores[0]) == found.rows.common == found.common.count
    return set(scores[0])


def by_hash(ids: list[str]) -> tuple[str, ...]:
    return tuple(sorted(ids, key=lambda id_: int.from_bytes(id_hash(id_), "little"))[:LISTED])


def test_rows_are_joined_by_id_in_whatever_order_they_came(tmp_path: Path) -> None:
    a = make_run(tmp_path / "a", "one", rows_of(50), ALL)
    b = make_run(tmp_path / "b", "two", list(reversed(rows_of(80, start=30))), ALL)
    assert common_ids(a, b) == {(f"r{number}", 0) for number in range(30, 50)}
    rows = paired(a, b).rows
    assert (rows.common, rows.only_a, rows.only_b, rows.changed) == (20, 30, 60, 0)
    assert rows.ids_only_a == by_hash([f"r{number}" for number in range(30)])
    assert rows.ids_only_b == by_hash([f"r{number}" for number in range(50, 110)])


def test_no_more_than_a_hundred_ids_are_listed(tmp_path: Path) -> None:
    a = make_run(tmp_path / "a", "one", rows_of(3), ALL)
    b = make_run(tmp_path / "b", "two", rows_of(400), ALL, repeats=2)
    rows = paired(a, b).rows
    assert rows.only_b == 797
    assert len(set(rows.ids_only_b)) == len(rows.ids_only_b) == LISTED


def test_rows_that_ask_something_else_or_have_another_right_answer_are_left_out(tmp_path: Path) -> None:
    rows = rows_of(10)
    edited = [{**row, "text": "edited"} if row["id"] == "r3" else {**row, "label": "ham"} if row["id"] == "r4" else row for row in rows]
    a = make_run(tmp_path / "a", "one", rows, ALL)
    b = make_run(tmp_path / "b", "two", edited, ALL)
    found = paired(a, b).rows
    assert (found.common, found.changed, found.ids_changed) == (8, 2, by_hash(["r3", "r4"]))
    assert not {("r3", 0), ("r4", 0)} & common_ids(a, b)


def test_of_a_row_that_was_edited_and_asked_again_the_last_question_counts(tmp_path: Path) -> None:
    rows = rows_of(6)
    edited = [{**row, "text": "edited"} if row["id"] == "r1" else row for row in rows]
    b = make_run(tmp_path / "b", "two", edited, ALL)
    a = make_run(tmp_path / "a", "one", edited, ALL)
    before = make_run(tmp_path / "before", "one", rows, ALL)
    a.journal.write_bytes(before.journal.read_bytes() + a.journal.read_bytes().splitlines(keepends=True)[1])
    manifest = Manifest.read(a)
    assert manifest is not None
    replace(manifest, data_changed=True).write(a)
    reduced(a)
    assert paired(a, b).rows.common == 6
    assert paired(a, before).rows.ids_changed == ("r1",)


def test_of_the_same_data_nobody_looks_into_the_journals(tmp_path: Path) -> None:
    a, b = (make_run(tmp_path, name, rows_of(10), ALL) for name in ("one", "two"))
    sides = [open_side(run.path) for run in (a, b)]
    for run in (a, b):
        run.journal.unlink()
    assert pair(*map(SideRows, sides)).rows.common == 10


def test_repeats_are_rows_of_one_id(tmp_path: Path) -> None:
    thrice, once = (make_run(tmp_path, f"of{repeats}", rows_of(6), ALL, repeats=repeats) for repeats in (3, 1))
    found = paired(thrice, once)
    assert (found.rows.common, found.rows.only_a, found.common.repeated) == (6, 12, False)
    found = paired(thrice, thrice)
    assert (found.rows.common, found.common.repeated, found.common.distinct) == (18, True, 6)
    assert common_ids(thrice, thrice) == {(f"r{number}", repeat) for number in range(6) for repeat in range(3)}


def test_groups_are_taken_from_the_side_that_knows_them(tmp_path: Path) -> None:
    rows = [{**row, "from": str(number % 4)} for number, row in enumerate(rows_of(20))]
    grouped = make_run(tmp_path, "grouped", rows, ALL, dataset={**DATASET, "group": "from"})
    plain = make_run(tmp_path, "plain", rows, ALL)
    for a, b in ((grouped, plain), (plain, grouped)):
        common = paired(a, b).common
        assert common.grouped
        assert common.distinct == 4
    assert not paired(plain, plain).common.grouped


def test_a_baseline_file_joins_as_the_run_that_it_was_made_of(tmp_path: Path) -> None:
    rows = [{**row, "from": str(number % 4)} for number, row in enumerate(rows_of(20))]
    one = make_run(tmp_path / "a", "one", rows, ALL, repeats=2, dataset={**DATASET, "group": "from"})
    two = make_run(tmp_path / "b", "two", [*rows[5:19], {**rows[19], "text": "edited"}], ALL, repeats=2)
    file = SideRows(open_side(save_baseline(one, tmp_path / "b.jsonl.gz").path))
    as_run, as_file = paired(one, two), pair(file, SideRows(open_side(two.path)))
    assert as_file.rows == as_run.rows
    assert (as_run.rows.common, as_run.rows.changed, as_run.rows.ids_changed) == (28, 2, ("r19",))
    assert as_file.common.clusters.tolist() == as_run.common.clusters.tolist()
    assert as_file.common.grouped


def test_the_order_of_the_data_set_is_that_of_its_rows_repeat_by_repeat(tmp_path: Path) -> None:
    a, b = (make_run(tmp_path, name, rows_of(7), ALL, repeats=2) for name in ("one", "two"))
    found = paired(a, b, ordered=True)
    scores = list(open_side(a.path).source.scores())
    order = found.common.order
    assert order is not None
    ids = [(scores[place].id, scores[place].repeat) for place in found.places_a[order].tolist()]
    assert ids == [(f"r{number}", repeat) for repeat in range(2) for number in range(7)]
    assert paired(a, b).common.order is None


def test_there_is_no_order_where_no_data_set_has_all_of_the_rows(tmp_path: Path) -> None:
    a, b = (make_run(tmp_path, name, rows_of(7), ALL) for name in ("one", "two"))
    (tmp_path / "data.jsonl").write_text("")
    assert paired(a, b, ordered=True).common.order is None


def test_columns_tell_the_rows_of_a_side_apart(tmp_path: Path) -> None:
    rows = [{**row, "language": ("de", "fr", None)[number % 3]} for number, row in enumerate(rows_of(9))]
    a, b = (make_run(tmp_path, name, rows, ALL) for name in ("one", "two"))
    found = paired(a, b, columns=("language",))
    scores = list(open_side(b.path).source.scores())
    codes = {scores[place].id: code for place, code in zip(found.places_b.tolist(), found.common.parts["language"].tolist(), strict=True)}
    assert [codes[f"r{number}"] for number in (0, 3, 6)] == [codes["r0"]] * 3 != [codes["r1"]] * 3
    assert [codes[f"r{number}"] for number in (2, 5, 8)] == [-1] * 3


def test_where_no_row_is_common_three_ids_of_each_side_are_shown(tmp_path: Path) -> None:
    a = make_run(tmp_path / "a", "one", rows_of(5), ALL)
    b = make_run(tmp_path / "b", "two", rows_of(5, start=50), ALL)
    with pytest.raises(UsageError, match=r"A has the ids 'r0', 'r1', 'r2'; B has 'r50', 'r51', 'r52'") as refused:
        paired(a, b)
    assert "dataset.id" in (refused.value.hint or "")


def test_where_all_common_ids_ask_something_else_that_is_said(tmp_path: Path) -> None:
    a = make_run(tmp_path / "a", "one", rows_of(5), ALL)
    b = make_run(tmp_path / "b", "two", [{**row, "new": "column"} for row in rows_of(5)], ALL)
    with pytest.raises(UsageError, match="5 ids are on both sides, but the rows under them were asked something else") as refused:
        paired(a, b)
    assert "a column that was added" in (refused.value.hint or "")


def test_verdicts_of_judges_are_joined_by_id_alone_as_the_answers_they_judge_differ(tmp_path: Path) -> None:
    of_x, of_y = ([{"id": f"{number}", "text": f"{who} {number}", "label": None} for number in range(4)] for who in "xy")
    a, b = (
        make_run(tmp_path / name, name, rows, lambda *_: "Rating: 3", task="judge", scoring={}) for name, rows in (("a", of_x), ("b", of_y))
    )
    assert paired(a, b).rows.common == 4


ANSWERS = {"answers": {"file": "answers.csv"}}


def answers_of(folder: Path, name: str, said: str, **dataset: Any) -> RunDir:
    """As `evalsvc score FILE` makes it: the answer stands in the row."""
    rows = [{**row, "text": row["text"] if number < 7 else f"{said} {number}"} for number, row in enumerate(rows_of(12))]
    rows[0] = {**rows[0], "label": said}
    return make_run(folder / name, name, rows, lambda *_: "spam", identity=ANSWERS, dataset={**DATASET, **dataset})


def test_rows_that_came_with_their_answers_are_joined_by_id_and_right_answer(tmp_path: Path) -> None:
    a, b = (answers_of(tmp_path, name, said) for name, said in (("a", "spam"), ("b", "ham")))
    found = paired(a, b).rows
    assert (found.common, found.changed, found.ids_changed) == (11, 1, ("r0",))
    asked = make_run(tmp_path / "c", "c", rows_of(12), ALL)
    assert paired(asked, b).rows.common == 12
    file = save_baseline(a, tmp_path / "b.jsonl.gz")
    assert pair(SideRows(open_side(file.path)), SideRows(open_side(b.path))).rows == found


def test_answers_without_ids_are_refused_as_only_equal_ones_would_be_joined(tmp_path: Path) -> None:
    a, b = (answers_of(tmp_path, name, said, id=None) for name, said in (("a", "spam"), ("b", "ham")))
    with pytest.raises(UsageError, match="only rows with the same answer would be compared") as refused:
        paired(a, b)
    assert "--id" in (refused.value.hint or "")
    assert paired(a, a).rows.common == 12


def test_a_row_that_is_still_pending_on_one_side_is_only_on_the_other(tmp_path: Path) -> None:
    a = make_run(tmp_path, "one", rows_of(9), ALL, keep=4)
    b = make_run(tmp_path, "two", rows_of(9), ALL)
    rows = paired(a, b).rows
    assert (rows.common, rows.only_a, rows.only_b) == (4, 0, 5)


def test_side_rows_read_each_thing_once(tmp_path: Path) -> None:
    side = open_side(make_run(tmp_path, "one", rows_of(5), ALL).path)
    calls: list[str] = []

    class Counted:
        def __getattr__(self, name: str) -> Any:
            calls.append(name)
            return getattr(side.source, name)

    counted: Any = Counted()
    a, b = SideRows(side), SideRows(replace(side, source=counted, data={**side.data, "other": "data"}))
    for _ in range(3):
        pair(a, b, columns=("text",), ordered=True)
    assert sorted(calls) == ["groups", "groups_by", "hashes", "order", "questions"]
