"""A text classifier: scikit-learn fits it, plain Python scores it.

One call of scikit-learn's pipeline costs a millisecond for one text, nearly all of it overhead. The fitted numbers are
taken out once, and the same sums are done over dictionaries in some ten microseconds; a test holds the two equal.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from evalsvc.sandbox import tokens
from evalsvc.sandbox.answers import IMPOSSIBLE, PLAIN, Answer, Terms, Token
from evalsvc.sandbox.training import Examples

WORD = r"(?u)\b\w\w+\b"
# Weak regularisation: short texts hold few words, and a model that is never sure would have useless logprobs.
INVERSE_REGULARISATION = 20.0

# One place of an answer's label: every token that may stand there, with the labels that then remain.
Place = Sequence[tuple[str, Sequence[int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A fitted TF-IDF and logistic regression. With two labels there is one score, the second label's log odds."""

    labels: Sequence[str]
    intercepts: Sequence[float]
    terms: Mapping[str, tuple[float, tuple[float, ...]]]  # word or word pair -> idf, coefficient for each score


def fit(examples: Examples) -> Weights:
    """Word and word-pair TF-IDF with a logistic regression; ValueError when there is nothing to tell apart."""
    if len(set(examples.labels)) < 2:
        raise ValueError(f"a classifier needs examples of at least two labels; found {sorted(set(examples.labels)) or 'none'}")
    # scikit-learn takes over a second to import and only a classifier needs it
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    if not any(re.search(WORD, text) for text in examples.texts):
        return _by_frequency(examples.labels)
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), token_pattern=WORD)
    features = vectorizer.fit_transform(examples.texts)
    # vectors this short are fitted ten times slower by several threads that wait for each other
    with threadpool_limits(1):
        regression = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=1000).fit(features, examples.labels)
    columns = zip(vectorizer.idf_.tolist(), map(tuple, regression.coef_.T.tolist()), strict=True)
    return Weights(
        labels=regression.classes_.tolist(),
        intercepts=regression.intercept_.tolist(),
        terms=dict(zip(vectorizer.get_feature_names_out().tolist(), columns, strict=True)),
    )


def _by_frequency(labels: Sequence[str]) -> Weights:
    """What can be learned from texts without words, such as sums or emoji: how common each label is."""
    counts = sorted(Counter(labels).items())
    logs = [math.log(count) for _, count in counts]
    return Weights(labels=[label for label, _ in counts], intercepts=logs if len(logs) > 2 else [logs[1] - logs[0]], terms={})


class Classifier:
    """Answers with the label of a text; the class probabilities are the logprobs of its tokens."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        spelled = [tokens.split(label) for label in weights.labels]
        self._places = [places(spelled, label) for label in range(len(spelled))]
        self._words = re.compile(WORD).findall

    def log_probabilities(self, text: str) -> list[float]:
        """Natural logarithm of each label's probability, in the order of the labels."""
        scores = self._scores(text)
        if len(scores) == 1:
            return [-_softplus(scores[0]), -_softplus(-scores[0])]
        total = log_sum_exp(scores)
        return [score - total for score in scores]

    def answer(self, text: str, _terms: Terms = PLAIN, /) -> Answer:
        logs = self.log_probabilities(text)
        best = max(range(len(logs)), key=logs.__getitem__)
        spelling = tokens.split(self._weights.labels[best])
        return Answer(tokens=[_token(said, place, logs) for said, place in zip(spelling, self._places[best], strict=True)])

    def _scores(self, text: str) -> list[float]:
        words = self._words(text.lower())
        counts = Counter(words)
        counts.update(map(" ".join, pairwise(words)))
        terms = self._weights.terms
        known = [(count * terms[term][0], terms[term][1]) for term, count in counts.items() if term in terms]
        norm = math.sqrt(sum(value * value for value, _ in known)) or 1.0
        return [
            intercept + sum(value * coefficients[index] for value, coefficients in known) / norm
            for index, intercept in enumerate(self._weights.intercepts)
        ]


def places(spelled: Sequence[Sequence[str]], label: int) -> list[Place]:
    """For each token of a label: what else may stand there once the tokens before it are said, and what it leads to.

    >>> places([["very", " bad"], ["very", " good"], ["fair"]], 0)
    [[('very', [0, 1]), ('fair', [2])], [(' bad', [0]), (' good', [1])]]
    """
    return [_place(spelled, spelled[label][:position]) for position in range(len(spelled[label]))]


def _place(spelled: Sequence[Sequence[str]], said: Sequence[str]) -> Place:
    following: dict[str, list[int]] = {}
    for index, spelling in enumerate(spelled):
        if len(spelling) > len(said) and spelling[: len(said)] == said:
            following.setdefault(spelling[len(said)], []).append(index)
    return list(following.items())


def _token(said: str, place: Place, logs: Sequence[float]) -> Token:
    """`said` with the probability of its label among those that may still come, so that a label's tokens multiply to its own."""
    weighed = [(text, log_sum_exp([logs[index] for index in labels])) for text, labels in place]
    total = log_sum_exp([value for _, value in weighed])
    # the probabilities of all labels sum to 1 only up to rounding, and no logprob may be above 0
    top = sorted(((text, max(min(value - total, 0.0), IMPOSSIBLE)) for text, value in weighed), key=lambda pair: -pair[1])
    return Token(text=said, logprob=dict(top)[said], top=top)


def log_sum_exp(values: Sequence[float]) -> float:
    """Logarithm of the sum of exponentials, without overflow.

    >>> log_sum_exp([1000.0, 1000.0]) == 1000.0 + math.log(2)
    True
    """
    if len(values) == 1:
        return values[0]
    highest = max(values)
    return highest + math.log(sum(math.exp(value - highest) for value in values))


def _softplus(value: float) -> float:
    """log(1 + e**value), without overflow."""
    return max(value, 0.0) + math.log1p(math.exp(-abs(value)))
