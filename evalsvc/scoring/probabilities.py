"""Reply -> class probabilities, from the logprobs of the tokens that decide between the labels.

The label that was found is looked for in the reply (places.py), and its tokens are walked from the first one on. At each token
the server's list of alternatives says how likely each was; what a listed token may become decides where its probability goes:

    one label          to that label, all its variants added up: " Yes", "yes", "YES", and every alias
    several, was said  onwards: the next token tells them apart ("not" of `not spam` and `not ham`)
    several, not said  shared: nobody can tell ("pos" of `positive` and `possible`, where the reply says `negative`)
    none               to no label: it is missing from the label mass

The label mass is what all labels have together; the probabilities are their parts of it. A label that no listed token begins
is not impossible: it is at most as likely as the smallest listed one, and all such labels together at most as likely as what
the list leaves over. That bound, shared equally, stands in its place, and the row counts as censored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from operator import add
from typing import Any, Final

from evalsvc.config.models import Scoring
from evalsvc.records import Reply
from evalsvc.scoring.labels import Found
from evalsvc.scoring.places import AnswerPlaces, token_at
from evalsvc.scoring.spellings import Fit, Spellings

# A row's summands under the name "label_mass", in this order.
LABEL_MASS: Final = "label_mass"
QUALITY: Final = ("rows", "mass", "low", "censored", "saturated", "shared")
MASS_UNITS = 1 << 40
LOW_MASS = 0.5
SATURATED = 0.999
# Probability of tokens that several labels begin with, as a part of the label mass, above which nobody can tell a row's probabilities.
MOST_SHARED = 1e-3

# No softmax over single precision gives less; -9999.0 says "outside the list", and is no number.
_LEAST_LOGPROB = -1000.0
# What is left over is the difference of numbers in single precision: below that it is rounding.
_ROUNDING = 2.0**-23
# A list that has more together is none of probabilities: zeros from a server that decodes greedily, or scores before the softmax.
_MOST_TOGETHER = 1.1
_MOST_STEPS = 32
_MEMO_TOKENS = 8
_MEMO_ENTRIES = 4096

Token = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """The class probabilities of one reply."""

    probs: Mapping[str, float] | None  # by label, adding up to 1; None where labels share a token that was not said
    quality: tuple[int, ...]  # as QUALITY names them


@dataclass(frozen=True, slots=True)
class _Step:
    """One token of the answer."""

    index: int  # of the reply's tokens
    before: str  # what the answer's tokens before it say
    lead: str  # what stands before the answer in the token itself


@dataclass(slots=True)
class _Weighed:
    """Probability by label, as far as the answer has been walked."""

    masses: list[float]
    bounds: list[float]
    shared: float = 0.0
    censored: bool = False


class LabelProbabilities:
    """Reads class probabilities; a pure function of a reply and of what was found in it."""

    def __init__(self, labels: Sequence[str], scoring: Scoring) -> None:
        self._labels = tuple(labels)
        self._spellings = Spellings(labels, scoring)
        self._places = AnswerPlaces(self._spellings.of_label, scoring)
        self._steps_of: dict[tuple[Any, ...], tuple[_Step, ...]] = {}
        self._fits_of: dict[tuple[str, str], dict[str, Fit]] = {}
        self._said_of: dict[tuple[str, str, str], Fit] = {}

    def read(self, reply: Reply, found: Found) -> Reading | None:
        """None without a label, without alternatives to its tokens, or where the tokens do not spell it."""
        tokens, output = reply.tokens, reply.output
        if not tokens or not output or found.label is None or found.rule is None:
            return None
        steps = self._steps(output, [token["t"] for token in tokens], found.label, found.rule)
        if not steps or not all(tokens[step.index]["top"] for step in steps):
            return None
        weighed = self._weigh(tokens, steps)
        return None if weighed is None else self._reading(weighed)

    def _steps(self, output: str, said: list[str], label: str, rule: str) -> tuple[_Step, ...]:
        if len(said) > _MEMO_TOKENS:
            return self._find_steps(output, said, label, rule)
        key = (label, rule, output, *said)
        steps = self._steps_of.get(key)
        if steps is None:
            if len(self._steps_of) >= _MEMO_ENTRIES:
                self._steps_of.clear()
            steps = self._steps_of[key] = self._find_steps(output, said, label, rule)
        return steps

    def _find_steps(self, output: str, said: Sequence[str], label: str, rule: str) -> tuple[_Step, ...]:
        """The tokens from the label's first to the first after which only one label remains; none where they do not spell it."""
        start = self._places.start(output, label, rule)
        begins = None if start is None else token_at(said, output, start)
        if begins is None:
            return ()
        first, skipped = begins
        steps: list[_Step] = []
        before, lead = "", said[first][:skipped]
        for index in range(first, min(len(said), first + _MOST_STEPS)):
            steps.append(_Step(index, before, lead))
            before += said[index][len(lead) :]
            lead = ""
            labels = self._spellings.fit(before, said=True).labels
            if not labels:
                return ()
            if len(labels) == 1:
                break
        return tuple(steps)

    def _weigh(self, tokens: Sequence[Token], steps: Sequence[_Step]) -> _Weighed | None:
        """None where a list of alternatives has no number at all, or its numbers cannot be probabilities."""
        size = len(self._labels)
        weighed = _Weighed([0.0] * size, [0.0] * size)
        path = 1.0
        remaining: Sequence[int] = range(size)
        for step in steps:
            listed, least = _listed(tokens[step.index])
            if not listed:
                return None
            said = self._said(step, tokens[step.index]["t"])
            goes_on = step is not steps[-1]
            covered, left, onward = self._told_apart(step, listed, said, path, weighed, goes_on=goes_on)
            if left < 1 - _MOST_TOGETHER:
                return None
            left = max(left, _ROUNDING)
            if len(covered) < len(remaining):
                absent = [label for label in remaining if label not in covered]
                for label in absent:
                    weighed.bounds[label] = path * min(least, left / len(absent))
                weighed.censored |= bool(absent)
            if goes_on:
                weighed.censored |= not onward
                path *= onward or min(least, left)
                remaining = said.labels
        return weighed

    def _told_apart(
        self, step: _Step, listed: Sequence[tuple[str, float]], said: Fit, path: float, weighed: _Weighed, *, goes_on: bool
    ) -> tuple[set[int], float, float]:
        """Adds to `weighed` what each listed token has. Gives the labels that it has something for, what no listed token has, and
        what the tokens have together after which the answer goes on.
        """
        covered, left, onward = set(said.labels if goes_on else ()), 1.0, 0.0
        shared: list[tuple[Fit, float]] = []
        whole: set[int] = set()  # labels that one listed token spells out
        fits, masses = self._fits(step), weighed.masses
        for text, probability in listed:
            left -= probability
            fit = fits.get(text) or self._fit(step, text, fits)
            if fit.form == said.form:
                fit = said
            labels = fit.labels
            if len(labels) == 1:
                masses[labels[0]] += path * probability
                covered.add(labels[0])
                if fit.whole is not None:
                    whole.add(labels[0])
            elif goes_on and fit is said:
                onward += probability
            elif labels:
                shared.append((fit, probability))
                covered.update(labels)
        for fit, probability in shared:
            _share(fit, path * probability, whole, weighed)
        return covered, left, onward

    def _fits(self, step: _Step) -> dict[str, Fit]:
        """What is known of tokens in the step's place."""
        known = self._fits_of.get((step.before, step.lead))
        if known is None:
            if len(self._fits_of) >= _MEMO_ENTRIES:
                self._fits_of.clear()
            known = self._fits_of[step.before, step.lead] = {}
        return known

    def _fit(self, step: _Step, text: str, known: dict[str, Fit]) -> Fit:
        """What the answer may become with `text` in the place of the step's token."""
        if len(known) >= _MEMO_ENTRIES:
            known.clear()
        fit = known[text] = self._spellings.fit(step.before + _without_lead(text, step.lead))
        return fit

    def _said(self, step: _Step, text: str) -> Fit:
        """The same for the token that was said."""
        key = step.before, step.lead, text
        fit = self._said_of.get(key)
        if fit is None:
            if len(self._said_of) >= _MEMO_ENTRIES:
                self._said_of.clear()
            fit = self._said_of[key] = self._spellings.fit(step.before + text[len(step.lead) :], said=True)
        return fit

    def _reading(self, weighed: _Weighed) -> Reading:
        mass = sum(weighed.masses)
        values = list(map(add, weighed.masses, weighed.bounds)) if weighed.censored else weighed.masses
        total = sum(values)
        shared = weighed.shared > MOST_SHARED * total
        probs = {label: value / total for label, value in zip(self._labels, values, strict=True)}
        saturated = max(values) > SATURATED * total
        quality = (1, round(min(mass, 1.0) * MASS_UNITS), int(mass < LOW_MASS), int(weighed.censored), int(saturated), int(shared))
        return Reading(None if shared else probs, quality)


def _listed(token: Token) -> tuple[list[tuple[str, float]], float]:
    """(text, probability) of the alternatives and of the token itself, each as often as it stands there; the least likely listed."""
    said, top = token["t"], token["top"]
    listed = [(text, exp(min(nats, 0.0))) for text, nats in top if nats is not None and nats > _LEAST_LOGPROB]
    least = min((probability for _, probability in listed), default=1.0)
    nats = token["lp"]
    if listed and listed[0][0] == said:
        return listed, least
    if nats is not None and nats > _LEAST_LOGPROB and not any(text == said for text, _ in listed):
        listed.append((said, exp(min(nats, 0.0))))
    return listed, least


def _without_lead(text: str, lead: str) -> str:
    """`text` behind `lead`. Blanks, quotes and marks before a label may be others or none; words may not."""
    if text.startswith(lead):
        return text[len(lead) :]
    return "" if any(character.isalnum() for character in lead) else text


def _share(fit: Fit, probability: float, whole: set[int], weighed: _Weighed) -> None:
    """Of a token that several labels begin with: to the one that it is, where every other has a listed token of its own ("1" beside
    "10"), else to all of them in equal parts, and it is known that this is a guess.
    """
    if fit.whole is not None and all(label in whole for label in fit.labels if label != fit.whole):
        weighed.masses[fit.whole] += probability
        return
    weighed.shared += probability
    for label in fit.labels:
        weighed.masses[label] += probability / len(fit.labels)
