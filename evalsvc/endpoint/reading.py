"""What the parsers of all APIs share: decoding a body, taking texts and counts out of it, and saying why it is no reply.

Nothing here raises, whatever the bytes.
"""

import json
from collections.abc import Iterable
from math import isfinite
from typing import Any

from evalsvc import jsonio
from evalsvc.endpoint.answer import Failure, Redact
from evalsvc.endpoint.bodies import error_in
from evalsvc.endpoint.errors import CUT, MALFORMED, OVERLOADED, SERVER_ERROR, Meaning, classify_error, failure
from evalsvc.records import Usage

# Other servers' words for why an answer ended, in OpenAI's: that is what scoring knows. Compared in lower case.
FINISH_MEANS = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
    "eos": "stop",
    "eos_token": "stop",  # text-generation-inference
    "stop_sequence": "stop",
    "end_turn": "stop",  # Anthropic behind a gateway
    "complete": "stop",  # Cohere
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",  # Mistral
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",  # Bedrock
    "sensitive": "content_filter",  # GLM
    "safety": "content_filter",  # Gemini, and the four below
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "spii": "content_filter",
}

# More than any one answer can cost. A count beyond is the server's mistake, and must neither end a budget nor park a run.
MOST_TOKENS = 100_000_000
# No tool takes arguments nested deeper. What is, could be written to the journal by one and not be read by another.
DEEPEST_LEVELS = 100
TOO_DEEP = f"a tool call is nested more than {DEEPEST_LEVELS} levels deep"

_CHAT_WORDS = ("prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details")
_RESPONSES_WORDS = ("input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details")

# Ends that are none: what came before is no answer, however long.
GIVEN_UP = {
    "error": SERVER_ERROR,
    "network_error": SERVER_ERROR,  # GLM
    "insufficient_system_resource": OVERLOADED,  # DeepSeek
    "abort": CUT,  # vLLM and SGLang
    "aborted": CUT,
    "cancelled": CUT,
}


def decode(body: bytes) -> Any:
    """The JSON value in `body`; None when there is none.

    Python servers write NaN and Infinity, which are no JSON, where a probability underflowed. That must not cost the
    answer: they are None.

    >>> decode(b'{"text": "spam", "logprob": NaN}'), decode(b"<html>")
    ({'text': 'spam', 'logprob': None}, None)
    """
    try:
        return jsonio.loads(body)
    except (ValueError, RecursionError):
        return _decode_leniently(body)


def _decode_leniently(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError):
        return None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if isfinite(number) else None


def finish_of(value: Any) -> str | None:
    """Why the answer ended, in OpenAI's words where it has one; None when it was not finished.

    >>> finish_of("stop"), finish_of("COMPLETE"), finish_of("MAX_TOKENS"), finish_of("abort"), finish_of(""), finish_of("new_reason")
    ('stop', 'stop', 'length', None, None, 'new_reason')
    """
    if type(value) is not str:
        return None
    if known := FINISH_MEANS.get(value):
        return known
    reason = value.lower().partition(":")[0]  # Gemini: "content_filter: PROHIBITED_CONTENT"
    return FINISH_MEANS.get(reason) or (value if value and reason not in GIVEN_UP else None)


def unfinished(choice: dict[str, Any], status: int, redact: Redact) -> Failure:
    """Why a choice or a response whose end is none is no reply; an error inside it says it best."""
    reason, error = choice.get("finish_reason") or choice.get("status"), error_in(choice)
    if error is not None and (error.codes or error.status):
        return classify_error(status, error, redact=redact)
    if type(reason) is not str or not reason:
        return failure(CUT, "the answer has no finish_reason, so it was not finished", http=status)
    words = error.message if error is not None else f"the server gave up on this answer (finish_reason {reason})"
    return failure(GIVEN_UP.get(reason.lower(), CUT), words, http=status, redact=redact)


def malformed(body: bytes, what: str, status: int, redact: Redact, meaning: Meaning = MALFORMED) -> Failure:
    """`what` a body should have been, and how it begins."""
    start = body[:200].decode("utf-8", "replace") or "it is empty"
    return failure(meaning, f"the body is not {what}: {start}", http=status, redact=redact)


def first_choice(root: Any) -> dict[str, Any] | None:
    choices = root.get("choices") if type(root) is dict else None
    return choices[0] if type(choices) is list and choices and type(choices[0]) is dict else None


def joined(parts: Iterable[Any], key: str) -> str | None:
    """The texts under `key` in one; None when no part has one."""
    texts = [part[key] for part in parts if type(part) is dict and type(part.get(key)) is str]
    return "".join(texts) if texts else None


def text(value: Any) -> str | None:
    return value if type(value) is str and value else None


def count(counts: Any, key: str) -> int:
    value = counts.get(key) if type(counts) is dict else None
    return value if type(value) is int and 0 < value <= MOST_TOKENS else 0


def is_too_deep(value: Any, levels: int = DEEPEST_LEVELS) -> bool:
    """Whether lists and objects are nested in `value` deeper than `levels`.

    >>> is_too_deep([[1]], 2), is_too_deep({"a": [[1]]}, 2)
    (False, True)
    """
    if type(value) is dict:
        value = value.values()
    elif type(value) is not list:
        return False
    return levels == 0 or any(is_too_deep(inner, levels - 1) for inner in value)


def read_usage(root: Any) -> Usage | None:
    """`usage` of a response object, in either spelling; None when there is none. Missing or odd counts are 0."""
    usage = root.get("usage") if type(root) is dict else None
    if type(usage) is not dict:
        return None
    of_input, of_output, input_details, output_details = _RESPONSES_WORDS if "input_tokens" in usage else _CHAT_WORDS
    cached, reasoning = usage.get(input_details), usage.get(output_details)
    return Usage(
        input=count(usage, of_input),
        output=count(usage, of_output),
        cached=count(cached or usage, "cached_tokens"),  # beside the totals: Moonshot
        reasoning=count(reasoning or usage, "reasoning_tokens"),  # beside the totals: SGLang
    )
