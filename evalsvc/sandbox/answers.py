"""What a model says, before it is put into OpenAI's words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

from evalsvc.sandbox import tokens

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a request asks for besides its text."""

    before: str = ""  # what the messages before the last user message say
    temperature: float = 0.0  # 0: the likeliest
    seed: int = 0
    max_tokens: int | None = None


PLAIN = Terms()


class Model(Protocol):
    """Answers the last user message, or a prompt; equal texts on equal terms get equal answers."""

    def answer(self, text: str, terms: Terms = PLAIN, /) -> Answer: ...


def said(text: str) -> Answer:
    """An answer that follows from a rule: each of its tokens is certain.

    >>> [(token.text, token.logprob) for token in said("Rating: 4").tokens]
    [('Rating', 0.0), (':', 0.0), (' 4', 0.0)]
    """
    return Answer(tokens=[Token(text=token, logprob=0.0, top=((token, 0.0),)) for token in tokens.split(text)])
