"""What the APIs write alike: the surroundings of an answer, its tokens, its bill. Pure; JSON values out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from evalsvc.sandbox.answers import Answer, Token
from evalsvc.sandbox.questions import Question
from evalsvc.sandbox.wire import WireError

FINGERPRINT = "fp_sandbox"
GAVE_UP = "The sandbox was told to give up on this answer."


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What stands around an answer."""

    id: str
    created: int  # seconds since the epoch
    question: Question
    prompt: Sequence[Token] = ()  # the prompt's own tokens, where the question wants them


def head(envelope: Envelope, kind: str) -> dict[str, Any]:
    """What chat and completions begin with."""
    return {
        "id": envelope.id,
        "object": kind,
        "created": envelope.created,
        "model": envelope.question.model,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


def usage(answer: Answer, envelope: Envelope) -> dict[str, Any] | None:
    """The bill of chat and completions."""
    if not answer.has_usage:
        return None
    prompt, output = envelope.question.prompt_tokens, len(answer.tokens)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def logprob(token: Token, top: int) -> dict[str, Any]:
    """A token of chat and responses, with the `top` likeliest in its place."""
    return _scored(token.text, token.logprob) | {"top_logprobs": [_scored(text, value) for text, value in token.top[:top]]}


def prompt_logprobs(envelope: Envelope) -> dict[str, Any]:
    """The field of vLLM's, where it was asked for: by token id, the prompt's own token first and then the likeliest; null for the first.

    Ids are made up, for the sandbox has no list of tokens; the rank of a token that is not among the likeliest is not known.
    """
    top = envelope.question.prompt_logprobs
    if top is None:
        return {}
    return {"prompt_logprobs": [None if index == 0 else _place(token, top) for index, token in enumerate(envelope.prompt)]}


def _place(token: Token, top: int) -> dict[str, Any]:
    ranks = {text: rank for rank, (text, _) in enumerate(token.top, 1)}
    listed = {token.text: token.logprob, **dict(token.top[:top])}
    return {
        str(crc32(text.encode("utf-8", "surrogatepass"))): {"logprob": value, "rank": ranks.get(text), "decoded_token": text}
        for text, value in listed.items()
    }


def stream_error(error: WireError, _number: int) -> dict[str, Any]:
    """The event with which a stream of chat or completions breaks off."""
    return error.written()


def _scored(text: str, value: float) -> dict[str, Any]:
    return {"token": text, "bytes": list(text.encode("utf-8", "replace")), "logprob": value}
