"""The rows that a report shows: the same draw in any order, and something of everything."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.dataset import id_hash
from evalsvc.jsonio import dumps, loads
from evalsvc.records import WITHOUT_LABEL, Outcome, Score
from evalsvc.reduce.examples import MOST_FAILURES, MOST_OTHERS, Examples, Place, kinds_of

LABELS = ("spam", "ham", "news")
BY_CELL = ("outcome", "target", "prediction")


def scored(number: int, outcome: Outcome, target: str | None = None, prediction: str | None = None, value: float | None = None) -> Score:
    return Score(
        id=f"r{number}",
        repeat=0,
        target=target,
        prediction=prediction,
        outcome=outcome,
        rule="exact",
        scores=None if value is None else {"chrf": value},
    )


def labelled(number: int, target: str, said: str | Outcome) -> Score:
    if isinstance(said, Outcome):
        return scored(number, said, target)
    return scored(number, Outcome.CORRECT if said == target else Outcome.WRONG, target, said)


# what was said to each row; its number is its id, and where its lines begin
rows = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from([*LABELS, *WITHOUT_LABEL])), max_size=60)
measured = st.lists(st.sampled_from([None, 0.0, 0.5, 1.0, 37.5]), max_size=40)


def of(scores: Sequence[Score], numbers: Sequence[int], *, most: int = 3, worst_by: str | None = None, lower: bool = False) -> Examples:
    examples = Examples(told_by=BY_CELL, most=most, worst_by=worst_by, lower_is_better=lower)
    for number in numbers:
        examples.update(scores[number], id_hash(scores[number].id), 100 * number, 10 * number)
    return examples


@settings(deadline=None)
@given(given_rows=rows, seed=st.integers(), cut=st.integers(0, 60))
def test_any_order_and_any_shards_keep_the_same_rows(given_rows: list[tuple[str, str | Outcome]], seed: int, cut: int) -> None:
    scores = [labelled(number, *row) for number, row in enumerate(given_rows)]
    in_order = list(range(len(scores)))
    shuffled = Random(seed).sample(in_order, len(in_order))
    whole = of(scores, in_order)
    left, right = of(scores, shuffled[:cut]), of(scores, shuffled[cut:])
    assert of(scores, shuffled) == whole
    assert left.merge(right) == right.merge(left) == whole
    assert Examples(told_by=BY_CELL, most=3).merge(whole) == whole
    assert Examples.from_state(loads(dumps(whole.state()))) == whole
    assert of(scores, shuffled).state() == whole.state()


@settings(deadline=None)
@given(given_rows=rows, more=rows)
def test_a_state_that_was_read_goes_on_as_the_tally_would_have(
    given_rows: list[tuple[str, str | Outcome]], more: list[tuple[str, str | Outcome]]
) -> None:
    scores = [labelled(number, *row) for number, row in enumerate([*given_rows, *more])]
    read = Examples.from_state(of(scores, range(len(given_rows))).state())
    for number in range(len(given_rows), len(scores)):
        read.update(scores[number], id_hash(scores[number].id), 100 * number, 10 * number)
    assert read == of(scores, range(len(scores)))


@given(values=measured, lower=st.booleans())
def test_the_worst_rows_are_kept_where_nothing_is_right_or_wrong(values: list[float | None], lower: bool) -> None:
    scores = [scored(number, Outcome.SCORED, value=value) for number, value in enumerate(values)]
    kept = of(scores, range(len(scores)), worst_by="chrf", lower=lower).kept.get(("worst",), [])
    ranked = sorted((-value if lower else value, id_hash(f"r{number}")) for number, value in enumerate(values) if value is not None)
    assert [(rank, hashed) for rank, hashed, _, _ in kept] == ranked[:3]


def test_lines_that_were_taken_out_close_up() -> None:
    scores = [labelled(number, "spam", "ham") for number in range(3)]
    kept = of(scores, range(3), most=9).without([(10, 10)])
    assert kept is not None
    assert sorted(places(kept)) == [(0, 0), (200, 10)]


def test_a_row_taken_from_a_full_kind_leaves_its_place_to_be_filled() -> None:
    scores = [labelled(number, "spam", "ham") for number in range(4)]
    full = of(scores, range(4), most=3)
    inside = next(scored for _, _, _, scored in full.kept["wrong", "spam", "ham"])
    outside = next(10 * number for number in range(4) if 10 * number not in {at for _, at in places(full)})
    assert full.without([(inside, 10)]) is None
    assert full.without([(outside, 10)]) is not None


def test_parts_of_a_file_are_moved_to_where_they_stand_in_the_whole() -> None:
    scores = [labelled(number, "spam", "ham") for number in range(3)]
    assert sorted(places(of(scores, range(3)).moved(1000))) == [(0, 1000), (100, 1010), (200, 1020)]


def places(examples: Examples) -> list[tuple[int, int]]:
    return [(journal, scored) for entries in examples.kept.values() for _, _, journal, scored in entries]


def test_failures_come_first_and_every_outcome_and_every_class_is_there() -> None:
    labels = [f"label {number}" for number in range(50)]
    scores = [labelled(number, labels[number % 50], labels[(number + number // 50) % 50]) for number in range(20_000)]
    scores += [labelled(20_000 + number, labels[number % 50], outcome) for number, outcome in enumerate(WITHOUT_LABEL)]
    told_by, most = kinds_of(50)
    examples = Examples(told_by=told_by, most=most)
    for number, score in enumerate(scores):
        examples.update(score, id_hash(score.id), number, number)
    shown = [scores[place.journal] for place in examples.shown()]
    failures = [score for score in shown if score.outcome is not Outcome.CORRECT]
    assert len(failures) <= MOST_FAILURES
    assert len(shown) - len(failures) <= MOST_OTHERS
    assert shown[: len(failures)] == failures
    assert {score.outcome for score in failures} == {Outcome.WRONG, *WITHOUT_LABEL}
    assert {score.target for score in failures if score.outcome is Outcome.WRONG} == set(labels)
    order = [score.outcome for score in failures]
    assert order == sorted(order, key=[Outcome.WRONG, "ambiguous", "unparsed", "refused", "truncated", "filtered", "error"].index)


def test_every_kind_gets_its_share_of_the_room_and_what_is_rare_is_there_in_full() -> None:
    mistakes = [(target, said) for target in LABELS for said in LABELS if target != said]
    scores = [labelled(number, *mistakes[number % 6]) for number in range(6000)]
    last = max(range(6000, 6100), key=lambda number: id_hash(f"r{number}"))
    scores += [labelled(number, "spam", Outcome.REFUSED if number == last else "spam") for number in range(6000, 6100)]
    examples = of(scores, range(len(scores)), most=300)
    shown = [scores[place.journal // 100] for place in examples.shown()]
    failures = [score for score in shown if score.outcome is not Outcome.CORRECT]
    assert len(failures) == MOST_FAILURES
    counts = Counter((score.target, score.prediction) for score in failures)
    assert counts.pop(("spam", None)) == 1
    assert set(counts.values()) == {66, 67}


def test_the_worst_come_before_a_draw_of_all_and_no_row_comes_twice() -> None:
    scores = [scored(number, Outcome.SCORED, value=number / 1000) for number in range(1000)]
    shown = of(scores, range(1000), most=200, worst_by="chrf").shown()
    assert shown[:200] == [Place(journal=100 * number, scored=10 * number) for number in range(200)]
    assert 200 < len(shown) <= 200 + MOST_OTHERS
    assert len(set(shown)) == len(shown)


@pytest.mark.parametrize(("labels", "fields"), [(2, 3), (28, 3), (29, 2), (111, 2), (112, 2), (1000, 2), (0, 2)])
def test_however_many_labels_the_state_stays_small(labels: int, fields: int) -> None:
    told_by, most = kinds_of(labels)
    assert len(told_by) == fields
    names = [f"label {number}" for number in range(labels)] or ["a text"]
    draw = Random(1)
    examples = Examples(told_by=told_by, most=most)
    for number in range(60_000):
        score = labelled(number, draw.choice(names), draw.choice([*names, *WITHOUT_LABEL]))
        if score.prediction is not None:
            score = replace(score, rule=draw.choice(["exact", "json", "answer_line"]))
        examples.update(score, id_hash(score.id), 10_000_000_000 + number, 1_000_000_000 + number)
    assert len(dumps(examples.state())) < 200_000
