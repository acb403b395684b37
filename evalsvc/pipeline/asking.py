"""The middle of a run: requests out, answers into the journal, everybody who watches kept up to date."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any

from evalsvc.dataset.ahead import Ahead
from evalsvc.errors import EvalsvcError, Stopped, StorageFailed, TooManyUnusable
from evalsvc.journal.events import EventLog, utc_text
from evalsvc.journal.writer import JournalWriter
from evalsvc.jsonio import loads
from evalsvc.pipeline.echoes import Echoes
from evalsvc.pipeline.launch import Launch
from evalsvc.pipeline.live import Live
from evalsvc.pipeline.paying import payer_of
from evalsvc.pipeline.reducer import Reducer
from evalsvc.pipeline.stop import ANSWERS_UNTIL, StopSwitch
from evalsvc.pipeline.transport import Transport
from evalsvc.pool import Counters, Finished, Hooks, Pool, PoolSettings, RetryPolicy
from evalsvc.records import Record, Reply, Request, RowError, Sample
from evalsvc.reduce.fold import Fold, load_fold
from evalsvc.report import Exchange, LiveView
from evalsvc.report.words import duration
from evalsvc.scoring.judging import verdict_without_asking
from evalsvc.scoring.tasks import make_scorer
from evalsvc.telling.stall import Pulse

TICK_S = 0.2
COUNTERS_EVERY_S = 5.0  # what a kill loses of `calls`
# With so few rows left, or at a stop, the reducer starts loading its libraries; earlier it would only hold memory.
START_REDUCER_AT = 10_000
SAMPLES_AHEAD = 2_000  # of a data set behind a URL, made ready in a thread
BACKLOG_AT_MOST = 20_000  # answers waiting for the disk, before admission pauses


class Asking:
    """One launch's asking. `run` may be called again after an error that left every row unanswered."""

    def __init__(
        self, launch: Launch, view: LiveView, events: EventLog, stop: StopSwitch, *, concurrency: int, reducer: Reducer | None
    ) -> None:
        """`reducer`: one that was started before; without one, it is started when few rows are left."""
        self._launch = launch
        self._config = launch.prepared.config
        self._view = view
        self._events = events
        self._stop = stop
        self._concurrency = concurrency
        self._loop = asyncio.get_running_loop()
        self._began_at = self._last_answer_at = self._loop.time()
        self._scorer = make_scorer(self._config, launch.plan.labels)
        fold = load_fold(launch.plan) or Fold.empty(launch.plan)
        resume = launch.resume
        self._live = Live(
            self._config,
            self._scorer,
            fold.tallies.outcomes,
            expected=launch.plan.expected,
            done=resume.done,
            failed=0 if launch.prepared.options.retry_failed else resume.failed,
            now=self._began_at,
        )
        self._cpu_before_s = 0.0
        self._echoes = Echoes(tuple)  # nothing was sent yet
        self._shown = False  # the first exchange
        self._pool: Pool | None = None
        self._ahead: Ahead[Sample] | None = None  # of a data set behind a URL
        self._writer: JournalWriter | None = None
        self.reducer = reducer

    @property
    def answered(self) -> int:
        return self._live.rows

    @property
    def durable(self) -> int:
        """Records of this launch that are known to be on the disk."""
        return 0 if self._writer is None else self._writer.durable

    def pulse(self) -> Pulse:
        return Pulse(
            last_answer_at=self._last_answer_at,
            done=self._launch.resume.done + self._live.rows,
            expected=self._launch.plan.expected,
            waiting_for=None if self._pool is None else self._pool.view().waiting_for,
        )

    async def run(self, ask: Transport) -> None:
        """Returns when every row has its final record on the disk; raises what stopped it, with all accepted records on the disk."""
        path = self._launch.prepared.run.journal
        async with JournalWriter.open(path, self._on_accepted, on_failure=self._stop.pull) as writer:
            self._writer, self._echoes = writer, Echoes(ask.secrets)
            self._pool = Pool(ask, self._settings(), self._hooks(writer), rng=Random())  # noqa: S311 - jitter, no secrets
            self._cpu_before_s = time.process_time()
            self._stop.attach(self._pool.stop)
            ticker = asyncio.create_task(self._tick(writer, self._pool))
            try:
                await self._pool.run(self._requests())
            finally:
                ticker.cancel()
                if self._ahead is not None:
                    self._ahead.close()
                if writer.failure is None:
                    await writer.drain()
                self._show(writer, self._pool)
                self._log_counters()
        if isinstance(self._stop.error, StorageFailed):
            raise self._stop.error  # with the last answers in, only the log of what they took may have failed

    def _requests(self) -> Iterator[Request]:
        launch = self._launch
        build, dataset = launch.prepared.builder.build, launch.prepared.dataset
        for repeat, skip in launch.asked.passes(launch.survey.rows, self._config.repeats):
            samples: Iterator[Sample] = dataset.samples(launch.survey, skip=skip)
            if dataset.is_remote:
                samples = self._ahead = Ahead(samples, depth=SAMPLES_AHEAD)
            for sample in samples:
                reply = verdict_without_asking(self._config, sample.fields)
                if reply is None:
                    yield build(sample, repeat)
                elif self._writer is not None:
                    self._writer.append(unasked(sample, repeat, reply))

    def _is_starving(self) -> bool:
        return self._ahead is not None and self._ahead.would_wait

    def _settings(self) -> PoolSettings:
        limits = self._config.limits
        return PoolSettings(
            concurrency=self._concurrency,
            retry=RetryPolicy(max_retries=limits.max_retries, row_deadline_s=limits.row_deadline_s),
            attempt_timeout_s=limits.attempt_timeout_s,
            requests_per_minute=limits.requests_per_minute,
            tokens_per_minute=limits.tokens_per_minute,
            max_output_tokens=self._config.model.max_output_tokens,
            outage_budget_s=limits.outage_budget_s,
            wait_for_endpoint_s=limits.wait_for_endpoint_s,
            drain_s=limits.drain_s * ANSWERS_UNTIL,
        )

    def _hooks(self, writer: JournalWriter) -> Hooks:
        model = self._config.model
        paths = {name: f"model.params.{name}" for name in model.params}
        paths[self._launch.prepared.builder.limit_field] = "model.max_output_tokens"
        return Hooks(
            finished=lambda finished: writer.append(self._record(finished)),
            event=self._on_event,
            clogged=lambda: writer.backlog > BACKLOG_AT_MOST,
            starving=self._is_starving,
            payer=payer_of(self._launch, lambda: self._rows_left(writer)),
            config_line=self._launch.prepared.loaded.where,
            param_paths=paths,
        )

    def _rows_left(self, writer: JournalWriter) -> int:
        return self._launch.plan.expected - self._launch.resume.done - writer.accepted - writer.backlog

    def _record(self, finished: Finished) -> Record:
        request, result = finished.request, finished.result
        return Record(
            id=request.id,
            repeat=request.repeat,
            row_hash=request.row_hash,
            key=request.key,
            target=request.target,
            messages=request.messages if self._config.journal.prompts else None,
            reply=self._echoes.without(result) if isinstance(result, Reply) else None,
            error=None
            if isinstance(result, Reply)
            else RowError(kind=result.kind, http=result.http, code=result.code, message=result.message),
            attempts=finished.attempts,
            waited_s=finished.waited_s,
            at=utc_text(time.time()),
        )

    # what happens meanwhile --------------------------------------------------------------------------------------

    def _on_accepted(self, records: Sequence[Record]) -> None:
        self._live.take(records)
        self._last_answer_at = self._loop.time()
        asked = None if self._shown else next((record for record in records if record.attempts), None)
        if asked is not None:
            self._shown = True
            self._view.first_exchange(self._exchange(asked))
        hopeless = self._live.is_hopeless(self._config.stop_if)
        if hopeless is not None:
            hint = "look at the first replies in predictions.jsonl, correct the prompt or scoring; stop_if: null turns this off"
            self._stop.pull(TooManyUnusable(hopeless, hint=hint))

    def _exchange(self, record: Record) -> Exchange:
        score = self._scorer.score(record)
        reply, error = record.reply, record.error
        return Exchange(
            messages=loads(record.messages) if record.messages is not None else [],
            reply=None if reply is None else reply.output or reply.refusal or "",
            error=None if error is None else f"{error.kind}: {error.message}",
            extracted=score.prediction,
            rule=score.rule,
            target=score.target,
            outcome=score.outcome.value,
            scored_by=self._config.scoring.scorer if reply is not None else None,
        )

    def _on_event(self, event: str, fields: Mapping[str, Any]) -> None:
        try:
            self._events.emit(event, **fields)
        except EvalsvcError as error:
            self._stop.pull(error)
        if event == "outage" and fields["state"] == "began":
            until = f"for {duration(fields['budget_s'])} at the most (limits.outage_budget_s)"
            self._view.note(
                f"the endpoint is down ({fields['kind']}: {fields['message']}): asking one row at a time until it is back, {until}"
            )
        elif event == "sweep":
            self._view.note(f"{fields['rows']} rows failed for a passing reason: one more try for each")

    async def _tick(self, writer: JournalWriter, pool: Pool) -> None:
        logged_at = self._loop.time()
        while True:
            if self.reducer is None and (self._stop.error is not None or self._launch.to_ask - self._live.rows <= START_REDUCER_AT):
                with suppress(StorageFailed):  # no room for a process now: again a moment later, and at the end it is told
                    self.reducer = Reducer(self._launch.prepared.run.path)
            if self.reducer is not None and isinstance(self._stop.error, Stopped) and self._launch.prepared.run.has_answers():
                self.reducer.begin()  # what is in flight may take most of drain_s
            self._show(writer, pool)
            pool.bounds(cpu_s=self._cpu_s())
            if self._loop.time() - logged_at >= COUNTERS_EVERY_S:
                logged_at = self._loop.time()
                self._log_counters()
            await asyncio.sleep(TICK_S)

    def _show(self, writer: JournalWriter, pool: Pool) -> None:
        now = self._loop.time()
        self._view.update(self._live.progress(now, pool.view(), pool.counters, accepted=writer.accepted, durable=writer.durable))

    def _log_counters(self) -> None:
        if self._pool is None:
            return
        counters, pool = self._pool.counters, self._pool.view()
        cpu_s = self._cpu_s()
        self._on_event(
            "counters",
            {
                **_told(counters),
                "in_flight": pool.in_flight,
                "concurrency": pool.limit,
                "ceiling": self._concurrency,
                "rows": self._live.rows,
                "wall_s": round(self._loop.time() - self._began_at, 3),
                "cpu_s": round(cpu_s, 3),
                "bounded_s": self._pool.bounds(cpu_s=cpu_s),
            },
        )

    def _cpu_s(self) -> float:
        """What this process has used since the launch began to ask."""
        return time.process_time() - self._cpu_before_s


def unasked(sample: Sample, repeat: int, reply: Reply) -> Record:
    """The record of a row that needs no request."""
    return Record(
        id=sample.id,
        repeat=repeat,
        row_hash=sample.row_hash,
        key="",
        target=sample.target,
        messages=None,
        reply=reply,
        error=None,
        attempts=0,
        waited_s=0.0,
        at=utc_text(time.time()),
    )


def _told(counters: Counters) -> dict[str, Any]:
    spent = counters.spent
    return {
        "attempts": counters.attempts,
        "retries": counters.retries,
        "rate_limited": counters.rate_limited,
        "by_error": dict(sorted(counters.by_error.items())),
        "spent": {"input": spent.input, "output": spent.output, "cached": spent.cached, "reasoning": spent.reasoning},
    }
