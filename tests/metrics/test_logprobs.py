"""What needs class probabilities is refused before the run when the model is not asked for them."""

from typing import Any

import pytest

from evalsvc.config.models import DatasetConfig, EvalConfig, ModelConfig, OperatingPoint, Scoring
from evalsvc.errors import UsageError
from evalsvc.metrics.logprobs import asks_for_alternatives, check_logprobs, check_operating_point

POINT = OperatingPoint(recall=0.9)
LOGPROBS = ["message.output_text.logprobs"]


def config(params: dict[str, Any] | None = None, *, api: str = "chat", **more: Any) -> EvalConfig:
    model = ModelConfig(name="m", base_url="sandbox", api=api, params=params or {})
    return EvalConfig(name="n", dataset=DatasetConfig(path="x.jsonl"), model=model, **more)


ASKED: list[tuple[str, dict[str, Any], bool | None]] = [
    ("chat", {"logprobs": True, "top_logprobs": 5}, True),
    ("chat", {"logprobs": True}, False),
    ("chat", {"logprobs": True, "top_logprobs": 0}, False),
    ("chat", {"top_logprobs": 5}, False),
    ("chat", {"logprobs": 5}, True),
    ("chat", {"n_probs": 5}, True),
    ("chat", {}, False),
    ("completions", {"logprobs": 5}, True),
    ("completions", {"logprobs": True}, False),
    ("completions", {"logprobs": 0}, False),
    ("responses", {"include": LOGPROBS, "top_logprobs": 5}, True),
    ("responses", {"include": LOGPROBS}, False),
    ("responses", {"top_logprobs": 5}, False),
    ("mine.py:api", {}, None),
]


@pytest.mark.parametrize(("api", "params", "asks"), ASKED)
def test_each_api_has_its_own_way_to_ask(api: str, params: dict[str, Any], asks: bool | None) -> None:
    assert asks_for_alternatives(config(params, api=api).model) is asks


WANTING: dict[str, dict[str, Any]] = {
    "metrics[1]": {"metrics": ("accuracy", "roc_auc")},
    "metrics[0]": {"metrics": ({"ece": {"bins": 10}},)},
    "gates[0]": {"gates": ("log_loss.ci_high <= 0.3",)},
    "scoring.operating_point": {"scoring": Scoring(positive="spam", operating_point=POINT)},
}


@pytest.mark.parametrize("place", WANTING)
@pytest.mark.parametrize("api", ["chat", "completions", "responses"])
def test_who_wants_probabilities_is_told_how_to_ask_for_them(place: str, api: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_logprobs(config(api=api, **WANTING[place]))
    assert refused.value.message.startswith(f"{place}: ")
    assert "logprobs" in str(refused.value.hint)


@pytest.mark.parametrize("place", WANTING)
def test_nothing_is_refused_where_they_are_asked_for_or_nobody_knows(place: str) -> None:
    check_logprobs(config({"logprobs": True, "top_logprobs": 5}, **WANTING[place]))
    check_logprobs(config(api="mine.py:api", **WANTING[place]))


def test_nothing_is_refused_where_nothing_wants_them() -> None:
    check_logprobs(config(metrics=("accuracy",), gates=("accuracy >= 0.8",)))


@pytest.mark.parametrize(("more", "said"), [({"task": "qa"}, "for classification"), ({}, "which label")])
def test_an_operating_point_needs_a_label(more: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_operating_point(config({"logprobs": True, "top_logprobs": 5}, scoring=Scoring(operating_point=POINT), **more), str)


@pytest.mark.parametrize("more", [{"metrics": ("generated_nll",)}, {"gates": ("generated_perplexity <= 3",)}])
def test_the_replys_own_perplexity_needs_logprobs_without_alternatives(more: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="needs the logprobs of the replies"):
        check_logprobs(config({"logprobs": False}, task="translation", **more))
    check_logprobs(config({"logprobs": True}, task="translation", **more))
    check_logprobs(config({"logprobs": 0}, api="completions", task="translation", **more))
