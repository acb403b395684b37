"""A streamed answer: when its pieces came, what is put together from them, and what counts as its end."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, closing, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.endpoint.answer import Action, Failure
from evalsvc.endpoint.apis import APIS, CHAT
from evalsvc.endpoint.bodies import unredacted
from evalsvc.endpoint.http import HttpAsk
from evalsvc.endpoint.stream import AnswerStream
from evalsvc.records import Reply, Request, Usage
from tests.faults.promises import promise

Serve = Callable[[Callable[[asyncio.StreamWriter], Awaitable[None]] | bytes], AbstractAsyncContextManager[Any]]
REQUEST = Request(
    id="1", repeat=0, row_hash=bytes(8), key="0" * 32, target=None, messages=b"[]", body=b"{}", input_tokens_estimate=1
)  # fmt: skip
DONE = b"data: [DONE]\n\n"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chunk(finish: str | None = None, usage: Any = None, **delta: Any) -> bytes:
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": usage})


def result_of(stream: AnswerStream, latency_s: float = 9.0) -> Reply | Failure:
    return stream.result(latency_s=latency_s, request_id=None, status=200, redact=unredacted)


def told(*pieces: tuple[float, bytes], api: str = "chat") -> Reply | Failure:
    """What becomes of pieces that came at these seconds."""
    stream = APIS[api].new_stream(REQUEST)
    for at_s, data in pieces:
        stream.feed(data, at_s)
    return result_of(stream)


def reply(*pieces: bytes) -> Reply:
    result = told(*((1.0, piece) for piece in pieces))
    assert isinstance(result, Reply), result
    return result


def failed(*pieces: bytes) -> Failure:
    result = told(*((1.0, piece) for piece in pieces))
    assert isinstance(result, Failure), result
    return result


# when the pieces came --------------------------------------------------------------------------------------------------


def test_times_count_from_the_request_and_only_what_the_answer_consists_of() -> None:
    result = told(
        (1.0, b": keep-alive\n\n"),
        (2.0, chunk(role="assistant", content="")),
        (3.0, chunk(content="a")),
        (3.5, chunk(content="b")),
        (5.0, chunk(content="c")),
        (7.0, chunk("stop")),
        (8.0, DONE),
    )
    assert isinstance(result, Reply)
    assert (result.ttft_s, result.itl_s, result.latency_s) == (3.0, 1.0, 9.0)


@pytest.mark.parametrize(
    "piece",
    [{"content": "a"}, {"reasoning_content": "a"}, {"reasoning": "a"}, {"refusal": "a"}, {"tool_calls": [{"index": 0, "id": "c"}]}],
    ids=lambda piece: next(iter(piece)),
)
def test_every_kind_of_piece_is_a_first_one(piece: Any) -> None:
    result = told((3.0, chunk(**piece)), (4.0, chunk("stop")))
    assert isinstance(result, Reply)
    assert (result.ttft_s, result.itl_s) == (3.0, None)


def test_an_answer_without_pieces_has_no_times() -> None:
    result = told((1.0, chunk(content="")), (2.0, chunk("content_filter")), (3.0, DONE))
    assert isinstance(result, Reply)
    assert (result.output, result.ttft_s, result.itl_s) == ("", None, None)


# what is put together -------------------------------------------------------------------------------------------------


def test_the_last_usage_counts_wherever_it_stands() -> None:
    usages = [{"prompt_tokens": 9, "completion_tokens": count} for count in (1, 2, 3)]
    assert reply(chunk(content="a", usage=usages[0]), chunk("stop", usage=usages[1])).usage == Usage(input=9, output=2)
    last = event({"choices": [], "usage": usages[2]})
    assert reply(chunk(content="a", usage=usages[0]), chunk("stop"), last, DONE).usage == Usage(input=9, output=3)


def test_pieces_of_several_choices_are_not_mixed() -> None:
    other = event({"choices": [{"index": 1, "delta": {"content": "ham"}, "finish_reason": "stop"}]})
    assert reply(chunk(content="spam"), other, chunk("length"), DONE).output == "spam"


def test_tool_calls_are_put_together_by_their_index_in_any_order() -> None:
    pieces = [
        {"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": ""}},
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x"'}},
        {"index": 1, "function": {"arguments": "{}"}},
        {"index": 0, "function": {"arguments": ": 1}"}},
    ]
    assert reply(*(chunk(tool_calls=[piece]) for piece in pieces), chunk("tool_calls")).tool_calls == [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
        {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]


@promise("6.4")
@pytest.mark.parametrize(("levels", "kind"), [(90, None), (150, "malformed"), (1000, "malformed")])
def test_a_tool_call_that_is_nested_without_end_is_none(levels: int, kind: str | None) -> None:
    """A journal line could be written with it, or the pieces of it put together, only until the stack is full."""
    nested = b'{"a":' * levels + b"1" + b"}" * levels
    piece = chunk(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": "NESTED"}}]).replace(b'"NESTED"', nested)
    result = told((1.0, piece), (2.0, piece), (3.0, chunk("tool_calls")))
    assert (result.kind if isinstance(result, Failure) else None) == kind


def test_tool_calls_without_an_index_are_told_apart_by_id_and_name() -> None:
    def call(id_: str | None, name: str | None, arguments: str) -> bytes:
        function = {"arguments": arguments} | ({"name": name} if name else {})
        return chunk(tool_calls=[{"function": function} | ({"id": id_} if id_ is not None else {})])

    got = reply(call("a", "f", "{"), call(None, None, "}"), call("b", "f", "{}"), call("", "g", "[]"), chunk("stop"))
    assert [call["function"] for call in got.tool_calls or ()] == [
        {"name": "f", "arguments": "{}"}, {"name": "f", "arguments": "{}"}, {"name": "g", "arguments": "[]"},
    ]  # fmt: skip
    assert got.finish_reason == "tool_calls"


def test_a_completion_in_one_chunk_is_read_too() -> None:
    whole = {"choices": [{"message": {"role": "assistant", "content": "spam"}, "finish_reason": "stop"}]}
    assert reply(event(whole), DONE).output == "spam"


def test_no_text_is_told_from_an_empty_one() -> None:
    opening = chunk(role="assistant", content="")
    assert reply(opening, chunk("stop")).output == ""
    assert reply(opening, chunk(reasoning="hm"), chunk("length")).output is None


# how it ends ----------------------------------------------------------------------------------------------------------


def test_a_finished_answer_needs_no_done() -> None:
    assert reply(chunk(content="spam"), chunk("stop")).output == "spam"


def test_a_done_without_a_finish_reason_is_cut() -> None:
    """As in one piece, where a completion without finish_reason is."""
    assert failed(chunk(content="spam"), DONE).kind == "cut"


def test_a_stream_that_breaks_off_tells_what_it_had_cost() -> None:
    failure = failed(chunk(content="spam", usage={"prompt_tokens": 9, "completion_tokens": 1}))
    assert (failure.kind, failure.action, failure.usage) == ("cut", Action.RETRY, Usage(input=9, output=1))
    assert "broke off" in failure.message


def test_an_event_that_is_no_json_spoils_the_answer() -> None:
    failure = failed(chunk(content="spam"), b"data: {oops\n\n", chunk("stop"), DONE)
    assert (failure.kind, failure.action) == ("malformed", Action.RETRY)
    assert "{oops" in failure.message


def test_a_stream_of_nothing_is_malformed() -> None:
    assert failed(b": keep-alive\n\n").kind == "malformed"
    assert failed(DONE).kind == "malformed"
    assert failed(event({"choices": [], "usage": {"prompt_tokens": 1}}), DONE).kind == "malformed"


def test_the_end_of_an_answer_is_seen_before_the_end_of_the_stream() -> None:
    stream = CHAT.new_stream(REQUEST)
    stream.feed(chunk(content="spam"), 1.0)
    assert (stream.finished, stream.ended) == (False, False)
    stream.feed(chunk("stop"), 1.0)
    assert (stream.finished, stream.ended) == (True, False)
    stream.feed(DONE, 1.0)
    assert (stream.finished, stream.ended) == (True, True)


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(
            ["choices", "delta", "content", "finish_reason", "logprobs", "usage", "error", "tool_calls", "function", "arguments", "index",
             "id", "type", "response", "output", "item", "output_index", "status", "message", "text", "model", "name"]
        ), inner, max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip
KINDS = st.sampled_from(["response.output_text.delta", "response.completed", "response.output_item.done", "error", "response.created", ""])


@promise("6.7")
@given(st.sampled_from(["chat", "responses"]), st.lists(st.tuples(ODD, ODD, KINDS), max_size=4))
def test_no_events_break_it(api: str, values: list[tuple[Any, Any, str]]) -> None:
    pieces = [
        event(
            {"type": kind, "choices": [{"index": 0, "delta": value, "logprobs": other}], "response": value, "item": other, "delta": other}
        )
        if kind
        else event(value)
        for value, other, kind in values
    ]
    told(*((1.0, piece) for piece in pieces), api=api)


# over HTTP -------------------------------------------------------------------------------------------------------------


def streaming(url: str, **options: Any) -> HttpAsk:
    settings: dict[str, Any] = {"attempt_timeout_s": 5.0, "concurrency": 1, "environ": {}} | options
    return HttpAsk(base_url=url, api=CHAT, stream=True, **settings)


def asked(serve: Serve, script: Any, request: Request, **options: Any) -> Reply | Failure:
    async def attempt() -> Reply | Failure:
        async with serve(script) as server, streaming(server.url, **options) as ask:
            return (await ask(request)).result

    return asyncio.run(attempt())


@promise("6.2")
def test_the_deadline_covers_the_whole_stream(serve: Serve, request_: Request) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"\r\n")
        while True:
            writer.write(chunk(content="x"))
            await asyncio.sleep(0.02)

    failure = asked(serve, drip, request_, attempt_timeout_s=0.2)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.outage) == ("timeout", True)


def test_an_answer_that_is_whole_is_not_lost_with_its_connection_or_its_time(serve: Serve, request_: Request) -> None:
    finished = chunk(content="spam") + chunk("stop")

    async def hang(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"\r\n" + finished)
        await asyncio.Event().wait()

    hung = asked(serve, hang, request_, attempt_timeout_s=0.3)
    broken = asked(serve, HEAD + b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(finished), finished), request_)
    assert [isinstance(result, Reply) and result.output for result in (hung, broken)] == ["spam", "spam"]


@promise("6.3")
def test_a_stream_that_never_ends_is_bounded(serve: Serve, request_: Request) -> None:
    async def flood(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"\r\n")
        while True:
            writer.write(chunk(content="x" * 1000))
            await writer.drain()

    failure = asked(serve, flood, request_, max_response_bytes=10_000)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.action, failure.http) == ("response_too_large", Action.FAIL_ROW, 200)


def test_a_connection_is_used_again_after_a_stream(request_: Request) -> None:
    connections = 0
    body = chunk(content="spam") + chunk("stop") + DONE
    text = HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n" % (len(body), body) + b"0\r\n\r\n"

    async def thrice() -> list[Reply | Failure]:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            with closing(writer), suppress(asyncio.IncompleteReadError):
                while True:
                    await reader.readuntil(b"\r\n\r\n" + request_.body)
                    writer.write(text[:-5])
                    await asyncio.sleep(0.02)
                    writer.write(text[-5:])

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        async with server, streaming(f"http://{host}:{port}/v1") as ask:
            return [(await ask(request_)).result for _ in range(3)]

    results = asyncio.run(thrice())
    assert [isinstance(result, Reply) and result.output for result in results] == ["spam"] * 3
    assert connections == 1


def test_a_server_that_closes_behind_its_streams_is_soon_given_new_connections(serve: Serve, request_: Request) -> None:
    """It answers `connection: close` where it is asked to close, as llama.cpp does, and closes in any case."""
    body = chunk(content="spam") + chunk("stop") + DONE
    closing: list[bool] = []

    async def close_behind(writer: asyncio.StreamWriter) -> None:
        closing.append("connection: close" in served[0].received[-1].lower())
        told = b"connection: close\r\n" if closing[-1] else b""
        writer.write(HEAD + told + b"transfer-encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))

    served: list[Any] = []

    async def many() -> list[bool]:
        async with serve(close_behind) as server, streaming(server.url) as ask:
            served.append(server)
            return [isinstance((await ask(request_)).result, Reply) for _ in range(30)]

    answered = asyncio.run(many())
    assert answered.count(False) <= 1
    assert any(closing) == (False in answered)


def test_a_stream_is_asked_for_in_the_header_too(serve: Serve, request_: Request) -> None:
    async def sent(**options: Any) -> str:
        async with serve(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n") as server, streaming(server.url, **options) as ask:
            await ask(request_)
            return str(server.received[0]).lower()

    assert "accept: text/event-stream, application/json" in asyncio.run(sent())
    assert "accept: */*" in asyncio.run(sent(headers={"Accept": "*/*"}))
