"""Record -> Score for task `perplexity`: whether the logprobs of the target can be read in the prompt's, and which they are.

The target stands at the end of what was sent, so its tokens are the last of `Reply.prompt_tokens`. They are found by their
texts (endpoint/spelling.py), not by a tokenizer of our own: a context that is tokenised alone need not have the tokens it has in
front of the target.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any, Final

from evalsvc.config.models import EvalConfig
from evalsvc.endpoint.spelling import Spelled, spelled_at_end, spelled_form
from evalsvc.errors import UsageError
from evalsvc.records import Outcome, Record, Score
from evalsvc.scoring.outcomes import outcome_before_reading

# OpenAI's "outside the top 20", and what vLLM writes for minus infinity. Never a logprob.
SENTINEL: Final = -9999.0
# What half precision may make of a logprob of 0; anything larger is no logprob, but perhaps a probability or a logit.
_ROUNDED: Final = 0.01
RULE: Final = "prompt_logprobs"
# Settings of `scoring` that say how an answer is found or judged; here nothing is answered.
_MEANINGLESS: Final = ("extract", "correct", "labels", "positive")

Tokens = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """What a model said of one text, token by token."""

    logprobs: tuple[float, ...]  # nats
    text: str  # what those tokens spell
    unscored: int = 0  # tokens at the very start of the prompt, which nothing precedes, so that they have no logprob
    joint: bool = False  # the first token begins before the text


def is_logprob(value: float | None) -> bool:
    """Whether `value` is one, and no sentinel and no null, and no probability above 1 but for rounding.

    >>> is_logprob(-0.5), is_logprob(0.0), is_logprob(1e-6), is_logprob(-9999.0), is_logprob(None), is_logprob(0.5)
    (True, True, True, False, False, False)
    """
    return value is not None and SENTINEL < value < _ROUNDED


def likelihood_of(tokens: Tokens | None, text: str) -> Likelihood | None:
    """The logprobs of the `text` that the tokens end with. None when they do not, and when a token of it has no logprob.

    A text with a token that the model holds impossible (null, -9999) would have an infinite perplexity; without that token
    it would have too good a one. So it has none. Only the first token of the whole prompt may be without.

    >>> likelihood_of([{"t": "to", "lp": None}, {"t": " be", "lp": -1.5}], " be")
    Likelihood(logprobs=(-1.5,), text=' be', unscored=0, joint=False)
    """
    spelled = spelled_at_end([token["t"] for token in tokens or ()], text)
    if tokens is None or spelled is None:
        return None
    logprobs = [token["lp"] for token in tokens[spelled.first :]]
    if spelled.first == 0 and not spelled.joint and logprobs[0] is None:
        if not text.startswith(tokens[0]["t"]):
            return None
        text, logprobs = text[len(tokens[0]["t"]) :], logprobs[1:]
        return _likelihood(logprobs, text, spelled, unscored=1)
    return _likelihood(logprobs, text, spelled)


def _likelihood(logprobs: Sequence[float | None], text: str, spelled: Spelled, unscored: int = 0) -> Likelihood | None:
    known = tuple(value for value in logprobs if value is not None and is_logprob(value))
    if not text or len(known) != len(logprobs):
        return None
    return Likelihood(logprobs=known, text=text, unscored=unscored, joint=spelled.joint)


class LikelihoodScorer:
    """A row is `scored` when every token of its target has a logprob, else `unparsed`. The prediction is the text that was scored."""

    @classmethod
    def of(cls, config: EvalConfig) -> "LikelihoodScorer":
        """UsageError for settings that speak of answers."""
        for name in _MEANINGLESS:
            if getattr(config.scoring, name) is not None:
                raise UsageError(
                    f"scoring.{name}: task: perplexity asks how likely the target is, and looks at no answer", hint="Take it out."
                )
        return cls()

    def score(self, record: Record, *, target: str | EllipsisType | None = ...) -> Score:
        right = record.target if isinstance(target, EllipsisType) else target
        outcome, text = outcome_before_reading(record), None
        if outcome is None:
            text = _text(record, right)
            outcome = Outcome.UNPARSED if text is None else Outcome.SCORED
        return Score(
            id=record.id,
            repeat=record.repeat,
            target=right,
            prediction=text,
            outcome=outcome,
            rule=None if text is None else RULE,
            # what is cut is the token or two that the model had to say besides
            cut=False,
        )


def _text(record: Record, target: str | None) -> str | None:
    """None also where the target is another by now: its logprobs were never asked for."""
    if record.reply is None or not target or target != record.target:
        return None
    tokens = record.reply.prompt_tokens
    text = spelled_form([token["t"] for token in tokens or ()], target)
    return None if text is None or likelihood_of(tokens, text) is None else text
