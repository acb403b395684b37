"""Whether a model is asked for what class probabilities are made of: logprobs, with the alternatives to each token."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from evalsvc.config.keypath import Where
from evalsvc.config.models import EvalConfig, ModelConfig
from evalsvc.errors import UsageError
from evalsvc.metrics.custom import named
from evalsvc.metrics.gates import parse_gate
from evalsvc.metrics.names import GENERATED, PROBABILITIES

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


def _asks_for_any(model: ModelConfig) -> bool:
    """Whether replies will have logprobs of their own tokens; alternatives are not needed."""
    params = model.params
    # not `in (None, False)`: 0 asks the completions API for the tokens' own
    asked = any(params.get(name, False) is not False and params[name] is not None for name in ("logprobs", "n_probs"))
    return asked or _RESPONSES_INCLUDE in (params.get("include") or ())


def check_logprobs(config: EvalConfig, where: Where = str) -> None:
    """UsageError where metrics, gates or an operating point want logprobs and the model is not asked for them."""
    if asks_for_alternatives(config.model) is not False or config.scoring.scorer is not None:
        return
    for what, name, place in _wanting(config, where):
        if name in PROBABILITIES:
            raise UsageError(
                f"{place}: {what} needs the probabilities of the labels, and the model is not asked for logprobs",
                hint=f"set {_ASKED[config.model.api][1]}, with as many as the server allows",
            )
        if not _asks_for_any(config.model):
            raise UsageError(
                f"{place}: {what} needs the logprobs of the replies, and the model is not asked for them",
                hint=f"set {_ASKED[config.model.api][1]}",
            )


def check_operating_point(config: EvalConfig, where: Where) -> None:
    """UsageError for one of no label."""
    if config.scoring.operating_point is None:
        return
    place = where("scoring.operating_point")
    if config.task != "classification":
        raise UsageError(f"{place}: a threshold is for classification, not for task: {config.task}", hint="leave it out")
    if config.scoring.positive is None:
        raise UsageError(f"{place}: nothing says which label the threshold is for", hint="set scoring.positive")


def _wanting(config: EvalConfig, where: Where) -> Iterator[tuple[str, str, str]]:
    """What wants logprobs, as written, its metric, and where it was written. Gates that are none are for others to refuse."""
    if config.scoring.operating_point is not None:
        yield "operating_point", PROBABILITIES[0], where("scoring.operating_point")
    for index, item in enumerate(config.metrics):
        if (name := named(item)[0]) in (*PROBABILITIES, *GENERATED):
            yield name, name, where(f"metrics[{index}]")
    for index, gate in enumerate(config.gates):
        if isinstance(gate, str) and (name := parse_gate(gate).metric) in (*PROBABILITIES, *GENERATED):
            yield f"`{gate}`", name, where(f"gates[{index}]")
