"""When the endpoint is down for everybody, nothing is gained by asking for every row: one row at a time finds out.

    closed --(FAILURES in a row and nothing good for QUIET_S, or all in flight in a row)--> open --(a good answer)--> closed
                                                               |--(a probe fails, budget spent)--> give up

The budget is looked at only when a probe has failed, so an outage exactly as long as the budget still ends well.
"""

FAILURES = 5
QUIET_S = 1.0
AVALANCHE = 50  # and as many as are in flight: a fast 503 would be asked for thousands of times in QUIET_S
ROUNDS = 3  # and this many times as many, while what was asked before the first failure may still be answered
FIRST_PROBE_S = 1.0
PROBE_AT_MOST_S = 15.0


class Breaker:
    """All times are seconds of one monotonic clock."""

    def __init__(self, *, budget_s: float, start_budget_s: float, now: float) -> None:
        self._budget_s = budget_s
        self._start_budget_s = start_budget_s
        self._last_good = now
        self._ever_good = False
        self._failures = 0
        self._first_failure = now  # when the first of them in a row was sent
        self._first_noticed = now  # and when it came back
        self._in_flight = 0  # the most since then
        self._opened_at: float | None = None
        self._noticed_at = now
        self._next_probe = now
        self._probe_wait_s = FIRST_PROBE_S
        self.open_s = 0.0  # in total, finished outages only

    @property
    def is_open(self) -> bool:
        return self._opened_at is not None

    def on_good(self, now: float, *, started_at: float) -> bool:
        """Any answer that shows the endpoint alive; True when that ends an outage.

        What was under way when the outage began may still be answered for a moment: that alone ends nothing.
        """
        if self._opened_at is not None and started_at < self._noticed_at and now - self._noticed_at < QUIET_S:
            return False
        self._last_good, self._ever_good = now, True
        if self._opened_at is None and self._failures and started_at < self._first_failure:
            return False  # tells how things were before the failures began
        self._failures = 0
        if self._opened_at is None:
            return False
        self.open_s += now - self._opened_at
        self._opened_at = None
        return True

    def on_failure(self, now: float, *, started_at: float, in_flight: int) -> bool:
        """A 5xx, reset, refused connection or timeout; True when it opens the breaker."""
        if self._failures == 0:
            self._first_failure, self._first_noticed, self._in_flight = started_at, now, 0
        self._failures += 1
        self._in_flight = max(self._in_flight, in_flight)  # failures that come back together empty it
        if self.is_open or self._failures < FAILURES:
            return False
        good_meanwhile = self._ever_good and started_at <= self._last_good
        rounds = 1 if started_at <= self._first_noticed else ROUNDS
        if self._failures < max(AVALANCHE, rounds * self._in_flight) and (good_meanwhile or now - self._last_good < QUIET_S):
            return False
        self._opened_at, self._noticed_at = self._first_failure, now
        self._probe_wait_s = FIRST_PROBE_S
        self._next_probe = now + self._probe_wait_s
        return True

    def on_probe_failed(self, now: float, *, jitter: float) -> None:
        """`jitter` in [0, 1) spreads the probes of many workers: each wait is doubled, then shortened by up to a fifth."""
        self._probe_wait_s = min(self._probe_wait_s * 2, PROBE_AT_MOST_S)
        self._next_probe = now + self._probe_wait_s * (1 - 0.2 * jitter)

    def probe_wait_s(self, now: float) -> float:
        return max(self._next_probe - now, 0.0)

    def down_s(self, now: float) -> float:
        """How long the present outage has lasted."""
        return 0.0 if self._opened_at is None else now - self._opened_at

    @property
    def budget_s(self) -> float:
        """How long an outage may last: longer before the first sign of life, as a server may be loading its model."""
        return self._budget_s if self._ever_good else max(self._start_budget_s, self._budget_s)

    def is_spent(self, now: float) -> bool:
        return self.is_open and self.down_s(now) >= self.budget_s
