from collections.abc import Mapping
from typing import get_args

import pytest

from evalsvc.config.models import DatasetConfig, EvalConfig, ModelConfig, Scoring
from evalsvc.records import Outcome, Record
from evalsvc.scoring import Classifier, LabelFinder, make_scorer
from tests.scoring.records import answered, failed

LABELS = ("spam", "ham")
CLASSIFIER = Classifier(LabelFinder(LABELS, Scoring()))


TABLE: Mapping[str, tuple[Record, Outcome]] = {
    "the label": (answered(), Outcome.CORRECT),
    "the other label": (answered("ham"), Outcome.WRONG),
    "a label without a target": (answered(target=None), Outcome.SCORED),
    "no label and no target": (answered("hm", target=None), Outcome.UNPARSED),
    "the label, cut": (answered("Answer: spam because", "length"), Outcome.CORRECT),
    "nothing, cut": (answered("I think that", "length"), Outcome.TRUNCATED),
    "thinking, never ended": (answered("<think>spam"), Outcome.TRUNCATED),
    "both labels": (answered("spam or ham"), Outcome.AMBIGUOUS),
    "both labels, cut": (answered("spam or ham", "length"), Outcome.AMBIGUOUS),
    "no label": (answered("hm"), Outcome.UNPARSED),
    "an empty reply": (answered(""), Outcome.UNPARSED),
    "a null reply": (answered(None), Outcome.UNPARSED),
    "a null reply, cut": (answered(None, "length"), Outcome.TRUNCATED),
    "a refusal": (answered(None, refusal="I cannot"), Outcome.REFUSED),
    "a refusal beside a label": (answered(refusal="I cannot"), Outcome.REFUSED),
    "filtered beside a label": (answered(finish_reason="content_filter"), Outcome.FILTERED),
    "filtered beside a refusal": (answered(None, "content_filter", "I cannot"), Outcome.FILTERED),
    "filtered as an error": (failed("content_filter"), Outcome.FILTERED),
    "another error": (failed("context_length"), Outcome.ERROR),
}


@pytest.mark.parametrize("case", TABLE)
def test_every_record_has_the_first_outcome_that_fits(case: str) -> None:
    record, outcome = TABLE[case]
    assert CLASSIFIER.score(record).outcome == outcome


def test_a_score_keeps_what_was_found_and_by_which_rule() -> None:
    score = CLASSIFIER.score(answered("Answer: **ham**", "length"))
    assert (score.id, score.repeat, score.target, score.prediction, score.rule, score.cut) == ("7", 1, "spam", "ham", "answer_line", True)


def test_an_outcome_that_the_text_did_not_decide_has_no_rule() -> None:
    score = CLASSIFIER.score(answered(refusal="no"))
    assert (score.prediction, score.rule) == (None, None)


def test_a_corrected_target_takes_the_place_of_the_journals() -> None:
    assert CLASSIFIER.score(answered(), target="ham").outcome == Outcome.WRONG
    assert CLASSIFIER.score(answered(), target=None).outcome == Outcome.SCORED
    assert CLASSIFIER.score(answered(target=None), target="spam").target == "spam"


def config(task: str) -> EvalConfig:
    return EvalConfig.model_validate(
        {"name": "x", "dataset": DatasetConfig(path="x.csv"), "model": ModelConfig(name="m", base_url="sandbox"), "task": task}
    )


def test_the_task_chooses_the_scorer() -> None:
    assert make_scorer(config("classification"), LABELS).score(answered()).outcome == Outcome.CORRECT


def test_every_task_there_is_has_a_scorer() -> None:
    tasks = get_args(EvalConfig.model_fields["task"].annotation)
    assert len(tasks) == 8
    for task in tasks:
        assert make_scorer(config(task), LABELS).score(failed("timeout"), target="3").outcome == Outcome.ERROR


def test_of_a_task_with_texts_every_answer_is_scored() -> None:
    assert make_scorer(config("translation"), ()).score(answered()).outcome == Outcome.SCORED


def test_where_the_scorer_is_the_users_only_what_needs_no_reading_is_said_here() -> None:
    own = config("classification").model_copy(update={"scoring": Scoring(scorer="mine.py:mine")})
    scorer = make_scorer(own, ())
    records = [answered(), answered(""), answered("", "length"), answered(None, refusal="no"), failed("timeout"), failed("content_filter")]
    assert [scorer.score(record).outcome for record in records] == [
        Outcome.SCORED,
        Outcome.SCORED,
        Outcome.TRUNCATED,
        Outcome.REFUSED,
        Outcome.ERROR,
        Outcome.FILTERED,
    ]
