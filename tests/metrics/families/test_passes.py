from fractions import Fraction
from itertools import combinations
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.errors import UsageError
from evalsvc.metrics.families.metric import OwnMetric
from evalsvc.metrics.families.passes import PassTally, Shape, build, pass_at_k
from evalsvc.metrics.intervals import wilson
from evalsvc.records import MetricValue, Outcome
from tests.metrics.families.answers import score, setting, wanted


def built(repeats: int = 5, task: str = "qa", *, options: dict[str, Any] | None = None, **more: Any) -> OwnMetric:
    return build(wanted("pass_at_k", **(options or {})), setting(task, repeats=repeats, **more))


def tally(rows: dict[str, list[bool]], *, clusters: dict[str, int] | None = None, k: int = 1) -> PassTally:
    """Right and wrong answers by question."""
    made = PassTally(shape=Shape(k=k, grouped=clusters is not None))
    for id_, answers in rows.items():
        for repeat, right in enumerate(answers):
            item = score("y", outcome=Outcome.CORRECT if right else Outcome.WRONG, id_=id_, repeat=repeat)
            made.update(item, cluster=(clusters or {}).get(id_, 99))
    return made


def metric(rows: dict[str, list[bool]], *, clusters: dict[str, int] | None = None, k: int = 1) -> MetricValue:
    return tally(rows, clusters=clusters, k=k).value()["pass_at_k"]


def questions(worth: list[tuple[int, int]]) -> dict[str, list[bool]]:
    return {str(index): [True] * c + [False] * (n - c) for index, (n, c) in enumerate(worth)}


@settings(deadline=None)
@given(st.integers(1, 9), st.data())
def test_it_is_the_share_of_choices_of_k_answers_with_a_right_one(n: int, data: st.DataObject) -> None:
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    choices = list(combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == Fraction(sum(map(any, choices)), len(choices))


def test_it_is_the_estimator_of_the_paper() -> None:
    """Chen et al. 2021, figure 3: 1 - prod(1 - k / (n - c + 1 ... n)), which overflows nothing either."""
    for n, c, k in [(200, 13, 10), (200, 1, 100), (100, 99, 50)]:
        product = 1.0
        for step in range(n - c + 1, n + 1):
            product *= 1 - k / step
        assert float(pass_at_k(n, c, k)) == pytest.approx(1.0 if n - c < k else 1 - product)


def test_the_mean_is_over_questions_and_not_over_answers() -> None:
    found = metric(questions([(4, 4), (2, 1)]), k=2)
    assert (found["value"], found["n"]) == (1.0, 2)
    assert metric(questions([(4, 4), (4, 0), (4, 1)]))["value"] == pytest.approx(5 / 12)
    assert metric(questions([(4, 4), (4, 0), (4, 1)]), k=4)["value"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("outcome", [Outcome.ERROR, Outcome.REFUSED, Outcome.FILTERED, Outcome.UNPARSED, Outcome.TRUNCATED])
def test_what_is_no_answer_failed(outcome: Outcome) -> None:
    made = tally({"1": [True]}, k=1)
    made.update(score(None, outcome=outcome, id_="1", repeat=1))
    assert made.value()["pass_at_k"]["value"] == 0.5


def test_a_row_without_target_is_not_counted_unless_nobody_asks_for_one() -> None:
    for correct, n in [("exact_match", 0), ("json_valid", 1)]:
        made = PassTally(shape=Shape(correct=correct))
        made.update(score(None, None, Outcome.ERROR))
        assert made.value()["pass_at_k"]["n"] == n


def test_a_row_of_which_nothing_says_whether_it_is_right_is_not_counted() -> None:
    made = PassTally(shape=Shape())
    made.update(score("y", "many", Outcome.SCORED))
    assert made.value()["pass_at_k"]["reason"] == "no row with a target has 1 answers"


def test_a_question_with_too_few_answers_so_far_is_left_out() -> None:
    found = metric(questions([(3, 3), (1, 0)]), k=2)
    assert (found["value"], found["n"]) == (1.0, 1)
    assert "of:1-3|" in found["signature"]


def test_a_share_of_independent_questions_has_wilsons_interval() -> None:
    found = metric(questions([(1, 1)] * 30 + [(1, 0)] * 10))
    assert (found["ci_low"], found["ci_high"]) == wilson(30, 40)
    assert found["signature"] == "k:1|of:1|correct:exact_match|estimator:unbiased|ci:wilson95|v:1"


def test_the_bootstrap_is_that_of_the_questions() -> None:
    found = metric(questions([(4, 4), (4, 2), (4, 0), (4, 1)] * 50))
    spread = (sum((share - 7 / 16) ** 2 for share in (1, 0.5, 0, 0.25)) / 4 / 200) ** 0.5
    assert found["ci_low"] == pytest.approx(7 / 16 - 1.96 * spread, abs=0.005)
    assert found["ci_high"] == pytest.approx(7 / 16 + 1.96 * spread, abs=0.005)
    assert "ci:bootstrap2000-seed0" in found["signature"]


def test_questions_of_a_group_are_drawn_together() -> None:
    """20 groups of 10 questions that agree are 20 draws."""
    rows = questions([(4, 4 * (index // 10 % 2)) for index in range(200)])
    clusters = {id_: int(id_) // 10 for id_ in rows}
    grouped, single = metric(rows, clusters=clusters), metric(rows)
    low, high = grouped["ci_low"] or 0, grouped["ci_high"] or 0
    assert (low, high) == pytest.approx((0.5 - 1.96 * (0.25 / 20) ** 0.5, 0.5 + 1.96 * (0.25 / 20) ** 0.5), abs=0.03)
    assert high - low > 2.5 * ((single["ci_high"] or 0) - (single["ci_low"] or 0))
    assert "ci:cluster-bootstrap2000-seed0|clusters:group|n-clusters:20" in grouped["signature"]


def test_where_all_agree_each_group_is_one_draw() -> None:
    rows = questions([(2, 2)] * 40)
    assert metric(rows)["ci_low"] == wilson(40, 40)[0]
    assert metric(rows, clusters={id_: int(id_) // 10 for id_ in rows})["ci_low"] == wilson(4, 4)[0]


def test_one_group_is_a_group_and_not_none() -> None:
    rows = questions([(2, 2), (2, 0)])
    found = metric(rows, clusters=dict.fromkeys(rows, 0))
    assert (found["value"], found["ci_low"], found["ci_high"]) == (0.5, None, None)


def test_k_is_one_unless_it_is_named() -> None:
    assert "k:1|" in built().empty().value()["pass_at_k"]["signature"]
    assert "k:5|" in built(options={"k": 5}).empty().value()["pass_at_k"]["signature"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"options": {"k": 6}}, "k = 6 needs 6 answers"),
        ({"options": {"k": 0}}, "whole number"),
        ({"options": {"k": True}}, "whole number"),
        ({"options": {"n": 1}}, "no option 'n'"),
        ({"task": "generation"}, "cannot know which answers are right"),
        ({"task": "generation", "scoring": {"correct": "pass_at_k"}}, "cannot know which answers are right"),
    ],
)
def test_what_cannot_be_is_said_before_the_run(more: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=r"eval\.yaml:9.*" + message):
        built(**more)


def test_groups_are_those_of_the_data_set() -> None:
    rows = [score("y", outcome=Outcome.CORRECT, id_=str(index)) for index in range(4)]
    for dataset, clusters in [({"path": "d.jsonl"}, ""), ({"path": "d.jsonl", "group": "g"}, "n-clusters:2")]:
        made = built(dataset=dataset).empty()
        for index, row in enumerate(rows):
            made.update(row, cluster=index % 2)
        assert clusters in made.value()["pass_at_k"]["signature"]


def test_a_million_questions_are_kept_in_little_and_soon_counted() -> None:
    random, made = Random(1), PassTally(shape=Shape(k=2))
    made.questions = {random.getrandbits(64): 3 << 20 | random.randrange(4) for _ in range(100_000)}
    state = made.state()
    assert len(state["questions"]) < 30 * 100_000
    assert PassTally.from_state(state, made.shape) == made
    assert made.value()["pass_at_k"]["value"] == pytest.approx((0 + 2 / 3 + 1 + 1) / 4, abs=0.01)
