"""A word-for-word translator: IBM's model 1 (Brown et al. 1993), fitted on pairs of sentences by expectation-maximisation, with a
bigram model of the other language that chooses among the words that may stand for one.

The words stay in the order of the original: translations are understandable, and seldom right to the letter.
A text may begin with the language that is wanted, as <2de> (Johnson et al. 2017): then a word means what it means in that language.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from evalsvc.sandbox.answers import PLAIN, Answer, Terms, said
from evalsvc.sandbox.training import Examples

ROUNDS = 8
CANDIDATES = 6  # words that are weighed for one
SILENT = math.log(0.001)  # a word that nothing stands for
_DIAGONAL = 4.0  # words stand for words in about the same place
_FROM_NOTHING = 0.08
_MEMORY = 1.0  # of the bigram model: how soon it believes what it saw after a word
_NOTHING = ""  # what target words come from that no source word stands for
_TAG = re.compile(r"\s*<2([\w-]+)>\s*")
_TOKEN = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_GLUED = re.compile(r"\s+([.,;:!?)\]])|([(\[¿¡])\s+")
_ENDS_SENTENCE = ".!?"

# source word -> target word -> probability
Table = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    source: Sequence[str]
    target: Sequence[str]


def untagged(text: str) -> tuple[str, str]:
    """The tag that `text` begins with, empty where it has none, and the rest.

    >>> untagged("<2de> Good morning."), untagged("Good morning.")
    (('de', 'Good morning.'), ('', 'Good morning.'))
    """
    found = _TAG.match(text)
    return (found[1], text[found.end() :]) if found else ("", text)


class Bigrams:
    """How well words follow each other in the language of `texts`, after which the empty word stands."""

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        self._after: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._anywhere: Counter[str] = Counter()
        for text in texts:
            self._anywhere.update(text)
            for before, word in pairwise([_NOTHING, *text]):
                self._after[before][word] += 1

    def logprob(self, before: str, word: str) -> float:
        """Of `word` after `before`, smoothed by how common it is anywhere; a word that was never seen is as rare as they come."""
        anywhere = (self._anywhere[word] + 0.1) / (self._anywhere.total() + 1)
        seen = self._after.get(before, Counter())
        return math.log((seen[word] + _MEMORY * anywhere) / (seen.total() + _MEMORY))


class Translator:
    """Says the likeliest words for those of a text, in their order; a word that it never saw, as it is."""

    def __init__(self, learned: Mapping[str, tuple[Table, Bigrams]]) -> None:
        self._learned = {tag: ({word: _candidates(table, word) for word in table}, bigrams) for tag, (table, bigrams) in learned.items()}

    def answer(self, text: str, _terms: Terms = PLAIN, /) -> Answer:
        tag, source = untagged(text)
        words = _TOKEN.findall(source)
        if tag not in self._learned:
            return said(source)
        known, bigrams = self._learned[tag]
        return said(_as_text(likeliest([known.get(word.lower(), [(word, 0.0)]) for word in words], bigrams)))


def likeliest(choices: Sequence[Sequence[tuple[str, float]]], bigrams: Bigrams) -> list[str]:
    """One word of each choice, or none, so that logprobs and bigrams add up to the most (Viterbi's way through)."""
    # last word -> how good the best way to it is, and that way
    ways: dict[str, tuple[float, list[str]]] = {_NOTHING: (0.0, [])}
    for choice in choices:
        further: dict[str, tuple[float, list[str]]] = {}
        for before, (value, said_before) in ways.items():
            _keep(further, before, value + SILENT, said_before)
            for word, logprob in choice:
                _keep(further, word, value + logprob + bigrams.logprob(before, word), [*said_before, word])
        ways = further
    return max(ways.items(), key=lambda way: (way[1][0], way[0]))[1][1]


def _keep(ways: dict[str, tuple[float, list[str]]], last: str, value: float, words: list[str]) -> None:
    if last not in ways or value > ways[last][0]:
        ways[last] = (value, words)


def fit(examples: Examples) -> Translator:
    """One table for each tag; ValueError when there is no pair."""
    pairs: defaultdict[str, list[Pair]] = defaultdict(list)
    for text, label in zip(examples.texts, examples.labels, strict=True):
        tag, source = untagged(text)
        pairs[tag].append(Pair(source=_lower(source), target=_lower_at_start(label)))
    if not pairs:
        raise ValueError("a translator needs pairs of texts; found none")
    return Translator({tag: (table_of(some), Bigrams(pair.target for pair in some)) for tag, some in pairs.items()})


def table_of(pairs: Sequence[Pair], rounds: int = ROUNDS) -> Table:
    """t(target | source) after so many rounds of expectation-maximisation from an even start.

    >>> table = table_of([Pair(source=["the", "house"], target=["das", "Haus"]), Pair(source=["the", "book"], target=["das", "Buch"])])
    >>> table["the"]["das"] > 0.8, table["house"]["Haus"] > 0.8
    (True, True)
    """
    table: dict[str, dict[str, float]] = {}
    for pair in pairs:
        for word in (*pair.source, _NOTHING):
            table.setdefault(word, {}).update(dict.fromkeys((target for target in pair.target if _may_be(word, target)), 1.0))
    for _ in range(rounds):
        table = _round(table, pairs)
    return table


def _round(table: Table, pairs: Iterable[Pair]) -> dict[str, dict[str, float]]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for pair in pairs:
        sources = (*pair.source, _NOTHING)
        for place, target in enumerate(pair.target):
            shares = [table[source].get(target, 0.0) * near for source, near in zip(sources, _nearness(place, pair), strict=True)]
            total = sum(shares)
            for source, share in zip(sources, shares, strict=True):
                if share:
                    counts[source][target] += share / total  # type: ignore[assignment]  # Counter takes floats, typeshed does not
    return {source: {target: count / found.total() for target, count in found.items()} for source, found in counts.items()}


def _may_be(word: str, target: str) -> bool:
    """Marks stand for marks and words for words."""
    return word == _NOTHING or word[0].isalnum() == target[0].isalnum()


def _nearness(place: int, pair: Pair) -> list[float]:
    """How much to expect the word in this place of the target from each place of the source, and from nothing (Dyer et al. 2013)."""
    here, many = (place + 0.5) / len(pair.target), len(pair.source)
    return [*(math.exp(-_DIAGONAL * abs((other + 0.5) / many - here)) for other in range(many)), _FROM_NOTHING]


def _candidates(table: Table, word: str) -> list[tuple[str, float]]:
    """The likeliest words with their logprobs; equally likely ones by code point, whatever the order of the pairs."""
    best = sorted(table[word].items(), key=lambda pair: (-pair[1], pair[0]))[:CANDIDATES]
    return [(target, math.log(probability)) for target, probability in best if probability > 0]


def _lower(text: str) -> list[str]:
    return [word.lower() for word in _TOKEN.findall(text)]


def _lower_at_start(text: str) -> list[str]:
    """The words of a translation, which keep their capitals but for the first: that one may have it from its place alone."""
    found = _TOKEN.findall(text)
    return [word[:1].lower() + word[1:] if place == 0 or found[place - 1] in _ENDS_SENTENCE else word for place, word in enumerate(found)]


def _as_text(translated: Iterable[str]) -> str:
    """
    >>> _as_text(["guten", "Morgen", "!", "wie", "geht", "es", "?"])
    'Guten Morgen! Wie geht es?'
    """
    said_before = "."
    spelled = []
    for word in translated:
        spelled.append(word[:1].upper() + word[1:] if said_before in _ENDS_SENTENCE else word)
        said_before = word
    return _GLUED.sub(lambda found: found[1] or found[2], " ".join(spelled))
