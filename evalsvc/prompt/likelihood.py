"""Task `perplexity`: a request whose prompt ends with the row's target, so that the server tells how likely it is.

The target is put there by the prompt station, behind what the templates made; no template ever sees it. Nothing is put
between the two: a blank or a line end that belongs there stands at the end of the prompt or at the start of the target.

    chat          the target is what the assistant has said so far (add_generation_prompt, continue_final_message: vLLM's)
    completions   one text: the prompt, and the target right behind it
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from evalsvc.config.keypath import Where
from evalsvc.config.models import EvalConfig
from evalsvc.errors import UsageError
from evalsvc.records import Sample

TASK: Final = "perplexity"
# What a model has to say besides: some servers refuse 0 tokens, and none of them refuses one.
LEAST_OUTPUT: Final = 1
_LIMITS: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens")
# With this one the completions API needs no echo.
PROMPT_LOGPROBS: Final = "prompt_logprobs"

Message = Mapping[str, Any]


def scores_target(config: EvalConfig) -> bool:
    """Whether requests end with the target."""
    return config.task == TASK


def with_least_output(config: EvalConfig) -> EvalConfig:
    """The config with the limit of output tokens that task `perplexity` has where none is written."""
    model = config.model
    if not scores_target(config) or model.max_output_tokens is not None or any(name in model.params for name in _LIMITS):
        return config
    return config.model_copy(update={"model": model.model_copy(update={"max_output_tokens": LEAST_OUTPUT})})


def with_target(messages: Sequence[Message], sample: Sample) -> list[Message]:
    """The conversation with the target as the assistant's last words, behind those that it begins with.

    UsageError for a row without a target.
    """
    if sample.target is None:
        raise no_target(f"row {sample.id!r} has")
    if messages and messages[-1]["role"] == "assistant" and isinstance(begun := messages[-1].get("content"), str):
        return [*messages[:-1], {**messages[-1], "content": begun + sample.target}]
    return [*messages, {"role": "assistant", "content": sample.target}]


def no_target(which: str) -> UsageError:
    return UsageError(
        f"{which} no target, and task: perplexity measures how likely the target is",
        hint="Leave such rows out: dataset.where may be the name of the target column alone.",
    )


def asked_to_score(config: EvalConfig, to_score: Mapping[str, Any] | None, where: Where) -> Mapping[str, Any]:
    """The parameters that ask for the logprobs of the prompt; UsageError for an API that has none.

    `to_score` is the API's own word for it. model.params win over it, and `prompt_logprobs` there takes its place.
    """
    if config.model.stream:
        raise UsageError(f"{where('model.stream')}: the logprobs of a prompt never come as a stream", hint="Take model.stream out.")
    if to_score is None:
        raise UsageError(
            f"{where('model.api')}: the {config.model.api} API tells no logprobs of a prompt, so task: perplexity cannot be asked there",
            hint="Use api: completions (vLLM, SGLang), or api: chat where the server is vLLM.",
        )
    if config.model.params.get(PROMPT_LOGPROBS) is not None:
        return {name: value for name, value in to_score.items() if name not in {"echo", "logprobs"}}
    return to_score
