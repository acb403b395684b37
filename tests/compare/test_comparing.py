"""Runs held against each other, from their directories to what is said of them."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from evalsvc.compare import comparing
from evalsvc.compare.baseline import save_baseline
from evalsvc.compare.comparing import check_names, compare, compare_all
from evalsvc.compare.nouns import Comparison, as_json
from evalsvc.compare.side import open_side
from evalsvc.compare.source import Side
from evalsvc.errors import UsageError
from evalsvc.jsonio import dumps, loads
from evalsvc.metrics.slices import holm
from evalsvc.rundir import Manifest, RunDir
from tests.compare.runs import DATASET, Answer, labels_but, make_run, reduced, rows_of

QA: dict[str, Any] = {"task": "qa", "scoring": {}}
ALL = labels_but()


def side(run: RunDir) -> Side:
    return open_side(run.path)


def wrong_from(first: int, last: int) -> Answer:
    return labels_but(*(f"r{number}" for number in range(first, last)))


def two(tmp_path: Path, a: Answer, b: Answer, *, count: int = 60, **config: Any) -> tuple[Side, Side]:
    return side(make_run(tmp_path, "one", rows_of(count), a, **config)), side(make_run(tmp_path, "two", rows_of(count), b, **config))


def test_every_metric_of_the_newer_run_is_there_in_its_order(tmp_path: Path) -> None:
    a, b = two(tmp_path, wrong_from(0, 10), wrong_from(5, 25))
    found = compare(a, b)
    assert list(found.differences) == list(b.info.summary["metrics"])
    for name in ("accuracy", "f1_macro", "recall", "mcc"):
        one = found.differences[name]
        assert one.a == pytest.approx(a.info.summary["metrics"][name]["value"])
        assert one.b == pytest.approx(b.info.summary["metrics"][name]["value"])
        assert one.difference == pytest.approx((one.b or 0) - (one.a or 0))
        assert one.reason is None
    assert found.headline == "accuracy"
    assert (found.a.label, found.b.label) == ("made/one", "made/two")


def test_flips_are_counted_over_the_common_rows_and_those_that_got_worse_stand_first(tmp_path: Path) -> None:
    a = side(make_run(tmp_path / "a", "one", rows_of(60), wrong_from(0, 10)))
    b = side(make_run(tmp_path / "b", "two", rows_of(50), wrong_from(5, 25)))
    found = compare(a, b, examples=18)
    assert found.flips is not None
    assert (found.flips.both_right, found.flips.both_wrong, found.flips.to_right, found.flips.to_wrong) == (25, 5, 5, 15)
    assert [flip.change for flip in found.examples] == [-1.0] * 15 + [1.0] * 3
    assert {flip.id for flip in found.examples[:15]} == {f"r{number}" for number in range(10, 25)}
    assert {(flip.outcome_a, flip.outcome_b) for flip in found.examples[:15]} == {("correct", "wrong")}
    assert found.examples[0].output_a == found.examples[0].target != found.examples[0].output_b
    assert (found.rows.common, found.rows.only_a, found.rows.only_b) == (50, 10, 0)
    accuracy = found.differences["accuracy"]
    assert (accuracy.a, accuracy.b, accuracy.n) == (0.8, 0.6, 50)


def test_numbers_are_the_same_whatever_order_the_answers_came_in(tmp_path: Path) -> None:
    a, b = two(tmp_path, wrong_from(0, 10), wrong_from(5, 25))
    before = compare(a, b)
    run = RunDir(Path(b.info.path))
    run.journal.write_bytes(b"".join(reversed(run.journal.read_bytes().splitlines(keepends=True))))
    run.state.unlink()
    reduced(run)
    assert as_json(compare(a, side(run))) == as_json(before)


def test_a_baseline_file_gives_the_numbers_that_its_run_gives(tmp_path: Path) -> None:
    for config in ({}, QA, {"repeats": 2}, {"task": "translation", "scoring": {}, "metrics": ["bleu", "chrf"]}):
        folder = tmp_path / str(len(str(config)))
        a, b = two(folder, wrong_from(0, 10), wrong_from(5, 25), **config)
        file = open_side(save_baseline(RunDir(Path(a.info.path)), folder / "baseline.jsonl.gz").path)
        as_run, as_file = compare(a, b), compare(file, b)
        assert as_file.differences == as_run.differences
        assert (as_file.flips, as_file.rows, as_file.headline) == (as_run.flips, as_run.rows, as_run.headline)
        assert as_file.a.is_baseline
        assert [flip.id for flip in as_file.examples] == [flip.id for flip in as_run.examples]
        assert all(flip.output_a is None and flip.output_b is not None for flip in as_file.examples)


def test_all_of_it_is_json(tmp_path: Path) -> None:
    a, b = two(tmp_path, wrong_from(0, 10), wrong_from(5, 25))
    for what in (compare(a, b), compare_all([a, b])):
        assert loads(dumps(as_json(what)))


def test_only_the_metrics_that_are_named_are_compared(tmp_path: Path) -> None:
    a, b = two(tmp_path, ALL, ALL, metrics=["accuracy"])
    assert list(compare(a, b).differences) == ["accuracy"]
    # one that neither reports is had from the same rows
    assert compare(a, b, metrics=["f1_macro"]).differences["f1_macro"].a == 1.0
    assert compare(a, b, metrics=["ext.nobody", "accuracy"]).differences["ext.nobody"].reason == "A has none by row"
    check_names([a, b], ["f1_macro", "accuracy"])
    with pytest.raises(UsageError, match="none of these runs has a metric 'f1_makro'; did you mean 'f1_macro'"):
        check_names([a, b], ["f1_makro"])


def test_a_group_of_metrics_is_named_by_one_name(tmp_path: Path) -> None:
    a, b = two(tmp_path, ALL, ALL, task="summarization", scoring={})
    assert list(compare(a, b, metrics=["rouge"]).differences) == ["rouge1", "rouge2", "rougeL", "rougeLsum"]


def test_a_metric_that_is_defined_otherwise_is_not_compared_and_it_is_said_why(tmp_path: Path) -> None:
    config: dict[str, Any] = {"task": "generation", "scoring": {}}
    a = side(make_run(tmp_path, "one", rows_of(20), ALL, **config, metrics=[{"token_f1": {"tokens": "words"}}, "exact_match"]))
    b = side(make_run(tmp_path, "two", rows_of(20), ALL, **config, metrics=[{"token_f1": {"tokens": "characters"}}, "exact_match"]))
    found = compare(a, b)
    one = found.differences["token_f1"]
    assert one.reason == "it is another number on either side: tokens:words in A, tokens:characters in B"
    assert (one.a, one.b, one.difference, one.n) == (1.0, 1.0, None, 20)
    assert found.differences["exact_match"].reason is None
    assert found.headline == "exact_match"


def test_a_metric_that_one_side_lacks_has_a_reason(tmp_path: Path) -> None:
    config: dict[str, Any] = {"task": "generation", "scoring": {}}
    a = side(make_run(tmp_path, "one", rows_of(20), ALL, **config, metrics=["exact_match"]))
    b = side(make_run(tmp_path, "two", rows_of(20), ALL, **config, metrics=["token_f1", "exact_match"]))
    assert compare(a, b).differences["token_f1"].reason == "A has none by row"


@pytest.mark.parametrize("turned", [False, True])
def test_of_other_labels_only_right_and_wrong_are_compared(tmp_path: Path, turned: bool) -> None:
    def scam(sample: Any, _: int) -> str:
        return "scam" if sample.id in ("r0", "r1", "r2", "r3") else str(sample.target)

    two_labels = side(make_run(tmp_path, "one", rows_of(20), ALL))
    three = side(make_run(tmp_path, "two", rows_of(20), scam, scoring={"labels": ["ham", "spam", "scam"]}))
    found = compare(three, two_labels) if turned else compare(two_labels, three)
    assert found.differences["accuracy"].difference == pytest.approx(0.2 if turned else -0.2)
    assert "labels:ham, scam, spam" in (found.differences["f1_macro"].reason or "")
    assert any("the labels are not the same on both sides" in note for note in found.notes)
    assert found.flips is not None
    assert found.flips.to_right + found.flips.to_wrong == 4


def test_labels_in_another_order_are_the_same_labels(tmp_path: Path) -> None:
    a = side(make_run(tmp_path, "one", rows_of(30), wrong_from(0, 4)))
    b = side(make_run(tmp_path, "two", rows_of(30), wrong_from(0, 4), scoring={"labels": ["ham", "spam"], "positive": "spam"}))
    found = compare(a, b)
    assert {name: one.difference for name, one in found.differences.items() if one.reason is None and one.difference} == {}
    assert found.differences["recall"].difference == 0
    assert not found.notes


def test_rows_without_right_and_wrong_show_the_largest_changes_of_the_headline(tmp_path: Path) -> None:
    def long(sample: Any, _: int) -> str:
        return str(sample.target) + " padding" * int(sample.id[1:])

    config: dict[str, Any] = {"task": "generation", "scoring": {}, "metrics": ["token_f1"]}
    a, b = two(tmp_path, ALL, long, count=12, **config)
    found = compare(a, b, examples=4)
    assert found.flips is None
    assert found.headline == "token_f1"
    assert [flip.id for flip in found.examples] == ["r11", "r10", "r9", "r8"]
    assert [round(flip.change or 0, 4) for flip in found.examples] == [round(2 / (number + 2) - 1, 4) for number in (11, 10, 9, 8)]


def test_where_lower_is_better_what_went_up_stands_first(tmp_path: Path) -> None:
    rows = [{"id": f"n{number}", "text": "t", "label": "100"} for number in range(6)]
    a = side(make_run(tmp_path, "one", rows, lambda *_: "103", task="regression", scoring={}))
    b = side(make_run(tmp_path, "two", rows, lambda sample, _: str(100 + int(sample.id[1:])), task="regression", scoring={}))
    found = compare(a, b)
    assert found.headline == "mae"
    assert [(flip.id, flip.change) for flip in found.examples] == [("n5", 2.0), ("n4", 1.0), ("n0", -3.0), ("n1", -2.0), ("n2", -1.0)]


def test_partial_runs_are_compared_over_what_they_have(tmp_path: Path) -> None:
    a = side(make_run(tmp_path, "one", rows_of(20), ALL, keep=8))
    b = side(make_run(tmp_path, "two", rows_of(20), ALL))
    found = compare(a, b)
    assert found.notes == ("A is not complete: 12 of its 20 rows have no answer yet, and are in no number",)
    assert (found.rows.common, found.differences["accuracy"].n) == (8, 8)


def test_what_makes_two_runs_hard_to_compare_is_said(tmp_path: Path) -> None:
    rows = [{**row, "from": "x"} for row in rows_of(20)]
    grouped: dict[str, Any] = {"dataset": {**DATASET, "group": "from"}}
    a = make_run(tmp_path / "a", "one", rows, ALL, **grouped)
    b = make_run(
        tmp_path / "b", "two", [*rows, {**rows[0], "id": "new"}], ALL, scoring={"labels": ["spam", "ham"], "normalise": "none"}, **grouped
    )
    sides = side(a), side(b)
    for folder in ("a", "b"):
        (tmp_path / folder / "data.jsonl").unlink()
    notes = " ".join(compare(*sides).notes)
    assert "the data set is not the same on both sides" in notes
    assert "replies are read by other rules on either side: scoring.normalise" in notes
    assert "nobody can tell any more which rows belong together" in notes
    assert compare(sides[0], sides[0]).notes[0] == "A and B are one and the same run"


def test_other_tasks_over_the_same_rows_share_nothing_but_rows(tmp_path: Path) -> None:
    a = side(make_run(tmp_path, "one", rows_of(20), ALL))
    b = side(make_run(tmp_path, "two", rows_of(20), ALL, **QA))
    found = compare(a, b)
    assert found.notes[0] == "A is of task classification, B of qa"
    assert found.differences["accuracy"].reason == "it is another number on either side: right:label in A, right:normalised_match in B"
    assert found.flips is None


def test_a_metric_of_the_users_own_says_why_it_is_not_compared(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(METRIC)
    a, b = two(tmp_path, ALL, ALL, metrics=["accuracy", "mine.py:Rows"])
    one = compare(a, b).differences["ext.Rows"]
    assert (one.a, one.b, one.difference) == (60.0, 60.0, None)
    assert one.reason == "it is counted over all rows together, so that no row of it has a pair"


METRIC = """
class Rows:
    def __init__(self, n=0): self.n = n
    @classmethod
    def empty(cls, options): return cls()
    def update(self, row): self.n += 1
    def merge(self, other): return Rows(self.n + other.n)
    def state(self): return {"n": self.n}
    @classmethod
    def from_state(cls, state): return cls(state["n"])
    def value(self): return self.n
"""


def test_scores_from_elsewhere_are_compared_by_row(tmp_path: Path) -> None:
    sides = []
    for name, shift in (("one", 0.0), ("two", 0.25)):
        run = make_run(tmp_path, name, rows_of(40), ALL)
        (run.path / "external").mkdir()
        kept = [
            {"id": f"r{number}", "repeat": 0, "scores": {"comet": number / 40 + shift * (number % 2)}, "by": {}} for number in range(40)
        ]
        (run.path / "external" / "comet.jsonl").write_bytes(b"".join(dumps(row) + b"\n" for row in kept))
        reduced(run)
        sides.append(side(run))
    one = compare(*sides).differences["ext.comet"]
    assert one.difference == pytest.approx(0.125)
    assert one.is_told


def test_means_over_groups_are_compared(tmp_path: Path) -> None:
    rows = [{**row, "language": ("de", "fr")[number % 3 == 0]} for number, row in enumerate(rows_of(60))]
    config: dict[str, Any] = {"task": "translation", "scoring": {}, "metrics": [{"chrf": {"by": "language"}}]}
    a, b = (side(make_run(tmp_path, name, rows, answer, **config)) for name, answer in (("one", ALL), ("two", wrong_from(0, 20))))
    one = compare(a, b).differences["chrf"]
    assert one.reason is None
    assert one.b == pytest.approx(b.info.summary["metrics"]["chrf"]["value"])


# several ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def five(tmp_path: Path) -> list[Side]:
    wrong = {"a": (0, 5), "b": (1, 6), "c": (0, 60), "d": (0, 62), "e": (100, 118)}
    return [side(make_run(tmp_path, name, rows_of(200), wrong_from(*of))) for name, of in wrong.items()]


def test_all_pairs_are_compared_as_each_pair_alone_and_corrected_together(five: list[Side]) -> None:
    field = compare_all(five, metrics=["accuracy", "f1_macro"])
    assert list(field.pairs) == list(combinations(range(5), 2))
    for metric in ("accuracy", "f1_macro"):
        alone = {places: compare(five[places[0]], five[places[1]], metrics=["accuracy", "f1_macro"], examples=0) for places in field.pairs}
        p = {str(places): one.differences[metric].p or 0.0 for places, one in alone.items()}
        corrected = holm(p)
        for places, one in alone.items():
            assert field.pairs[places].differences[metric] == replace(one.differences[metric], p_holm=corrected[str(places)])
    assert field.headline == "accuracy"
    assert [info.run_id for info in field.sides] == list("abcde")


def test_runs_share_a_letter_exactly_where_they_cannot_be_told_apart(five: list[Side]) -> None:
    field = compare_all(five)
    shown = field.letters["accuracy"]
    for (i, j), comparison in field.pairs.items():
        assert bool(set(shown[i]) & set(shown[j])) != comparison.differences["accuracy"].is_told
    assert "a" in shown[0]
    assert "a" in shown[1]
    assert set(shown[2]) == set(shown[3])


def off_by(step: int) -> Answer:
    return lambda sample, _: str(100 + step + int(sample.id[1:]) % 3)


def test_where_lower_is_better_the_lowest_has_the_first_letter(tmp_path: Path) -> None:
    rows = [{"id": f"n{number}", "text": "t", "label": "100"} for number in range(60)]
    sides = [side(make_run(tmp_path, str(step), rows, off_by(step), task="regression", scoring={})) for step in (9, 1, 5)]
    assert compare_all(sides, metrics=["mae"]).letters["mae"] == ("c", "a", "b")


def test_a_side_without_a_number_has_no_letter(tmp_path: Path) -> None:
    config: dict[str, Any] = {"task": "generation", "scoring": {}}
    with_it, without = ["exact_match", "token_f1"], ["exact_match"]
    sides = [
        side(make_run(tmp_path, name, rows_of(20), ALL, **config, metrics=metrics))
        for name, metrics in (("a", with_it), ("b", without), ("c", with_it))
    ]
    assert compare_all(sides).letters == {"exact_match": ("a", "a", "a"), "token_f1": ("a", "", "a")}


def counting(sides: list[Side]) -> tuple[list[Side], list[int]]:
    """The same, and a list to which each adds its place whenever its scores are read."""
    reads: list[int] = []

    def counted(place: int, of: Side) -> Side:
        class Counted:
            def __getattr__(self, name: str) -> Any:
                if name == "scores":
                    reads.append(place)
                return getattr(of.source, name)

        source: Any = Counted()
        return replace(of, source=source)

    return [counted(place, of) for place, of in enumerate(sides)], reads


def test_each_side_is_read_once_for_all_of_its_pairs(five: list[Side]) -> None:
    counted, reads = counting(five)
    compare_all(counted)
    assert sorted(reads) == [0, 1, 2, 3, 4]


def test_with_little_room_sides_are_read_again_and_say_the_same(five: list[Side], monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = compare_all(five)
    monkeypatch.setattr(comparing, "MOST_ROWS", 650)
    counted, reads = counting(five)
    assert as_json(compare_all(counted)) == as_json(at_once)
    # 200 rows each: three sides at a time
    assert len(reads) == 14


def test_pairs_with_rows_of_their_own_have_evidence_of_their_own(tmp_path: Path) -> None:
    parts = {"a": (0, 40), "b": (20, 40), "c": (10, 30)}
    sides = [
        side(make_run(tmp_path / name, name, rows_of(count, start=start), wrong_from(25, 35 + start)))
        for name, (start, count) in parts.items()
    ]
    field = compare_all(sides, metrics=["accuracy"])
    assert {places: one.rows.common for places, one in field.pairs.items()} == {(0, 1): 20, (0, 2): 30, (1, 2): 20}
    for (i, j), one in field.pairs.items():
        alone: Comparison = compare(sides[i], sides[j], metrics=["accuracy"])
        assert (one.differences["accuracy"].a, one.differences["accuracy"].b) == (
            alone.differences["accuracy"].a,
            alone.differences["accuracy"].b,
        )


def test_runs_of_which_two_have_no_row_in_common_are_refused(tmp_path: Path) -> None:
    sides = [side(make_run(tmp_path / name, name, rows_of(5, start=start), ALL)) for name, start in (("a", 0), ("b", 3), ("c", 6))]
    with pytest.raises(UsageError, match="made/a and made/c have no row in common"):
        compare_all(sides)


def test_a_manifest_that_says_it_was_saved_is_still_the_same_side(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", rows_of(5), ALL)
    save_baseline(run, tmp_path / "baseline.jsonl.gz")
    manifest = Manifest.read(run)
    assert manifest is not None
    assert compare(open_side(tmp_path / "baseline.jsonl.gz"), side(run)).differences["accuracy"].difference == 0
