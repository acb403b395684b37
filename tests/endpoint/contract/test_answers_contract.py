"""The same answer is the same Reply, whichever API says it, in one piece or many, over whatever transport."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest

from evalsvc.endpoint.answer import Answer, Failure
from evalsvc.endpoint.apis import APIS
from evalsvc.endpoint.bodies import unredacted
from evalsvc.records import Reply, Request
from tests.endpoint.contract.answers import ANSWERS, REQUEST_ID, SPOKEN, WORDS, dumps
from tests.endpoint.contract.transports import Transport
from tests.faults.promises import promise

Serve = Callable[[Callable[[asyncio.StreamWriter], Awaitable[None]] | bytes], AbstractAsyncContextManager[Any]]
STREAMED = [(api, name) for api, streams, name in SPOKEN if streams]


def response(body: bytes, *, status: str = "200 OK", kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nx-request-id: {REQUEST_ID}\r\nconnection: close\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body


def streamed(events: Sequence[bytes], *, whole: bool = True) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: {REQUEST_ID}\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in events)
    return head.encode() + chunks + (b"0\r\n\r\n" if whole else b"")


def asked(serve: Serve, text: bytes, request: Request, transport: Transport, api: str, *, stream: bool) -> Answer:
    async def attempt() -> Answer:
        async with serve(text) as server, transport(server.url, APIS[api], stream) as ask:
            return await ask(request)

    return asyncio.run(attempt())


def timeless(result: Reply | Failure) -> Reply:
    assert isinstance(result, Reply), result
    return replace(result, latency_s=0.0, ttft_s=None, itl_s=None)


@pytest.mark.parametrize(("api", "streams", "name"), SPOKEN)
def test_an_answer_is_the_same_reply_in_every_apis_words(
    serve: Serve, request_: Request, transport: Transport, api: str, streams: bool, name: str
) -> None:
    words = WORDS[api]
    text = streamed(words.events(name)) if streams else response(words.body(name))
    assert timeless(asked(serve, text, request_, transport, api, stream=streams).result) == ANSWERS[name].reply


@pytest.mark.parametrize(("api", "name"), STREAMED)
def test_a_server_that_does_not_stream_although_asked_to_is_understood(
    serve: Serve, request_: Request, transport: Transport, api: str, name: str
) -> None:
    result = asked(serve, response(WORDS[api].body(name)), request_, transport, api, stream=True).result
    assert timeless(result) == ANSWERS[name].reply
    assert isinstance(result, Reply)
    assert (result.ttft_s, result.itl_s) == (None, None)


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_stream_tells_when_its_pieces_came(serve: Serve, request_: Request, transport: Transport, api: str) -> None:
    async def slowly(writer: asyncio.StreamWriter) -> None:
        writer.write(streamed([], whole=False))
        for event in WORDS[api].events("log-probabilities"):
            await asyncio.sleep(0.01)
            writer.write(b"%x\r\n%s\r\n" % (len(event), event))
        writer.write(b"0\r\n\r\n")

    async def attempt() -> Reply | Failure:
        async with serve(slowly) as server, transport(server.url, APIS[api], True) as ask:
            return (await ask(request_)).result

    result = asyncio.run(attempt())
    assert isinstance(result, Reply)
    assert result.ttft_s is not None
    assert result.itl_s is not None
    assert result.latency_s is not None
    assert 0.02 <= result.ttft_s < result.latency_s
    assert 0.005 <= result.itl_s < result.latency_s - result.ttft_s


@promise("6.1")
@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_stream_cut_after_any_event_but_the_last_ones_is_cut(
    serve: Serve, request_: Request, transport: Transport, api: str, whole: bool
) -> None:
    """`whole`: in good order as HTTP sees it, else with the connection lost."""
    events = WORDS[api].events("a text")
    finished = len(events) - (3 if api == "chat" else 1)
    results = [
        asked(serve, streamed(events[:end], whole=whole), request_, transport, api, stream=True).result for end in range(finished + 1)
    ]
    assert {result.kind for result in results[1:] if isinstance(result, Failure)} == {"cut"}
    assert not any(isinstance(result, Reply) for result in results)
    later = asked(serve, streamed(events[: finished + 1], whole=whole), request_, transport, api, stream=True).result
    assert isinstance(later, Reply)
    assert later.output == "spam, surely"


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_stream_that_hangs_after_its_end_is_not_waited_for(serve: Serve, request_: Request, transport: Transport, api: str) -> None:
    async def hang(writer: asyncio.StreamWriter) -> None:
        writer.write(streamed(WORDS[api].events("a text"), whole=False))
        await asyncio.Event().wait()

    async def attempt() -> Reply | Failure:
        async with serve(hang) as server, transport(server.url, APIS[api], True) as ask:
            return (await asyncio.wait_for(ask(request_), 3)).result

    assert timeless(asyncio.run(attempt())) == ANSWERS["a text"].reply


@pytest.mark.parametrize(("api", "name"), STREAMED)
def test_where_a_stream_is_cut_into_pieces_makes_no_difference(request_: Request, api: str, name: str) -> None:
    data = b"".join(WORDS[api].events(name))
    for size in (1, 2, 3, 7, 64):
        stream = APIS[api].new_stream(request_)
        for at in range(0, len(data), size):
            stream.feed(data[at : at + size], 0.5)
        assert (stream.ended, stream.finished) == (True, True)
        result = stream.result(latency_s=0.0, request_id=REQUEST_ID, status=200, redact=unredacted)
        assert timeless(result) == ANSWERS[name].reply


@promise("6.1")
@pytest.mark.parametrize(("api", "streams", "name"), [row for row in SPOKEN if row[2] in {"a text", "log-probabilities", "a tool call"}])
def test_an_answer_cut_at_any_byte_is_never_a_wrong_reply(request_: Request, api: str, streams: bool, name: str) -> None:
    words, right = WORDS[api], ANSWERS[name].reply
    data = b"".join(words.events(name)) if streams else words.body(name)
    for end in range(len(data)):
        if streams:
            stream = APIS[api].new_stream(request_)
            stream.feed(data[:end], 0.0)
            result = stream.result(latency_s=0.0, request_id=REQUEST_ID, status=200, redact=unredacted)
        else:
            result = APIS[api].parse(data[:end], request=request_, latency_s=0.0, request_id=REQUEST_ID, status=200, redact=unredacted)
        if isinstance(result, Reply):
            assert streams, "a body in one piece is whole or nothing"
            assert replace(timeless(result), usage=right.usage) == right


def test_the_plain_bodies_say_what_they_are() -> None:
    assert {api: set(words.plain(ANSWERS["a text"])) & {"choices", "output"} for api, words in WORDS.items()} == {
        "chat": {"choices"}, "responses": {"output"}, "completions": {"choices"},
    }  # fmt: skip
    assert b"NaN" in dumps(WORDS["chat"].plain(ANSWERS["a log-probability that underflowed"]))
