"""The error table means the same whichever API was asked, in one piece or as a stream, over whatever transport."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from evalsvc.endpoint.answer import Answer, Failure
from evalsvc.endpoint.apis import APIS
from evalsvc.endpoint.bodies import unredacted
from evalsvc.endpoint.errors import CODE_MEANS, MALFORMED, STATUS_MEANS, Meaning
from evalsvc.records import Reply, Request
from tests.endpoint.contract.answers import USAGE, WORDS, dumps, event
from tests.endpoint.contract.transports import Transport
from tests.faults.promises import promise

Serve = Callable[[Callable[[asyncio.StreamWriter], Awaitable[None]] | bytes], AbstractAsyncContextManager[Any]]
ASKED = [(api, streams) for api, words in WORDS.items() for streams in ((False, True) if words.stream is not None else (False,))]
CHAT_USAGE = {"prompt_tokens": 31, "completion_tokens": 4}
# How a 200 says that there is no answer after all: the code goes into the place of CODE.
ERROR = {"message": "no", "code": "CODE", "param": None, "type": None}


def said(value: Any, code: str) -> Any:
    """`value` with `code` in the place of CODE."""
    if isinstance(value, dict):
        return {key: said(inner, code) for key, inner in value.items()}
    return [said(inner, code) for inner in value] if isinstance(value, list) else code if value == "CODE" else value


PLAIN = {
    "chat": [{"error": ERROR}, {"choices": [{"message": {"content": "sp"}, "finish_reason": "error", "error": ERROR}]}],
    "responses": [{"error": ERROR}, {"status": "failed", "error": ERROR, "output": [], "usage": None}],
    "completions": [{"error": ERROR}, {"choices": [{"text": "sp", "finish_reason": "error", "error": ERROR}]}],
}
FAILED = {"type": "response.failed", "response": {"status": "failed", "error": ERROR, "output": []}}
STREAMED = {
    "chat": [
        ({"error": ERROR}, None),
        (ERROR, "error"),
        ({"error": ERROR, "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]}, None),
        ({"choices": [{"delta": {}, "finish_reason": "error", "error": ERROR}]}, None),
    ],
    "responses": [(FAILED, "response.failed"), ({"type": "error", **ERROR}, "error"), ({"error": ERROR}, None)],
}


def refused(body: bytes, status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body


@pytest.mark.parametrize(("api", "streams"), ASKED)
def test_a_status_means_the_same_for_every_api(serve: Serve, request_: Request, transport: Transport, api: str, streams: bool) -> None:
    statuses = iter(STATUS_MEANS)

    async def next_status(writer: asyncio.StreamWriter) -> None:
        writer.write(refused(b"", f"{next(statuses)} No"))

    async def attempts() -> list[Answer]:
        async with serve(next_status) as server, transport(server.url, APIS[api], streams) as ask:
            return [await ask(request_) for _ in STATUS_MEANS]

    results = [answer.result for answer in asyncio.run(attempts())]
    assert [isinstance(result, Failure) and (result.kind, result.action, result.http) for result in results] == [
        (meaning.kind, meaning.action, status) for status, meaning in STATUS_MEANS.items()
    ]


@pytest.mark.parametrize(("api", "streams"), ASKED)
def test_limits_and_the_servers_words_come_with_a_refusal(
    serve: Serve, request_: Request, transport: Transport, api: str, streams: bool
) -> None:
    head = "429 Slow\r\nretry-after: 7\r\nx-ratelimit-remaining-requests: 0"

    async def attempt() -> Answer:
        text = refused(dumps({"error": {"message": "slow down"}}), head)
        async with serve(text) as server, transport(server.url, APIS[api], streams) as ask:
            return await ask(request_)

    answer = asyncio.run(attempt())
    assert isinstance(answer.result, Failure)
    assert (answer.result.kind, answer.result.message, answer.result.retry_after_s) == ("rate_limit", "slow down", 7.0)
    assert answer.allowance is not None
    assert answer.allowance.requests_remaining == 0.0


@pytest.mark.parametrize(("code", "meaning"), CODE_MEANS.items())
@pytest.mark.parametrize("api", PLAIN)
def test_an_error_in_a_200_means_what_its_code_means(request_: Request, api: str, code: str, meaning: Meaning) -> None:
    for body in PLAIN[api]:
        text = dumps(said(body, code))
        result = APIS[api].parse(text, request=request_, latency_s=0.0, request_id=None, status=200, redact=unredacted)
        assert isinstance(result, Failure), body
        assert (result.kind, result.action, result.code, result.message) == (meaning.kind, meaning.action, code, "no"), body


@pytest.mark.parametrize(("code", "meaning"), CODE_MEANS.items())
@pytest.mark.parametrize("api", STREAMED)
def test_an_error_in_a_stream_means_what_its_code_means(request_: Request, api: str, code: str, meaning: Meaning) -> None:
    opening = WORDS[api].events("a text")[:5]
    for value, kind in STREAMED[api]:
        stream = APIS[api].new_stream(request_)
        for data in (*opening, event(said(value, code), kind)):
            stream.feed(data, 0.0)
        result = stream.result(latency_s=0.0, request_id=None, status=200, redact=unredacted)
        assert isinstance(result, Failure), value
        assert (result.kind, result.action, result.code, result.message) == (meaning.kind, meaning.action, code, "no"), value


@pytest.mark.parametrize("api", STREAMED)
def test_an_error_after_half_an_answer_is_no_answer(serve: Serve, request_: Request, transport: Transport, api: str) -> None:
    value, kind = STREAMED[api][0]
    body = b"".join([*WORDS[api].events("a text")[:5], event(said(value, "overloaded_error"), kind)])
    text = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body

    async def attempt() -> Reply | Failure:
        async with serve(text) as server, transport(server.url, APIS[api], True) as ask:
            return (await ask(request_)).result

    result = asyncio.run(attempt())
    assert isinstance(result, Failure)
    assert (result.kind, result.outage) == ("overloaded", True)


UNFIT: dict[str, list[tuple[Any, str]]] = {
    "responses": [
        ({"status": "in_progress", "output": [], "usage": None}, "cut"),
        ({"status": "queued", "output": []}, "cut"),
        ({"status": "cancelled", "output": []}, "cut"),
        ({"status": "failed", "output": []}, "server_error"),
        ({"output": []}, "cut"),
        ({"status": "completed"}, "malformed"),
        ({"status": "completed", "output": "spam"}, "malformed"),
        ({"detail": "no"}, "malformed"),
    ],
    "completions": [
        ({"choices": []}, "malformed"),
        ({"choices": [{"finish_reason": "stop"}]}, "malformed"),
        ({"choices": [{"text": 7, "finish_reason": "stop"}]}, "malformed"),
        ({"choices": [{"text": "spam", "finish_reason": None}]}, "cut"),
        ({"choices": [{"text": "spam", "finish_reason": "abort"}]}, "cut"),
        ({"choices": [{"message": {"content": "spam"}, "finish_reason": "stop"}]}, "malformed"),
    ],
    "chat": [
        ({"choices": [{"message": {"content": "sp"}, "finish_reason": "abort"}]}, "cut"),
        ({"choices": [{"message": {"content": "sp"}, "finish_reason": "insufficient_system_resource"}]}, "overloaded"),
        ({"choices": [{"message": {"content": "sp"}, "finish_reason": "network_error"}]}, "server_error"),
        ({"choices": [{"text": "spam", "finish_reason": "stop"}]}, "malformed"),
        ({"status": "completed", "output": []}, "malformed"),
    ],
}


@promise("6.4")
@pytest.mark.parametrize(("api", "body", "kind"), [(api, body, kind) for api, rows in UNFIT.items() for body, kind in rows])
def test_what_is_no_finished_answer_is_a_failure(request_: Request, api: str, body: Any, kind: str) -> None:
    text = dumps(body | {"usage": {"input_tokens": 31, "output_tokens": 4} if api == "responses" else CHAT_USAGE})
    result = APIS[api].parse(text, request=request_, latency_s=0.5, request_id=None, status=200, redact=unredacted)
    assert isinstance(result, Failure)
    assert (result.kind, result.latency_s, result.http) == (kind, 0.5, 200)
    assert result.usage is not None
    assert (result.usage.input, result.usage.output) == (USAGE.input, USAGE.output), "it was paid for all the same"


@promise("6.4")
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("body", [b"", b"<html>hello</html>", b"\xff\xfe", b"{", b"NaN", b"null", b"[" * 100_000, b'{"a":' * 5000])
def test_bytes_that_are_no_json_are_malformed_in_one_piece_and_as_a_stream(request_: Request, api: str, body: bytes) -> None:
    about: dict[str, Any] = {"latency_s": 0.0, "request_id": None, "status": 200, "redact": unredacted}
    results = [APIS[api].parse(body, request=request_, **about)]
    if APIS[api].stream is not None:
        stream = APIS[api].new_stream(request_)
        stream.feed(body, 0.0)
        results.append(stream.result(**about))
    assert [isinstance(result, Failure) and result.kind for result in results] == [MALFORMED.kind] * len(results)
