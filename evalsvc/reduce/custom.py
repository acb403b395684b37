"""Metrics of the user's own: a pass of theirs over the rows that count, carried on from where the last one stopped.

It stands apart from the fold so that nobody's metric has to take rows back: where a row was asked again, or a row's score
is another one, the pass begins anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalsvc.extending import JudgedRow
from evalsvc.journal.read import read_records
from evalsvc.metrics.custom import CustomMetric, Guarded, custom_metrics
from evalsvc.records import Record, Score
from evalsvc.reduce.plan import Plan, digest
from evalsvc.reduce.scored import scores_in

# By metric: `key`, `offset` and `scored_bytes` say what is in it, `state` is the tally's own, `metric` what it came to.
CustomStates = dict[str, dict[str, Any]]


def fold_custom(plan: Plan, old: CustomStates, *, offset: int, scored_bytes: int, superseded: Sequence[int]) -> CustomStates:
    """The states of all metrics of the config over the journal up to `offset` and scored.jsonl up to `scored_bytes`."""
    states: CustomStates = {}
    for metric in custom_metrics(plan.config):
        key = digest([metric.fingerprint, metric.written, plan.fold_key, superseded])
        begun = old.get(metric.name)
        carried_on = begun if begun is not None and begun["key"] == key and begun["state"] is not None else None
        if carried_on is not None and carried_on["offset"] == offset:
            states[metric.name] = carried_on
        else:
            start = carried_on or {"offset": 0, "scored_bytes": 0, "state": None, "n": 0}
            states[metric.name] = {"key": key, **_carry_on(plan, metric, start, offset, scored_bytes, superseded)}
    return states


def _carry_on(
    plan: Plan, metric: CustomMetric, start: Mapping[str, Any], offset: int, scored_bytes: int, superseded: Sequence[int]
) -> dict[str, Any]:
    guarded = Guarded.of(metric, None if start["state"] is None else start["state"].encode())
    counter = _Counter(n=start["n"])
    if scored_bytes > start["scored_bytes"]:
        records = (record for _, record in read_records(plan.run.journal, start=start["offset"], stop=offset, skip_offsets=superseded))
        guarded.update(counter.counted(_joined(records, scores_in(plan.run.scored, scored_bytes, start["scored_bytes"]))))
    state = guarded.state()
    kept = None if state is None else state.decode()
    return {"offset": offset, "scored_bytes": scored_bytes, "state": kept, "n": counter.n, "metric": guarded.metric(counter.n)}


class _Counter:
    """Counts what passes by."""

    def __init__(self, n: int) -> None:
        self.n = n

    def counted(self, rows: Iterator[JudgedRow]) -> Iterator[JudgedRow]:
        for row in rows:
            self.n += 1
            yield row


def _joined(records: Iterator[Record], scores: Iterator[Score]) -> Iterator[JudgedRow]:
    """Each score with its record. Both stand in the journal's order; records without a score belong to no row any more."""
    for score in scores:
        record = next(record for record in records if (record.id, record.repeat) == (score.id, score.repeat))
        yield _row(record, score)


def _row(record: Record, score: Score) -> JudgedRow:
    reply = record.reply
    return JudgedRow(
        id=score.id,
        repeat=score.repeat,
        target=score.target,
        output=(reply.output if reply is not None else None) or "",
        finish_reason=None if reply is None else reply.finish_reason,
        prediction=score.prediction,
        outcome=score.outcome.value,
        scores=score.scores or {},
    )
