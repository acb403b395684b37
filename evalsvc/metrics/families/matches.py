"""Metrics that hold each answer against its references, or against a pattern, all by itself: their means and shares.

An answer that is not there (an error, a refusal, nothing found) is worth 0, whatever stands in the reference or the pattern.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import punctuation
from typing import Final, Literal

from evalsvc.errors import UsageError
from evalsvc.metrics.families import json_answers, numeric
from evalsvc.metrics.families.metric import Setting, SumMetric, Wanted, mean_of, refuse_unknown_options
from evalsvc.metrics.families.options import choice, flag, short_hash
from evalsvc.scoring.measures import Answer, Measured
from evalsvc.scoring.patterns import Pattern
from evalsvc.scoring.text import level

NO_REFERENCE = "no row has a target"
_VERSION = 1

# A text on both sides is brought into this shape before it is compared.
Normalise = Callable[[str], str]


def build(wanted: Wanted, setting: Setting) -> SumMetric:
    """UsageError for options that cannot be."""
    return _BUILDS[wanted.name](wanted, setting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best that an answer is worth against any of its references."""

    name: str
    worth: Callable[[str, str], float]  # (answer, reference)

    def __call__(self, answer: Answer) -> Measured | None:
        if not answer.references:
            return None
        best = max(self.worth(answer.text, reference) for reference in answer.references) if answer.text else 0.0
        return Measured(scores={self.name: best})


def same_text(answer: str, reference: str) -> float:
    """1 for texts that are equal but for whitespace around them.

    >>> same_text(" Paris\\n", "Paris"), same_text("paris", "Paris")
    (1.0, 0.0)
    """
    return float(answer.strip() == reference.strip())


_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION: Final = str.maketrans("", "", punctuation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Normaliser:
    """What of a text does not count.

    As it is, SQuAD's rules to the letter (`normalize_answer` of its evaluation script, Rajpurkar et al. 2016): lower case, ASCII
    punctuation deleted, the words a, an and the deleted, whitespace as single spaces, in this order.
    """

    articles: Literal["remove", "keep"] = "remove"
    unicode: bool = False  # NFKC, casefolding, and all punctuation there is in place of ASCII's

    def __call__(self, text: str) -> str:
        """
        >>> Normaliser()("The  Eiffel-Tower!"), Normaliser(articles="keep")("The A."), Normaliser(unicode=True)("« Ａ-z »")
        ('eiffeltower', 'the a', 'az')
        """
        text = _unpunctuated(level(text, markup="").folded) if self.unicode else text.lower().translate(_NO_PUNCTUATION)
        if self.articles == "remove":
            text = _ARTICLES.sub(" ", text)
        return " ".join(text.split())

    @property
    def signature(self) -> str:
        return f"norm:squad|articles:{self.articles}|unicode:{'yes' if self.unicode else 'no'}"


def _unpunctuated(text: str) -> str:
    """Without ASCII punctuation and all of Unicode's."""
    return "".join(character for character in text if character not in punctuation and unicodedata.category(character)[0] != "P")


def token_f1(answer: Sequence[str], reference: Sequence[str]) -> float:
    """F1 of two bags of tokens, as SQuAD 2.0's `compute_f1` has it: where either is empty, 1 if both are, else 0.

    >>> round(token_f1(["eiffel", "tower", "paris"], ["eiffel", "tower"]), 3), token_f1([], []), token_f1([], ["x"])
    (0.8, 1.0, 0.0)
    """
    if not answer or not reference:
        return float(len(answer) == len(reference))
    common = (Counter(answer) & Counter(reference)).total()
    return 2 * common / (len(answer) + len(reference))


def _exact_match(wanted: Wanted, _: Setting) -> SumMetric:
    refuse_unknown_options(wanted, ())
    return _share(wanted, "strip:yes", Best(name=wanted.name, worth=same_text))


def _normaliser(wanted: Wanted) -> Normaliser:
    return Normaliser(articles=choice(wanted, "articles", ("remove", "keep")), unicode=flag(wanted, "unicode"))


def _normalised_match(wanted: Wanted, _: Setting) -> SumMetric:
    refuse_unknown_options(wanted, ("articles", "unicode"))
    normalise = _normaliser(wanted)
    return _share(
        wanted,
        normalise.signature,
        Best(name=wanted.name, worth=lambda answer, reference: float(normalise(answer) == normalise(reference))),
    )


def _token_f1(wanted: Wanted, _: Setting) -> SumMetric:
    refuse_unknown_options(wanted, ("articles", "unicode", "tokens"))
    normalise, tokens = _normaliser(wanted), choice(wanted, "tokens", ("words", "characters"))
    split = str.split if tokens == "words" else _characters

    def worth(answer: str, reference: str) -> float:
        return token_f1(split(normalise(answer)), split(normalise(reference)))

    return mean_of(
        wanted.name,
        signature=f"{normalise.signature}|tokens:{tokens}|refs:max|v:{_VERSION}",
        measure=Best(name=wanted.name, worth=worth),
        why_none=NO_REFERENCE,
    )


def _characters(text: str) -> list[str]:
    return list(text.replace(" ", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """Whether a pattern is found in an answer, or is all of it; needs no target."""

    name: str
    pattern: Pattern
    full: bool

    def __call__(self, answer: Answer) -> Measured:
        matches = self.pattern.is_all_of if self.full else self.pattern.is_in
        return Measured(scores={self.name: float(bool(answer.text) and matches(answer.text))})


def _regex_match(wanted: Wanted, _: Setting) -> SumMetric:
    refuse_unknown_options(wanted, ("pattern", "full"))
    pattern, full = wanted.options.get("pattern"), flag(wanted, "full")
    if not isinstance(pattern, str) or not pattern:
        raise UsageError(f"{wanted.place}: regex_match needs a `pattern`", hint="regex_match: {pattern: '^[A-D]$', full: false}")
    compiled = Pattern(pattern, place=wanted.place)
    signature = f"full:{'yes' if full else 'no'}|pattern:{short_hash(pattern)}"
    return _share(wanted, signature, Matches(name=wanted.name, pattern=compiled, full=full), why_none="no row was scored")


def _numeric_match(wanted: Wanted, setting: Setting) -> SumMetric:
    signature, worth = numeric.comparison(wanted, setting)
    return _share(wanted, signature, numeric.SameNumber(name=wanted.name, same=worth), why_none=numeric.WHY_NONE)


def _json(wanted: Wanted, setting: Setting) -> SumMetric:
    signature, measure = json_answers.measure(wanted, setting)
    return _share(wanted, signature, measure, why_none="no row was scored")


def _share(wanted: Wanted, signature: str, measure: Callable[[Answer], Measured | None], why_none: str = NO_REFERENCE) -> SumMetric:
    return mean_of(wanted.name, signature=f"{signature}|v:{_VERSION}", measure=measure, kind="share", why_none=why_none)


_BUILDS: Final[Mapping[str, Callable[[Wanted, Setting], SumMetric]]] = {
    "exact_match": _exact_match,
    "normalised_match": _normalised_match,
    "token_f1": _token_f1,
    "numeric_match": _numeric_match,
    "json_valid": _json,
    "json_schema": _json,
    "regex_match": _regex_match,
}
