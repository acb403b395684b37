"""Record -> Score where the answer is a text: thinking cut away, `scoring.extract` applied, the rest as it stands."""

from collections.abc import Callable
from types import EllipsisType

from evalsvc.config.models import EvalConfig
from evalsvc.records import Outcome, Record, Score
from evalsvc.scoring.extract import extract_from
from evalsvc.scoring.outcomes import is_cut, outcome_before_reading
from evalsvc.scoring.text import unfenced
from evalsvc.thinking import without_thinking

# (rule, text) -> the answer; None where it does not stand where it should
Read = Callable[[str], str | None]


class TextScorer:
    """Every answer is `scored`; which of them are right is for a metric to say. `read` finds the answer in the visible text."""

    def __init__(self, read: Read, rule: str) -> None:
        self._read = read
        self._rule = rule

    @classmethod
    def of(cls, config: EvalConfig) -> "TextScorer":
        """UsageError for an extraction that cannot work."""
        if config.scoring.extract is None:
            return cls(str.strip, "text")
        rule, extract = extract_from(config.scoring.extract)
        return cls(lambda text: extract(unfenced(text)), rule)

    def score(self, record: Record, *, target: str | EllipsisType | None = ...) -> Score:
        right = record.target if isinstance(target, EllipsisType) else target
        outcome, answer = outcome_before_reading(record), None
        if outcome is None:
            answer = self._answer(record)
            outcome = Outcome.SCORED if answer else _of_nothing(record)
        return Score(
            id=record.id,
            repeat=record.repeat,
            target=right,
            prediction=answer or None,
            outcome=outcome,
            rule=self._rule if answer else None,
            cut=is_cut(record),
        )

    def _answer(self, record: Record) -> str | None:
        output = record.reply.output if record.reply is not None else None
        visible = without_thinking(output) if output else None
        return None if visible is None else self._read(visible)


def _of_nothing(record: Record) -> Outcome:
    return Outcome.TRUNCATED if is_cut(record) or _never_answered(record) else Outcome.UNPARSED


def _never_answered(record: Record) -> bool:
    """Whether the reply is one thought that was never finished."""
    output = record.reply.output if record.reply is not None else None
    return bool(output) and without_thinking(output or "") is None
