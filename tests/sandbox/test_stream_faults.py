"""Streams that go wrong, by each API alike."""

import json
import time
from typing import Any

import aiohttp
import openai
import pytest
from openai.types.chat import ChatCompletion

from evalsvc.sandbox.embed import Sandbox
from tests.sandbox.client import asked, events_in, every_api
from tests.sandbox.sdk import through_the_sdk

APIS = every_api("one two three four", stream=True)
each_api = pytest.mark.parametrize(("path", "body"), APIS, ids=[path for path, _ in APIS])


def streamed(sandbox: Sandbox, path: str, body: dict[str, Any], fault: str | None = None) -> bytes:
    return asked(sandbox.url, body, fault=fault, path=path)[0].body


def pieces(stream: bytes) -> list[bytes]:
    return stream.split(b"\n\n")[:-1]


@each_api
def test_a_stream_may_end_half_way_as_if_all_were_well(echo: Sandbox, path: str, body: dict[str, Any]) -> None:
    whole, struck = pieces(streamed(echo, path, body)), pieces(streamed(echo, path, body, "stream-half"))
    assert len(struck) == len(whole) // 2
    assert not any(b'"stop"' in piece or b"[DONE]" in piece or b"response.completed" in piece for piece in struck)


@each_api
def test_a_stream_may_lack_its_last_event_alone(echo: Sandbox, path: str, body: dict[str, Any]) -> None:
    whole, struck = pieces(streamed(echo, path, body)), pieces(streamed(echo, path, body, "no-done"))
    assert len(struck) == len(whole) - 1
    assert b"[DONE]" in whole[-1] or b"response.completed" in whole[-1]


@each_api
def test_a_stream_may_tell_of_an_error_in_its_middle(echo: Sandbox, path: str, body: dict[str, Any]) -> None:
    last = events_in(streamed(echo, path, body, "stream-error"))[-1]
    assert (last if path == "responses" else last["error"])["message"] == "The sandbox was told to break this stream off."


@each_api
def test_comments_keep_a_stream_alive_and_say_nothing(echo: Sandbox, path: str, body: dict[str, Any]) -> None:
    struck = pieces(streamed(echo, path, body, "keep-alive"))
    assert struck[::2] == [b": keep-alive"] * (len(struck) // 2)
    assert len(struck[1::2]) == len(pieces(streamed(echo, path, body)))


@each_api
def test_a_stream_may_keep_its_usage_to_itself(echo: Sandbox, path: str, body: dict[str, Any]) -> None:
    body = body | {"stream_options": {"include_usage": True}}
    told = [b"tokens_details" in streamed(echo, path, body, fault) for fault in (None, "no-usage")]
    assert told == [True, False]


@each_api
def test_tokens_may_be_slow(echo: Sandbox, path: str, body: dict[str, Any]) -> None:
    began = time.monotonic()
    events = pieces(streamed(echo, path, body, "token-latency=0.02"))
    assert time.monotonic() - began >= 0.02 * len(events)


@each_api
def test_a_connection_may_break_in_the_middle_of_a_stream(echo: Sandbox, path: str, body: dict[str, Any]) -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        streamed(echo, path, body, "cut")


@pytest.mark.parametrize("fault", ["stream-half", "stream-error", "no-done", "keep-alive", "token-latency=9"])
def test_a_plain_reply_knows_nothing_of_the_faults_of_streams(echo: Sandbox, fault: str) -> None:
    for path, body in every_api("hello"):
        plain, struck = (asked(echo.url, body, fault=given, path=path)[0].json for given in (None, fault))
        assert {**plain, "id": "", "output": ""} == {**struck, "id": "", "output": ""} | {
            name: plain[name] for name in ("created", "created_at", "completed_at") if name in plain
        }


@each_api
def test_errors_strike_every_api_alike(echo: Sandbox, path: str, body: dict[str, Any]) -> None:
    reply = asked(echo.url, body, fault="context-length", path=path)[0]
    assert (reply.status, reply.error["code"]) == (400, "context_length_exceeded")
    spared = asked(echo.url, body, fault=f"status=503:on={'responses' if path.startswith('chat') else 'chat'}", path=path)[0]
    assert spared.status == 200


def test_the_sdk_raises_what_a_stream_tells(echo: Sandbox) -> None:
    async def talk(client: openai.AsyncOpenAI) -> None:
        stream = await client.chat.completions.create(
            model="echo",
            messages=[{"role": "user", "content": "one two three"}],
            stream=True,
            extra_headers={"x-sandbox-fault": "stream-error"},
        )
        async for _ in stream:
            pass

    with pytest.raises(openai.APIError, match="told to break this stream off"):
        through_the_sdk(echo, talk)


def test_the_sdks_chat_helper_arrives_at_the_plain_reply(echo: Sandbox) -> None:
    async def talk(client: openai.AsyncOpenAI) -> ChatCompletion:
        async with client.chat.completions.stream(
            model="echo", messages=[{"role": "user", "content": "one two"}], stream_options={"include_usage": True}
        ) as stream:
            return await stream.get_final_completion()

    final = through_the_sdk(echo, talk)
    assert (final.choices[0].message.content, final.choices[0].finish_reason) == ("one two", "stop")
    assert final.usage is not None
    assert final.usage.completion_tokens == 2


def test_an_answer_given_up_says_so_in_each_apis_words(echo: Sandbox) -> None:
    replies = {path: json.loads(asked(echo.url, body, fault="gave-up", path=path)[0].body) for path, body in every_api("one two")}
    assert replies["chat/completions"]["choices"][0]["error"]["code"] == 502
    assert [replies[path]["choices"][0]["finish_reason"] for path in ("chat/completions", "completions")] == ["error", "error"]
    assert (replies["responses"]["status"], replies["responses"]["error"]["code"]) == ("failed", "server_error")
