"""ROUGE, ours and rouge-score's, over the same pairs of texts. No server, no run: what one row costs one core."""

import time
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from benchmarks.bench import Bench
from benchmarks.table import Result
from evalsvc.metrics.families.rouge import KINDS, Rouge
from evalsvc.scoring.measures import Answer

WORDS_A_LINE = 20
_SYLLABLES = ("ba", "con", "der", "fi", "gra", "hel", "in", "lo", "man", "per", "qua", "ri", "sta", "tu", "ver")
_ENDINGS = ("", "", "", "s", "ed", "ing", "ly", "ation", "ness", "er", "ies")


class Texts(NamedTuple):
    answer: str
    reference: str


def rouge(bench: Bench) -> list[Result]:
    """All four metrics of texts of 60 and of 300 words, six in ten of them in order; in lines, and in one."""
    results = []
    for words, per_line, few in ((60, WORDS_A_LINE, 200), (300, WORDS_A_LINE, 20), (300, 300, 20)):
        pairs = pairs_of(words, per_line, few)
        lines = "one line" if per_line == words else f"lines of {per_line}"
        results += [_compared(bench, f"{words} words, {lines}", pairs, stemmer=stemmer) for stemmer in (False, True)]
    return results


def _compared(bench: Bench, what: str, pairs: Sequence[Texts], *, stemmer: bool) -> Result:
    """AssertionError where a digit differs."""
    from rouge_score.rouge_scorer import RougeScorer  # noqa: PLC0415

    ours, theirs = Rouge(stemmer=stemmer), RougeScorer(list(KINDS), use_stemmer=stemmer)
    for pair in pairs:
        assert ours.best(pair.answer, [pair.reference]) == theirs.score(pair.reference, pair.answer), pair
    ours_s = _seconds(lambda pair: ours(Answer(text=pair.answer, references=(pair.reference,))), pairs, bench.repeats)
    theirs_s = _seconds(lambda pair: theirs.score(pair.reference, pair.answer), pairs, bench.repeats)
    short = what.startswith("60 ")
    faster, rate = theirs_s / ours_s, 1 / ours_s
    return Result(
        case="rouge",
        what=f"four metrics, {what}, {'stemmer' if stemmer else 'no stemmer'}: ours, {'pairs/s' if short else 'a pair'}, and rouge-score's",
        measured=f"{rate:,.0f} /s" if short else f"{ours_s * 1e3:.2f} ms",
        bare=f"{1 / theirs_s:,.0f} /s" if short else f"{theirs_s * 1e3:.2f} ms",
        ratio=faster,
        target="≥ 2,000 /s" if short else "ratio ≥ 15",
        reached=rate >= 2_000 if short else faster >= 15,
    )


def _seconds(score: Callable[[Texts], object], pairs: Sequence[Texts], repeats: int) -> float:
    """CPU of one pair, the least of several rounds: what disturbs only adds."""
    rounds = []
    for _ in range(repeats):
        began_s = time.process_time()
        for pair in pairs:
            score(pair)
        rounds.append((time.process_time() - began_s) / len(pairs))
    return min(rounds)


def pairs_of(words: int, per_line: int, count: int) -> list[Texts]:
    """Words as frequent as in English (Zipf), 5,000 of them, every second with an ending for the stemmer to take."""
    random = Random(0)
    known = ["".join(random.choices(_SYLLABLES, k=random.randrange(1, 4))) + random.choice(_ENDINGS) for _ in range(5_000)]
    weights = [1 / (rank + 3) for rank in range(len(known))]

    def pair() -> Texts:
        reference = random.choices(known, weights, k=words)
        answer = [word if random.random() < 0.6 else random.choices(known, weights)[0] for word in reference]
        return Texts(_in_lines(answer, per_line), _in_lines(reference, per_line))

    return [pair() for _ in range(count)]


def _in_lines(words: Sequence[str], per_line: int) -> str:
    return "\n".join(" ".join(words[start : start + per_line]).capitalize() + "." for start in range(0, len(words), per_line))
