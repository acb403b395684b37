"""A response object of the Responses API, as a Reply or the reason why it is none.

OpenAI API reference, "The response object":

    {"id", "model", "status", "error", "incomplete_details": {"reason"}, "output": [items], "usage": {"input_tokens", …}}

What its items become:

    message         output_text parts joined → output, refusal parts → refusal, logprobs of the parts → tokens
    reasoning       its text, where the model is open, else its summary → reasoning
    function_call,  → tool_calls, in the shape that chat has
    custom_tool_call
    others          nothing: tools that the server ran itself

And its status:

    completed                        finish_reason stop, or tool_calls where it calls a tool
    incomplete                       length for max_output_tokens (or no reason), content_filter, else the reason itself
    failed                           Failure, by the response's own error
    cancelled, in_progress, queued   Failure: the answer was not finished
    missing                          as the last item's own status says
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from evalsvc.endpoint.answer import Failure, Redact
from evalsvc.endpoint.bodies import error_in, unredacted
from evalsvc.endpoint.errors import MALFORMED, SERVER_ERROR, classify_error, failure
from evalsvc.endpoint.logprobs import Tokens, read_logprobs
from evalsvc.endpoint.reading import TOO_DEEP, decode, finish_of, is_too_deep, joined, malformed, read_usage, text, unfinished
from evalsvc.records import Reply, Request

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the items of an output hold together."""

    output: str | None
    refusal: str | None
    reasoning: str | None
    tool_calls: Sequence[Any]
    tokens: Tokens | None


def parse_responses(
    body: bytes,
    *,
    request: Request | None = None,  # noqa: ARG001 - a response says by itself what it is
    latency_s: float = 0.0,
    request_id: str | None = None,
    status: int = 200,
    redact: Redact = unredacted,
) -> Reply | Failure:
    """The Reply in `body`, the body of a 2xx response; a Failure for everything that must not be scored. Never raises."""
    return read_response(decode(body), body, latency_s=latency_s, request_id=request_id, status=status, redact=redact)


def read_response(root: Any, body: bytes, *, latency_s: float, request_id: str | None, status: int, redact: Redact) -> Reply | Failure:
    """As `parse_responses`, for a body that is decoded already; `body` is only quoted, where it is no response."""
    items = _items(root)
    finish_reason = None if items is None or root.get("error") else _finish(root, items)
    if items is None or finish_reason is None:
        return replace(_reason(body, root, status, redact), latency_s=latency_s, usage=read_usage(root))
    said = _said(items)
    if is_too_deep(said.tool_calls):
        return replace(failure(MALFORMED, TOO_DEEP, http=status), latency_s=latency_s, usage=read_usage(root))
    return Reply(
        output=said.output,
        finish_reason="tool_calls" if finish_reason == "stop" and said.tool_calls else finish_reason,
        usage=read_usage(root),
        latency_s=latency_s,
        refusal=said.refusal,
        reasoning=said.reasoning,
        tool_calls=said.tool_calls or None,
        tokens=said.tokens,
        model=text(root.get("model")),
        request_id=request_id or text(root.get("id")),
    )


def _items(root: Any) -> list[Item] | None:
    output = root.get("output") if type(root) is dict else None
    return [item for item in output if type(item) is dict] if type(output) is list else None


def _finish(root: Mapping[str, Any], items: Sequence[Item]) -> str | None:
    """The finish_reason in chat's words; None when the answer was not finished."""
    status = root.get("status") or (items[-1].get("status") if items else None)
    if status == "completed":
        return "stop"
    if status != "incomplete":
        return None
    details = root.get("incomplete_details")
    reason = text(details.get("reason")) if type(details) is dict else None
    return finish_of(reason) if reason is not None else "length"


def _said(items: Sequence[Item]) -> Said:
    parts = [part for item in items if item.get("type") == "message" for part in _parts(item, "content")]
    spoken = [part for part in parts if part.get("type") == "output_text"]
    return Said(
        output=joined(spoken, "text"),
        refusal=joined(parts, "refusal"),
        reasoning="\n\n".join(_thoughts(items)) or None,
        tool_calls=list(_calls(items)),
        tokens=_tokens(spoken),
    )


def _parts(item: Item, key: str) -> list[Item]:
    parts = item.get(key)
    return [part for part in parts if type(part) is dict] if type(parts) is list else []


def _thoughts(items: Sequence[Item]) -> Iterator[str]:
    """The text of each reasoning part: what was thought where the server shows it, else what it says was thought."""
    for item in items:
        if item.get("type") == "reasoning":
            thoughts = [said for part in _parts(item, "content") if (said := text(part.get("text")))]
            yield from thoughts or [said for part in _parts(item, "summary") if (said := text(part.get("text")))]


def _calls(items: Sequence[Item]) -> Iterator[Item]:
    for item in items:
        match item.get("type"):
            case "function_call":
                function = {"name": item.get("name"), "arguments": item.get("arguments")}
                yield {"id": item.get("call_id"), "type": "function", "function": function}
            case "custom_tool_call":
                yield {"id": item.get("call_id"), "type": "custom", "custom": {"name": item.get("name"), "input": item.get("input")}}


def _tokens(spoken: Sequence[Item]) -> Tokens | None:
    """None where there are none: the API sends an empty list when it was not asked."""
    entries = [entry for part in spoken if type(part.get("logprobs")) is list for entry in part["logprobs"]]
    return read_logprobs({"content": entries}) if entries else None


def _reason(body: bytes, root: Any, status: int, redact: Redact) -> Failure:
    error = error_in(root)
    if error is not None:
        return classify_error(status, error, redact=redact)
    if type(root) is dict and root.get("status") == "failed":
        return failure(SERVER_ERROR, "the server gave up on this answer (status failed)", http=status)
    if _items(root) is None:
        return malformed(body, "a response of the Responses API", status, redact)
    return unfinished(root, status, redact)
