"""Record -> Score where the answer is a verdict: a rating on a scale, or which of two answers is better.

A verdict that cannot be read is no verdict: the row is unscored, for a judge that mumbles says nothing of the model it judges. A
judged model that gave no answer is another matter: its row is never put to the judge, and counts as the lowest rating, or as lost.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import EllipsisType
from typing import Any, Final

from evalsvc.config.models import EvalConfig
from evalsvc.config.scale import Scale
from evalsvc.dataset.runs import ORDERS
from evalsvc.errors import UsageError
from evalsvc.records import Outcome, Record, Reply, Score, Usage
from evalsvc.scoring.extract import Extract, extract_from, json_object
from evalsvc.scoring.outcomes import is_cut, outcome_before_reading
from evalsvc.scoring.text import level, unfenced
from evalsvc.thinking import without_thinking

# `finish_reason` of a reply that no judge gave, and the rule of its score.
NOT_ASKED: Final = "not_asked"
NO_ANSWER: Final = "no_answer"
# Of the run of `dataset.path`.
WIN, LOSS, TIE = "win", "loss", "tie"

_NUMBER = r"[-+]?[0-9]+(?:[.,][0-9]+)?"
# 4, 4.5, 4/5, 4 out of 5, [[4]], (4); then anything but another number in the same breath: 3-4 and "3 or 4" are two
_RATING = re.compile(rf"[^\w+-]*({_NUMBER})(?:\s*(?:/|out of)\s*({_NUMBER}))?(\s*(?:[-–—~]|to|or|and)\s*[0-9])?")
# Tried in turn: what the prompt asks for goes before what a judge may say in passing.
_RATING_LINES = tuple(re.compile(rf"\b(?:{words})[\"']?\s*(?:is\s*[:=]?|[:=])") for words in ("rating", "score|grade|mark"))
_RATING_FIELDS = ("rating", "score", "grade", "mark")

_SIDE = r"(?:(?:answer|response|assistant|option|candidate|model)\s*)?[\W_]*"
_END = r"(?=[^\S\n]*(?:$|\n|[^\w\s]|is\b|wins\b|because\b|since\b|over\b))"
_TIE_WORDS = r"(?:it(?:\W?s|\s+is)\s+)?(?:a\s+|an\s+)?(tie|tied|draw|equal|equally|both|neither|none)\b"
_SIDES = re.compile(rf"[\W_]*{_SIDE}(?:{_TIE_WORDS}|([ab])(\s*(?:,|/|&|and|or)\s*{_SIDE}[ab]\b)?{_END})")
# A>B, A >> B, A = B, as arena judges are asked to write it
_COMPARED = re.compile(rf"[\W_]*{_SIDE}([ab])\s*(>+|<+|=+|≈|~)\s*{_SIDE}([ab])\b")
_SIDES_LINES = tuple(
    re.compile(rf"\b(?:{words})[\"']?\s*(?:is\s*[:=]?|[:=])") for words in ("verdict", "winner|preference|choice", "(?<!reference )answer")
)
_BRACKETS = re.compile(r"\[\[\s*([abc])\s*\]\]")
_SIDES_FIELDS = ("verdict", "winner", "preference", "preferred", "choice", "better", "answer")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said: a rating as a number, or a, b or tie. `several`: more than one thing at once."""

    said: float | str | None = None
    rule: str | None = None
    several: bool = False


NOTHING: Final = Verdict()

# A text, lower-case, from where the verdict is to stand -> the verdict, and where it ends.
_Parse = Callable[[str], tuple[Verdict, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manner:
    """How one kind of verdict is written."""

    parse: _Parse
    lines: tuple[re.Pattern[str], ...]
    fields: tuple[str, ...]


def read_rating(text: str, scale: Scale) -> Verdict:
    """The rating in a judge's visible text; nothing where it is off the scale.

    >>> read_rating("All facts are there.\\n**Rating:** 4/5", Scale.of([1, 5]))
    Verdict(said=4.0, rule='rating_line', several=False)
    >>> read_rating("Rating: 4/10", Scale.of([1, 5])).said, read_rating("Rating: 3-4", Scale.of([1, 5])).several
    (None, True)
    """
    return _read(text, _Manner(parse=lambda said: _rating(said, scale), lines=_RATING_LINES, fields=_RATING_FIELDS))


def read_preference(text: str) -> Verdict:
    """a, b or tie: which of the two answers, in the order in which they were shown, the judge's visible text prefers.

    >>> read_preference("A is shorter, B is right.\\nVerdict: B").said, read_preference("[[C]]").said
    ('b', 'tie')
    >>> read_preference("Verdict: A or B").several
    True
    """
    found = list(_BRACKETS.finditer(level(text).folded))
    if found:
        return Verdict({"a": "a", "b": "b"}.get(found[-1][1], TIE), "brackets")
    return _read(text, _SIDE_MANNER)


def _read(text: str, manner: _Manner) -> Verdict:
    """The first rule that applies decides: all of the text, JSON, the last line that names the verdict."""
    folded = level(unfenced(text)).folded.strip()
    starts = next((ends for line in manner.lines if (ends := [match.end() for match in line.finditer(folded)])), [])
    alone, end = manner.parse(folded)
    if not starts and alone != NOTHING and not any(map(str.isalnum, folded[end:])):
        return replace(alone, rule="exact")
    found = json_object(text)
    if found is not None and (named := [value for name, value in found.items() if name.casefold() in manner.fields]):
        said, _ = manner.parse(level(str(named[0])).folded)
        return said if said == NOTHING else replace(said, rule="json")
    said, _ = manner.parse(folded[starts[-1] :]) if starts else (NOTHING, 0)
    return said if said == NOTHING else replace(said, rule=f"{manner.fields[0]}_line")


def _rating(text: str, scale: Scale) -> tuple[Verdict, int]:
    found = _RATING.match(text)
    if found is None:
        return NOTHING, 0
    rating, most = float(found[1].replace(",", ".")), found[2]
    on_scale = scale.index(rating) is not None and (most is None or float(most.replace(",", ".")) == scale.high)
    return Verdict(several=True) if found[3] else Verdict(rating) if on_scale else NOTHING, found.end()


def _preference(text: str) -> tuple[Verdict, int]:
    compared = _COMPARED.match(text)
    if compared is not None and compared[1] != compared[3]:
        sign = compared[2][0]
        return Verdict(compared[1] if sign == ">" else compared[3] if sign == "<" else TIE), compared.end()
    found = _SIDES.match(text)
    if found is None:
        return NOTHING, 0
    return Verdict(several=True) if found[3] else Verdict(found[2] or TIE), found.end()


_SIDE_MANNER: Final = _Manner(parse=_preference, lines=_SIDES_LINES, fields=_SIDES_FIELDS)


class JudgeScorer:
    """Every row with a verdict is `scored`. A prediction is the rating; of pairs `win`, `loss` or `tie` of the run of `dataset.path`."""

    def __init__(self, scale: Scale | None, extract: tuple[str, Extract] | None) -> None:
        self._scale = scale
        self._extract = extract

    @classmethod
    def of(cls, config: EvalConfig) -> "JudgeScorer":
        """UsageError for an extraction that cannot work."""
        return cls(scale_of(config), None if config.scoring.extract is None else extract_from(config.scoring.extract))

    def score(self, record: Record, *, target: str | EllipsisType | None = ...) -> Score:
        label = record.target if isinstance(target, EllipsisType) else target
        outcome, prediction, rule = self._judged(record)
        return Score(
            id=record.id,
            repeat=record.repeat,
            target=label if label is None else self._label(label),
            prediction=prediction,
            outcome=outcome,
            rule=rule,
            cut=is_cut(record),
        )

    def _judged(self, record: Record) -> tuple[Outcome, str | None, str | None]:
        reply = record.reply
        if reply is not None and reply.finish_reason == NOT_ASKED:
            return Outcome.SCORED, _shown(self._scale.low) if self._scale is not None else reply.output, NO_ANSWER
        outcome = outcome_before_reading(record)
        if outcome is not None or reply is None:
            return outcome or Outcome.ERROR, None, None
        visible = without_thinking(reply.output or "")
        verdict = NOTHING if visible is None else self._verdict(visible)
        if verdict.several:
            return Outcome.AMBIGUOUS, None, verdict.rule
        if verdict.said is None:
            return (Outcome.TRUNCATED if visible is None or is_cut(record) else Outcome.UNPARSED), None, None
        return Outcome.SCORED, self._prediction(record.id, verdict.said), verdict.rule

    def _verdict(self, visible: str) -> Verdict:
        if self._extract is None:
            return read_preference(visible) if self._scale is None else read_rating(visible, self._scale)
        rule, extract = self._extract
        extracted = extract(unfenced(visible))
        if extracted is None:
            return NOTHING
        folded = level(extracted).folded.strip()
        found, _ = _preference(folded) if self._scale is None else _rating(folded, self._scale)
        return found if found == NOTHING else replace(found, rule=rule)

    def _prediction(self, id_: str, said: float | str) -> str:
        if isinstance(said, str):
            return TIE if said == TIE else WIN if (said == "a") == (order_of(id_) == ORDERS[0]) else LOSS
        return _shown(said)

    def _label(self, label: str) -> str:
        """What people said, in the words of predictions: of pairs A is the answer of `dataset.path`."""
        folded = label.strip().casefold()
        return _LABELS.get(folded, label) if self._scale is None else label


_LABELS: Final = {WIN: WIN, "a": WIN, LOSS: LOSS, "b": LOSS, TIE: TIE, "draw": TIE}


def scale_of(config: EvalConfig) -> Scale | None:
    """The scale of a run's ratings; None where pairs are compared."""
    return None if config.dataset.against is not None else Scale.of(config.judge.scale)


def order_of(id_: str) -> str:
    """In which order the row shows its pair.

    >>> order_of("42#1#ba")
    'ba'
    """
    return id_.rpartition("#")[2]


def verdict_without_asking(config: EvalConfig, fields: Mapping[str, Any]) -> Reply | None:
    """The reply that a row gets without a request, because an answer is missing; None for a row that the judge is to be asked.

    Its `output` is the verdict in words of predictions, its `finish_reason` says that no judge gave it, and it cost nothing.
    """
    if config.task != "judge":
        return None
    scale = scale_of(config)
    if scale is not None:
        return None if fields.get("output", "a column of another name") else _unasked(_shown(scale.low))
    there = {side: bool(fields.get(f"output_{side}")) for side in "ab"}
    if all(there.values()):
        return None
    if not any(there.values()):
        return _unasked(TIE)
    return _unasked(WIN if there["a"] == (fields.get("order") == ORDERS[0]) else LOSS)


def _unasked(verdict: str) -> Reply:
    return Reply(output=verdict, finish_reason=NOT_ASKED, usage=Usage(), latency_s=None)


def check_judge(config: EvalConfig, labels: Mapping[str, int], place: str = "dataset.target") -> None:
    """UsageError where none of what people said (`labels`: rows by target) is on the scale, or a verdict on a pair."""
    scale = scale_of(config)
    if config.task != "judge" or not labels or any(is_label(label, scale) for label in labels):
        return
    wanted = f"ratings on the scale, {scale.in_words}" if scale is not None else "win, loss or tie (A, B or tie)"
    shown = ", ".join(map(repr, list(labels)[:5]))
    raise UsageError(
        f"{place}: {shown}: none is among {wanted}, so nothing of it can be compared with the judge",
        hint="Name the column with people's labels; means of several people are no steps of a scale: round them.",
    )


def is_label(label: str, scale: Scale | None) -> bool:
    """Whether people's `label` can be held against a verdict."""
    return label.strip().casefold() in _LABELS if scale is None else rating_index(label, scale) is not None


def rating_index(text: str, scale: Scale) -> int | None:
    """Which step of the scale a prediction or a label is; None for what is none.

    >>> rating_index("4", Scale.of([1, 5])), rating_index("4.33", Scale.of([1, 5])), rating_index("good", Scale.of([1, 5]))
    (3, None, None)
    """
    try:
        return scale.index(float(text))
    except (ValueError, OverflowError):
        return None


def _shown(rating: float) -> str:
    return str(int(rating)) if rating.is_integer() else repr(rating)
