from dataclasses import replace
from typing import Any

import pytest

from evalsvc.config.models import EvalConfig, Numbers
from evalsvc.errors import UsageError
from evalsvc.records import Outcome, Score
from evalsvc.scoring.regression import check_targets
from evalsvc.scoring.tasks import make_scorer
from tests.scoring.records import answered, failed


def config(**scoring: Any) -> EvalConfig:
    return EvalConfig.model_validate(
        {"name": "r", "dataset": {"path": "d.jsonl"}, "model": {"name": "m"}, "task": "regression", "scoring": scoring}
    )


def score(output: str | None, target: str | None = "3", *, cut: bool = False, **scoring: Any) -> Score:
    return make_scorer(config(**scoring), ()).score(answered(output, "length" if cut else "stop", target=target))


@pytest.mark.parametrize(
    ("output", "prediction", "rule"),
    [
        ("3", "3", "number"),
        ("It costs $1,234.50.", "1234.5", "number"),
        ("-0.1", "-0.1", "number"),
        ("1/3", "0.3333333333333333", "number"),
        ("7, that is 7.0", "7", "number"),
        ("3 + 4 makes 7.\nAnswer: 7", "7", "answer_line"),
        ("Answer:\n\n7 euros", "7", "answer_line"),
        ("**Answer**: 7\nIt took 3 steps.", "7", "answer_line"),
        ('{"rating": 4, "confidence": 0.9}', "4", "json"),
        ('```json\n{"answer": "1,000"}\n```', "1000", "json"),
        ('{"price": 4.5}', "4.5", "json"),
        ("<think>3 or 4?</think>4", "4", "number"),
    ],
)
def test_one_number_is_read(output: str, prediction: str, rule: str) -> None:
    found = score(output)
    assert (found.prediction, found.outcome, found.rule) == (prediction, Outcome.SCORED, rule)


@pytest.mark.parametrize(
    ("output", "outcome"),
    [
        ("3 or 4", Outcome.AMBIGUOUS),
        ("Answer: between 3 and 4", Outcome.AMBIGUOUS),
        ('{"a": 1, "b": 2}', Outcome.AMBIGUOUS),
        ('{"answer": 1, "score": 2}', Outcome.AMBIGUOUS),
        ("8/10", Outcome.AMBIGUOUS),
        ('{"score": "8/10"}', Outcome.AMBIGUOUS),
        ("8 out of 10", Outcome.AMBIGUOUS),
        ("I cannot tell.", Outcome.UNPARSED),
        ("3,5", Outcome.UNPARSED),
        ("1e101", Outcome.UNPARSED),
        ('{"answer": true}', Outcome.UNPARSED),
        ("", Outcome.UNPARSED),
        (None, Outcome.UNPARSED),
        ("<think>7", Outcome.TRUNCATED),
    ],
)
def test_anything_else_is_no_number(output: str | None, outcome: Outcome) -> None:
    found = score(output)
    assert (found.prediction, found.outcome) == (None, outcome)


@pytest.mark.parametrize(
    ("output", "prediction", "outcome"),
    [
        ("The price is 12", None, Outcome.TRUNCATED),
        ("The price is 12.", None, Outcome.TRUNCATED),
        ("The price is", None, Outcome.TRUNCATED),
        ("The price is 12 dol", "12", Outcome.SCORED),
        ("Answer: 12\nI took the", "12", Outcome.SCORED),
        ('{"answer": 12}', "12", Outcome.SCORED),
    ],
)
def test_a_number_where_the_reply_was_cut_may_lack_its_end(output: str, prediction: str | None, outcome: Outcome) -> None:
    found = score(output, cut=True)
    assert (found.prediction, found.outcome, found.cut) == (prediction, outcome, True)


def test_what_is_extracted_is_read_and_nothing_else() -> None:
    assert score("I say 8/10, as 3 of 4 would", extract={"regex": r"(\d+)/10"}).prediction == "8"
    assert score("no mark, 3 of 4", extract={"regex": r"(\d+)/10"}).outcome is Outcome.UNPARSED
    assert score('{"a": {"b": 3.5}, "c": 1}', extract={"json": "a.b"}, numbers={"decimal": ","}).prediction == "3.5"


def test_an_extracted_number_is_cut_only_where_the_reply_is() -> None:
    pattern = {"regex": r"mark (\d+)"}
    assert score("mark 12 and so", cut=True, extract=pattern).prediction == "12"
    assert score("so mark 12", cut=True, extract=pattern).outcome is Outcome.TRUNCATED


def test_numbers_are_read_as_the_config_has_them() -> None:
    assert score("1.234,5 kg", numbers={"decimal": ","}).prediction == "1234.5"
    assert score("45%", numbers={"percent": "share"}).prediction == "0.45"


@pytest.mark.parametrize("target", ["many", "3 or 4", "1e101", "nan"])
def test_a_target_that_is_no_number_is_an_error_with_its_row(target: str) -> None:
    with pytest.raises(UsageError, match=r"row '7'.*" + target):
        score("3", target)


def test_targets_that_are_no_numbers_are_shown_before_the_run() -> None:
    check_targets({"3": 5, "1,234 kg": 1, "1e100": 1}, Numbers())
    with pytest.raises(UsageError, match=r"3 rows have targets that are no numbers below 1e100: 'many', '3,5'"):
        check_targets({"3": 5, "many": 2, "3,5": 1}, Numbers())
    with pytest.raises(UsageError, match=r"1 row has a target that is no number"):
        check_targets({"many": 1, "3,5": 1}, Numbers(decimal=","))


def test_a_row_without_target_is_read_too() -> None:
    assert score("3", None).prediction == "3"


def test_what_happened_before_the_text_comes_first() -> None:
    scorer = make_scorer(config(), ())
    assert scorer.score(replace(failed("timeout"), target="3")).outcome is Outcome.ERROR
    assert scorer.score(answered("3", refusal="no", target="3")).outcome is Outcome.REFUSED
    assert scorer.score(answered("3", "content_filter", target="3")).outcome is Outcome.FILTERED
