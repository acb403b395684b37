"""What a scorer of the user's may say, and the outcome it becomes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evalsvc.extending import Judged
from evalsvc.records import Outcome, RowError
from evalsvc.scoring.judged import Nonsense, Verdict, read_judged, scored
from tests.scoring.records import answered, failed

LABELS = ("spam", "ham")
OF_NUMPY: dict[str, Any] = {"prediction": "a", "correct": np.bool_(False), "scores": {"x": np.int64(2)}}


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (True, Judged(correct=True)),
        (False, Judged(correct=False)),
        (3, Judged(scores={"score": 3.0})),
        (np.float32(0.5), Judged(scores={"score": 0.5})),
        (np.bool_(True), Judged(correct=True)),
        (Judged(**OF_NUMPY), Judged(prediction="a", correct=False, scores={"x": 2.0})),
        (Judged(scores={"helpful": True}), Judged(scores={"helpful": 1.0})),
    ],
)
def test_what_newcomers_and_numpy_return_is_understood(said: object, means: Judged) -> None:
    assert read_judged(said) == means


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (None, "it returned None"),
        ("correct", "it returned 'correct'"),
        ((True, 0.5), r"it returned \(True, 0.5\)"),
        (float("nan"), "score 'score' is nan, not a finite number"),
        (10**400, "is 1000.*, not a finite number"),
        (Judged(prediction=7), "prediction is 7, not a text"),  # type: ignore[arg-type]
        (Judged(correct="yes"), "correct is 'yes', not True"),  # type: ignore[arg-type]
        (Judged(scores={"x": float("inf")}), "score 'x' is inf"),
        (Judged(scores={"x": "high"}), "score 'x' is 'high'"),  # type: ignore[dict-item]
        (Judged(scores={"a b": 1.0}), "'a b' cannot name a score"),
        (Judged(scores={"f.ci_low": 1.0}), "'f.ci_low' cannot name a score"),
        (Judged(scores={3: 1.0}), "3 cannot name a score"),  # type: ignore[dict-item]
        (Judged(scores=[1.0]), r"scores is \[1.0\], not a mapping"),  # type: ignore[arg-type]
        (Judged(scores=dict.fromkeys(map(str, range(101)), 0.0)), "101 scores in one row"),
    ],
)
def test_nonsense_is_refused_in_words(said: object, why: str) -> None:
    with pytest.raises(Nonsense, match=why):
        read_judged(said)


def test_a_value_that_cannot_even_be_shown_is_nonsense_and_no_crash() -> None:
    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError

    with pytest.raises(Nonsense, match="something without a repr"):
        read_judged(Hostile())


@pytest.mark.parametrize(
    ("judged", "outcome"),
    [
        (Judged(correct=True), Outcome.CORRECT),
        (Judged(correct=False, scores={"x": 1.0}), Outcome.WRONG),
        (Judged(scores={"x": 1.0}), Outcome.SCORED),
        (Judged(prediction="Paris"), Outcome.SCORED),
        (Judged(), Outcome.UNPARSED),
    ],
)
def test_without_labels_the_scorer_says_what_is_correct(judged: Judged, outcome: Outcome) -> None:
    score = scored(answered("it is Paris"), "Paris", Verdict(judged=judged), ())
    assert (score.outcome, score.prediction, dict(score.scores or {})) == (outcome, judged.prediction, dict(judged.scores))


def test_nothing_found_in_a_cut_reply_is_truncated() -> None:
    score = scored(answered("it i", finish_reason="length"), "spam", Verdict(judged=Judged()), ())
    assert (score.outcome, score.cut) == (Outcome.TRUNCATED, True)


@pytest.mark.parametrize(
    ("target", "judged", "outcome"),
    [
        ("spam", Judged(prediction="spam"), Outcome.CORRECT),
        ("ham", Judged(prediction="spam"), Outcome.WRONG),
        ("spam", Judged(prediction="spam", correct=True), Outcome.CORRECT),
        (None, Judged(prediction="spam", correct=True), Outcome.SCORED),
        ("spam", Judged(prediction="maybe"), Outcome.UNPARSED),
        ("spam", Judged(correct=False), Outcome.UNPARSED),
        ("spam", Judged(correct=True), Outcome.ERROR),
        ("spam", Judged(prediction="ham", correct=True), Outcome.ERROR),
        ("spam", Judged(prediction="spam", correct=False), Outcome.ERROR),
    ],
)
def test_with_labels_the_prediction_decides_and_a_contradiction_is_an_error(target: str | None, judged: Judged, outcome: Outcome) -> None:
    score = scored(answered("x", target=target), target, Verdict(judged=judged), LABELS)
    assert score.outcome is outcome
    assert (score.error is not None) == (outcome is Outcome.ERROR)


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        (failed("timeout"), Outcome.ERROR),
        (failed("content_filter"), Outcome.FILTERED),
        (answered("x", finish_reason="content_filter"), Outcome.FILTERED),
        (answered(None, refusal="no"), Outcome.REFUSED),
    ],
)
def test_what_was_never_read_has_its_outcome_before_the_scorer(record: Any, outcome: Outcome) -> None:
    score = scored(record, "spam", None, ())
    assert (score.outcome, score.error) == (outcome, None)


def test_a_failed_scorer_makes_the_row_an_error_of_kind_scorer() -> None:
    score = scored(answered("x"), "spam", Verdict.failed("ValueError: no (mine.py:3)"), ())
    assert score.outcome is Outcome.ERROR
    assert score.error == RowError(kind="scorer", http=None, code=None, message="ValueError: no (mine.py:3)")
    assert replace(score, error=None, outcome=Outcome.WRONG).prediction is None
