"""Whether a model is asked for what class probabilities are made of: logprobs, with the alternatives to each token."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from evalsvc.config.keypath import Where
from evalsvc.config.models import EvalConfig, ModelConfig
from evalsvc.errors import UsageError
from evalsvc.metrics.custom import named
from evalsvc.metrics.gates import parse_gate
from evalsvc.metrics.names import PROBABILITIES

_RESPONSES_INCLUDE = "message.output_text.logprobs"


def _number(params: Mapping[str, Any], name: str) -> int:
    value = params.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _chat(params: Mapping[str, Any]) -> bool:
    """As OpenAI and vLLM have it; some servers take the number under `logprobs`, llama.cpp under `n_probs`."""
    return (params.get("logprobs") is True and _number(params, "top_logprobs") > 0) or _completions(params)


def _completions(params: Mapping[str, Any]) -> bool:
    return _number(params, "logprobs") > 0 or _number(params, "n_probs") > 0


def _responses(params: Mapping[str, Any]) -> bool:
    return _RESPONSES_INCLUDE in (params.get("include") or ()) and _number(params, "top_logprobs") > 0


# By API: whether the alternatives are asked for, and how to ask for them.
_ASKED: Final[Mapping[str, tuple[Callable[[Mapping[str, Any]], bool], str]]] = {
    "chat": (_chat, "model.params: {logprobs: true, top_logprobs: 20}"),
    "completions": (_completions, "model.params: {logprobs: 5}"),
    "responses": (_responses, f'model.params: {{include: ["{_RESPONSES_INCLUDE}"], top_logprobs: 20}}'),
}


def asks_for_alternatives(model: ModelConfig) -> bool | None:
    """Whether replies will have alternatives to their tokens; None for an API that is not ours, which nobody can tell."""
    asked = _ASKED.get(model.api)
    return None if asked is None else asked[0](model.params)


def check_logprobs(config: EvalConfig, where: Where = str) -> None:
    """UsageError where metrics, gates or an operating point want class probabilities and the model is not asked for logprobs,
    and for an operating point of no label.
    """
    if config.scoring.operating_point is not None:
        _check_operating_point(config, where)
    if asks_for_alternatives(config.model) is not False or config.scoring.scorer is not None:
        return
    for what, place in _wanting(config, where):
        raise UsageError(
            f"{place}: {what} needs the probabilities of the labels, and the model is not asked for logprobs",
            hint=f"set {_ASKED[config.model.api][1]}, with as many as the server allows",
        )


def _check_operating_point(config: EvalConfig, where: Where) -> None:
    place = where("scoring.operating_point")
    if config.task != "classification":
        raise UsageError(f"{place}: a threshold is for classification, not for task: {config.task}", hint="leave it out")
    if config.scoring.positive is None:
        raise UsageError(f"{place}: nothing says which label the threshold is for", hint="set scoring.positive")


def _wanting(config: EvalConfig, where: Where) -> Iterator[tuple[str, str]]:
    """What wants class probabilities, and where it was written. Gates that are none are for others to refuse."""
    if config.scoring.operating_point is not None:
        yield "operating_point", where("scoring.operating_point")
    for index, item in enumerate(config.metrics):
        if (name := named(item)[0]) in PROBABILITIES:
            yield name, where(f"metrics[{index}]")
    for index, gate in enumerate(config.gates):
        if isinstance(gate, str) and parse_gate(gate).metric in PROBABILITIES:
            yield f"`{gate}`", where(f"gates[{index}]")
