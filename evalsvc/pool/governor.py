"""How many requests may be in flight and how fast they may start, learned from what the server does. No I/O, no clock.

Two limits, each learned from its own evidence:

- **Concurrency** starts at max(64, ceiling / 4) and doubles after every clean round (as many answers as the limit).
  It stops growing when twice the concurrency no longer brings more answers a second (Little's law: throughput is
  concurrency over mean latency), when latency nears the attempt timeout, and while more than a few requests fail. An attempt
  timeout is congestion: the limit falls once per episode to what the server was seen to work on at a time.
- **Pace** does not exist until the server says no (a 429, or headers that say nothing is left). Between two moments at
  which a rate limit is empty, exactly what it refilled was accepted, so accepted / elapsed *is* the rate, whatever
  the burst size. From then on requests start at 98 % of it, and after clean seconds the pace is probed upward by 2 %,
  a little more each time nothing happens.

An *episode* is everything that comes back from requests started before the last cut: it is answered once.
"""

from collections import deque
from dataclasses import dataclass

from evalsvc.records import Cause

START_AT_LEAST = 64
CUT = 0.8  # of the concurrency, at a 429 episode
HEADROOM = 1.25  # over what the server was seen to work on at a time
PACE_MARGIN = 0.98  # of a learned rate
PROBE_STEP, PROBE_STEP_MOST = 0.02, 0.25
PACE_USED = 0.8  # of the pace must have been used, for clean seconds to tell anything
COLLAPSE = 0.05  # of the pace: less than this is a server that is closed for now, not a rate
DOUBTFUL_PACE = 1.0  # the pauses are what holds back below this, while nothing is known
PAUSE_CLAMP_S = 300.0
FIRST_PAUSE_S = 0.5  # at least, while no rate is known: the rest of the first burst is still coming back
SPAN_S = 1.0  # between two empty moments, at least, for them to tell a rate
PAUSE_WITHOUT_ADVICE_S = 1.0
HEADER_PAUSE_CLAMP_S = 60.0
CATCH_UP_S = 0.05  # a late wake-up may be made good for this much of the pace
RISES = 1.15  # twice the concurrency must bring this much more throughput
PROBE_RISES = 1.03  # and a tenth more this much
FEW_ERRORS = 0.05  # of a round's answers: a server that always fails a few requests is still let grow into
CLIENT_BOUND = 0.05  # of the mean latency: from this lag on, latencies tell of the client and not of the server
LAG_LEARNS = 0.1
COHORT_EVIDENCE = 8  # first answers that must have come back before they tell anything
FIRST_ANSWERS = "the first answers"
FOREVER = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChange:
    """One decision, for events.jsonl: what the limits are now and why."""

    concurrency: int
    pace_per_s: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Empty:
    """A moment at which the server's rate limit had nothing left."""

    at: float
    sequence: int
    accepted: int  # requests started up to then and not refused


class Governor:
    """Feed it what happens, ask it when the next request may start. All times are seconds of one monotonic clock."""

    def __init__(self, ceiling: int, *, attempt_timeout_s: float, now: float) -> None:
        self.ceiling = ceiling
        self.limit = min(ceiling, max(START_AT_LEAST, ceiling // 4))
        self.pace: float | None = None
        self.changes: list[LimitChange] = []
        self.started = 0
        self.refused = 0
        self._attempt_timeout_s = attempt_timeout_s
        self._began_at = now
        self._paused_until = now
        self._pause_reason = ""
        self._next_start = now
        self._last_cut = -FOREVER
        self._last_empty: _Empty | None = None
        self._episode_ends_with = 0  # the last request started before that moment's cut
        self._pace_is_learned = False
        self._last_pause_s = 0.0
        self._paces: deque[tuple[float, int]] = deque(maxlen=64)  # (time, accepted) at each change since the last empty moment
        self._burst = 1  # accepted before the first refusal
        self._clean_since = now
        self._clean_started = 0  # requests started up to then
        self._probe_step = PROBE_STEP
        self._latencies: deque[float] = deque(maxlen=512)
        self._completions: deque[float] = deque(maxlen=4096)
        self._first_cohort = self.limit  # requests started at once, until their answers have told something; then 0
        self._refused_rows = 0
        self._slow_start = True
        self._balks = False  # in the last round answers took very long, or more than a few requests failed
        self._last_level: tuple[int, float] | None = None  # (limit, throughput) that the present limit must beat
        self._hold_rounds = 0
        self._hold_next = 2
        self._level_since = now
        self._level_answers = 0
        self._level_latency = 0.0
        self._level_slowest = 0.0
        self._level_errors = 0
        self._peak = 0
        self._lag_s = 0.0

    # what happened -----------------------------------------------------------------------------------------------

    def on_start(self, now: float) -> int:
        """A request starts now; gives its sequence number, to be handed back with what became of it."""
        if self.pace is not None:
            if now - self._clean_since >= self._clean_needed_s(self.pace):
                self._probe_or_not(now, self.pace)
            self._next_start = max(self._next_start, now - CATCH_UP_S) + 1 / self.pace
        self.started += 1
        return self.started

    def on_answer(self, now: float, *, started_at: float, in_flight: int) -> None:
        """A good answer came; `in_flight` counts it."""
        latency = now - started_at
        self._latencies.append(latency)
        self._completions.append(now)
        self._peak = max(self._peak, in_flight)
        if started_at >= self._level_since:
            self._level_answers += 1
            self._level_latency += latency
            self._level_slowest = max(self._level_slowest, latency)
            if self._level_answers >= max(self.limit, 8):
                self._end_round(now)

    def on_rate_limited(self, now: float, *, started_at: float, sequence: int, retry_after_s: float | None) -> None:
        """A 429: admission pauses as the server asks, and once per episode the limits learn from it."""
        self.refused += 1
        pause_s = PAUSE_WITHOUT_ADVICE_S if retry_after_s is None else min(max(retry_after_s, 0.0), PAUSE_CLAMP_S)
        # refusing is quick, so the limit was empty just now; the request may have lain about before, among many others
        if started_at > self._last_cut:
            self._learn(now, now, sequence, "429", pause_until=now + pause_s)
        else:
            self._same_episode(now, sequence)
            if retry_after_s is not None:
                self._pause(now, now + pause_s, "the rate limit (429)")

    def on_headers(
        self, now: float, *, started_at: float, sequence: int, remaining: float | None, reset_s: float | None, what: str
    ) -> None:
        """x-ratelimit-remaining-… and -reset-… of one limit. Nothing left pauses admission until the limit has reset."""
        if remaining is None or reset_s is None or remaining > 0 or reset_s <= 0:
            return
        pause_s = min(reset_s, HEADER_PAUSE_CLAMP_S)
        if started_at > self._last_cut:
            self._learn(now, started_at, sequence, f"no {what} left", pause_until=started_at + pause_s)

    def on_refused_row(self) -> None:
        """A row failed for itself: that tells nothing of limits, and another takes its place among the first requests."""
        self._refused_rows += 1

    def on_server_error(self) -> None:
        """A 5xx, a reset: says nothing of limits, but a round with more than a few of them is no round to grow after."""
        self._first_cohort = 0
        self._level_errors += 1

    def on_lag(self, seconds: float) -> None:
        """How long an answer lay about here before it was looked at: the client's own share of the latencies."""
        self._lag_s += LAG_LEARNS * (seconds - self._lag_s)

    def on_timeout(self, now: float, *, started_at: float) -> None:
        """No answer within the attempt timeout: the server has more than it can work on."""
        self._first_cohort = 0
        self._level_errors += 1
        if started_at <= self._last_cut:
            return
        self._last_cut = now
        self._slow_start = False
        self._last_level = None
        limit = max(self.limit // 2, 1)
        worked_on = self._most_at_a_time(now)
        if worked_on is not None:
            limit = min(max(limit, worked_on), round(HEADROOM * worked_on), self.limit)
        self._set_limit(now, limit, "attempt timeouts")

    def restart(self, now: float) -> None:
        """After an outage: ramp up again from the start."""
        self._last_level = None
        self._slow_start = True
        self._set_limit(now, min(self.limit, max(START_AT_LEAST, self.ceiling // 4)), "back after an outage")

    # what may happen ---------------------------------------------------------------------------------------------

    def wait_s(self, now: float) -> tuple[float, str | None]:
        """Seconds until the next request may start, as far as pauses and pace go, and what is being waited for."""
        if now < self._paused_until:
            return self._paused_until - now, self._pause_reason
        if self._first_cohort and self.started - self._refused_rows >= self._first_cohort and (wait_s := self._cohort_wait_s(now)) > 0:
            return wait_s, FIRST_ANSWERS
        if self.pace is not None and now < self._next_start:
            return self._next_start - now, "the learned pace"
        return 0.0, None

    @property
    def kept_by(self) -> Cause:
        """What keeps `limit` from being higher."""
        if self._balks:
            return Cause.SERVER
        if self.limit >= self.ceiling:
            return Cause.CONCURRENCY
        if self.pace is not None:
            return Cause.RATE_LIMIT
        return Cause.RAMP if self._slow_start else Cause.SERVER

    # concurrency -------------------------------------------------------------------------------------------------

    def _new_level(self, now: float) -> None:
        self._level_since = now
        self._level_answers = 0
        self._level_latency = 0.0
        self._level_slowest = 0.0
        self._level_errors = 0
        self._peak = 0

    def _set_limit(self, now: float, limit: int, reason: str) -> None:
        if limit != self.limit:
            self.limit = limit
            self.changes.append(LimitChange(concurrency=limit, pace_per_s=self.pace, reason=reason))
        self._new_level(now)

    def _end_round(self, now: float) -> None:
        mean_s = max(self._level_latency / self._level_answers, 1e-6)
        throughput = self.limit / mean_s
        used = self._peak >= 0.8 * self.limit
        near_timeout = self._level_slowest > 0.5 * self._attempt_timeout_s
        self._balks = used and (near_timeout or self._level_errors > FEW_ERRORS * self._level_answers)
        judged = self._lag_s < CLIENT_BOUND * mean_s  # else it is we who are slow, and that says nothing of the server
        if used and judged and self._last_level is not None and not self._rises(throughput, self._last_level):
            self._step_back(now, self._last_level[0])
        elif not used or self._balks:
            self._new_level(now)
        elif self.limit >= self.ceiling:
            self._last_level = None
            self._new_level(now)
        elif self._hold_rounds > 0:
            self._hold_rounds -= 1
            self._new_level(now)
        else:
            self._last_level = (self.limit, throughput)
            factor = 2.0 if self._slow_start else 1.1
            self._set_limit(now, min(self.ceiling, max(self.limit + 1, int(self.limit * factor))), "clean round")

    def _cohort_wait_s(self, now: float) -> float:
        """Before anything is added to the first requests, half of them should have come back.

        If instead some came back together and then nothing for half as long as they took, the server works on no more
        than that at a time and the others queue: the limit becomes what it works on, before the queue runs into the
        attempt timeout.
        """
        came_back = len(self._completions)
        if 2 * came_back >= self._first_cohort or self.pace is not None:
            self._first_cohort = 0
            return 0.0
        if came_back < COHORT_EVIDENCE:
            return FOREVER
        base_s = sorted(self._latencies)[came_back // 2]
        wait_s = self._completions[-1] + base_s / 2 - now
        if wait_s <= 0:
            self._first_cohort = 0
            self._slow_start = False
            self._set_limit(now, min(self.limit, round(HEADROOM * (self._most_at_a_time(now) or 1))), "the first requests queue")
        return max(wait_s, 0.0)

    def _rises(self, throughput: float, last_level: tuple[int, float]) -> bool:
        limit, before = last_level
        grown_by = self.limit / limit
        needed = RISES if grown_by > 1.5 else 1 + (PROBE_RISES - 1) * (grown_by - 1) / 0.1
        return throughput >= needed * before

    def _step_back(self, now: float, limit: int) -> None:
        self._slow_start = False
        self._last_level = None
        self._hold_rounds = self._hold_next
        self._hold_next = min(self._hold_next * 2, 32)
        self._set_limit(now, limit, "more in flight brings no more answers a second")

    def _most_at_a_time(self, now: float) -> int | None:
        """The most answers lately seen within one base latency (the lower quartile): what the server works on at a time."""
        if len(self._latencies) < 4:
            return None
        base_s = sorted(self._latencies)[len(self._latencies) // 4]
        times = [at for at in self._completions if at > now - 10 * base_s]
        most, first = 0, 0
        for last, at in enumerate(times):
            while times[first] <= at - base_s:
                first += 1
            most = max(most, last - first + 1)
        return most or None

    # pace --------------------------------------------------------------------------------------------------------

    def _pause(self, now: float, until: float, reason: str) -> None:
        self._last_pause_s = until - now
        if until > self._paused_until:
            self._paused_until, self._pause_reason = until, reason

    def _clean_needed_s(self, pace: float) -> float:
        """Before the pace is probed: long enough that the few refusals of a probe stay well below 1 % of the calls."""
        if not self._pace_is_learned:
            return max(0.5, 2 / pace)
        return max(5.0, 5 * min(self._last_pause_s, 60.0), 50 / pace)

    def _same_episode(self, now: float, sequence: int) -> None:
        """Refusals come back in any order; only the last of them tells how many were accepted in between."""
        last = self._last_empty
        if last is not None and sequence <= self._episode_ends_with:
            sequence = max(sequence, last.sequence)
            nothing_since = self.started == self._clean_started
            self._last_empty = _Empty(at=now if nothing_since else last.at, sequence=sequence, accepted=sequence - self.refused)

    def _learn(self, now: float, empty_at: float, sequence: int, evidence: str, *, pause_until: float) -> None:
        self._last_cut = now
        if not self._pace_is_learned:
            pause_until = max(pause_until, now + FIRST_PAUSE_S)
        empty = _Empty(at=empty_at, sequence=sequence, accepted=sequence - self.refused)
        before = self._last_empty
        if before is not None and 0 < empty.at - before.at < SPAN_S:
            # a moment tells no rate; the last empty moment stays, so that more of these add up to a span that does
            self._wait_until(now, pause_until, evidence)
            return
        self._last_empty, self._episode_ends_with = empty, self.started
        self._probe_step = PROBE_STEP
        self._last_level = None
        if before is None:
            self._burst = max(empty.accepted, 1)
        if before is not None and empty.at > before.at and empty.accepted > before.accepted:
            rate = self._rate_between(before, empty)
            if self.pace is not None and rate < self.pace * COLLAPSE:
                self._doubt_pace(self.pace, f"{evidence}: hardly anything accepted since the last one")
            else:
                self._pace_is_learned = True
                self._set_pace(rate * PACE_MARGIN, f"{evidence}: the server accepted {rate:.3g} requests a second")
        elif not self._pace_is_learned:
            # a first refusal tells the burst, not the rate: go on at a guess and let the next one tell
            guess = max(empty.accepted, 1) / max(empty.at - self._began_at, 1.0)
            self._set_pace(guess, f"{evidence}: first guess")
        else:
            self._doubt_pace(self.pace or 1.0, f"{evidence}: nothing accepted since the last one")
        self._paces.clear()
        self._wait_until(now, pause_until, evidence)
        lowest = max(int(self.limit * CUT), self._kept_in_flight(HEADROOM), 1)
        self._set_limit(now, min(self.limit, lowest), f"{evidence}: cut once")

    def _doubt_pace(self, pace: float, reason: str) -> None:
        """A server that refuses everybody for a while shows no rate: taken for one, it would take hours to grow out of."""
        self._pace_is_learned = False
        self._set_pace(max(pace * 0.5, min(pace, DOUBTFUL_PACE)), reason)

    def _rate_between(self, before: _Empty, empty: _Empty) -> float:
        """What the server refilled a second between two empty moments, from below as well as the evidence allows.

        accepted / elapsed is exact while the bucket never ran over. Where it did, during a pause or a pace below the
        rate, it tells too little; but from any moment on no more than the burst and the refill can have been accepted,
        so each change of pace in between gives a bound of its own, and the highest bound counts. The half stands for
        what was left in the bucket when it refused.
        """
        rate = (empty.accepted - before.accepted) / (empty.at - before.at)
        for at, accepted in self._paces:
            if empty.at - at >= SPAN_S:
                rate = max(rate, (empty.accepted - accepted - self._burst + 0.5) / (empty.at - at))
        return rate

    def _wait_until(self, now: float, pause_until: float, evidence: str) -> None:
        self._pause(now, pause_until, f"the rate limit ({evidence})")
        self._next_start = max(self._next_start, self._paused_until)
        self._clean_since, self._clean_started = self._paused_until, self.started

    def _kept_in_flight(self, headroom: float) -> int:
        """How many requests the learned pace keeps in flight (Little's law)."""
        if not self._latencies or self.pace is None or not self._pace_is_learned:
            return 0
        return round(headroom * self.pace * sum(self._latencies) / len(self._latencies))

    def _set_pace(self, pace: float, reason: str) -> None:
        self.pace = max(pace, 1 / 60)
        self.changes.append(LimitChange(concurrency=self.limit, pace_per_s=self.pace, reason=reason))

    def _probe_or_not(self, now: float, pace: float) -> None:
        """A pace that was not used, because something else held back more, has shown nothing and is not raised."""
        self._paces.append((now, self.started - self.refused))
        used = self.started - self._clean_started >= PACE_USED * pace * (now - self._clean_since)
        self._clean_since, self._clean_started = now, self.started
        if used:
            self._probe_pace(now, pace)

    def _probe_pace(self, now: float, pace: float) -> None:
        if self._pace_is_learned:
            self._set_pace(pace * (1 + self._probe_step), "clean: probing upward")
            self._probe_step = min(self._probe_step * 1.5, PROBE_STEP_MOST)
            self._set_limit(now, min(self.ceiling, max(self.limit, self._kept_in_flight(1.5))), "room for the pace")
        else:
            self._set_pace(pace * 1.25, "clean: probing upward from a guess")
