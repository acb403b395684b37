"""Failures that may mean every row would fail alike: a wrong config, a revoked key, a model that is gone.

Held rows are not final yet: when the run stops over them they stay pending, so that a corrected config asks them again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from evalsvc.endpoint.answer import Failure
from evalsvc.errors import EvalsvcError, UsageError
from evalsvc.pool.job import Job

ALIKE_AT_START = 20  # rows that fail alike before any has succeeded
FILTERED = "content_filter"  # a test set of nasty prompts may well begin with twenty filtered ones


class Verdict(StrEnum):
    WRITE = "write"  # final, as it says
    HOLD = "hold"  # not final yet
    STOP = "stop"


@dataclass(slots=True)
class FirstRows:
    """Before the first success: the same 4xx for each of the first rows is the config's fault, not theirs."""

    config_line: Callable[[str], str]  # key path -> where it stands
    param_paths: Mapping[str, str]  # field of the request -> key path of the config
    held: list[tuple[Job, Failure]] = field(default_factory=list)
    over: bool = False

    def on_success(self) -> list[tuple[Job, Failure]]:
        """The endpoint and the config work; gives the rows held so far, which failed for themselves."""
        self.over = True
        return self.release()

    def release(self) -> list[tuple[Job, Failure]]:
        held, self.held = self.held, []
        return held

    def on_failure(self, job: Job, failure: Failure) -> Verdict:
        if self.over or failure.http is None or not 400 <= failure.http < 500 or failure.kind == FILTERED:
            return Verdict.WRITE
        if self._blames_config(failure):
            self.held.append((job, failure))
            return Verdict.STOP
        if self.held and _likeness(self.held[0][1]) != _likeness(failure):
            self.over = True
            return Verdict.WRITE
        self.held.append((job, failure))
        return Verdict.STOP if len(self.held) >= ALIKE_AT_START else Verdict.HOLD

    def _blames_config(self, failure: Failure) -> bool:
        return failure.http == 400 and failure.param in self.param_paths

    def error(self) -> UsageError:
        """What to tell the user when `on_failure` said STOP."""
        failure = self.held[-1][1]
        if self._blames_config(failure):
            where = self.config_line(self.param_paths[failure.param or ""])
            return UsageError(
                f"the endpoint refuses `{failure.param}`: {failure.message}",
                hint=f"change or remove {where}, then run the same command again",
            )
        return UsageError(
            f"the first {len(self.held)} rows all failed with HTTP {failure.http} ({failure.kind}): {failure.message}",
            hint=failure.hint or "look at model and prompt in the config; these rows stay pending and are asked again by the next run",
        )


def _likeness(failure: Failure) -> tuple[int | None, str, str | None]:
    return failure.http, failure.kind, failure.code


@dataclass(slots=True)
class Doubt:
    """After earlier successes, one refusal proves little: another row, started afterwards, has to be refused too."""

    suspect: Job | None = None
    failure: Failure | None = None
    since: float = 0.0
    bystanders: list[Job] = field(default_factory=list)  # refused too, but started before the doubt

    @property
    def open(self) -> bool:
        return self.suspect is not None

    def on_refusal(self, job: Job, failure: Failure, *, started_at: float, now: float) -> Verdict:
        if self.suspect is None:
            self.suspect, self.failure, self.since = job, failure, now
            return Verdict.HOLD
        if job is not self.suspect and started_at >= self.since:
            return Verdict.STOP
        self.bystanders.append(job)
        return Verdict.HOLD

    def settle(self) -> tuple[tuple[Job, Failure] | None, list[Job]]:
        """The suspect, refused for itself after all, and the bystanders, who are to be asked again."""
        suspect, failure, others = self.suspect, self.failure, self.bystanders
        self.suspect, self.failure, self.bystanders = None, None, []
        return (None if suspect is None or failure is None else (suspect, failure)), others


def stop_error(failure: Failure) -> EvalsvcError:
    """The error that a STOP or CONFIRM failure stands for."""
    return (failure.stop or UsageError)(failure.message, hint=failure.hint)
