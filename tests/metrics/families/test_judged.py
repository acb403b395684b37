"""Ratings of a judge, and how far it agrees with people."""

import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from evalsvc.config.models import EvalConfig
from evalsvc.errors import UsageError
from evalsvc.metrics.families.judged import build, judge_warnings, shown
from evalsvc.metrics.families.metric import OwnMetric, Setting, SumMetric, Wanted
from evalsvc.records import MetricValue, Outcome, Score
from evalsvc.scoring.measures import Answer

RATINGS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=40)


def setting(**changes: Any) -> Setting:
    values = {"name": "j", "task": "judge", "dataset": {"path": "runs/x"}, "model": {"name": "m"}, **changes}
    return Setting(task="judge", config=EvalConfig.model_validate(values))


def sums_of(name: str, **changes: Any) -> SumMetric:
    metric = build(Wanted(name=name), setting(**changes))
    assert isinstance(metric, SumMetric)
    return metric


def score(prediction: str | None, target: str | None = None, *, rule: str | None = "rating_line") -> Score:
    outcome = Outcome.UNPARSED if prediction is None else Outcome.SCORED
    return Score(id="1", repeat=0, target=target, prediction=prediction, outcome=outcome, rule=rule)


def value(metric: SumMetric, rows: list[Score]) -> float | None:
    read = [summands for row in rows if (summands := metric.read(row)) is not None]
    return metric.value([sum(column) for column in zip(*read, strict=True)] or [0] * metric.width)


@given(RATINGS)
def test_weighted_kappa_is_scikit_learn_s(pairs: list[tuple[int, int]]) -> None:
    found = value(sums_of("judge_kappa"), [score(str(judge), str(people)) for judge, people in pairs])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = cohen_kappa_score(*zip(*pairs, strict=True), labels=[1, 2, 3, 4, 5], weights="quadratic")
    assert (found is None and math.isnan(expected)) or found == pytest.approx(expected, abs=1e-12)


@given(st.lists(RATINGS, min_size=1, max_size=4))
def test_replicates_are_computed_as_the_value_is(tables: list[list[tuple[int, int]]]) -> None:
    metric = sums_of("judge_kappa")
    sums = [[sum(column) for column in zip(*(metric.read(score(str(a), str(b))) or () for a, b in table), strict=True)] for table in tables]
    assert metric.values is not None
    for row, found in zip(sums, metric.values(np.array(sums, dtype=np.float64)), strict=True):
        expected = metric.value(row)
        assert np.isnan(found) if expected is None else found == pytest.approx(expected)


def test_kappa_is_of_judged_rows_with_a_label_on_the_scale_alone() -> None:
    metric = sums_of("judge_kappa")
    left_out = [score("4"), score(None, "4"), score("1", "1", rule="no_answer"), score("4", "4.33"), score("4", "good")]
    assert [metric.read(row) for row in left_out] == [None] * 5
    assert value(metric, [*left_out, score("4", "4"), score("2", "2.0")]) == 1.0


def test_the_scale_says_where_the_mean_rating_ends() -> None:
    assert sums_of("judge_score", judge={"rubric": "r", "scale": [0, 10, 0.5]}).ends == (0.0, 10.0)


def test_a_rating_is_the_row_s_score_and_a_row_without_one_is_in_no_mean() -> None:
    metric = sums_of("judge_score")
    assert metric.measure is not None
    assert [metric.measure(Answer(text=text)) for text in ("", "4.5")] == [None, metric.measure(Answer(text="4.5"))]
    measured = metric.measure(Answer(text="4.5"))
    assert measured is not None
    assert measured.scores == {"judge_score": 4.5}


@pytest.mark.parametrize(
    ("row", "answered"),
    [
        (score("1", rule="no_answer"), 0.0),
        (score("loss", rule="no_answer"), 0.0),
        (score("tie", rule="no_answer"), 0.0),
        (score("win", rule="no_answer"), 1.0),
        (score("1"), 1.0),
        (score(None, rule=None), 1.0),
    ],
)
def test_whether_the_judged_run_answered_is_told_by_who_won_without_a_judge(row: Score, answered: float) -> None:
    assert value(sums_of("answer_rate"), [row]) == answered


def test_metrics_fit_what_is_judged() -> None:
    pairs = {"dataset": {"path": "runs/x", "against": "runs/y"}}
    assert isinstance(build(Wanted(name="win_rate"), setting(**pairs)), OwnMetric)
    for name, changes, need in (("win_rate", {}, "pairs"), ("judge_score", pairs, "ratings")):
        with pytest.raises(UsageError, match=f"metrics: {name} is a metric of {need}"):
            build(Wanted(name=name), setting(**changes))
    with pytest.raises(UsageError, match="no option"):
        build(Wanted(name="judge_score", options={"by": "x"}), setting())


def test_agreement_is_shown_only_where_there_may_be_labels() -> None:
    assert shown(setting().config) == ("judge_score", "answer_rate")
    assert shown(setting(dataset={"path": "runs/x", "target": "human"}).config) == ("judge_score", "judge_kappa", "answer_rate")
    assert "judge_kappa" not in shown(setting(dataset={"path": "runs/x", "against": "runs/y"}).config)


def metric_value(value: float, low: float, high: float, n: int = 100) -> MetricValue:
    return {"value": value, "ci_low": low, "ci_high": high, "n": n, "signature": ""}


QUIET = {
    "judge_consistency": metric_value(0.74, 0.65, 0.80),
    "judge_first_rate": metric_value(0.62, 0.49, 0.72),
    "answer_rate": metric_value(1.0, 0.96, 1.0),
}


@pytest.mark.parametrize(
    ("kind", "loud", "models"),
    [
        ("judges_itself", {}, ["other", "m"]),
        ("judge_inconsistent", {"judge_consistency": metric_value(0.6, 0.5, 0.7)}, []),
        ("judge_position", {"judge_first_rate": metric_value(0.65, 0.55, 0.72)}, []),
        ("judge_position", {"judge_first_rate": metric_value(0.35, 0.25, 0.45)}, []),
        ("not_answered", {"answer_rate": metric_value(0.99, 0.95, 1.0)}, []),
    ],
)
def test_each_warning_has_what_calls_for_it_and_what_barely_does_not(kind: str, loud: dict[str, MetricValue], models: list[str]) -> None:
    quiet = judge_warnings(QUIET, judge="m", judged=[{"model": "other", "name": "x"}])
    assert quiet == []
    (warning,) = judge_warnings({**QUIET, **loud}, judge="m", judged=[{"model": model, "name": "x"} for model in models])
    assert warning["kind"] == kind


def test_which_side_the_judge_likes_is_said() -> None:
    said = [
        judge_warnings({"judge_first_rate": metric_value(*numbers)}, judge="m", judged=[])[0]["message"]
        for numbers in ((0.8, 0.7, 0.9), (0.2, 0.1, 0.3))
    ]
    assert ["reads first in 80 %" in said[0], "reads second in 80 %" in said[1]] == [True, True]
