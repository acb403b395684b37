"""A judge: how good an answer is by the words that it shares with the reference, or, without one, with the question.

It leans to what it reads first, as many a judge does (Zheng et al. 2023, "Judging LLM-as-a-Judge"): so there is something to see
when answers change places.
"""

import re
from collections import Counter
from itertools import pairwise

from evalsvc.sandbox.answers import PLAIN, Answer, Terms, said
from evalsvc.sandbox.blocks import blocks, outside
from evalsvc.sandbox.sentences import words

SAME = 0.01  # closer answers are a tie
BETTER = 0.10  # so much better the second must be to win over the first
UNREADABLE = "I see no answer to judge."
_ANSWERS = ("answer", "response", "output", "candidate", "prediction")
_REFERENCES = ("reference", "reference answer", "correct answer", "expected answer", "expected", "target", "gold")
_QUESTIONS = ("question", "task", "prompt", "input", "instruction", "source")
_FIRST = tuple(f"{name} {mark}" for name in (*_ANSWERS, "assistant") for mark in ("a", "1"))
_SECOND = tuple(f"{name} {mark}" for name in (*_ANSWERS, "assistant") for mark in ("b", "2"))
_LABELS = (*_ANSWERS, *(f"{name} to judge" for name in _ANSWERS), *_REFERENCES, *_QUESTIONS, *_FIRST, *_SECOND)
_SCALE = re.compile(r"(-?\d+(?:\.\d+)?)\s*(?:\([^)]*\)\s*)?(?:to|-|–|through|and|\.\.)\s*(-?\d+(?:\.\d+)?)", re.IGNORECASE)
_SCALE_NAMED = re.compile(rf"(?:from|scale(?: of)?|between|rate|rating)\D{{0,30}}?{_SCALE.pattern}", re.IGNORECASE)
_USUAL_SCALE = (1.0, 5.0)


class Judge:
    """Ends with a line `Rating: N`; where there are two answers, with `Verdict: A`, `Verdict: B` or `Verdict: tie`."""

    def answer(self, text: str, terms: Terms = PLAIN, /) -> Answer:
        found = blocks(text, _LABELS)
        against = _first(found, _REFERENCES) or _first(found, _QUESTIONS) or ""
        first, second = _first(found, _FIRST), _first(found, _SECOND)
        if first is not None and second is not None:
            return said(_compared(overlap(first, against), overlap(second, against)))
        answer = _first(found, (*(f"{name} to judge" for name in _ANSWERS), *_ANSWERS))
        if answer is None:
            return said(UNREADABLE)
        return said(_rated(overlap(answer, against), scale_in(f"{terms.before}\n{outside(text, _LABELS)}")))


def overlap(answer: str, reference: str) -> float:
    """Dice's coefficient of the two's words and word pairs, counted as often as they occur: 0 to 1.

    >>> overlap("The cat sat.", "the cat sat"), overlap("a dog", "the cat"), overlap("", "the cat")
    (1.0, 0.0, 0.0)
    """
    left, right = _counted(answer), _counted(reference)
    both = (left & right).total()
    return 2 * both / (left.total() + right.total()) if both else 0.0


def scale_in(text: str) -> tuple[float, float]:
    """The last scale that is told of; 1 to 5 where none is.

    >>> scale_in("Rate it on a scale from 1 to 10."), scale_in("From 5 to 9 words, a rating between 0 and 3."), scale_in("Good?")
    ((1.0, 10.0), (0.0, 3.0), (1.0, 5.0))
    """
    found = _SCALE_NAMED.findall(text)
    if not found:
        return _USUAL_SCALE
    least, most = sorted(map(float, found[-1]))
    return least, most


def _first(found: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((found[name] for name in names if name in found), None)


def _counted(text: str) -> Counter[str | tuple[str, str]]:
    spelled = words(text)
    counted: Counter[str | tuple[str, str]] = Counter(spelled)
    counted.update(pairwise(spelled))
    return counted


def _rated(share: float, scale: tuple[float, float]) -> str:
    # half of the reference's words in the same order is already a good answer
    least, most = scale
    rating = least + round((most - least) * min(1.0, share * 1.5))
    return f"{share:.0%} of words and word pairs are shared.\nRating: {rating:g}"


def _compared(first: float, second: float) -> str:
    ahead = second - first
    verdict = "tie" if abs(ahead) < SAME else "B" if ahead > BETTER else "A"
    return f"A shares {first:.0%}, B {second:.0%}.\nVerdict: {verdict}"
