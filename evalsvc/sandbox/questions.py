"""A request, read and checked as OpenAI checks it: what the APIs share. Pure: bytes in, a Question out, or Declined."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from evalsvc.sandbox.answers import PLAIN, Terms
from evalsvc.sandbox.wire import Declined, WireError, dumps, loads

MOST_TOP_LOGPROBS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What one call asks for, whichever API it came by."""

    model: str
    text: str  # of the last user message, or the prompt
    digest: bytes  # 16 bytes of BLAKE2b over messages, input or prompt as JSON: what the call log and the faults know a call by
    prompt_tokens: int
    max_tokens: int | None
    logprobs: bool
    top_logprobs: int
    stream: bool
    include_usage: bool  # streams only
    terms: Terms = PLAIN
    echo: bool = False  # the prompt comes back before the answer
    prompt_logprobs: int | None = None  # vLLM's: so many alternatives for each token of the prompt
    prompt: Sequence[str] = ()  # the tokens of the prompt, where echo or prompt_logprobs want them

    @property
    def reads_prompt(self) -> bool:
        return self.echo or self.prompt_logprobs is not None


def opened(body: bytes, models: Container[str]) -> dict[str, Any]:
    """The request in `body`, its model one of `models`; Declined when it is no JSON object or names no such model."""
    try:
        asked = loads(body)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise Declined(WireError(status=400, message="We could not parse the JSON body of your request: a JSON object is expected."))
    _check_model(asked, models)
    return asked


def digest(asked: Any) -> bytes:
    """16 bytes that name a conversation: BLAKE2b over its JSON, keys in the order they were sent."""
    return blake2b(dumps(asked), digest_size=16).digest()


def messages_in(asked: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The conversation under `name`: a list of objects, one at least."""
    messages = required(asked, name)
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise wrong(f"Invalid type for '{name}': expected an array of objects.", name, "invalid_type")
    if not messages:
        raise wrong(f"Invalid '{name}': empty array. Expected an array with minimum length 1.", name, "empty_array")
    return messages


def text_of(content: Any) -> str:
    """The text of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    return ""


def last_user(messages: Sequence[Mapping[str, Any]], contents: Sequence[str]) -> tuple[str, Sequence[str]]:
    """What the last user message says, and what those before it do; nothing and all when there is none."""
    for place in reversed(range(len(messages))):
        if messages[place].get("role") == "user":
            return contents[place], contents[:place]
    return "", contents


def required(asked: Mapping[str, Any], name: str) -> Any:
    """The value of `name`, null not being one."""
    value = asked.get(name)
    if value is None:
        raise wrong(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
    return value


def at_least(asked: Mapping[str, Any], name: str, least: int) -> int | None:
    """A whole number of `least` or more, None when there is none."""
    value = asked.get(name)
    if value is None:
        return None
    if not is_int(value) or value < least:
        message = f"Invalid '{name}': integer below minimum value. Expected a value >= {least}, but got {value!r} instead."
        raise wrong(message, name, "integer_below_min_value")
    return int(value)


def between(asked: Mapping[str, Any], name: str, most: int) -> int | None:
    """A whole number from 0 to `most`, None when there is none."""
    value = asked.get(name)
    if value is not None and (not is_int(value) or not 0 <= value <= most):
        raise wrong(f"Invalid value for '{name}': must be an integer between 0 and {most}, but got {value!r}.", name, "invalid_value")
    return value


def flag(asked: Mapping[str, Any], name: str) -> bool:
    """True or false, null being false."""
    value = asked.get(name) or False
    if not isinstance(value, bool):
        raise wrong(f"Invalid type for '{name}': expected a boolean.", name, "invalid_type")
    return value


def only(asked: Mapping[str, Any], name: str, value: Any) -> None:
    """Declines any other value than `value`, which is what goes without saying."""
    if asked.get(name) not in (None, value):
        raise wrong(f"Unsupported value: the sandbox knows only {value!r} for '{name}'.", name, "unsupported_value")


def terms(asked: Mapping[str, Any], before: Sequence[str], max_tokens: int | None) -> Terms:
    """How to answer; without a temperature, what is likeliest, so that equal requests get equal answers."""
    temperature = asked.get("temperature")
    if temperature is not None and (not is_number(temperature) or not 0 <= temperature <= 2):
        raise wrong(f"Invalid 'temperature': a number from 0 to 2 is expected, not {temperature!r}.", "temperature", "invalid_value")
    seed = asked.get("seed")
    if seed is not None and not is_int(seed):
        raise wrong(f"Invalid type for 'seed': expected an integer, but got {seed!r}.", "seed", "invalid_type")
    return Terms(before="\n\n".join(before), temperature=temperature or 0.0, seed=seed or 0, max_tokens=max_tokens)


def prompt_logprobs(asked: Mapping[str, Any]) -> int | None:
    """How many alternatives are wanted for each token of the prompt; as with vLLM, not in a stream."""
    wanted = between(asked, "prompt_logprobs", MOST_TOP_LOGPROBS)
    if wanted is not None and asked.get("stream") is True:
        raise wrong("`prompt_logprobs` are not available when `stream=True`.", "prompt_logprobs", "invalid_value")
    return wanted


def include_usage(asked: Mapping[str, Any]) -> bool:
    """Whether the stream is to end with the usage."""
    options = asked.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def wrong(message: str, param: str, code: str) -> Declined:
    return Declined(WireError(status=400, message=message, param=param, code=code))


def _check_model(asked: Mapping[str, Any], models: Container[str]) -> None:
    model = asked.get("model")
    if not isinstance(model, str) or not model:
        raise wrong("you must provide a model parameter", "model", "missing_required_parameter")
    if model not in models:
        message = f"The model `{model}` does not exist or you do not have access to it."
        raise Declined(WireError(status=404, message=message, code="model_not_found"))
