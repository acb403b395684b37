"""A line of scored.jsonl, there and back."""

import json

import pytest

from evalsvc.records import Outcome, RowError, Score
from evalsvc.reduce.scored import score_of, scored_line


@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_is_written_of_a_score_is_read_back(outcome: Outcome) -> None:
    score = Score(
        id="1",
        repeat=2,
        target="a",
        prediction=None,
        outcome=outcome,
        rule="exact",
        scores={"rouge1": 0.1},
        stats={"bleu": [1, 2]},
        probs={"a": 0.25, "b": 0.75},
        error=RowError(kind="scorer", http=None, code=None, message="no"),
    )
    assert score_of(scored_line(score)) == score


def test_whether_a_reply_was_cut_is_said_by_whoever_has_the_journal() -> None:
    score = Score(id="1", repeat=0, target=None, prediction="a", outcome=Outcome.SCORED, rule=None, cut=True)
    assert score_of(scored_line(score), cut=True) == score


def test_a_text_that_is_no_unicode_leaves_the_outcome_as_it_is_written_elsewhere() -> None:
    score = Score(id="1", repeat=0, target="\ud800", prediction=None, outcome=Outcome.WRONG, rule=None)
    line = scored_line(score)
    assert json.loads(line)["outcome"] == "wrong"
    assert score_of(line) == score
