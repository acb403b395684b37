"""What a pool is told before it begins: its limits, and whom to call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from evalsvc.endpoint.answer import Failure
from evalsvc.errors import EvalsvcError
from evalsvc.pool.job import Finished
from evalsvc.pool.retry import RetryPolicy
from evalsvc.records import Reply, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """`concurrency` is the ceiling; the rest means what the config keys of the same name mean."""

    concurrency: int
    retry: RetryPolicy
    attempt_timeout_s: float = 600.0
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    max_output_tokens: int | None = None
    outage_budget_s: float = 1800.0
    wait_for_endpoint_s: float = 900.0
    drain_s: float = 25.0


class Payer(Protocol):
    """Who pays for the attempts, retries included."""

    def held(self, request: Request) -> str | None:
        """Why `request` must not be sent now, in words; None when it may."""

    def take(self, request: Request) -> None:
        """An attempt begins."""

    def settle(self, request: Request, result: Reply | Failure) -> None:
        """It ended."""

    def spent(self) -> EvalsvcError:
        """What ends the run when a request is held back though nothing is in flight any more."""


class FreeOfCharge:
    """Every attempt may go."""

    def held(self, _request: Request) -> str | None:
        return None

    def take(self, _request: Request) -> None: ...

    def settle(self, _request: Request, _result: Reply | Failure) -> None: ...

    def spent(self) -> EvalsvcError:
        raise AssertionError("nothing is ever held back")


def _quiet(_event: str, _fields: Mapping[str, object]) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What the pool calls, on its own event loop and never awaited."""

    finished: Callable[[Finished], None]  # a row's final word
    event: Callable[[str, Mapping[str, object]], None] = _quiet  # limit changes and outages, for events.jsonl
    clogged: Callable[[], bool] = lambda: False  # answers wait to be written: admit no more for now
    starving: Callable[[], bool] = lambda: False  # the next request is still on its way here: do not wait for it
    payer: Payer = field(default_factory=FreeOfCharge)
    config_line: Callable[[str], str] = str  # where a config key stands
    param_paths: Mapping[str, str] = field(default_factory=dict)  # field of the request -> config key
