"""A reader: the answer to a question from the text beside it, by shared words alone.

The sentence is found as in the sliding-window baseline of MCTest (Richardson et al. 2013), the words in it by what the question asks for.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

from evalsvc.sandbox.answers import PLAIN, Answer, Terms, said
from evalsvc.sandbox.blocks import blocks
from evalsvc.sandbox.sentences import sentences, words

UNKNOWN = "unknown"
_CONTEXT = ("context", "passage", "text", "article", "document", "paragraph")
_NAME = r"[A-ZÀ-Þ][\w'’-]*(?:\s+(?:(?:of|the|de|la|van|von)\s+)?[A-ZÀ-Þ][\w'’-]*)*"
_NUMBER = r"\d[\d.,:]*(?:\s*(?:%|percent|million|billion|[a-z]{1,12}))?"
_DATE = r"(?:\d{1,2}\s+)?(?:January|February|March|April|May|June|July|August|September|October|November|December)(?:\s+\d{1,4})*|\b\d{4}\b"
# What the first of these words in a question asks for.
_ASKED_FOR = (
    (re.compile(r"\b(?:when|what year|which year|what date)\b", re.IGNORECASE), re.compile(_DATE)),
    (re.compile(r"\bhow (?:many|much|long|far|tall|high|deep|old|heavy|often)\b", re.IGNORECASE), re.compile(_NUMBER)),
    (re.compile(r"\b(?:who|whom|whose|where|which (?:city|town|country|river))\b", re.IGNORECASE), re.compile(_NAME)),
)
_LITTLE_WORDS = frozenset(
    (
        *("a", "an", "and", "are", "at", "by", "did", "do", "does", "for", "from", "how", "in", "is", "it", "of", "on", "or", "the", "to"),
        *("was", "were", "what", "when", "where", "which", "who", "why", "with"),
    )
)


class Reader:
    """Answers with some words of the text that it is given beside the question, `unknown` when there is no text."""

    def answer(self, text: str, _terms: Terms = PLAIN, /) -> Answer:
        context, question = context_and_question(text)
        found = sentences(context)
        if not found or not question:
            return said(UNKNOWN)
        return said(_span(_nearest(found, question), question))


def context_and_question(text: str) -> tuple[str, str]:
    """By the labels `Context:` and `Question:` or the like; else the last sentence with a question mark is the question, the rest the text.

    >>> context_and_question("Ann sleeps. Who?"), context_and_question("Question: Who?\\nPassage: Ann sleeps.")
    (('Ann sleeps.', 'Who?'), ('Ann sleeps.', 'Who?'))
    """
    found = blocks(text, ("question", *_CONTEXT))
    context = next((found[name] for name in _CONTEXT if name in found), None)
    if context is not None and "question" in found:
        return context, found["question"]
    spoken = sentences(text)
    asked = next((place for place in reversed(range(len(spoken))) if spoken[place].endswith("?")), None)
    if asked is None:
        return text, ""
    return " ".join(spoken[:asked] + spoken[asked + 1 :]), spoken[asked]


def _nearest(found: Sequence[str], question: str) -> str:
    """The sentence with the most of the question's words, rare ones counting more, names half; of equals the first.

    A sentence that has what is asked for, such as a date, is as good as one with one more word.
    """
    many = Counter(word for sentence in found for word in set(words(sentence)))
    names = {word for name in re.findall(rf"(?<=\s){_NAME}", question) for word in words(name)}
    asked = set(words(question)) - _LITTLE_WORDS

    def alike(sentence: str) -> float:
        shared = asked & set(words(sentence))
        weights = (math.log(1 + len(found) / many[word]) / (2 if word in names else 1) for word in shared)
        return sum(weights) + (1 if _asked_for(sentence, question) else 0)

    return max(found, key=alike)


def _asked_for(sentence: str, question: str) -> list[str]:
    """The names, numbers or dates in a sentence that the question asks for and does not itself say."""
    known = set(words(question)) | _LITTLE_WORDS
    wanted = next((wanted for asks, wanted in _ASKED_FOR if asks.search(question)), None)
    spans = [] if wanted is None else [_without_little_word(str(span)) for span in wanted.findall(sentence)]
    return [span for span in spans if not set(words(span)) <= known]


def _without_little_word(span: str) -> str:
    """
    >>> _without_little_word("24 books"), _without_little_word("1986 in"), _without_little_word("1204,")
    ('24 books', '1986', '1204')
    """
    before, _, last = span.rpartition(" ")
    return (before if before and last in _LITTLE_WORDS else span).strip(" .,")


def _span(sentence: str, question: str) -> str:
    """Of what the question asks for, the first that it does not itself say; else the end of the sentence, behind the last shared word."""
    spans = _asked_for(sentence, question)
    if spans:
        return spans[0]
    known = set(words(question))
    pieces = sentence.rstrip(" .!?").split()
    shared = [place for place, piece in enumerate(pieces) if set(words(piece)) & (known - _LITTLE_WORDS)]
    behind = pieces[shared[-1] + 1 :] if shared else pieces
    return " ".join(behind or pieces)
