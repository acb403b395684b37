"""What a scorer of the user's said: checked, and made a Score by the table of outcomes. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Self

from evalsvc.extending import Judged
from evalsvc.records import Outcome, Record, RowError, Score
from evalsvc.scoring.outcomes import is_cut, outcome_before_reading

KIND = "scorer"
MOST_SCORES = 100
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_@./+-]{0,99}")
# A gate on ext.<name>.ci_low must mean one thing.
_RESERVED = (".value", ".ci_low", ".ci_high", ".on_parsed")


class Nonsense(ValueError):
    """What a scorer said cannot be meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one row: a judgement, or why there is none."""

    judged: Judged | None = None
    error: str | None = None

    @classmethod
    def failed(cls, why: str) -> Self:
        return cls(error=why)


def read_judged(said: object) -> Judged:
    """`said` in full; Nonsense, in words, for what no scorer should return.

    >>> read_judged(True).correct, dict(read_judged(0.5).scores)
    (True, {'score': 0.5})
    >>> read_judged(None)
    Traceback (most recent call last):
    evalsvc.scoring.judged.Nonsense: it returned None; a scorer returns a Judged, True or False, or a number
    """
    said = _plain(said)
    if isinstance(said, bool):
        return Judged(correct=said)
    if isinstance(said, int | float):
        return Judged(scores={"score": _number("score", said)})
    if not isinstance(said, Judged):
        raise Nonsense(f"it returned {_shown(said)}; a scorer returns a Judged, True or False, or a number")
    return Judged(prediction=_text(said.prediction), correct=_truth(said.correct), scores=_scores(said.scores))


def _plain(value: Any) -> Any:
    """A Python number for what numpy and torch make of one."""
    try:
        return value.item() if hasattr(value, "item") and not isinstance(value, type) else value
    except (TypeError, ValueError, RuntimeError):
        return value


def _text(prediction: Any) -> str | None:
    if prediction is None or isinstance(prediction, str):
        return prediction
    raise Nonsense(f"prediction is {_shown(prediction)}, not a text or None")


def _truth(correct: Any) -> bool | None:
    correct = _plain(correct)
    if correct is None or isinstance(correct, bool):
        return correct
    raise Nonsense(f"correct is {_shown(correct)}, not True, False or None")


def _scores(scores: Any) -> dict[str, float]:
    if not isinstance(scores, Mapping):
        raise Nonsense(f"scores is {_shown(scores)}, not a mapping of names to numbers")
    if len(scores) > MOST_SCORES:
        raise Nonsense(f"{len(scores)} scores in one row, more than {MOST_SCORES}")
    return {score_name(name): _number(name, value) for name, value in scores.items()}


def score_name(name: Any) -> str:
    """`name` if ext.<name> can be a metric and stand in a gate, Nonsense otherwise."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.endswith(_RESERVED):
        raise Nonsense(f"{_shown(name)} cannot name a score; use letters, digits and _ - . / @ +")
    return name


def _number(name: str, value: Any) -> float:
    value = _plain(value)
    if isinstance(value, bool | int | float):
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if isfinite(number):
            return number
    raise Nonsense(f"score {name!r} is {_shown(value)}, not a finite number")


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # whatever a stranger's __repr__ does
        text = "something without a repr"
    return text if len(text) <= 80 else f"{text[:79]}…"


def scored(record: Record, target: str | None, verdict: Verdict | None, labels: Collection[str]) -> Score:
    """The Score of a record. `verdict` is None for a record whose text does not matter; `labels` empty: there are none."""
    before = outcome_before_reading(record)
    judged = None if verdict is None else verdict.judged
    if before is not None or judged is None:
        why = None if verdict is None or before is not None else verdict.error
        return _score(record, target, before or Outcome.ERROR, Judged(), why)
    if labels:
        return _by_label(record, target, judged, labels)
    outcome = _nothing_found(record) if judged.prediction is None and not judged.scores else Outcome.SCORED
    if judged.correct is not None:
        outcome = Outcome.CORRECT if judged.correct else Outcome.WRONG
    return _score(record, target, outcome, judged, None)


def _by_label(record: Record, target: str | None, judged: Judged, labels: Collection[str]) -> Score:
    if judged.prediction not in labels:
        if judged.correct:
            why = f"it says correct, and the prediction {_shown(judged.prediction)} is not one of `scoring.labels`"
            return _score(record, target, Outcome.ERROR, Judged(), why)
        return _score(record, target, _nothing_found(record), judged, None)
    if target is None:
        return _score(record, target, Outcome.SCORED, judged, None)
    is_correct = judged.prediction == target
    if judged.correct not in {None, is_correct}:
        why = f"it says correct is {judged.correct}, and the prediction is {judged.prediction!r} where the target is {target!r}"
        return _score(record, target, Outcome.ERROR, Judged(), why)
    return _score(record, target, Outcome.CORRECT if is_correct else Outcome.WRONG, judged, None)


def _nothing_found(record: Record) -> Outcome:
    return Outcome.TRUNCATED if is_cut(record) else Outcome.UNPARSED


def _score(record: Record, target: str | None, outcome: Outcome, judged: Judged, why: str | None) -> Score:
    return Score(
        id=record.id,
        repeat=record.repeat,
        target=target,
        prediction=judged.prediction,
        outcome=outcome,
        rule=None if judged.prediction is None else KIND,
        cut=is_cut(record),
        scores=judged.scores or None,
        error=None if why is None else RowError(kind=KIND, http=None, code=None, message=why),
    )
