"""A model that answers as the most similar training text was answered, with what differs put in its place (Nagao 1984, by analogy)."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from evalsvc.sandbox.answers import PLAIN, Answer, Terms, said
from evalsvc.sandbox.sentences import words
from evalsvc.sandbox.training import Examples

_PIECE = re.compile(r"\w+(?:[.,:'’-]\w+)*")
NEIGHBOURS = 8  # of the most similar, the one that needs the fewest changes answers
MOST_LOOKED_AT = 2000  # examples that share a word; of more, those with the rarest


class Nearest:
    """Remembers all examples; similarity is the cosine of TF-IDF word counts."""

    def __init__(self, examples: Examples) -> None:
        self._examples = examples
        counted = [Counter(words(text)) for text in examples.texts]
        many = Counter(word for counts in counted for word in counts)
        self._weights = {word: math.log(len(counted) / count) + 0.1 for word, count in many.items()}
        self._vectors = [self._vector(counts) for counts in counted]
        self._with: defaultdict[str, list[int]] = defaultdict(list)
        for place, counts in enumerate(counted):
            for word in counts:
                self._with[word].append(place)

    def answer(self, text: str, _terms: Terms = PLAIN, /) -> Answer:
        place = min(self._nearest(self._vector(Counter(words(text)))), key=lambda place: _differing(self._examples.texts[place], text))
        return said(by_analogy(self._examples.texts[place], self._examples.labels[place], text))

    def _vector(self, counts: Mapping[str, int]) -> dict[str, float]:
        weighed = {word: count * self._weights[word] for word, count in counts.items() if word in self._weights}
        length = math.sqrt(sum(value * value for value in weighed.values())) or 1.0
        return {word: value / length for word, value in weighed.items()}

    def _nearest(self, vector: Mapping[str, float]) -> list[int]:
        """The most similar examples, best first; of equals the first. One of them at least, if only the very first."""
        alike: defaultdict[int, float] = defaultdict(float)
        for word in sorted(vector, key=lambda word: len(self._with[word])):
            for place in self._with[word]:
                if place in alike or len(alike) < MOST_LOOKED_AT:
                    alike[place] += vector[word] * self._vectors[place][word]
        return sorted(alike, key=lambda place: (-alike[place], place))[:NEIGHBOURS] or [0]


def fit(examples: Examples) -> Nearest:
    """ValueError when there is no example."""
    if not examples.texts:
        raise ValueError("a model that answers by example needs some; found none")
    return Nearest(examples)


def by_analogy(known: str, answered: str, asked: str) -> str:
    """What `asked` is answered if `known` is answered so: words that changed from one to the other change in the answer.

    >>> by_analogy("two large pizzas for Ann", "2 pizzas (large) for Ann", "two small pizzas for Bob")
    '2 pizzas (small) for Bob'
    """
    changed = _changes(_PIECE.findall(known), _PIECE.findall(asked))
    if not changed:
        return answered
    longest_first = sorted(changed, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
    return pattern.sub(lambda found: changed[found[0]], answered)


def _differing(known: str, asked: str) -> int:
    """How many words are not the same in the same order."""
    left, right = _PIECE.findall(known), _PIECE.findall(asked)
    same = sum(block.size for block in SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks())
    return len(left) + len(right) - 2 * same


def _changes(known: Sequence[str], asked: Sequence[str]) -> dict[str, str]:
    """What stands for what: whole runs of words, and word by word where as many stand against as many."""
    changed: dict[str, str] = {}
    for what, start, end, new_start, new_end in SequenceMatcher(None, known, asked, autojunk=False).get_opcodes():
        if what == "replace":
            changed.setdefault(" ".join(known[start:end]), " ".join(asked[new_start:new_end]))
            if end - start == new_end - new_start:
                for old, new in zip(known[start:end], asked[new_start:new_end], strict=True):
                    changed.setdefault(old, new)
    return changed
