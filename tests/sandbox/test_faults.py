"""Each fault, written, decided and suffered."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.sandbox import faults
from evalsvc.sandbox.delivery import BREAKS
from evalsvc.sandbox.embed import Sandbox, start_sandbox
from evalsvc.sandbox.faults import KINDS, OPTIONS, Break, Edit, Fault, Moment, Refuse, parse, strikes
from evalsvc.sandbox.streams import EDITS
from tests.sandbox.client import Received, ask, asked, conversing, question


def moment(**changed: Any) -> Moment:
    usual: dict[str, Any] = {"where": "chat", "number": 1, "attempt": 1, "digest": b"some", "text": "hello", "age_s": 1.0, "seed": 0}
    return Moment(**usual | changed)


def attempted(url: str, fault: str, text: str) -> Received | str:
    """A reply, or what the client saw in its place."""

    async def talk(session: aiohttp.ClientSession) -> Received | str:
        try:
            async with asyncio.timeout(0.5):
                return await ask(session, url, question(text), fault)
        except TimeoutError:
            return "silence"
        except aiohttp.ClientError as error:
            return type(error).__name__

    return conversing(talk)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("reset", {}),
        ("reset=0.25", {"rate": 0.25}),
        ("storm=5:35", {"window": (5.0, 35.0)}),
        ("storm=5:35:on=chat", {"window": (5.0, 35.0), "on": "chat"}),
        ("status=503:times=2", {"status": 503, "times": 2}),
        ("status=400:code=:param=top_p:message=no: never", {"status": 400, "code": None, "param": "top_p", "message": "no: never"}),
        ("drip=0.5:bytes_per_s=20", {"rate": 0.5, "bytes_per_s": 20.0}),
        ("latency=0.2..0.3", {"seconds": (0.2, 0.3)}),
        ("latency=1:match=slow", {"seconds": (1.0, 1.0), "match": "slow"}),
    ],
)
def test_a_fault_is_read_as_written(text: str, options: Mapping[str, Any]) -> None:
    assert parse(text).options == options


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rest=1", "unknown fault 'rest'; did you mean 'reset'?"),
        ("latency", "fault 'latency' needs a value: latency=SECONDS"),
        ("reset=2", "a number from 0 to 1"),
        ("reset=often", "could not convert"),
        ("reset:tmes=2", "no option 'tmes'; did you mean 'times'?"),
        ("status=1000", "an HTTP status"),
        ("latency=3..1", "LOW..HIGH"),
        ("status=503:times=-1", "a whole number, 0 or more"),
        ("status=503:on=moon", "one of chat, responses, completions, models, answers, all"),
    ],
)
def test_a_wrong_fault_is_refused_with_what_would_be_right(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match="fault") as caught:
        parse(text)
    assert complaint in str(caught.value)


def test_the_table_of_faults_is_sound() -> None:
    for name, kind in KINDS.items():
        fault = parse(f"{name}={'503' if kind.value == 'status' else '1:2' if kind.value == 'window' else '1'}")
        effect = faults.effect(fault, moment())
        assert {kind.value, *kind.extra} <= set(OPTIONS), name
        assert not isinstance(effect, Break) or effect.how in BREAKS, name
        assert not isinstance(effect, Edit) or effect.how in EDITS, name


@given(digest=st.binary(min_size=16, max_size=16), attempt=st.integers(1, 50), seed=st.integers(0, 9))
def test_chance_is_the_same_for_the_same_call(digest: bytes, attempt: int, seed: int) -> None:
    fault, first = parse("reset=0.5"), moment(digest=digest, attempt=attempt, seed=seed)
    again = moment(digest=digest, attempt=attempt, seed=seed, number=77, age_s=1e6)
    assert strikes(fault, first) == strikes(fault, again)


def test_a_rate_is_the_share_of_calls_that_are_struck() -> None:
    fault = parse("reset=0.1")
    struck = sum(strikes(fault, moment(digest=number.to_bytes(4))) for number in range(10_000))
    assert 900 < struck < 1100


def test_another_attempt_has_another_fate() -> None:
    fault = parse("reset=0.5")
    assert 30 < sum(strikes(fault, moment(attempt=attempt)) for attempt in range(1, 101)) < 70


@pytest.mark.parametrize(
    ("text", "struck", "spared"),
    [
        ("reset:times=2", {"attempt": 2}, {"attempt": 3}),
        ("reset:after=5", {"number": 6}, {"number": 5}),
        ("storm=5:35", {"age_s": 5.0}, {"age_s": 35.0}),
        ("storm=5:35", {"age_s": 34.9}, {"age_s": 4.9}),
        ("reset:match=ell", {"text": "hello"}, {"text": "hi"}),
        ("reset", {"where": "chat"}, {"where": "models"}),
        ("reset:on=models", {"where": "models"}, {"where": "chat"}),
        ("reset", {"where": "responses"}, {"where": "models"}),
        ("reset:on=completions", {"where": "completions"}, {"where": "chat"}),
        ("reset:on=answers:match=ell", {"where": "completions"}, {"where": "models"}),
        ("storm=0:9", {"where": "models"}, {"where": "models", "age_s": 10.0}),
        ("reset=0", {}, {}),
    ],
)
def test_a_fault_strikes_when_it_was_told_to(text: str, struck: dict[str, Any], spared: dict[str, Any]) -> None:
    fault: Fault = parse(text)
    assert strikes(fault, moment(**struck)) == (text != "reset=0")
    assert not strikes(fault, moment(**spared))


def test_server_errors_are_of_every_kind() -> None:
    fault = parse("error-rate")
    effects = [faults.effect(fault, moment(attempt=attempt)) for attempt in range(50)]
    assert {effect.error.status for effect in effects if isinstance(effect, Refuse)} == {500, 502, 503}


@pytest.mark.parametrize(
    ("fault", "status", "kind", "param", "code"),
    [
        ("status=503", 503, "server_error", None, None),
        ("status=418:code=teapot:param=cup", 418, "invalid_request_error", "cup", "teapot"),
        ("storm=0:3600", 503, "server_error", None, None),
        ("revoked-after=0", 401, "invalid_request_error", None, "invalid_api_key"),
        ("quota-after=0", 429, "insufficient_quota", None, "insufficient_quota"),
        ("status=429", 429, "requests", None, "rate_limit_exceeded"),
        ("blocked", 400, "invalid_request_error", "prompt", "content_filter"),
        ("context-length", 400, "invalid_request_error", "messages", "context_length_exceeded"),
        ("nonsense", 400, "invalid_request_error", "x-sandbox-fault", "invalid_fault"),
    ],
)
def test_an_error_has_openais_body(echo: Sandbox, fault: str, status: int, kind: str, param: str | None, code: str | None) -> None:
    reply = asked(echo.url, question(), fault=fault)[0]
    assert (reply.status, reply.error["type"], reply.error["param"], reply.error["code"]) == (status, kind, param, code)
    assert reply.error["message"]
    assert "x-request-id" in reply.headers


def test_an_error_says_when_to_come_again_if_told_to(echo: Sandbox) -> None:
    reply = asked(echo.url, question(), fault="status=503:retry_after=1.5")[0]
    assert (reply.headers["retry-after"], reply.headers["retry-after-ms"]) == ("2", "1500")


@pytest.mark.parametrize(
    ("fault", "changed"),
    [
        ("null-content", {"content": None}),
        ("refusal", {"content": None, "refusal": "I'm sorry, but I can't assist with that request."}),
        ("filter", {"content": "one two", "finish_reason": "content_filter"}),
    ],
)
def test_an_altered_answer_keeps_its_form(echo: Sandbox, fault: str, changed: dict[str, Any]) -> None:
    plain, struck = asked(echo.url, question("one two three four"))[0], asked(echo.url, question("one two three four"), fault=fault)[0]
    choice = struck.json["choices"][0]
    seen = {**choice["message"], "finish_reason": choice["finish_reason"]}
    assert struck.status == 200
    assert {key: seen[key] for key in changed} == changed
    assert struck.json["choices"][0].keys() == plain.json["choices"][0].keys()


def test_a_reply_may_come_without_choices(echo: Sandbox) -> None:
    reply = asked(echo.url, question(), fault="empty-choices")[0].json
    assert reply["choices"] == []
    assert reply["usage"]["total_tokens"] > 0


def test_a_streamed_refusal_is_a_delta(echo: Sandbox) -> None:
    body = asked(echo.url, question(stream=True), fault="refusal")[0].body.decode()
    deltas = [json.loads(line[6:])["choices"][0]["delta"] for line in body.split("\n\n") if line.startswith("data: {")]
    assert "".join(delta.get("refusal") or "" for delta in deltas).startswith("I'm sorry")
    assert not any(delta.get("content") for delta in deltas)


@pytest.mark.parametrize(
    ("fault", "seen"),
    [("reset", "ClientOSError"), ("cut", "ClientPayloadError"), ("silence", "silence"), ("drip", "silence")],
)
def test_a_broken_reply_breaks_at_the_client(echo: Sandbox, fault: str, seen: str) -> None:
    assert attempted(echo.url, fault, f"to be broken by {fault}") == seen


def test_a_page_may_stand_where_json_should(echo: Sandbox) -> None:
    reply = asked(echo.url, question(), fault="garbage")[0]
    assert (reply.status, reply.headers["content-type"]) == (200, "text/html")
    assert reply.body.startswith(b"<!DOCTYPE html>")


def test_json_may_be_cut_under_a_content_length_that_fits(echo: Sandbox) -> None:
    reply = asked(echo.url, question(), fault="malformed")[0]
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.body)


def test_a_stream_may_be_cut_too(echo: Sandbox) -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        asked(echo.url, question(stream=True), fault="cut")


def test_drops_fall_as_fast_as_told(echo: Sandbox) -> None:
    reply = asked(echo.url, question(), fault="drip:bytes_per_s=100000")[0]
    assert reply.json["choices"][0]["message"]["content"] == "hello there"


def test_latency_comes_before_answers_and_errors_alike(echo: Sandbox) -> None:
    for fault in ("latency=0.1", "latency=0.1,status=503"):
        began = time.monotonic()
        asked(echo.url, question(), fault=fault)
        assert time.monotonic() - began >= 0.1


def test_the_first_calls_fail_and_then_it_is_well(echo: Sandbox) -> None:
    body = question("fails twice")
    assert [reply.status for reply in asked(echo.url, body, body, body, fault="status=503:times=2")] == [503, 503, 200]


def test_faults_of_the_server_strike_without_a_header() -> None:
    with start_sandbox(["--quota-after=2", "--fault=status=404:on=models:times=1"]) as sandbox:

        async def listed(session: aiohttp.ClientSession) -> list[int]:
            return [(await session.get(f"{sandbox.url}/models")).status for _ in range(2)]

        assert conversing(listed) == [404, 200]
        assert [reply.status for reply in asked(sandbox.url, *[question()] * 3)] == [200, 200, 429]


def test_a_revoked_key_opens_nothing() -> None:
    with start_sandbox(["--revoked-after=1"]) as sandbox:

        async def listed(session: aiohttp.ClientSession) -> int:
            return (await session.get(f"{sandbox.url}/models")).status

        assert conversing(listed) == 200
        assert [reply.status for reply in asked(sandbox.url, question(), question())] == [200, 401]
        assert conversing(listed) == 401


def test_limits_of_the_server_are_told_and_kept() -> None:
    with start_sandbox(["--rpm=60", "--burst=2", "--tpm=6000"]) as sandbox:
        replies = asked(sandbox.url, *[question()] * 3)
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert replies[2].error["code"] == "rate_limit_exceeded"
    assert replies[2].headers["retry-after"] == "1"
    assert [reply.headers["x-ratelimit-remaining-requests"] for reply in replies] == ["1", "0", "0"]
    assert all(reply.headers["x-ratelimit-limit-tokens"] == "6000" for reply in replies)
