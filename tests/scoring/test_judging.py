"""A judge's reply to a verdict, and rows that need no judge."""

from dataclasses import replace
from typing import Any

import pytest

from evalsvc.config.models import EvalConfig
from evalsvc.config.scale import Scale
from evalsvc.errors import UsageError
from evalsvc.records import Outcome, Record, Reply, Score
from evalsvc.scoring.judging import JudgeScorer, check_judge, read_preference, read_rating, verdict_without_asking
from evalsvc.scoring.tasks import make_scorer
from tests.scoring.records import answered, failed

FIVE = Scale.of([1, 5])


def config(**changes: Any) -> EvalConfig:
    values = {"name": "j", "task": "judge", "dataset": {"path": "runs/x"}, "model": {"name": "m"}, **changes}
    return EvalConfig.model_validate(values)


def of_pairs(**changes: Any) -> EvalConfig:
    return config(dataset={"path": "runs/x", "against": "runs/y"}, **changes)


@pytest.mark.parametrize(
    ("said", "rating"),
    [
        ("4", 4),
        (" **4** ", 4),
        ("4/5", 4),
        ("It is fine.\nRating: 4", 4),
        ("**Rating:** 4", 4),
        ("Rating: [[4]]", 4),
        ("Rating：４", 4),
        ("Rating: 4 out of 5.", 4),
        ("Rating: 4.0", 4),
        ("Rating: 4\n\nTwo facts of 3 are there.", 4),
        ("A first look: rating: 2. On reflection:\nRating: 4", 4),
        ("The score of the reference is 9.\nRating: 4", 4),
        ("rating is 4", 4),
        ('{"reason": "1 error", "rating": 4}', 4),
        ('```json\n{"Score": "4"}\n```', 4),
        ("Rating: 1", 1),
        ("Rating: 6", None),
        ("Rating: 0", None),
        ("Rating: -4", None),
        ("Rating: 4.5", None),
        ("Rating: 4/10", None),
        ("Rating: N", None),
        ("Rating: good", None),
        ("There are 4 errors.", None),
        ("The answer has 4", None),
        ("Overrating: 4 things", None),
        ("", None),
        ("Rating: " + "9" * 400, None),
    ],
)
def test_a_rating_is_what_stands_behind_its_name_and_nothing_off_the_scale(said: str, rating: float | None) -> None:
    assert read_rating(said, FIVE).said == rating


@pytest.mark.parametrize("said", ["Rating: 3-4", "Rating: 3 or 4", "Rating: 3 to 4", "3–4"])
def test_two_ratings_at_once_are_several(said: str) -> None:
    assert read_rating(said, FIVE).several


def test_a_scale_may_have_halves() -> None:
    assert read_rating("Rating: 4.5", Scale.of([1, 5, 0.5])).said == 4.5
    assert read_rating("Rating: 4,5", Scale.of([1, 5, 0.5])).said == 4.5
    assert read_rating("Rating: 0.3", Scale.of([0, 1, 0.1])).said == 0.3


@pytest.mark.parametrize(
    ("said", "side"),
    [
        ("A", "a"),
        ("**B**", "b"),
        ("Answer B", "b"),
        ("Tie.", "tie"),
        ("A is longer, B is right.\nVerdict: B", "b"),
        ("Verdict: **Answer A**", "a"),
        ("Verdict: (B)", "b"),
        ("Verdict: A is better", "a"),
        ("Verdict: a tie", "tie"),
        ("Verdict: both are good", "tie"),
        ("Verdict: neither", "tie"),
        ("Verdict: A\nThe answer is more complete.", "a"),
        ("My final verdict is: [[A]]", "a"),
        ("[[C]]", "tie"),
        ("The better answer is B", "b"),
        ('{"winner": "B", "why": "A is wrong"}', "b"),
        ("Winner: response A", "a"),
        ("Verdict: A > B", "a"),
        ("Verdict: A < B", "b"),
        ("My final verdict is: [[B>>A]]", "b"),
        ("[[A=B]]", "tie"),
        ("Verdict: It's a tie.", "tie"),
        ("Verdict: Model B", "b"),
        ("The reference answer: B\nI cannot tell.", None),
        ("Answer A is short. Answer B is long.", None),
        ("Verdict: a good answer would be longer", None),
        ("Verdict:", None),
        ("", None),
    ],
)
def test_a_preference_is_a_verdict_and_not_a_mention(said: str, side: str | None) -> None:
    assert read_preference(said).said == side


@pytest.mark.parametrize("said", ["Verdict: A or B", "Verdict: A and B", "Verdict: A/B"])
def test_both_sides_at_once_are_several(said: str) -> None:
    assert read_preference(said).several


def scored(record: Record, of: EvalConfig) -> Score:
    return make_scorer(of, ()).score(record)


def test_a_verdict_is_scored_and_never_right_or_wrong() -> None:
    score = scored(answered("Rating: 4", target="5"), config())
    assert (score.outcome, score.prediction, score.rule, score.target) == (Outcome.SCORED, "4", "rating_line", "5")


@pytest.mark.parametrize(
    ("id_", "said", "verdict"),
    [("1#ab", "A", "win"), ("1#ba", "A", "loss"), ("1#ab", "B", "loss"), ("1#ba", "B", "win"), ("1#ba", "tie", "tie")],
)
def test_which_run_wins_depends_on_where_its_answer_stood(id_: str, said: str, verdict: str) -> None:
    assert scored(answered(f"Verdict: {said}", id_=id_), of_pairs()).prediction == verdict


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        (answered("no idea"), Outcome.UNPARSED),
        (answered("no id", finish_reason="length"), Outcome.TRUNCATED),
        (answered("<think>Rating: 4"), Outcome.TRUNCATED),
        (answered("Rating: 3 or 4"), Outcome.AMBIGUOUS),
        (answered("Rating: 4", refusal="no"), Outcome.REFUSED),
        (answered("Rating: 4", finish_reason="content_filter"), Outcome.FILTERED),
        (failed("timeout"), Outcome.ERROR),
    ],
)
def test_what_is_no_verdict_has_no_prediction(record: Record, outcome: Outcome) -> None:
    score = scored(record, config())
    assert (score.outcome, score.prediction) == (outcome, None)


def test_thinking_is_no_verdict() -> None:
    assert scored(answered("<think>Rating: 1</think>Rating: 4"), config()).prediction == "4"


def test_an_extraction_of_ones_own_decides_where_the_verdict_stands() -> None:
    of = config(scoring={"extract": {"json": "overall.stars"}})
    assert scored(answered('{"overall": {"stars": 2}, "rating": 4}'), of).prediction == "2"
    assert scored(answered("Rating: 4"), of).outcome is Outcome.UNPARSED


def test_labels_of_people_are_read_in_the_words_of_verdicts() -> None:
    targets = {label: scored(answered("A", id_="1#ab", target=label), of_pairs()).target for label in ("A", "b", "Draw", "win", "x")}
    assert targets == {"A": "win", "b": "loss", "Draw": "tie", "win": "win", "x": "x"}


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"output": "yes"}, None),
        ({"output": None, "missing": "refused"}, "1"),
        ({"output": ""}, "1"),
        ({"text": "a file whose answers have another name"}, None),
    ],
)
def test_an_answer_that_is_missing_has_the_lowest_rating_without_a_judge(fields: dict[str, Any], verdict: str | None) -> None:
    reply = verdict_without_asking(config(), fields)
    assert (reply and reply.output) == verdict


@pytest.mark.parametrize(
    ("order", "first", "second", "verdict"),
    [
        ("ab", "x", "y", None),
        ("ab", None, "y", "loss"),
        ("ba", None, "y", "win"),
        ("ab", "x", None, "win"),
        ("ba", "x", None, "loss"),
        ("ab", None, None, "tie"),
    ],
)
def test_a_pair_that_lacks_an_answer_is_won_by_the_other(order: str, first: str | None, second: str | None, verdict: str | None) -> None:
    reply = verdict_without_asking(of_pairs(), {"order": order, "output_a": first, "output_b": second})
    assert (reply and reply.output) == verdict


def test_no_other_task_has_rows_that_need_no_request() -> None:
    assert verdict_without_asking(config(task="generation"), {"output": None}) is None


def test_a_verdict_that_nobody_was_asked_for_says_so_and_costs_nothing() -> None:
    reply = verdict_without_asking(config(judge={"scale": [0, 3]}), {"output": None})
    assert isinstance(reply, Reply)
    assert reply.usage is not None
    assert (reply.usage.input, reply.usage.output) == (0, 0)
    score = scored(replace(answered(), reply=reply), config(judge={"scale": [0, 3]}))
    assert (score.outcome, score.prediction, score.rule) == (Outcome.SCORED, "0", "no_answer")


def test_people_s_labels_that_fit_nowhere_are_refused_and_one_that_fits_is_enough() -> None:
    check_judge(config(), {})
    check_judge(config(), {"4": 1, "unclear": 9})
    check_judge(of_pairs(), {"A": 2})
    with pytest.raises(UsageError, match="none is among ratings on the scale"):
        check_judge(config(), {"4.33": 1, "good": 2})
    with pytest.raises(UsageError, match="win, loss or tie"):
        check_judge(of_pairs(), {"4": 1})
    check_judge(config(task="generation"), {"good": 1})


@pytest.mark.parametrize("numbers", [[5, 1], [1, 1], [1], [1, 5, 0], [1, 5, 3], [0, 1_000_000]])
def test_what_is_no_scale_is_refused(numbers: list[float]) -> None:
    with pytest.raises(ValueError, match=r"scale|steps"):
        Scale.of(numbers)


def test_the_scorer_of_the_task_is_the_judge_s() -> None:
    assert isinstance(make_scorer(config(), ()), JudgeScorer)
