"""Corpus BLEU (Papineni et al. 2002) as sacreBLEU has it (Post 2018): from sums over rows, its own formula on them."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalsvc.metrics.families.ngrams import counted, how_many, shared
from evalsvc.metrics.families.scripts import SCRIPTS, scripts_of
from evalsvc.metrics.families.tokenizers import tokenizer
from evalsvc.scoring.measures import Answer, Measured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# What my_log of sacreBLEU takes for the logarithm of 0.
_LOG_0 = -9999999999.0
# Behind sacreBLEU's statistics: rows, then what its references are written in.
BESIDES = 1 + SCRIPTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """From summed statistics to BLEU: tokens, reference tokens, shared n-grams of each order, n-grams of each order, rows …"""

    order: int = 4
    smooth_method: str = "exp"
    smooth_value: float | None = None
    effective_order: bool = False

    @property
    def width(self) -> int:
        return 2 + 2 * self.order + BESIDES

    def value(self, sums: Sequence[int]) -> float | None:
        """0 to 100; None without rows."""
        return self._score(sums, effective_order=self.effective_order) if sums[2 + 2 * self.order] else None

    def of_sentence(self, sums: Sequence[int]) -> float:
        """With effective order, as sacreBLEU's sentence_bleu: else every answer of fewer tokens than `order` would be worth 0."""
        return self._score(sums, effective_order=True)

    def _score(self, sums: Sequence[int], *, effective_order: bool) -> float:
        from sacrebleu.metrics.bleu import BLEU

        # copies: sacreBLEU adds its k to the lists that it is given
        score = BLEU.compute_bleu(
            correct=list(sums[2 : 2 + self.order]),
            total=list(sums[2 + self.order : 2 + 2 * self.order]),
            sys_len=sums[0],
            ref_len=sums[1],
            smooth_method=self.smooth_method,
            smooth_value=self.smooth_value,
            effective_order=effective_order,
            max_ngram_order=self.order,
        )
        return float(score.score)

    def values(self, sums: "Floats") -> "Floats":
        """`value` of R × width sums at once."""
        import numpy as np

        length, reference_length = sums[:, 0], sums[:, 1]
        correct, total = sums[:, 2 : 2 + self.order].copy(), sums[:, 2 + self.order : 2 + 2 * self.order].copy()
        matched = correct.any(axis=1)
        if self.smooth_method == "add-k":
            correct[:, 1:] += self._smooth_by
            total[:, 1:] += self._smooth_by
        counts = np.logical_and.accumulate(total > 0, axis=1)  # what stands behind an order without n-grams is not looked at
        shares = np.divide(self._smoothed(correct, counts), total, out=np.zeros_like(total), where=counts)
        with np.errstate(divide="ignore", over="ignore"):
            logs = np.where(shares > 0, np.log(100 * shares), _LOG_0)
            brevity = np.where(length > 0, np.exp(np.minimum(0.0, 1 - reference_length / np.maximum(length, 1))), 0.0)
        if self.effective_order:
            orders = np.maximum(counts.sum(axis=1), 1)
            logs[~counts] = 0.0
        else:
            orders = np.full(len(sums), self.order)
        scores = np.where(matched, brevity * np.exp(logs.sum(axis=1) / orders), 0.0)
        scores[sums[:, 2 + 2 * self.order] == 0] = np.nan
        return np.asarray(scores)

    @property
    def _smooth_by(self) -> float:
        return {"floor": 0.1, "add-k": 1.0}[self.smooth_method] if self.smooth_value is None else self.smooth_value

    def _smoothed(self, correct: "Floats", counts: "NDArray[np.bool_]") -> "Floats":
        """Something in place of no shared n-gram (Chen and Cherry 2014, methods 1 and 3)."""
        import numpy as np

        none = (correct == 0) & counts
        if self.smooth_method == "floor":
            return np.where(none, self._smooth_by, correct)
        if self.smooth_method == "exp":
            return np.where(none, 0.5 ** np.cumsum(none, axis=1), correct)
        return correct


@dataclass(frozen=True, slots=True, kw_only=True)
class BleuMeasure:
    """A row's summands of BLEU, and its own BLEU as `sentence_bleu`."""

    tokenize: str
    by: str | None = None
    tokenize_by: tuple[tuple[str, str], ...] = ()  # (value of the column `by`, tokenizer); `tokenize` for all others
    lowercase: bool = False
    formula: Formula = Formula()

    def __call__(self, answer: Answer) -> Measured | None:
        if not answer.references:
            return None
        tokens = tokenizer(self._tokenizer_for(answer.fields))
        texts = (answer.text, *answer.references)
        own, *references = (tokens(text.lower() if self.lowercase else text) for text in texts)
        sums = [*statistics(own, references, self.formula.order), 1, *scripts_of(references)]
        return Measured(scores={"sentence_bleu": self.formula.of_sentence(sums)}, stats={"bleu": sums})

    def _tokenizer_for(self, fields: Mapping[str, str]) -> str:
        return dict(self.tokenize_by).get(fields.get(self.by, ""), self.tokenize) if self.by is not None else self.tokenize


def statistics(answer: Sequence[str], references: Sequence[Sequence[str]], order: int) -> list[int]:
    """Tokens; those of the reference that is nearest in length, the shorter of two; shared n-grams by order; n-grams by order.

    >>> statistics("a b c".split(), ["a b d e".split(), "b c".split()], 2)
    [3, 2, 3, 2, 3, 2]
    """
    nearest = min((abs(len(answer) - len(one)), len(one)) for one in references)[1]
    orders = range(1, order + 1)
    matches = [shared(counted(answer, n), _most([counted(one, n) for one in references])) for n in orders]
    return [len(answer), nearest, *matches, *(how_many(answer, n) for n in orders)]


def _most(counts: "Sequence[Counter[tuple[Hashable, ...]]]") -> "Counter[tuple[Hashable, ...]]":
    """Each as often as in the reference that has most of it."""
    first, *others = counts
    for other in others:
        first |= other
    return first
