"""Tokens with logprobs, as the journal keeps them."""

from collections.abc import Mapping
from math import log
from typing import Any

from evalsvc.config.models import Scoring
from evalsvc.records import Reply
from evalsvc.scoring import LabelFinder
from evalsvc.scoring.probabilities import LabelProbabilities, Reading

Token = dict[str, Any]


def token(text: str, **chances: float) -> Token:
    """`text` with the alternatives of `chances`; an underscore stands for a space. A token not among them has -9999, as OpenAI says it."""
    return token_of(text, {name.replace("_", " "): chance for name, chance in chances.items()})


def token_of(text: str, chances: Mapping[str, float]) -> Token:
    top = [[name, log(chance)] for name, chance in sorted(chances.items(), key=lambda item: -item[1])]
    return {"t": text, "lp": log(chances[text]) if text in chances else -9999.0, "top": top}


def sure(*texts: str) -> list[Token]:
    """Tokens without any doubt."""
    return [token_of(text, {text: 1.0}) for text in texts]


def reply(*tokens: Token, output: str | None = None) -> Reply:
    said = "".join(one["t"] for one in tokens) if output is None else output
    return Reply(output=said, finish_reason="stop", usage=None, latency_s=0.1, tokens=tokens)


def reading(labels: tuple[str, ...], *tokens: Token, output: str | None = None, scoring: Scoring | None = None) -> Reading | None:
    """What is read when the label is found as scoring finds it."""
    how, answered = scoring or Scoring(), reply(*tokens, output=output)
    found = LabelFinder(labels, how).find(answered.output or "")
    return LabelProbabilities(labels, how).read(answered, found)
