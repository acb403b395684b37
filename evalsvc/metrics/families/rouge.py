"""ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum (Lin 2004), equal to rouge-score 0.1.2 to the last digit."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple, get_args

from evalsvc.errors import UsageError
from evalsvc.metrics.families.lcs import lcs_length, union_lcs_hits
from evalsvc.metrics.families.metric import Setting, SumMetric, Wanted, mean_of, refuse_unknown_options, stats_of
from evalsvc.metrics.families.words import TOKENIZERS, letters_of, stems
from evalsvc.records import RunWarning
from evalsvc.scoring.measures import Answer, Measured

# The stats that letters_kept reads: summands (letters of answers and references, those of them that stay in words).
LETTERS: Final = "rouge_letters"
# A smaller share of letters left is warned of.
LEAST_KEPT: Final = 0.95
_VERSION: Final = 1

Part = Literal["f", "precision", "recall"]
# What each option may be; the first is what it is when it is not written.
_CHOICES: Final[Mapping[str, tuple[Any, ...]]] = {
    "tokenizer": tuple(TOKENIZERS),
    "stemmer": (False, True),
    "part": get_args(Part),
}


class Overlap(NamedTuple):
    """The three parts of a ROUGE score, each from 0 to 1."""

    precision: float
    recall: float
    f: float

    @classmethod
    def of(cls, hits: int, of_candidate: int, of_reference: int) -> "Overlap":
        """0 where there is nothing to hit. In the operations of `rouge_score.scoring.fmeasure`, so that the last digit is the same."""
        precision, recall = hits / max(of_candidate, 1), hits / max(of_reference, 1)
        return cls(precision, recall, 2 * precision * recall / (precision + recall) if hits else 0.0)


class Text:
    """The words of a text, by line. What not every metric asks for is made when it is asked for."""

    def __init__(self, lines: Sequence[Sequence[str]]) -> None:
        self.lines = [line for line in lines if line]
        self.words = self.lines[0] if len(self.lines) == 1 else [word for line in self.lines for word in line]

    @cached_property
    def unigrams(self) -> Counter[str]:
        return Counter(self.words)

    @cached_property
    def bigrams(self) -> Counter[tuple[str, str]]:
        return Counter(zip(self.words, self.words[1:], strict=False))


class Pair:
    """A candidate against one reference."""

    def __init__(self, candidate: Text, reference: Text) -> None:
        self.candidate, self.reference = candidate, reference

    def rouge_1(self) -> Overlap:
        return self._overlap(_shared(self.candidate.unigrams, self.reference.unigrams))

    def rouge_2(self) -> Overlap:
        return self._overlap(_shared(self.candidate.bigrams, self.reference.bigrams), shorter_by=1)

    def rouge_l(self) -> Overlap:
        return self._overlap(self._lcs)

    def rouge_lsum(self) -> Overlap:
        """Of one line on both sides, the same as `rouge_l`."""
        if len(self.candidate.lines) <= 1 and len(self.reference.lines) <= 1:
            return self.rouge_l()
        return self._overlap(union_lcs_hits(self.reference.lines, self.candidate.lines))

    @cached_property
    def _lcs(self) -> int:
        return lcs_length(self.candidate.words, self.reference.words)

    def _overlap(self, hits: int, *, shorter_by: int = 0) -> Overlap:
        return Overlap.of(hits, len(self.candidate.words) - shorter_by, len(self.reference.words) - shorter_by)


def _shared(one: Counter[Any], other: Counter[Any]) -> int:
    """How many grams two texts share, each as often as it is in both."""
    return sum(min(one[gram], other[gram]) for gram in one.keys() & other.keys())


KINDS: Final[Mapping[str, Callable[[Pair], Overlap]]] = {
    "rouge1": Pair.rouge_1,
    "rouge2": Pair.rouge_2,
    "rougeL": Pair.rouge_l,
    "rougeLsum": Pair.rouge_lsum,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rouge:
    """Measures those of KINDS that are named in `kinds`, all with the same options."""

    kinds: tuple[str, ...] = tuple(KINDS)
    tokenizer: str = "rouge"
    stemmer: bool = False
    part: Part = "f"

    def __call__(self, answer: Answer) -> Measured | None:
        """None without a reference; 0 for an empty answer. Letters are counted for the tokenizer that loses some."""
        if not answer.references:
            return None
        best = self.best(answer.text, answer.references)
        return Measured(
            scores={kind: float(getattr(overlap, self.part)) for kind, overlap in best.items()},
            stats={LETTERS: letters_of((answer.text, *answer.references))} if self.tokenizer == "rouge" else {},
        )

    def best(self, candidate: str, references: Sequence[str]) -> dict[str, Overlap]:
        """By kind, against the reference with the highest F, the first of several: `RougeScorer.score_multi`.

        >>> Rouge(kinds=("rouge2",)).best("The cat sat.", ["the cat", "a cat sat there"])
        {'rouge2': Overlap(precision=0.5, recall=1.0, f=0.6666666666666666)}
        """
        read = self.text(candidate)
        pairs = [Pair(read, self.text(reference)) for reference in references]
        return {kind: max(map(KINDS[kind], pairs), key=lambda overlap: overlap.f) for kind in self.kinds}

    def text(self, text: str) -> Text:
        """Lines end at "\\n", as with rouge-score's `split_summaries=False`; sentences are not looked for."""
        tokenize = TOKENIZERS[self.tokenizer]
        lines = map(tokenize, text.split("\n"))
        if not self.stemmer:
            return Text([*lines])
        stem = stems().__getitem__
        return Text([[*map(stem, line)] for line in lines])


def build(wanted: Wanted, setting: Setting) -> SumMetric:
    """The mean over rows of one ROUGE. UsageError for an option or a value that is none, and for stems of characters."""
    refuse_unknown_options(wanted, tuple(_CHOICES))
    for option, value in wanted.options.items():
        if not any(value is choice or (isinstance(value, str) and value == choice) for choice in _CHOICES[option]):
            raise UsageError(
                f"{wanted.place}: {wanted.name} has no {option} {value!r}",
                hint=f"{option}: " + ", ".join(map(_written, _CHOICES[option])),
            )
    measure = Rouge(kinds=_asked_alike(wanted, setting), **wanted.options)
    if measure.stemmer and measure.tokenizer == "char":
        raise UsageError(
            f"{wanted.place}: {wanted.name} cannot take stems of single characters",
            hint="leave out `stemmer`, or write `tokenizer: unicode`",
        )
    return mean_of(wanted.name, signature=_signature(wanted.name, measure), measure=measure, why_none="no row has a target to compare with")


def letters_metric() -> SumMetric:
    """The share of letters that the tokenizer keeps: not reported, but warned of where it is low."""
    return SumMetric(name=LETTERS, signature=f"{LETTERS}|v:{_VERSION}", width=2, read=stats_of(LETTERS), value=letters_kept)


def letters_lost(sums: Sequence[int]) -> Iterator[RunWarning]:
    """The warning for letters that the tokenizer drops, from the sums of `letters_metric`."""
    kept = letters_kept(sums)
    if kept is not None and kept < LEAST_KEPT:
        yield {
            "kind": "rouge_tokenizer",
            "message": f"rouge: its tokenizer knows a to z and digits only and drops {1 - kept:.0%} of the letters of answers and right "
            "answers, so that what is left is compared; write rouge: {tokenizer: unicode}, or char for Chinese, Japanese and Thai, "
            "and run `evalsvc score`",
            "evidence": {"letters": sums[0], "kept": sums[1], "share": kept},
        }


def _asked_alike(wanted: Wanted, setting: Setting) -> tuple[str, ...]:
    """The kinds that the config wants with these options: they share one measure, and those with others are left to theirs."""
    if setting.config is None:
        return (wanted.name,)
    from evalsvc.metrics.families.registry import wanted_metrics

    options = _with_defaults(wanted)
    alike = {other.name for other in wanted_metrics(setting.config) if other.name in KINDS and _with_defaults(other) == options}
    return tuple(kind for kind in KINDS if kind in alike or kind == wanted.name)


def _with_defaults(wanted: Wanted) -> dict[str, Any]:
    return {**{option: choices[0] for option, choices in _CHOICES.items()}, **wanted.options}


def _signature(name: str, measure: Rouge) -> str:
    parts = {
        "tok": measure.tokenizer,
        "stem": "porter-nltk" if measure.stemmer else "no",
        **({"lsum": "newline"} if name == "rougeLsum" else {}),
        "part": measure.part,
        "refs": "max",
        "avg": "mean",
        "v": _VERSION,
    }
    return "|".join([name, *(f"{key}:{value}" for key, value in parts.items())])


def _written(value: Any) -> str:
    """As YAML has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def letters_kept(sums: Sequence[int]) -> float | None:
    """The share of letters that words kept, of the sums of the stats LETTERS; None where there were no letters.

    Below 0.95 the tokenizer loses what it should compare: text of other alphabets scores as if it were not there.

    >>> letters_kept([200, 150]), letters_kept([0, 0])
    (0.75, None)
    """
    there, kept = sums
    return kept / there if there else None
