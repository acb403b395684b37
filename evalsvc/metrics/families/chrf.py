"""chrF (Popović 2015) and chrF++ (Popović 2017) as sacreBLEU has them: from sums over rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import punctuation
from typing import TYPE_CHECKING, Final

from evalsvc.metrics.families.ngrams import counted, how_many, shared, shared_characters
from evalsvc.scoring.measures import Answer, Measured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_PUNCTUATION: Final = frozenset(punctuation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """From summed statistics to chrF: for each order n-grams of the answers, of the references, of both; then rows.

    Precision and recall are averaged over the orders of which both sides have n-grams, then combined: what sacreBLEU calls
    effective order.
    """

    orders: int = 6  # of characters, then of words
    beta: int = 2

    @property
    def width(self) -> int:
        return 3 * self.orders + 1

    def value(self, sums: Sequence[int]) -> float | None:
        """0 to 100; None without rows."""
        return self.score(sums) if sums[3 * self.orders] else None

    def score(self, sums: Sequence[int]) -> float:
        precision = recall = 0.0
        found = 0
        for start in range(0, 3 * self.orders, 3):
            answers, references, both = sums[start : start + 3]
            if answers > 0 and references > 0:
                precision += both / answers
                recall += both / references
                found += 1
        if not precision + recall:
            return 0.0
        precision /= found
        recall /= found
        # in sacreBLEU's order: another one gives another last digit
        score = (1 + self.beta**2) * precision * recall
        score /= self.beta**2 * precision + recall
        return 100 * score

    def values(self, sums: "Floats") -> "Floats":
        """`value` of R × width sums at once."""
        import numpy as np

        answers, references, both = (sums[:, start : 3 * self.orders : 3] for start in range(3))
        there = (answers > 0) & (references > 0)
        found = np.maximum(there.sum(axis=1), 1)
        precision, recall = (
            np.divide(both, side, out=np.zeros_like(both), where=there).sum(axis=1) / found for side in (answers, references)
        )
        weighted = self.beta**2 * precision + recall
        product = 100 * (1 + self.beta**2) * precision * recall
        scores = np.divide(product, weighted, out=np.zeros_like(product), where=weighted > 0)
        scores[sums[:, 3 * self.orders] == 0] = np.nan
        return np.asarray(scores)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChrfMeasure:
    """A row's summands, of the reference that is worth most, and what it is worth alone as `sentence_<name>`."""

    name: str
    char_order: int = 6
    word_order: int = 0
    lowercase: bool = False
    whitespace: bool = False
    formula: Formula = Formula()

    def __call__(self, answer: Answer) -> Measured | None:
        if not answer.references:
            return None
        best: list[int] = []
        highest = -1.0
        for reference in answer.references:
            sums = self.statistics(answer.text, reference)
            score = self.formula.score(sums)
            if score > highest:
                best, highest = sums, score
        return Measured(scores={f"sentence_{self.name}": highest}, stats={self.name: [*best, 1]})

    def statistics(self, answer: str, reference: str) -> list[int]:
        """For each order of characters, then of words: n-grams of the answer, 0 where the reference has none; of the reference; of both."""
        if self.lowercase:
            answer, reference = answer.lower(), reference.lower()
        left, right = (answer, reference) if self.whitespace else ("".join(answer.split()), "".join(reference.split()))
        sums: list[int] = []
        for n, both in enumerate(shared_characters(left, right, self.char_order), start=1):
            sums += _counts(left, right, n, both)
        if self.word_order:
            words, others = words_of(answer), words_of(reference)
            for n in range(1, self.word_order + 1):
                sums += _counts(words, others, n, shared(counted(words, n), counted(others, n)))
        return sums


def _counts(answer: Sequence[str], reference: Sequence[str], n: int, both: int) -> tuple[int, int, int]:
    there = how_many(reference, n)
    return (how_many(answer, n) if there else 0), there, both


def words_of(text: str) -> list[str]:
    """Words, with one mark of punctuation taken off: at the end, else at the start.

    >>> words_of("(hi) (there , friend!!")
    ['(hi', ')', '(', 'there', ',', 'friend!', '!']
    """
    words: list[str] = []
    for word in text.split():
        if len(word) == 1:
            words.append(word)
        elif word[-1] in _PUNCTUATION:
            words += (word[:-1], word[-1])
        elif word[0] in _PUNCTUATION:
            words += (word[0], word[1:])
        else:
            words.append(word)
    return words
