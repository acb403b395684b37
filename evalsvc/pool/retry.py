"""What becomes of a row whose attempt failed: a pure decision, chance and time passed in."""

from dataclasses import dataclass

from evalsvc.endpoint.answer import Action, Failure

BACKOFF_BASE_S = 0.5
BACKOFF_MOST_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    max_retries: int
    row_deadline_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Ask again after `wait_s`; `charged` tells whether that uses up a retry and the row's time."""

    wait_s: float
    charged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PutAside:
    """Out of retries for something transient: one more try before the end, when things are quiet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """The row has no answer, and asking again would not change that."""

    kind: str


def decide(
    failure: Failure, *, retries: int, charged_s: float, policy: RetryPolicy, outage: bool, last_try: bool, jitter: float
) -> Again | PutAside | Final:
    """`retries` and `charged_s` count what this row used up so far, this attempt's time included.

    Rate limits and outages are nobody's fault: they use up nothing. Waits have full jitter (`jitter` in [0, 1)), so
    that rows that failed together do not come back together. `last_try` is the sweep before the end.
    """
    match failure.action:
        case Action.WAIT | Action.RETRY if outage or failure.action is Action.WAIT:
            return Again(wait_s=jitter * BACKOFF_BASE_S, charged=False)
        case Action.RETRY if charged_s >= policy.row_deadline_s:
            return Final(kind="deadline")
        case Action.RETRY if last_try:
            return Final(kind=failure.kind)
        case Action.RETRY if retries >= policy.max_retries:
            return PutAside()
        case Action.RETRY:
            backoff_s = jitter * min(BACKOFF_BASE_S * 2**retries, BACKOFF_MOST_S)
            return Again(wait_s=max(backoff_s, failure.retry_after_s or 0.0), charged=True)
        case _:
            return Final(kind=failure.kind)
