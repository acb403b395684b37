"""A chat request, read and checked as OpenAI checks it. Pure: bytes in, a Question out, or Declined."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from evalsvc.sandbox import tokens
from evalsvc.sandbox.wire import Declined, WireError, dumps, loads

MOST_TOP_LOGPROBS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What one call asks for."""

    model: str
    text: str  # of the last user message
    digest: bytes  # 16 bytes of BLAKE2b over the messages as JSON: what the call log and the faults know a call by
    prompt_tokens: int
    max_tokens: int | None
    logprobs: bool
    top_logprobs: int
    stream: bool
    include_usage: bool


def parse(body: bytes, models: Container[str]) -> Question:
    """The question in `body`; Declined with OpenAI's status, param and code when something is wrong with it."""
    asked = _object(body)
    model = _model(asked, models)
    messages = _messages(asked)
    contents = [_text(message.get("content")) for message in messages]
    logprobs, top_logprobs = _logprobs(asked)
    _only_one_choice(asked)
    return Question(
        model=model,
        text=_last_user(messages, contents),
        digest=digest(messages),
        prompt_tokens=tokens.prompt_tokens(contents),
        max_tokens=_max_tokens(asked),
        logprobs=logprobs,
        top_logprobs=top_logprobs,
        stream=asked.get("stream") is True,
        include_usage=_include_usage(asked.get("stream_options")),
    )


def digest(messages: Sequence[Mapping[str, Any]]) -> bytes:
    """16 bytes that name a conversation: BLAKE2b over its JSON, keys in the order they were sent."""
    return blake2b(dumps(messages), digest_size=16).digest()


def _object(body: bytes) -> dict[str, Any]:
    try:
        asked = loads(body)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise Declined(WireError(status=400, message="We could not parse the JSON body of your request: a JSON object is expected."))
    return asked


def _model(asked: Mapping[str, Any], models: Container[str]) -> str:
    model = asked.get("model")
    if not isinstance(model, str) or not model:
        raise _wrong("you must provide a model parameter", "model", "missing_required_parameter")
    if model not in models:
        message = f"The model `{model}` does not exist or you do not have access to it."
        raise Declined(WireError(status=404, message=message, code="model_not_found"))
    return model


def _messages(asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    messages = asked.get("messages")
    if messages is None:
        raise _wrong("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise _wrong("Invalid type for 'messages': expected an array of objects.", "messages", "invalid_type")
    if not messages:
        raise _wrong("Invalid 'messages': empty array. Expected an array with minimum length 1.", "messages", "empty_array")
    return messages


def _text(content: Any) -> str:
    """The text of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    return ""


def _last_user(messages: Sequence[Mapping[str, Any]], contents: Sequence[str]) -> str:
    for message, content in zip(reversed(messages), reversed(contents), strict=True):
        if message.get("role") == "user":
            return content
    return ""


def _max_tokens(asked: Mapping[str, Any]) -> int | None:
    given = [(name, asked[name]) for name in ("max_completion_tokens", "max_tokens") if asked.get(name) is not None]
    for name, value in given:
        if not _is_int(value) or value < 1:
            message = f"Invalid '{name}': integer below minimum value. Expected a value >= 1, but got {value!r} instead."
            raise _wrong(message, name, "integer_below_min_value")
    return min((value for _, value in given), default=None)


def _logprobs(asked: Mapping[str, Any]) -> tuple[bool, int]:
    wanted = asked.get("logprobs") or False
    top = asked.get("top_logprobs")
    if not isinstance(wanted, bool):
        raise _wrong("Invalid type for 'logprobs': expected a boolean.", "logprobs", "invalid_type")
    if top is None:
        return wanted, 0
    if not _is_int(top) or not 0 <= top <= MOST_TOP_LOGPROBS:
        message = f"Invalid value for 'top_logprobs': must be an integer between 0 and {MOST_TOP_LOGPROBS}, but got {top!r}."
        raise _wrong(message, "top_logprobs", "invalid_value")
    if not wanted:
        message = "Invalid value for 'top_logprobs': 'logprobs' must be set to true if 'top_logprobs' is used."
        raise _wrong(message, "top_logprobs", "invalid_value")
    return wanted, top


def _only_one_choice(asked: Mapping[str, Any]) -> None:
    if asked.get("n") not in (None, 1):
        raise _wrong("Unsupported value: the sandbox answers with one choice, so 'n' must be 1.", "n", "unsupported_value")


def _include_usage(stream_options: Any) -> bool:
    return isinstance(stream_options, dict) and stream_options.get("include_usage") is True


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _wrong(message: str, param: str, code: str) -> Declined:
    return Declined(WireError(status=400, message=message, param=param, code=code))
