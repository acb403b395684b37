"""The body of a chat completion, as a Reply or the reason why it is none.

OpenAI API reference, "The chat completion object":

    {"id", "model", "choices": [{"message": {"content", "refusal", "tool_calls"}, "finish_reason",
     "logprobs": {"content": [{"token", "logprob", "top_logprobs": [{"token", "logprob"}]}]}}],
     "usage": {"prompt_tokens", "completion_tokens", "prompt_tokens_details": {"cached_tokens"},
               "completion_tokens_details": {"reasoning_tokens"}}}

What a body without the usual text means:

    content   finish_reason     other           result
    null      any               anything        Reply without output: scoring decides (refusal, tool call, filter, cut, empty)
    list      any                               Reply, its text parts joined
    any       null or missing                   Failure cut: the answer was not finished
    any       "error"                           Failure, by the choice's own error
    other     any                               Failure malformed
    no choices, no message, `error` in a 200    Failure, by the error if there is one, else malformed

Only `choices[0]` is read: one request is one answer. Reasoning, refusal and tool calls never become output.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from evalsvc import jsonio
from evalsvc.endpoint.answer import Failure, Redact
from evalsvc.endpoint.bodies import error_in, unredacted
from evalsvc.endpoint.errors import CUT, MALFORMED, SERVER_ERROR, classify_error, failure
from evalsvc.records import Reply, Usage

_LARGEST = 1.7e308
_NUMBER = (float, int)
_NOT_A_COMPLETION = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


def parse_chat(
    body: bytes, *, latency_s: float = 0.0, request_id: str | None = None, status: int = 200, redact: Redact = unredacted
) -> Reply | Failure:
    """The Reply in `body`, the body of a 2xx response; a Failure for everything that must not be scored. Never raises.

    `request_id` is that of the headers; without one, the completion's own id takes its place.
    """
    root: Any = None
    try:
        root = jsonio.loads(body)
        choice = root["choices"][0]
        message = choice["message"]
        content = message.get("content")
        finish_reason = choice.get("finish_reason")
        logprobs = choice.get("logprobs")
    except _NOT_A_COMPLETION:
        return _without_reply(body, root, latency_s=latency_s, status=status, redact=redact)
    parts = None
    if type(content) is list:
        parts, content = content, _joined(content, "text")
    if not _finished(finish_reason) or not (content is None or type(content) is str) or root.get("error"):
        return _without_reply(body, root, latency_s=latency_s, status=status, redact=redact)
    refusal, tool_calls = message.get("refusal"), message.get("tool_calls")
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    return Reply(
        output=content,
        finish_reason=finish_reason,
        usage=read_usage(root),
        latency_s=latency_s,
        refusal=_text(refusal) if refusal else (_joined(parts, "refusal") if parts else None),
        reasoning=_text(reasoning) if reasoning else None,
        tool_calls=tool_calls if tool_calls and type(tool_calls) is list else None,
        tokens=None if logprobs is None else compact_logprobs(logprobs),
        model=_text(root.get("model")),
        request_id=request_id or _text(root.get("id")),
    )


def read_usage(root: Any) -> Usage | None:
    """`usage` of a response object; None when there is none. Missing or odd counts are 0."""
    usage = root.get("usage") if type(root) is dict else None
    if type(usage) is not dict:
        return None
    cached, reasoning = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    return Usage(
        input=_count(usage, "prompt_tokens"),
        output=_count(usage, "completion_tokens"),
        cached=_count(cached, "cached_tokens") if cached else 0,
        reasoning=_count(reasoning, "reasoning_tokens") if reasoning else 0,
    )


def compact_logprobs(logprobs: Any) -> list[dict[str, Any]] | None:
    """`choices[].logprobs` without bytes: one entry per token; None when the server sent none.

    Entries without a token or a finite number are left out. -9999.0, OpenAI's "outside the top 20", stays as it is.

    >>> compact_logprobs({"content": [{"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "b", "logprob": -1}]}]})
    [{'t': 'a', 'lp': -0.5, 'top': [['b', -1.0]]}]
    """
    entries = logprobs.get("content") if type(logprobs) is dict else None
    if type(entries) is not list:
        return None
    tokens = []
    for entry in entries:
        for token, logprob in _pairs((entry,)):
            top = entry.get("top_logprobs")
            tokens.append({"t": token, "lp": logprob, "top": _pairs(top) if type(top) is list else []})
    return tokens


def _pairs(entries: Iterable[Any]) -> list[list[Any]]:
    try:
        return [
            [token, float(logprob)]
            for entry in entries
            if type(token := entry["token"]) is str and type(logprob := entry["logprob"]) in _NUMBER and -_LARGEST < logprob < _LARGEST
        ]
    except (TypeError, LookupError):
        whole = [entry for entry in entries if type(entry) is dict and "token" in entry and "logprob" in entry]
        return _pairs(whole)


def _without_reply(body: bytes, root: Any, *, latency_s: float, status: int, redact: Redact) -> Failure:
    reason = _reason(body, root, status, redact)
    return replace(reason, latency_s=latency_s, usage=read_usage(root))


def _reason(body: bytes, root: Any, status: int, redact: Redact) -> Failure:
    """Why `body`, decoded as `root` (None when it is no JSON), is no reply."""
    error, choice = error_in(root), _first_choice(root)
    if error is not None:
        return classify_error(status, error, redact=redact)
    if choice is None or type(choice.get("message")) is not dict:
        return failure(MALFORMED, f"the body is not a chat completion: {_start(body)}", http=status, redact=redact)
    if choice.get("finish_reason") == "error":
        return _given_up(choice, status, redact)
    if not _finished(choice.get("finish_reason")):
        return failure(CUT, "the answer has no finish_reason, so it was not finished", http=status)
    return failure(MALFORMED, "the message's content is neither text nor a list of parts", http=status)


def _given_up(choice: dict[str, Any], status: int, redact: Redact) -> Failure:
    error = error_in(choice)
    if error is not None and (error.codes or error.status):
        return classify_error(status, error, redact=redact)
    words = error.message if error is not None else "the server gave up on this answer (finish_reason error)"
    return failure(SERVER_ERROR, words, http=status, redact=redact)


def _first_choice(root: Any) -> dict[str, Any] | None:
    choices = root.get("choices") if type(root) is dict else None
    return choices[0] if type(choices) is list and choices and type(choices[0]) is dict else None


def _finished(finish_reason: Any) -> bool:
    return type(finish_reason) is str and finish_reason not in {"", "error"}


def _start(body: bytes) -> str:
    return body[:200].decode("utf-8", "replace") or "it is empty"


def _joined(parts: list[Any], key: str) -> str | None:
    texts = [part[key] for part in parts if type(part) is dict and type(part.get(key)) is str]
    return "".join(texts) if texts else None


def _text(value: Any) -> str | None:
    return value if type(value) is str and value else None


def _count(counts: Any, key: str) -> int:
    value = counts.get(key) if type(counts) is dict else None
    return value if type(value) is int and value > 0 else 0
