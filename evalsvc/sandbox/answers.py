"""What a model says, before it is put into OpenAI's words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

IMPOSSIBLE = -9999.0  # what OpenAI writes for a logprob of minus infinity, which JSON lacks


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token of an answer with its logprob in nats, and the likeliest tokens in its place, best first."""

    text: str
    logprob: float
    top: Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One choice of a reply. A refusal or a missing content leaves `tokens` for the bill only."""

    tokens: Sequence[Token]
    finish_reason: str = "stop"
    refusal: str | None = None
    has_content: bool = True
    has_choice: bool = True
    has_usage: bool = True

    @property
    def content(self) -> str | None:
        return "".join(token.text for token in self.tokens) if self.has_content else None

    def cut(self, max_tokens: int | None) -> Self:
        """The answer as far as `max_tokens` allow."""
        if max_tokens is None or len(self.tokens) <= max_tokens:
            return self
        return replace(self, tokens=self.tokens[:max_tokens], finish_reason="length")


class Model(Protocol):
    """Answers the last user message, or a prompt; equal texts get equal answers."""

    def answer(self, text: str) -> Answer: ...

    def read(self, text: str) -> Sequence[Token]:
        """The tokens of a prompt, each with its logprob given what stands before it."""
        ...
