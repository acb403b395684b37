"""The numbers shown while a run goes on, from the same tallies as the final ones."""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from evalsvc.config import EvalConfig, StopIf
from evalsvc.deriving.verdict import UNUSABLE
from evalsvc.errors import UsageError
from evalsvc.metrics.intervals import wilson
from evalsvc.metrics.tally import ConfusionTally, LatencySketch, OutcomeTally, RowTally
from evalsvc.pool import Counters, PoolView
from evalsvc.records import Outcome, Progress, Record
from evalsvc.reduce.summary import cost_usd
from evalsvc.scoring.classify import Scorer

RATE_OVER_S = 10.0


class Live:
    """Counts what was accepted. `outcomes` are those of earlier launches, where they are known.

    A scorer of the user's is not asked: then nobody knows of right and wrong before the end, and only what can be told
    without reading a reply counts for `stop_if`.
    """

    def __init__(
        self, config: EvalConfig, scorer: Scorer, outcomes: RowTally, *, expected: int, done: int, failed: int, now: float
    ) -> None:
        self._config = config
        self._scorer = scorer
        self._outcomes = OutcomeTally.empty() if config.scoring.scorer is not None else outcomes
        self._expected = expected
        self._done_before = done
        self._failed_before = failed
        self._began_at = now
        self._recent: deque[tuple[float, int]] = deque([(now, 0)])
        self._latency = LatencySketch.empty()
        self._alike: dict[tuple[str | None, ...], tuple[Record, int]] = {}  # records that score alike, and how many
        self.rows = 0  # accepted by this launch
        self._errors = 0

    def take(self, records: Sequence[Record]) -> None:
        """Counts now and scores later: replies repeat, and thousands a second may come."""
        for record in records:
            reply, error = record.reply, record.error
            alike: tuple[str | None, ...]
            if reply is not None:
                if reply.latency_s is not None:
                    self._latency.update(reply.latency_s)
                alike = (record.target, reply.output, reply.finish_reason, reply.refusal)
            else:
                self._errors += 1
                alike = (record.target, error.kind if error is not None else None)
            first, count = self._alike.get(alike, (record, 0))
            self._alike[alike] = first, count + 1
        self.rows += len(records)

    def _settle(self) -> None:
        for record, count in self._alike.values():
            with suppress(UsageError):  # a pattern that comes to no end is told when all is answered
                self._outcomes.update(self._scorer.score(record), count)
        self._alike.clear()

    def is_hopeless(self, stop_if: StopIf | None) -> str | None:
        """Why the run should stop, in words; None while there is hope."""
        if stop_if is None or self.rows < stop_if.after:
            return None
        self._settle()
        outcomes = self._outcomes.value()
        rows = sum(outcomes.values())
        unusable = {outcome.value: outcomes[outcome] for outcome in UNUSABLE}
        share = sum(unusable.values()) / rows
        if share <= stop_if.unusable_share:
            return None
        parts = ", ".join(f"{count:,} {name}" for name, count in unusable.items() if count)
        return f"{share:.0%} of the first {rows:,} rows are unusable ({parts}), more than stop_if allows ({stop_if.unusable_share:.0%})"

    def progress(self, now: float, pool: PoolView, counters: Counters, *, accepted: int, durable: int) -> Progress:
        rate = self._rate(now)
        done = self._done_before + self.rows
        accuracy, low, high = self._accuracy()
        return Progress(
            expected=self._expected,
            done=done,
            errors=self._failed_before + self._errors,
            launch_done=self.rows,
            rows_per_s=rate,
            eta_s=(self._expected - done) / rate if rate > 0 else None,
            in_flight=pool.in_flight,
            limit=pool.limit,
            delayed=pool.delayed,
            waiting_for=pool.waiting_for,
            attempts=counters.attempts,
            rate_limited=counters.rate_limited,
            retries=counters.retries,
            p50_s=self._latency.quantile(0.5),
            p95_s=self._latency.quantile(0.95),
            usage=counters.spent,
            cost_usd=cost_usd(_as_dict(counters), self._config.model.price),
            accuracy=accuracy,
            accuracy_low=low,
            accuracy_high=high,
            accepted=accepted,
            durable=durable,
            elapsed_s=now - self._began_at,
        )

    def _rate(self, now: float) -> float:
        self._recent.append((now, self.rows))
        while len(self._recent) > 2 and self._recent[0][0] < now - RATE_OVER_S:
            self._recent.popleft()
        then, rows = self._recent[0]
        return (self.rows - rows) / (now - then) if now > then else 0.0

    def _accuracy(self) -> tuple[float | None, float | None, float | None]:
        self._settle()
        tally = self._outcomes
        outcomes = tally.value()
        labelled = sum(count for _, _, count in tally.triples()) if isinstance(tally, ConfusionTally) else 0
        if not labelled:
            return None, None, None
        return outcomes[Outcome.CORRECT] / labelled, *wilson(outcomes[Outcome.CORRECT], labelled)


def _as_dict(counters: Counters) -> dict[str, int]:
    spent = counters.spent
    return {"input": spent.input, "output": spent.output, "cached": spent.cached, "reasoning": spent.reasoning}
