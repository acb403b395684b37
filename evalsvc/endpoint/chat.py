"""The body of a chat completion, as a Reply or the reason why it is none.

OpenAI API reference, "The chat completion object":

    {"id", "model", "choices": [{"message": {"content", "refusal", "tool_calls"}, "finish_reason",
     "logprobs": {"content": [{"token", "logprob", "top_logprobs": [{"token", "logprob"}]}]}}],
     "usage": {"prompt_tokens", "completion_tokens", "prompt_tokens_details": {"cached_tokens"},
               "completion_tokens_details": {"reasoning_tokens"}}}

What a body without the usual text means:

    content   finish_reason     other           result
    null      any               anything        Reply without output: scoring decides (refusal, tool call, filter, cut, empty)
    list      any                               Reply, its text parts joined; parts that think (Mistral) are reasoning
    any       null or missing                   Failure cut: the answer was not finished
    any       "error", "abort"                  Failure, by the choice's own error
    other     any                               Failure malformed
    no choices, no message, `error` in a 200    Failure, by the error if there is one, else malformed

Only `choices[0]` is read: one request is one answer. Reasoning, refusal and tool calls never become output.
"""

from dataclasses import replace
from typing import Any

from evalsvc.endpoint.answer import Failure, Redact
from evalsvc.endpoint.bodies import error_in, unredacted
from evalsvc.endpoint.errors import MALFORMED, classify_error, failure
from evalsvc.endpoint.logprobs import read_logprobs, read_prompt_logprobs
from evalsvc.endpoint.reading import (
    TOO_DEEP,
    decode,
    finish_of,
    first_choice,
    is_too_deep,
    joined,
    malformed,
    read_usage,
    text,
    unfinished,
)
from evalsvc.records import Reply, Request

_NOT_A_COMPLETION = (TypeError, LookupError, AttributeError)


def parse_chat(
    body: bytes,
    *,
    request: Request | None = None,  # noqa: ARG001 - a chat completion says by itself what it is
    latency_s: float = 0.0,
    request_id: str | None = None,
    status: int = 200,
    redact: Redact = unredacted,
) -> Reply | Failure:
    """The Reply in `body`, the body of a 2xx response; a Failure for everything that must not be scored. Never raises.

    `request_id` is that of the headers; without one, the completion's own id takes its place.
    """
    return read_chat(decode(body), body, latency_s=latency_s, request_id=request_id, status=status, redact=redact)


def read_chat(root: Any, body: bytes, *, latency_s: float, request_id: str | None, status: int, redact: Redact) -> Reply | Failure:
    """As `parse_chat`, for a body that is decoded already; `body` is only quoted, where it is no completion."""
    try:
        choice = root["choices"][0]
        message = choice["message"]
        content = message.get("content")
        finish_reason = finish_of(choice.get("finish_reason"))
        logprobs = choice.get("logprobs")
    except _NOT_A_COMPLETION:
        return replace(_reason(body, root, status, redact), latency_s=latency_s, usage=read_usage(root))
    parts = None
    if type(content) is list:
        parts, content = content, joined(content, "text")
    if finish_reason is None or not (content is None or type(content) is str) or root.get("error"):
        return replace(_reason(body, root, status, redact), latency_s=latency_s, usage=read_usage(root))
    refusal, tool_calls = message.get("refusal"), message.get("tool_calls")
    if tool_calls and is_too_deep(tool_calls):
        return replace(failure(MALFORMED, TOO_DEEP, http=status), latency_s=latency_s, usage=read_usage(root))
    reasoning = message.get("reasoning_content") or message.get("reasoning") or (_thinking(parts) if parts else None)
    return Reply(
        output=content,
        finish_reason=finish_reason,
        usage=read_usage(root),
        latency_s=latency_s,
        refusal=text(refusal) if refusal else (joined(parts, "refusal") if parts else None),
        reasoning=text(reasoning) if reasoning else None,
        tool_calls=tool_calls if tool_calls and type(tool_calls) is list else None,
        tokens=None if logprobs is None else read_logprobs(logprobs),
        model=text(root.get("model")),
        request_id=request_id or text(root.get("id")),
        prompt_tokens=None if (of_prompt := root.get("prompt_logprobs")) is None else read_prompt_logprobs(of_prompt),
    )


def _thinking(parts: list[Any]) -> str | None:
    thoughts = [part["thinking"] for part in parts if type(part) is dict and type(part.get("thinking")) is list]
    return joined((part for thought in thoughts for part in thought), "text")


def _reason(body: bytes, root: Any, status: int, redact: Redact) -> Failure:
    """Why `body`, decoded as `root` (None when it is no JSON), is no reply."""
    error, choice = error_in(root), first_choice(root)
    if error is not None:
        return classify_error(status, error, redact=redact)
    if choice is None or type(choice.get("message")) is not dict:
        return malformed(body, "a chat completion", status, redact)
    if finish_of(choice.get("finish_reason")) is None:
        return unfinished(choice, status, redact)
    return failure(MALFORMED, "the message's content is neither text nor a list of parts", http=status)
