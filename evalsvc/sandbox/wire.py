"""OpenAI's wire format, written: completions, stream events, the model list, errors. Pure; bytes out."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from evalsvc.sandbox.answers import Answer, Token

FINGERPRINT = "fp_sandbox"
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class WireError:
    """An error as OpenAI words it, with its status and the headers that go with it."""

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        return dumps({"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}})


class Declined(Exception):
    """This call gets an error in place of an answer."""

    def __init__(self, error: WireError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What stands around an answer."""

    id: str
    created: int  # seconds since the epoch
    model: str  # as it was asked for
    prompt_tokens: int
    logprobs: bool
    top_logprobs: int
    include_usage: bool = False  # streams only


def dumps(value: Any) -> bytes:
    """JSON; lone surrogates, which orjson refuses, as ASCII escapes."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode("ascii")


def loads(data: bytes) -> Any:
    """ValueError when `data` is not JSON."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)


def completion(answer: Answer, envelope: Envelope) -> bytes:
    """The body of a plain reply."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": answer.content, "refusal": answer.refusal, "annotations": []},
        "logprobs": _logprobs(answer.tokens, envelope) if answer.has_content else None,
        "finish_reason": answer.finish_reason,
    }
    head = _head(envelope, "chat.completion")
    return dumps(head | {"choices": [choice] if answer.has_choice else [], "usage": _usage(answer, envelope)})


def events(answer: Answer, envelope: Envelope) -> Iterator[bytes]:
    """The server-sent events of a streamed reply, `[DONE]` included."""
    head = _head(envelope, "chat.completion.chunk")
    usage = {"usage": None} if envelope.include_usage else {}
    for choice in _deltas(answer, envelope) if answer.has_choice else ():
        yield _event(head | {"choices": [choice]} | usage)
    if envelope.include_usage:
        yield _event(head | {"choices": [], "usage": _usage(answer, envelope)})
    yield DONE


def models(names: Sequence[str], created: int) -> bytes:
    """The body of /v1/models."""
    return dumps({"object": "list", "data": [_model(name, created) for name in names]})


def model(name: str, created: int) -> bytes:
    """The body of /v1/models/<name>."""
    return dumps(_model(name, created))


def _model(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": "sandbox"}


def _head(envelope: Envelope, kind: str) -> dict[str, Any]:
    return {
        "id": envelope.id,
        "object": kind,
        "created": envelope.created,
        "model": envelope.model,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


def _deltas(answer: Answer, envelope: Envelope) -> Iterator[dict[str, Any]]:
    yield _delta({"role": "assistant", "content": "" if answer.has_content else None, "refusal": None})
    if answer.refusal is not None:
        yield _delta({"refusal": answer.refusal})
    for token in answer.tokens if answer.has_content else ():
        yield _delta({"content": token.text}, _logprobs([token], envelope))
    yield _delta({}, finish_reason=answer.finish_reason)


def _delta(delta: dict[str, Any], logprobs: Any = None, finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + dumps(chunk) + b"\n\n"


def _logprobs(tokens: Sequence[Token], envelope: Envelope) -> dict[str, Any] | None:
    if not envelope.logprobs:
        return None
    return {"content": [_logprob(token, envelope.top_logprobs) for token in tokens], "refusal": None}


def _logprob(token: Token, top: int) -> dict[str, Any]:
    return _scored(token.text, token.logprob) | {"top_logprobs": [_scored(text, value) for text, value in token.top[:top]]}


def _scored(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "bytes": list(text.encode("utf-8", "replace")), "logprob": logprob}


def _usage(answer: Answer, envelope: Envelope) -> dict[str, Any]:
    output = len(answer.tokens)
    return {
        "prompt_tokens": envelope.prompt_tokens,
        "completion_tokens": output,
        "total_tokens": envelope.prompt_tokens + output,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
