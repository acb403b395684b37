"""Under a rate limit, known or not: nearly all of it is used, and hardly anything is refused."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from evalsvc.endpoint.answer import Action, Answer
from evalsvc.records import Reply, Request, Usage
from tests.faults.promises import promise
from tests.pool.launches import Launch, launch
from tests.pool.servers import RateLimited, Scripted, Server, failure, reply, request

SECONDS = {10: 100, 50: 60, 100: 40, 500: 16}  # of work at the full rate


def used_and_refused(server: RateLimited, *, after_s: float = 10.0) -> tuple[float, float]:
    """Share of the rate that was used, and share of the calls that were refused, from `after_s` to the last call."""
    late = [call for call in server.calls if call.at >= after_s]
    refused = sum(call.status == 429 for call in late)
    return (len(late) - refused) / (late[-1].at - after_s) / server.per_s, refused / len(late)


@promise("7.1")
@pytest.mark.parametrize("per_s", SECONDS)
@pytest.mark.parametrize(
    ("headers", "retry_after", "configured"),
    [
        pytest.param(False, True, False, id="Retry-After"),
        pytest.param(False, False, False, id="429 and not a word more"),
        pytest.param(True, True, False, id="headers and Retry-After"),
        pytest.param(True, False, False, id="headers alone"),
        pytest.param(False, True, True, id="requests_per_minute configured"),
    ],
)
def test_ninety_five_percent_of_the_rate_with_one_percent_of_refusals(
    per_s: int, headers: bool, retry_after: bool, configured: bool
) -> None:
    server = RateLimited(per_s=per_s, burst=per_s, headers=headers, retry_after=retry_after)
    launch(server, per_s * SECONDS[per_s], requests_per_minute=per_s * 60 if configured else None)
    used, refused = used_and_refused(server)
    assert used >= 0.95
    assert refused <= 0.01


@pytest.mark.parametrize("per_s", SECONDS)
def test_a_configured_rate_is_never_refused(per_s: int) -> None:
    server = RateLimited(per_s=per_s, burst=per_s)
    launch(server, per_s * 20, requests_per_minute=per_s * 60)
    assert server.count(429) == 0


def test_a_configured_rate_that_the_server_does_not_grant_is_corrected() -> None:
    server = RateLimited(per_s=50, burst=50)
    launch(server, 50 * 90, requests_per_minute=100 * 60)
    used, refused = used_and_refused(server)
    assert used >= 0.95
    assert refused <= 0.01


@pytest.mark.parametrize("per_minute", [1, 7, 59, 90, 601])
def test_odd_rates_hold_to_within_a_percent(per_minute: int) -> None:
    server = Server()
    rows = max(per_minute * 3, 6)
    launch(server, rows, requests_per_minute=per_minute)
    took_s = server.calls[-1].at
    at_once = max(1, per_minute // 60)
    assert (rows - at_once) * 60 / per_minute * 0.99 <= took_s <= rows * 60 / per_minute * 1.01


@promise("7.1")
def test_the_first_storm_is_the_only_one() -> None:
    """2,000 rows at 100 a second; a limit that falls by a fifth an episode is refused 750 times."""
    server = RateLimited(per_s=100, burst=100)
    launch(server, 2000)
    assert server.count(429) <= 235


def test_a_rate_with_a_great_burst_is_learned_too() -> None:
    server = RateLimited(per_s=10, burst=600)
    launch(server, 2000)
    used, refused = used_and_refused(server)
    assert used >= 0.95
    assert refused <= 0.01


def test_the_rate_may_fall_in_the_middle() -> None:
    @dataclass
    class Falling(RateLimited):
        async def answer(self, request: Request, at: float) -> Answer:
            self.per_s = 100.0 if at < 30 else 20.0
            return await super().answer(request, at)

    server = Falling(burst=20)
    launch(server, 100 * 30 + 20 * 60)
    used, refused = used_and_refused(server, after_s=45.0)
    assert used >= 0.9
    assert refused <= 0.02


@pytest.mark.parametrize("headers", [True, False])
def test_a_rate_is_used_under_long_latencies_too(headers: bool) -> None:
    """100 a second at 2 to 8 s means 500 in flight; the first answers alone take seconds."""
    server = RateLimited(per_s=100, burst=100, low_s=2.0, high_s=8.0, headers=headers)
    launch(server, 9000)
    used, refused = used_and_refused(server, after_s=30.0)
    assert used >= 0.95
    assert refused <= 0.01


def test_limits_change_seldom_where_a_configured_rate_holds() -> None:
    """A pace that was guessed and is not what holds back must not be raised for ever."""
    server = RateLimited(per_s=20, burst=20, headers=True)
    launched = launch(server, 2400, requests_per_minute=20 * 60)
    assert len(launched.named("limit")) <= 30
    assert all(isinstance(pace := fields["pace_per_s"], float | None) and (pace or 0.0) < 100 for _at, fields in launched.named("limit"))


def test_a_429_with_retry_after_pauses_every_row() -> None:
    server = Answers429Once(retry_after_s=5.0)
    launch(server, 3000, ceiling=100)
    refused_at = next(call.at for call in server.calls if call.status == 429)
    assert not [call for call in server.calls if refused_at < call.at < refused_at + 5.0]
    assert [call for call in server.calls if call.at >= refused_at + 5.0]


@dataclass
class Answers429Once(Server):
    retry_after_s: float | None = None
    refused: bool = False

    async def answer(self, request: Request, at: float) -> Answer:
        if at < 1.0 or self.refused:
            return await super().answer(request, at)
        self.refused = True
        return failure("rate_limited", Action.WAIT, http=429, retry_after_s=self.retry_after_s)


@pytest.mark.parametrize(("seconds", "retry_after_s"), [(60, 30.0), (60, None), (600, 30.0)])
def test_a_time_of_429s_for_everybody_does_not_slow_down_what_comes_after(seconds: int, retry_after_s: float | None) -> None:
    """It shows no rate: the little that is accepted in between must not be taken for one."""
    storm = failure("rate_limited", Action.WAIT, http=429, retry_after_s=retry_after_s)
    server = Scripted(script=lambda _row, _attempt, at: storm if 1.0 <= at < seconds else None)
    launched = launch(server, 4000, ceiling=100)
    assert launched.ended_at <= seconds + 90.0
    assert server.count(429) <= 150


@promise("7.1")
def test_429s_use_up_neither_retries_nor_the_deadline() -> None:
    """Nothing but 429s for two hours, each of them slow to come. Then some rows fail for once, with one retry for it and a minute left."""

    @dataclass
    class NightOf429s(Scripted):
        async def answer(self, request: Request, at: float) -> Answer:
            if at >= 7200:
                return await super().answer(request, at)
            await asyncio.sleep(20.0)
            return failure("rate_limited", Action.WAIT, http=429, retry_after_s=30.0)

    broken = failure("server_error", Action.RETRY, http=500)
    server = NightOf429s(script=lambda row, attempt, _at: broken if attempt == 1 and int(row) % 10 == 0 else None)
    launched = launch(server, 200, ceiling=20, max_retries=1, row_deadline_s=60.0)
    assert len(launched.answered) == 200
    assert server.count(500) == 20
    assert launched.named("sweep") == [], "none had its retry used up"
    assert launched.counters.rate_limited == server.count(429) > 100


def test_what_a_row_waited_out_is_told_apart_from_the_time_on_the_wire() -> None:
    server = RateLimited(per_s=1, burst=1)
    launched = launch(server, 10, ceiling=10)
    assert all(0.0 <= done.waited_s <= launched.ended_at for done in launched.finished)
    assert max(done.waited_s for done in launched.finished) > 5.0


# tokens per minute ---------------------------------------------------------------------------------------------------


@dataclass
class Tokens(Server):
    """Each answer uses 45 to 75 tokens, 60 on average."""

    used: int = 0

    async def answer(self, request: Request, at: float) -> Answer:
        answer = await super().answer(request, at)
        usage = Usage(input=self.rng.randint(30, 50), output=self.rng.randint(15, 25))
        self.used += usage.input + usage.output
        assert isinstance(answer.result, Reply)
        return Answer(result=Reply(output="a", finish_reason="stop", usage=usage, latency_s=0.2))


def token_rate(server: Tokens, launched: Launch) -> float:
    """Tokens a minute."""
    return server.used / launched.ended_at * 60


@pytest.mark.parametrize("estimate", [13, 40, 120], ids=["estimates three times too low", "right", "three times too high"])
def test_the_token_rate_holds_to_within_five_percent(estimate: int) -> None:
    server, per_minute = Tokens(), 60_000
    rows = (_with_estimate(number, estimate) for number in range(4000))
    launched = launch(server, rows, tokens_per_minute=per_minute)
    assert len(launched.answered) == 4000
    assert token_rate(server, launched) == pytest.approx(per_minute, rel=0.05)


def test_failed_attempts_cost_no_tokens() -> None:
    @dataclass
    class FailsOnce(Tokens):
        seen: set[str] = field(default_factory=set)

        async def answer(self, request: Request, at: float) -> Answer:
            if request.id not in self.seen:
                self.seen.add(request.id)
                await asyncio.sleep(0.1)
                return failure("server_error", Action.RETRY, http=500)
            return await super().answer(request, at)

    server = FailsOnce()
    launched = launch(server, 3000, ceiling=100, tokens_per_minute=60_000)
    assert token_rate(server, launched) == pytest.approx(60_000, rel=0.05)


def test_spent_tokens_count_unusable_answers_too() -> None:
    @dataclass
    class Empty(Server):
        async def answer(self, request: Request, at: float) -> Answer:
            if request.id == "3":
                return failure("empty", Action.FAIL_ROW, http=200, usage=Usage(input=5, output=2))
            return reply()

    launched = launch(Empty(), 10)
    assert launched.counters.spent == Usage(input=9 * 20 + 5, output=9 * 10 + 2)


def _with_estimate(number: int, estimate: int) -> Request:
    return replace(request(number), input_tokens_estimate=estimate)
