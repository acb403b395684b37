"""Record -> Score for classification: the table of outcomes, in code."""

from types import EllipsisType
from typing import Protocol

from evalsvc.nouns import by_position
from evalsvc.records import Outcome, Record, Reply, Score
from evalsvc.scoring.labels import NOTHING, Found, LabelFinder
from evalsvc.scoring.outcomes import CUT, is_cut, outcome_before_reading
from evalsvc.scoring.probabilities import LABEL_MASS, LabelProbabilities

_NewScore = by_position(Score)
# A member of an enumeration costs more to look up than a global: these are looked up for every row.
_CORRECT, _WRONG, _ERROR = Outcome.CORRECT, Outcome.WRONG, Outcome.ERROR


class Scorer(Protocol):
    """What a final record is worth, whatever the task."""

    def score(self, record: Record, *, target: str | EllipsisType | None = ...) -> Score:
        """Pure. `target` takes the place of the record's own, for rows whose answer was corrected after they were asked."""
        ...


class Classifier:
    """Scores replies by the one label that they mean; `probabilities` are read where a reply has logprobs."""

    def __init__(self, finder: LabelFinder, probabilities: LabelProbabilities | None = None) -> None:
        self._finder = finder
        self._probabilities = probabilities

    def score(self, record: Record, *, target: str | EllipsisType | None = ...) -> Score:
        """The Score by position: id, repeat, target, prediction, outcome, rule, cut, scores, stats, probs."""
        right = record.target if isinstance(target, EllipsisType) else target
        reply = record.reply
        outcome = outcome_before_reading(record)
        found = NOTHING
        if outcome is None and reply is not None:
            found = self._finder.find(reply.output) if reply.output else NOTHING
            outcome = _of_found(found, right, reply)
        reading = None
        if self._probabilities is not None and found.label is not None and reply is not None and reply.tokens:
            reading = self._probabilities.read(reply, found)
        return _NewScore(
            record.id,
            record.repeat,
            right,
            found.label,
            outcome or _ERROR,
            found.rule,
            reply is not None and reply.finish_reason == CUT,
            None,
            None if reading is None else {LABEL_MASS: reading.quality},
            None if reading is None else reading.probs,
        )


class Unread:
    """Says what can be said without the text, for those who cannot wait for a scorer of the user's: `scored` is all the rest."""

    def score(self, record: Record, *, target: str | EllipsisType | None = ...) -> Score:
        right = record.target if isinstance(target, EllipsisType) else target
        cut = is_cut(record)
        empty = record.reply is not None and not record.reply.output
        outcome = outcome_before_reading(record) or (Outcome.TRUNCATED if cut and empty else Outcome.SCORED)
        return Score(id=record.id, repeat=record.repeat, target=right, prediction=None, outcome=outcome, rule=None, cut=cut)


def _of_found(found: Found, target: str | None, reply: Reply) -> Outcome:
    if found.label is not None:
        if target is None:
            return Outcome.SCORED
        return _CORRECT if found.label == target else _WRONG
    if found.ambiguous:
        return Outcome.AMBIGUOUS
    return Outcome.TRUNCATED if found.thinking_open or reply.finish_reason == CUT else Outcome.UNPARSED
