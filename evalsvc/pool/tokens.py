"""Tokens per minute: an estimate is reserved before a request starts, settled with its usage, refunded when it fails."""

from evalsvc.pool.settings import PoolSettings
from evalsvc.records import Request, Usage

BURST_S = 2.0  # of the rate; small, because servers answer a minute's worth at once with 429
FIRST_GUESS_OUTPUT = 128  # tokens of one answer, until answers have been seen
ROUNDING = 1e-6  # of a token: a wait for less than that would be shorter than a tick of the clock
LEARN = 0.05  # weight of the newest answer in the running means


class TokenBudget:
    """A bucket that fills with `per_minute` / 60 tokens a second. What was reserved too low is owed, so the rate holds."""

    def __init__(self, per_minute: int, *, max_output: int | None, now: float) -> None:
        self._per_s = per_minute / 60
        self._capacity = self._per_s * BURST_S
        self._level = self._capacity
        self._at = now
        self._max_output = max_output
        self._output_mean = float(min(max_output or FIRST_GUESS_OUTPUT, FIRST_GUESS_OUTPUT))
        self._input_factor = 1.0

    def estimate(self, request: Request) -> int:
        """Tokens this request will probably cost: its text at the ratio seen so far, and a mean answer."""
        output = self._output_mean if self._max_output is None else min(self._output_mean, self._max_output)
        return max(1, round(request.input_tokens_estimate * self._input_factor + output))

    def wait_s(self, estimate: int, now: float) -> float:
        """Seconds until `estimate` tokens may be spent; one request larger than the bucket waits for a full bucket."""
        self._fill(now)
        missing = min(estimate, self._capacity) - self._level
        return missing / self._per_s if missing > ROUNDING else 0.0

    def reserve(self, estimate: int, now: float) -> None:
        self._fill(now)
        self._level -= estimate

    def settle(self, estimate: int, request: Request, usage: Usage) -> None:
        self._level += estimate - (usage.input + usage.output)
        self._output_mean += LEARN * (usage.output - self._output_mean)
        if request.input_tokens_estimate > 0:
            self._input_factor += LEARN * (usage.input / request.input_tokens_estimate - self._input_factor)

    def refund(self, estimate: int) -> None:
        self._level += estimate

    def _fill(self, now: float) -> None:
        self._level = min(self._level + (now - self._at) * self._per_s, self._capacity)
        self._at = now


def token_budget(settings: PoolSettings, now: float) -> TokenBudget | None:
    if settings.tokens_per_minute is None:
        return None
    return TokenBudget(settings.tokens_per_minute, max_output=settings.max_output_tokens, now=now)
