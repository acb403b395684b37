"""What one attempt at one request can end in, and the role that makes the attempt.

    Request -> Ask -> Answer(result = Reply | Failure, allowance)

A failure says what the catcher should do next; it does not do it. Retrying, waiting and stopping belong to the pool.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from evalsvc.errors import EvalsvcError
from evalsvc.nouns import built_quickly
from evalsvc.records import Reply, Request, Usage

Redact = Callable[[str], str]


class Action(StrEnum):
    """What a failed attempt asks of its catcher."""

    RETRY = "retry"  # ask again later; consumes one of the row's retries
    WAIT = "wait"  # rate limited: pause admission, consume nothing
    FAIL_ROW = "fail_row"  # asking again would fail again: the row's final word
    CONFIRM = "confirm"  # stop the run; after earlier successes only when a probe with another row fails alike
    STOP = "stop"  # stop the run: every row would fail alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An attempt without an answer. `message` is the server's own words where it had any: one line, bounded, no secrets."""

    kind: str  # one of the kinds of endpoint/errors.py
    action: Action
    http: int | None  # None when no status line arrived, and for an unusable body under status 200 the 200
    code: str | None  # error.code or error.type, whichever is more exact and not merely the status again
    message: str
    param: str | None = None  # the request field that the server blames
    retry_after_s: float | None = None  # within [0, 300]; None when the server named no time
    latency_s: float = 0.0
    usage: Usage | None = None  # tokens that were paid for all the same
    outage: bool = False  # the server, not the request, is at fault: what a circuit breaker counts
    stop: type[EvalsvcError] | None = None  # what STOP and CONFIRM raise
    hint: str | None = None  # what the user should do next


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What the rate-limit headers of one response said; None where a header was missing or unreadable."""

    requests_limit: float | None = None
    requests_remaining: float | None = None
    requests_reset_s: float | None = None  # until the limit is whole again, from now
    tokens_limit: float | None = None
    tokens_remaining: float | None = None
    tokens_reset_s: float | None = None


@built_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The outcome of one attempt; `allowance` is None when the response had no rate-limit headers."""

    result: Reply | Failure
    allowance: Allowance | None = None


class Ask(Protocol):
    """Makes one attempt at one request.

    Never raises for what the network or the server did: that is a Failure. Cancellation passes through.
    """

    async def __call__(self, request: Request) -> Answer: ...
