"""Model servers in virtual time: each is an `Ask`, so the pool cannot tell them from the real thing."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from evalsvc.endpoint.answer import Action, Allowance, Answer, Failure
from evalsvc.records import Reply, Request, Usage

USAGE = Usage(input=20, output=10)


def request(number: int) -> Request:
    return Request(
        id=str(number), repeat=0, row_hash=b"\0" * 8, key="0" * 32, target="a", messages=b"[]", body=b"{}", input_tokens_estimate=20
    )


def requests(count: int) -> Iterator[Request]:
    return (request(number) for number in range(count))


def reply(latency_s: float = 0.0) -> Answer:
    return Answer(result=Reply(output="a", finish_reason="stop", usage=USAGE, latency_s=latency_s))


def failure(kind: str, action: Action, *, http: int | None = None, retry_after_s: float | None = None, **more: object) -> Answer:
    fields: dict[str, object] = {"code": None, "message": kind, "outage": action is Action.RETRY, **more}
    return Answer(result=Failure(kind=kind, action=action, http=http, retry_after_s=retry_after_s, **fields))  # type: ignore[arg-type]


@dataclass
class Call:
    id: str
    at: float
    status: int


@dataclass
class Server:
    """Answers after 200 to 300 ms; subclasses refuse, fall silent or slow down."""

    low_s: float = 0.2
    high_s: float = 0.3
    rng: Random = field(default_factory=lambda: Random(1))
    calls: list[Call] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    async def __call__(self, request: Request) -> Answer:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        call = Call(request.id, asyncio.get_running_loop().time(), 0)
        self.calls.append(call)
        try:
            answer = await self.answer(request, call.at)
        finally:
            self.in_flight -= 1
        call.status = 200 if isinstance(answer.result, Reply) else answer.result.http or -1
        return answer

    async def answer(self, request: Request, at: float) -> Answer:
        await asyncio.sleep(self.rng.uniform(self.low_s, self.high_s))
        return reply()

    def count(self, status: int, *, after_s: float = 0.0) -> int:
        return sum(call.status == status and call.at >= after_s for call in self.calls)


@dataclass
class RateLimited(Server):
    """A token bucket of `per_s` requests a second and `burst` at once."""

    per_s: float = 100.0
    burst: float = 100.0
    retry_after: bool = True
    headers: bool = False
    level: float = -1.0
    filled_at: float = 0.0

    async def answer(self, request: Request, at: float) -> Answer:
        if self.level < 0:
            self.level = self.burst
        self.level = min(self.burst, self.level + (at - self.filled_at) * self.per_s)
        self.filled_at = at
        if self.level < 1:
            wait_s = (1 - self.level) / self.per_s
            await asyncio.sleep(0.02)
            return failure("rate_limited", Action.WAIT, http=429, retry_after_s=max(1.0, wait_s) if self.retry_after else None)
        self.level -= 1
        level = self.level
        answer = await super().answer(request, at)
        if not self.headers:
            return answer
        allowance = Allowance(requests_limit=self.burst, requests_remaining=int(level), requests_reset_s=(self.burst - level) / self.per_s)
        return Answer(result=answer.result, allowance=allowance)


@dataclass
class Slots(Server):
    """Works on `slots` requests at a time; the others queue, and leave the queue when the client gives up."""

    slots: int = 64
    attempt_timeout_s: float = 600.0

    def __post_init__(self) -> None:
        self.free = asyncio.Semaphore(self.slots)

    async def answer(self, request: Request, at: float) -> Answer:
        try:
            async with asyncio.timeout(self.attempt_timeout_s):
                async with self.free:
                    return await super().answer(request, at)
        except TimeoutError:
            return failure("timeout", Action.RETRY)


@dataclass
class Scripted(Server):
    """What `script` says for a request, its attempt number (from 1) and the time."""

    script: Callable[[str, int, float], Answer | None] = lambda _id, _attempt, _at: None
    attempts: dict[str, int] = field(default_factory=dict)

    async def answer(self, request: Request, at: float) -> Answer:
        self.attempts[request.id] = self.attempts.get(request.id, 0) + 1
        scripted = self.script(request.id, self.attempts[request.id], at)
        if scripted is None:
            return await super().answer(request, at)
        await asyncio.sleep(0.01)
        return scripted
