"""What a metric wants to know of one row: a port, declared here because scoring calls it, and fulfilled in metrics/families."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from evalsvc.jsonio import loads
from evalsvc.records import Outcome, Record, Reply, Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer and what it is held against."""

    text: str  # what the task's rules read in the reply; empty where there is nothing: then it is worth as little as it can be
    references: tuple[str, ...] = ()  # the right answers; empty: the row has none
    reply: Reply | None = None  # None: the row has no reply
    fields: Mapping[str, str] = field(default_factory=dict)  # the row's values in the columns that a metric asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one measure says of one answer."""

    scores: Mapping[str, float] = field(default_factory=dict)  # by metric: a finite number that means something of this row alone
    stats: Mapping[str, Sequence[int]] = field(default_factory=dict)  # by metric: summands


# Pure; None for a row that the metric has nothing to say of. Hashable: equal ones are asked once.
Measure = Callable[[Answer], Measured | None]


def references_of(target: str | None, *, as_text: bool = False) -> tuple[str, ...]:
    """The right answers that a target names: several where it is a JSON list of texts, none where that is empty, unless it is to be
    taken `as_text`.

    >>> references_of("Paris"), references_of('["Paris", "the city of Paris"]'), references_of("[1]"), references_of(None)
    (('Paris',), ('Paris', 'the city of Paris'), ('[1]',), ())
    >>> references_of("[]"), references_of("[]", as_text=True)
    ((), ('[]',))
    """
    if target is None:
        return ()
    if not as_text and target.startswith("[") and target.endswith("]"):
        try:
            several = loads(target)
        except ValueError:
            return (target,)
        if all(isinstance(one, str) for one in several):
            return tuple(several)
    return (target,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """Adds to a score what all `measures` say. `correct` names the one that tells right from wrong."""

    measures: tuple[Measure, ...]
    correct: str | None = None
    one_reference: bool = False  # a target is one text, whatever it looks like

    def add(self, score: Score, record: Record, fields: Mapping[str, str]) -> Score:
        answer = Answer(
            text=score.prediction or "",
            references=references_of(score.target, as_text=self.one_reference),
            reply=record.reply,
            fields=fields,
        )
        scores: dict[str, float] = dict(score.scores or {})
        stats: dict[str, Sequence[int]] = dict(score.stats or {})
        for measure in self.measures:
            measured = measure(answer)
            if measured is not None:
                scores |= measured.scores
                stats |= measured.stats
        return replace(score, scores=scores or None, stats=stats or None, outcome=self._outcome(score.outcome, scores))

    def _outcome(self, outcome: Outcome, scores: Mapping[str, float]) -> Outcome:
        if outcome is not Outcome.SCORED or self.correct is None or self.correct not in scores:
            return outcome
        return Outcome.CORRECT if scores[self.correct] >= 1 else Outcome.WRONG
