"""What a config wants measured, and what it cannot have."""

from typing import Any

import pytest

from evalsvc.config.models import DatasetConfig, EvalConfig, ModelConfig, OperatingPoint, Scoring
from evalsvc.errors import UsageError
from evalsvc.metrics.families.registry import wanted_metrics


def config(task: Any, **more: Any) -> EvalConfig:
    model = ModelConfig(name="m", base_url="sandbox")
    return EvalConfig(name="n", task=task, dataset=DatasetConfig(path="x.jsonl"), model=model, **more)


@pytest.mark.parametrize(("task", "hint"), [("translation", "scoring: {correct"), ("regression", "no right and wrong")])
@pytest.mark.parametrize("more", [{"metrics": ("accuracy",)}, {"gates": ("accuracy.ci_low >= 0.5",)}])
def test_an_accuracy_that_nothing_can_tell_is_refused_with_what_would(task: str, hint: str, more: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="nothing says which answers are right") as refused:
        wanted_metrics(config(task, **more))
    assert refused.value.message.startswith(f"{next(iter(more))}[0]: ")
    assert hint in str(refused.value.hint)


def test_an_accuracy_that_a_metric_tells_is_not() -> None:
    assert [wanted.name for wanted in wanted_metrics(config("qa", metrics=("accuracy",)))] == ["normalised_match"]
    scoring = Scoring(correct="exact_match")
    assert [wanted.name for wanted in wanted_metrics(config("translation", metrics=("accuracy",), scoring=scoring))] == ["exact_match"]


def test_an_operating_point_of_no_label_is_refused_when_answers_are_scored_again() -> None:
    with pytest.raises(UsageError, match="which label"):
        wanted_metrics(config("classification", scoring=Scoring(operating_point=OperatingPoint(recall=0.9))))


def test_a_metric_named_twice_with_different_options_is_refused() -> None:
    """There is one number of a name, and nobody could tell which."""
    named = ({"rouge1": {"stemmer": True}}, "rouge1")
    with pytest.raises(UsageError, match=r"^metrics\[1\]: rouge1 is named twice"):
        wanted_metrics(config("summarization", metrics=named))
    assert len(wanted_metrics(config("summarization", metrics=("rouge1", "rouge1")))) == 1


@pytest.mark.parametrize("metrics", [("rouge", {"rouge1": {"stemmer": True}}), ({"rouge1": {"stemmer": True}}, "rouge")])
def test_what_is_said_of_one_metric_goes_before_what_is_said_of_its_group(metrics: tuple[Any, ...]) -> None:
    options = {wanted.name: dict(wanted.options) for wanted in wanted_metrics(config("summarization", metrics=metrics))}
    assert options == {"rouge1": {"stemmer": True}, "rouge2": {}, "rougeL": {}, "rougeLsum": {}}
