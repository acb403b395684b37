"""What the pool has done so far, for the live view and the end of a launch in events.jsonl."""

from collections import Counter
from dataclasses import dataclass, field

from evalsvc.records import Usage


@dataclass(slots=True)
class Counters:
    attempts: int = 0
    retries: int = 0  # attempts after a row's first
    rate_limited: int = 0
    by_error: Counter[str] = field(default_factory=Counter)  # failed attempts, by kind
    input: int = 0  # tokens of every answer, usable or not, and so the three below
    output: int = 0
    cached: int = 0
    reasoning: int = 0

    def spend(self, usage: Usage) -> None:
        self.input += usage.input
        self.output += usage.output
        self.cached += usage.cached
        self.reasoning += usage.reasoning

    @property
    def spent(self) -> Usage:
        return Usage(input=self.input, output=self.output, cached=self.cached, reasoning=self.reasoning)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolView:
    in_flight: int
    limit: int
    delayed: int
    waiting_for: str | None  # None while nothing but the concurrency limit holds admission back
