"""One row on its way through the pool."""

from dataclasses import dataclass

from evalsvc.endpoint.answer import Failure
from evalsvc.nouns import built_quickly
from evalsvc.records import Reply, Request


@dataclass(slots=True, eq=False)
class Job:
    """Mutable, owned by the dispatcher alone."""

    request: Request
    arrived_at: float
    attempts: int = 0  # requests sent, for whatever reason
    retries: int = 0  # of them, those that count against `max_retries`
    charged_s: float = 0.0  # of `row_deadline_s`
    wire_s: float = 0.0  # spent waiting for the server
    reserved: int = 0  # tokens, while an attempt is under way
    probing: bool = False  # sent to find out whether the endpoint is back, or refuses everybody
    last_try: bool = False  # in the sweep before the end


@built_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The pool's final word on one row."""

    request: Request
    result: Reply | Failure
    attempts: int
    waited_s: float  # from its first admission to now, less the time on the wire
