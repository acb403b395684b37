"""Records -> Scores, in order: in this process, or in others where the scorer is the user's."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from evalsvc.config.models import EvalConfig
from evalsvc.records import Record, Score
from evalsvc.scoring.classify import Scorer
from evalsvc.scoring.custom import ScorerSpec
from evalsvc.scoring.judged import scored
from evalsvc.scoring.measures import Measuring
from evalsvc.scoring.outcomes import outcome_before_reading
from evalsvc.scoring.tasks import make_scorer
from evalsvc.scoring.workers import ScorerPool

# A record, the target that its row has now, and the row's values in the columns that metrics ask for.
Row = tuple[Record, str | None, Mapping[str, str]]

NOTHING_MEASURED = Measuring(measures=())


class RowScorer(Protocol):
    """What records are worth, however long that takes and wherever it is done."""

    def scores(self, rows: Iterable[Row]) -> Iterator[tuple[Record, Score]]: ...


class _Here:
    def __init__(self, scorer: Scorer, measuring: Measuring) -> None:
        self._score = scorer.score
        self._measuring = measuring

    def scores(self, rows: Iterable[Row]) -> Iterator[tuple[Record, Score]]:
        score, add = self._score, self._measuring.add
        if not self._measuring.measures:
            for record, target, _ in rows:
                yield record, score(record, target=target)
            return
        for record, target, fields in rows:
            yield record, add(score(record, target=target), record, fields)


class _InWorkers(AbstractContextManager["_InWorkers"]):
    def __init__(self, pool: ScorerPool, labels: Collection[str]) -> None:
        self._pool = pool
        self._labels = frozenset(labels)

    def __exit__(self, *raised: Any) -> None:
        self._pool.__exit__(*raised)

    def scores(self, rows: Iterable[Row]) -> Iterator[tuple[Record, Score]]:
        for (record, target, _), verdict in self._pool.map(rows, _row_of):
            yield record, scored(record, target, verdict, self._labels)


def _row_of(row: Row) -> dict[str, Any] | None:
    """What the worker is sent; None for a record whose text does not matter."""
    record, target, _ = row
    reply = record.reply
    if reply is None or outcome_before_reading(record) is not None:
        return None
    return {
        "id": record.id,
        "repeat": record.repeat,
        "target": target,
        "output": reply.output or "",
        "messages": None if record.messages is None else record.messages.decode(),
        "finish_reason": reply.finish_reason,
        "tokens": reply.tokens,
    }


def open_scorer(config: EvalConfig, labels: Sequence[str], measuring: Measuring = NOTHING_MEASURED) -> AbstractContextManager[RowScorer]:
    """The task's scorer or the user's own, to be left when all is scored; what metrics measure comes with the first.

    Errors as `make_scorer`; UsageError for one of the user's that cannot be loaded, at the first row.
    """
    spec = ScorerSpec.of(config)
    if spec is None:
        return nullcontext(_Here(make_scorer(config, labels), measuring))
    return _InWorkers(ScorerPool(spec, workers=config.scoring.workers, timeout_s=config.scoring.timeout_s), labels)


def check_scorer(config: EvalConfig, place: str) -> None:
    """UsageError, with the place where it was named, for a scorer that cannot be loaded; it is tried in a process of its own."""
    spec = ScorerSpec.of(config, place)
    if spec is not None:
        with ScorerPool(spec, workers=1, timeout_s=config.scoring.timeout_s) as pool:
            pool.check()
