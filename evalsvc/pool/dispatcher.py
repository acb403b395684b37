"""Thousands of requests at once: one dispatcher admits, one task an attempt, nothing holds a slot while it waits.

The code here decides nothing itself: `governor` knows how many and how fast, `retry` what becomes of a failed row,
`breaker` when the endpoint is down for everybody, `suspicion` when every row would fail alike, `tokens` what is left
of the tokens per minute, `turns` when the next of the requests per minute may go, the payer what may still be spent.
It all runs on one event loop; between two awaits nothing changes but by this code.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from random import Random

from evalsvc.endpoint.answer import Action, Allowance, Answer, Ask, Failure
from evalsvc.errors import EndpointDown, StorageFailed
from evalsvc.pool.bounds import Bounds
from evalsvc.pool.breaker import Breaker
from evalsvc.pool.counters import Counters, PoolView
from evalsvc.pool.delayed import DelayHeap
from evalsvc.pool.governor import FIRST_ANSWERS, Governor
from evalsvc.pool.job import Finished, Job
from evalsvc.pool.retry import Again, Final, PutAside, decide
from evalsvc.pool.settings import Hooks, PoolSettings
from evalsvc.pool.suspicion import Doubt, FirstRows, Verdict, stop_error
from evalsvc.pool.tokens import token_budget
from evalsvc.pool.turns import turns
from evalsvc.pool.workers import Workers
from evalsvc.records import Cause, Reply, Request

SWEEP_CONCURRENCY = 8
PUT_ASIDE_AT_MOST = 10_000  # rows kept for the sweep; beyond, a transient failure is final at once
HELD_RETRY_S = 0.02
FOREVER = float("inf")
FEW_LEFT, FEW_LEFT_SHARE = 100, 0.05  # of the requests sent, where that is more
UNAVAILABLE = (502, 503, 504)
UNREACHABLE = ("connect", "dns", "tls")
AGAIN = "the same command asks what is left once it is back"
NEVER_ANSWERED = "no row of this launch was ever answered: look into the server's own log, and at model.base_url and model.name"


class Pool:
    """Asks for every row, and again where that can help.

    `run` returns when every row has its final word, or raises what stopped it; the rows without a final word are then
    simply not reported, so that a later run asks them again.
    """

    def __init__(self, ask: Ask, settings: PoolSettings, hooks: Hooks, *, rng: Random) -> None:
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._ask = ask
        self._settings = settings
        self._hooks = hooks
        self._rng = rng
        self._governor = Governor(settings.concurrency, attempt_timeout_s=settings.attempt_timeout_s, now=now)
        self._breaker = Breaker(budget_s=settings.outage_budget_s, start_budget_s=settings.wait_for_endpoint_s, now=now)
        self._tokens = token_budget(settings, now)
        self._turns = turns(settings)
        self._first_rows = FirstRows(hooks.config_line, hooks.param_paths)
        self._doubt = Doubt()
        self._delayed = DelayHeap()
        self._aside: deque[Job] = deque()
        self._exhausted = False
        self._sweeping = False
        self._workers = Workers(self._loop, self._attempt)
        self._wake = asyncio.Event()
        self._woken_at = now
        self._bounds = Bounds(now)
        self._waiting_for: str | None = None
        self._stop: BaseException | None = None
        self._ever_answered = False
        self.counters = Counters()

    def view(self) -> PoolView:
        return PoolView(
            in_flight=len(self._workers),
            limit=self._limit(),
            delayed=len(self._delayed) + len(self._aside) + len(self._doubt.bystanders),
            waiting_for=self._waiting_for,
        )

    def bounds(self, *, cpu_s: float) -> dict[str, float]:
        """Seconds by cause so far. To be called often: a stretch between two calls in which the process was busy is the client's."""
        self._bounds.settle(self._loop.time(), cpu_s=cpu_s)
        if self._governor.kept_by is Cause.SERVER:
            self._bounds.not_ramp(Cause.SERVER)
        return self._bounds.seconds()

    def stop(self, error: BaseException) -> None:
        """Admits nothing more; what is in flight may finish within `drain_s`, then `run` raises `error`. The first one counts."""
        if self._stop is None:
            self._stop = error
            if self._turns is not None:
                self._turns.end_wait()
        self._wake.set()

    async def run(self, requests: Iterator[Request]) -> None:
        drain_s = 0.0  # an error of our own, or a cancellation, waits for nobody
        try:
            await self._admit_all(requests)
            if not isinstance(self._stop, StorageFailed):  # answers that cannot be written are not worth waiting for
                drain_s = self._settings.drain_s
        finally:
            await self._drain(drain_s)
        if self._stop is not None:
            raise self._stop
        self._write_all(self._first_rows.release())

    # admission ---------------------------------------------------------------------------------------------------

    async def _admit_all(self, requests: Iterator[Request]) -> None:
        while self._stop is None:
            starving = not self._exhausted and self._hooks.starving()
            job = self._next_job(requests, starving=starving)
            if job is not None:
                await self._admit(job)
            elif starving:
                full = len(self._workers) >= self._limit()
                await self._sleep(HELD_RETRY_S, "the data", self._governor.kept_by if full else Cause.DATA)
            elif self._workers or len(self._delayed):
                cause = Cause.OUTAGE if self._breaker.is_open else Cause.TAIL
                await self._sleep(self._delayed.wait_s(self._loop.time()), None, cause)
            elif not self._settle_doubt():
                return

    def _next_job(self, requests: Iterator[Request], *, starving: bool) -> Job | None:
        """A row whose back-off is over, else a new one, else, when all else is done, one put aside for the sweep.

        An outage is probed with both in turn.
        """
        now = self._loop.time()
        # rows that crash the server must not be the only probes of an outage, or it would never end
        new_first = self._breaker.is_open and not self._exhausted and self.counters.attempts % 2 == 0
        job = None if new_first else self._delayed.pop_due(now)
        if job is None and starving:
            return None
        if job is None and not self._exhausted:
            request = next(requests, None)
            if request is not None:
                return Job(request, arrived_at=now)
            self._exhausted = True
            job = self._delayed.pop_due(now)
        return job or self._from_sweep()

    def _from_sweep(self) -> Job | None:
        busy = len(self._delayed) or (self._workers and not self._sweeping)
        if busy or not self._aside:
            return None
        if not self._sweeping:
            self._sweeping = True
            self._hooks.event("sweep", {"rows": len(self._aside)})
        job = self._aside.popleft()
        job.last_try = True
        return job

    async def _admit(self, job: Job) -> None:
        while self._stop is None:
            wait_s, why, cause = self._gate(job)
            if wait_s <= 0:
                break
            await self._sleep(wait_s, why, cause)
        if self._turns is not None and self._stop is None:
            self._waiting_for = "requests_per_minute"
            self._bounds.turn(self._loop.time(), Cause.REQUESTS_PER_MINUTE)
            await self._turns.take()
            self._bounds.turn(self._loop.time(), Cause.CLIENT)
            self._waiting_for = None
        if self._stop is None:
            self._start(job)

    def _gate(self, job: Job) -> tuple[float, str | None, Cause]:
        """Seconds until `job` may start (FOREVER: until something comes back), and what is being waited for, in words and as it counts."""
        now = self._loop.time()
        if self._breaker.is_open or self._doubt.open:
            return self._gate_for_a_probe(now)
        if len(self._workers) >= self._limit():
            return FOREVER, None, Cause.TAIL if self._sweeping else self._governor.kept_by
        wait_s, why = self._governor.wait_s(now)
        if wait_s > 0:
            return wait_s, why, Cause.RAMP if why == FIRST_ANSWERS else Cause.RATE_LIMIT
        if (held := self._held(job)) is not None:
            return HELD_RETRY_S, *held
        if self._tokens is not None:
            return self._tokens.wait_s(self._tokens.estimate(job.request), now), "tokens_per_minute", Cause.TOKENS_PER_MINUTE
        return 0.0, None, Cause.CLIENT

    def _held(self, job: Job) -> tuple[str, Cause] | None:
        """Which of those who wrote and pay for the answers so far will have no more of them for now."""
        if self._hooks.clogged():
            return "the disk", Cause.DISK
        held = self._hooks.payer.held(job.request)
        if held is None:
            return None
        if not self._workers:
            self.stop(self._hooks.payer.spent())
        return held, Cause.BUDGET

    def _gate_for_a_probe(self, now: float) -> tuple[float, str | None, Cause]:
        if self._breaker.is_open:
            why = f"the endpoint, down for {self._breaker.down_s(now):.0f} s"
            return (FOREVER if self._is_probing() else self._breaker.probe_wait_s(now)), why, Cause.OUTAGE
        return (FOREVER if self._is_probing() else 0.0), "another row to confirm a refusal", Cause.OUTAGE

    def _limit(self) -> int:
        return min(SWEEP_CONCURRENCY, self._governor.limit) if self._sweeping else self._governor.limit

    def _is_probing(self) -> bool:
        return any(job.probing for job in self._workers)

    async def _sleep(self, seconds: float, why: str | None, cause: Cause) -> None:
        """Until something comes back, but no longer than `seconds`."""
        self._waiting_for = why
        began_at = self._loop.time()
        self._bounds.turn(began_at, cause)
        self._wake.clear()
        timer = None if seconds == FOREVER else self._loop.call_later(seconds, self._wake.set)
        self._woken_at = FOREVER
        try:
            await self._wake.wait()
        finally:
            self._waiting_for = None
            if timer is not None:
                timer.cancel()
        now = self._loop.time()
        self._bounds.turn(min(self._woken_at, began_at + seconds, now), Cause.CLIENT)
        self._governor.on_lag(max(now - self._woken_at, 0.0))

    # attempts ----------------------------------------------------------------------------------------------------

    def _start(self, job: Job) -> None:
        now = self._loop.time()
        job.probing = self._breaker.is_open or self._doubt.open
        if self._tokens is not None:
            job.reserved = self._tokens.estimate(job.request)
            self._tokens.reserve(job.reserved, now)
        job.attempts += 1
        self.counters.attempts += 1
        self.counters.retries += job.attempts > 1
        self._hooks.payer.take(job.request)
        sequence = self._governor.on_start(now)
        self._workers.give(job, now, sequence)

    async def _attempt(self, job: Job, started_at: float, sequence: int) -> None:
        try:
            left_s = self._settings.retry.row_deadline_s - job.charged_s
            # the transport's own deadline comes first, but for a row that has little time left
            in_time = left_s > self._settings.attempt_timeout_s
            answer = await (self._ask(job.request) if in_time else self._ask_within(job.request, max(left_s, 0.0)))
            now = self._loop.time()
            # an attempt outlasts its own deadline only where this process was suspended meanwhile
            started_at = max(started_at, now - self._settings.attempt_timeout_s)
            job.wire_s += now - started_at
            if answer.allowance is not None:
                self._on_headers(answer.allowance, started_at, sequence, now)
            if isinstance(answer.result, Failure):
                self._on_failure(job, answer.result, started_at, sequence, now)
            else:
                self._on_reply(job, answer.result, started_at, now)
        except Exception as bug:
            self.stop(bug)
        finally:
            self._landed()

    def _landed(self) -> None:
        if not self._wake.is_set():
            self._woken_at = self._loop.time()
            self._wake.set()

    async def _ask_within(self, request: Request, seconds: float) -> Answer:
        try:
            async with asyncio.timeout(seconds):
                return await self._ask(request)
        except TimeoutError:
            message = f"no answer within the row's deadline of {self._settings.retry.row_deadline_s:g} s"
            return Answer(result=Failure(kind="deadline", action=Action.RETRY, http=None, code=None, message=message, outage=True))

    def _on_headers(self, allowance: Allowance, started_at: float, sequence: int, now: float) -> None:
        for what, remaining, reset_s in (
            ("requests", allowance.requests_remaining, allowance.requests_reset_s),
            ("tokens", allowance.tokens_remaining, allowance.tokens_reset_s),
        ):
            self._governor.on_headers(now, started_at=started_at, sequence=sequence, remaining=remaining, reset_s=reset_s, what=what)

    def _on_reply(self, job: Job, reply: Reply, started_at: float, now: float) -> None:
        self._settle_tokens(job, reply)
        self._governor.on_answer(now, started_at=started_at, in_flight=len(self._workers))
        self._alive(now, started_at)
        self._ever_answered = True
        if not self._first_rows.over:
            self._write_all(self._first_rows.on_success())
        if self._doubt.open and started_at >= self._doubt.since:
            self._settle_doubt()
        self._finish(job, reply)

    def _on_failure(self, job: Job, failure: Failure, started_at: float, sequence: int, now: float) -> None:
        self.counters.by_error[failure.kind] += 1
        self._settle_tokens(job, failure)
        if failure.action is Action.WAIT:
            self.counters.rate_limited += 1
            self._governor.on_rate_limited(now, started_at=started_at, sequence=sequence, retry_after_s=failure.retry_after_s)
        if failure.outage:
            self._on_outage(job, failure, started_at, now)
        else:
            self._alive(now, started_at)
            self._governor.on_refused_row()
        if failure.action in (Action.STOP, Action.CONFIRM):
            self._on_refusal(job, failure, started_at, now)
        elif failure.action is Action.FAIL_ROW:
            self._on_bad_row(job, failure)
        else:
            self._again_or_not(job, failure, now - started_at, now)

    def _on_outage(self, job: Job, failure: Failure, started_at: float, now: float) -> None:
        if failure.kind == "timeout":
            self._governor.on_timeout(now, started_at=started_at)
        else:
            self._governor.on_server_error()
        self._log_changes()
        if self._is_its_own_fault(failure):
            return
        if self._breaker.on_failure(now, started_at=started_at, in_flight=len(self._workers)):
            about = {"kind": failure.kind, "message": failure.message, "budget_s": self._breaker.budget_s}
            self._hooks.event("outage", {"state": "began", **about})
        elif job.probing and self._breaker.is_open:
            self._breaker.on_probe_failed(now, jitter=self._rng.random())
        if self._breaker.is_spent(now):
            down = f"the endpoint has been down for {self._breaker.down_s(now):.0f} s, longer than the outage budget"
            hint = AGAIN if self._ever_answered else f"{NEVER_ANSWERED}; {AGAIN}"
            self.stop(EndpointDown(f"{down}: {failure.message}", hint=hint))

    def _is_its_own_fault(self, failure: Failure) -> bool:
        """When only a few rows are left, a crash or a silence is theirs: taken for an outage, it would never let a run end.

        Where nothing was ever answered, nothing says that it is theirs.
        """
        few = max(FEW_LEFT, self.counters.attempts * FEW_LEFT_SHARE)
        few_left = self._ever_answered and self._exhausted and len(self._workers) + len(self._delayed) <= few
        return few_left and not self._breaker.is_open and failure.kind not in UNREACHABLE and failure.http not in UNAVAILABLE

    def _alive(self, now: float, started_at: float) -> None:
        self._log_changes()
        down_s = self._breaker.down_s(now)
        if self._breaker.on_good(now, started_at=started_at):
            self._hooks.event("outage", {"state": "over", "seconds": round(down_s, 3)})
            self._governor.restart(now)
            self._log_changes()

    # what becomes of a row ---------------------------------------------------------------------------------------

    def _again_or_not(self, job: Job, failure: Failure, wire_s: float, now: float) -> None:
        free = failure.action is Action.WAIT or self._breaker.is_open
        if not free:
            job.charged_s += wire_s
        step = decide(
            failure,
            retries=job.retries,
            charged_s=job.charged_s,
            policy=self._settings.retry,
            outage=self._breaker.is_open,
            last_try=job.last_try,
            jitter=self._rng.random(),
        )
        match step:
            case Again(wait_s=wait_s, charged=charged):
                job.retries += charged
                job.charged_s += wait_s if charged else 0.0
                self._delayed.push(now + wait_s, job)
            case PutAside() if len(self._aside) < PUT_ASIDE_AT_MOST:
                self._aside.append(job)
            case PutAside() | Final():
                self._finish(job, failure)

    def _on_bad_row(self, job: Job, failure: Failure) -> None:
        match self._first_rows.on_failure(job, failure):
            case Verdict.WRITE:
                self._write_all(self._first_rows.release())
                self._finish(job, failure)
            case Verdict.STOP:
                self.stop(self._first_rows.error())
            case Verdict.HOLD:
                pass

    def _on_refusal(self, job: Job, failure: Failure, started_at: float, now: float) -> None:
        """Before any success, and for an exhausted quota, one refusal speaks for all rows; later another row must confirm it."""
        certain = not self._ever_answered or failure.kind == "quota"
        if certain or self._doubt.on_refusal(job, failure, started_at=started_at, now=now) is Verdict.STOP:
            self.stop(stop_error(failure))

    def _settle_doubt(self) -> bool:
        """A success, or the end of all other rows, clears a doubt: its row failed for itself. True when rows go on because of it."""
        suspect, others = self._doubt.settle()
        if suspect is not None:
            self._finish(*suspect)
        for job in others:
            self._delayed.push(self._loop.time(), job)
        return bool(others)

    def _settle_tokens(self, job: Job, result: Reply | Failure) -> None:
        self._hooks.payer.settle(job.request, result)
        if result.usage is not None:
            self.counters.spend(result.usage)
        if self._tokens is None:
            return
        if result.usage is not None:
            self._tokens.settle(job.reserved, job.request, result.usage)
        elif isinstance(result, Failure):
            self._tokens.refund(job.reserved)

    def _write_all(self, held: list[tuple[Job, Failure]]) -> None:
        for job, failure in held:
            self._finish(job, failure)

    def _finish(self, job: Job, result: Reply | Failure) -> None:
        waited_s = max(self._loop.time() - job.arrived_at - job.wire_s, 0.0)
        self._hooks.finished(Finished(request=job.request, result=result, attempts=job.attempts, waited_s=waited_s))

    def _log_changes(self) -> None:
        if not self._governor.changes:
            return
        for change in self._governor.changes:
            fields = {"concurrency": change.concurrency, "pace_per_s": change.pace_per_s, "reason": change.reason}
            self._hooks.event("limit", fields)
        self._governor.changes.clear()

    # the end -----------------------------------------------------------------------------------------------------

    async def _drain(self, seconds: float) -> None:
        """Waits for what is in flight, then cancels it: a cancelled row stays without a final word."""
        until = self._loop.time() + seconds
        try:
            while self._workers and (left_s := until - self._loop.time()) > 0:
                await self._sleep(left_s, "what is in flight", Cause.STOP)
        finally:
            await self._workers.end()
