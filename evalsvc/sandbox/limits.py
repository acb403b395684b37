"""Rate limits as OpenAI keeps and words them: a token bucket for requests, one for tokens. Time is an argument."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from evalsvc.sandbox.wire import Declined, WireError

_UNIT = {"requests": "requests per min (RPM)", "tokens": "tokens per min (TPM)"}


@dataclass(slots=True, kw_only=True)
class Bucket:
    """Fills at a steady pace up to `burst`; who takes more than is in it is told how long to wait."""

    kind: str  # requests | tokens
    per_minute: float
    burst: float
    level: float
    filled_at: float  # seconds of the caller's clock

    @classmethod
    def full(cls, kind: str, per_minute: float, burst: float, now: float) -> Self:
        return cls(kind=kind, per_minute=per_minute, burst=burst, level=burst, filled_at=now)

    def fill(self, now: float) -> None:
        self.level = min(self.burst, self.level + (now - self.filled_at) * self.per_minute / 60)
        self.filled_at = now

    def wait_s(self, amount: float) -> float:
        """Seconds until `amount` is there, 0 when it is. More than a full bucket is asked for as a full bucket."""
        return max(0.0, min(amount, self.burst) - self.level) * 60 / self.per_minute

    def take(self, amount: float) -> None:
        self.level -= min(amount, self.burst)

    def headers(self) -> dict[str, str]:
        return {
            f"x-ratelimit-limit-{self.kind}": f"{self.per_minute:.0f}",
            f"x-ratelimit-remaining-{self.kind}": str(int(self.level)),
            f"x-ratelimit-reset-{self.kind}": duration(self.wait_s(self.burst)),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The buckets every answer has to pass, and how much is said about them."""

    buckets: Sequence[Bucket] = ()
    says_remaining: bool = True
    says_retry_after: bool = True

    def admit(self, tokens: int, now: float) -> None:
        """Takes one request and `tokens` tokens; Declined with 429, and nothing taken, when a bucket lacks them."""
        wanted = [(bucket, 1 if bucket.kind == "requests" else tokens) for bucket in self.buckets]
        for bucket, amount in wanted:
            bucket.fill(now)
            if (wait_s := bucket.wait_s(amount)) > 0:
                raise Declined(self._refusal(bucket, amount, wait_s))
        for bucket, amount in wanted:
            bucket.take(amount)

    def headers(self, now: float) -> dict[str, str]:
        """What every reply says of the limits."""
        if not self.buckets or not self.says_remaining:
            return {}
        said: dict[str, str] = {}
        for bucket in self.buckets:
            bucket.fill(now)
            said |= bucket.headers()
        return said

    def _refusal(self, bucket: Bucket, amount: int, wait_s: float) -> WireError:
        message = (
            f"Rate limit reached in organization org-sandbox on {_UNIT[bucket.kind]}: Limit {bucket.per_minute:.0f}, "
            f"Requested {amount}. Please try again in {duration(wait_s)}."
        )
        headers = retry_after(wait_s) if self.says_retry_after else {}
        return WireError(status=429, message=message, type=bucket.kind, code="rate_limit_exceeded", headers=headers)


def retry_after(wait_s: float) -> dict[str, str]:
    """Whole seconds, rounded up, for those who read the standard's header, milliseconds for those who read OpenAI's.

    >>> retry_after(0.25)
    {'retry-after': '1', 'retry-after-ms': '250'}
    """
    return {"retry-after": str(math.ceil(wait_s)), "retry-after-ms": str(math.ceil(wait_s * 1000))}


def duration(seconds: float) -> str:
    """Seconds as Go writes them, which is how OpenAI does.

    >>> duration(0.0125), duration(1.5), duration(360), duration(0)
    ('13ms', '1.5s', '6m0s', '0s')
    """
    milliseconds = math.ceil(seconds * 1000 - 1e-9)
    if 0 < milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes}m{rest / 1000:g}s" if minutes else f"{rest / 1000:g}s"
