"""Record -> Score for classification: the table of outcomes, in code."""

from collections.abc import Callable, Mapping, Sequence
from types import EllipsisType
from typing import Protocol

from evalsvc.config.models import EvalConfig
from evalsvc.errors import NotAvailableYet
from evalsvc.records import Outcome, Record, Reply, Score
from evalsvc.scoring.labels import NOTHING, Found, LabelFinder

CONTENT_FILTER = "content_filter"
CUT = "length"


class Scorer(Protocol):
    """What a final record is worth, whatever the task."""

    def score(self, record: Record, *, target: str | EllipsisType | None = ...) -> Score:
        """Pure. `target` takes the place of the record's own, for rows whose answer was corrected after they were asked."""
        ...


class Classifier:
    """Scores replies by the one label that they mean."""

    def __init__(self, finder: LabelFinder) -> None:
        self._finder = finder

    def score(self, record: Record, *, target: str | EllipsisType | None = ...) -> Score:
        right = record.target if isinstance(target, EllipsisType) else target
        reply = record.reply
        outcome = _before_reading(record)
        found = NOTHING
        if outcome is None and reply is not None:
            found = self._finder.find(reply.output) if reply.output else NOTHING
            outcome = _of_found(found, right, reply)
        return Score(
            id=record.id,
            repeat=record.repeat,
            target=right,
            prediction=found.label,
            outcome=outcome or Outcome.ERROR,
            rule=found.rule,
            cut=reply is not None and reply.finish_reason == CUT,
        )


def _before_reading(record: Record) -> Outcome | None:
    """The outcome of a record whose text does not matter, None when it does."""
    error, reply = record.error, record.reply
    if (error is not None and error.kind == CONTENT_FILTER) or (reply is not None and reply.finish_reason == CONTENT_FILTER):
        return Outcome.FILTERED
    if error is not None or reply is None:
        return Outcome.ERROR
    return Outcome.REFUSED if reply.refusal else None


def _of_found(found: Found, target: str | None, reply: Reply) -> Outcome:
    if found.label is not None:
        if target is None:
            return Outcome.SCORED
        return Outcome.CORRECT if found.label == target else Outcome.WRONG
    if found.ambiguous:
        return Outcome.AMBIGUOUS
    return Outcome.TRUNCATED if found.thinking_open or reply.finish_reason == CUT else Outcome.UNPARSED


def _classifier(config: EvalConfig, labels: Sequence[str]) -> Scorer:
    return Classifier(LabelFinder(labels, config.scoring))


_SCORERS: Mapping[str, Callable[[EvalConfig, Sequence[str]], Scorer]] = {"classification": _classifier}


def make_scorer(config: EvalConfig, labels: Sequence[str]) -> Scorer:
    """The scorer of `config.task`; NotAvailableYet for a task that has none, UsageError for labels that cannot work."""
    make = _SCORERS.get(config.task)
    if make is None:
        raise NotAvailableYet(f"task: {config.task} is not available yet", hint=f"available: {', '.join(sorted(_SCORERS))}")
    return make(config, labels)
