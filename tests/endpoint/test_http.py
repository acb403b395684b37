"""Both transports against a server on loopback that breaks off, lies, stalls and floods."""

import asyncio
import gzip
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest

from evalsvc.endpoint.answer import Action, Allowance, Answer, Failure
from evalsvc.endpoint.http import HttpAsk
from evalsvc.endpoint.sdk import SdkAsk
from evalsvc.errors import UsageError
from evalsvc.records import Reply, Request
from tests.faults.promises import promise

Script = Callable[[asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[[Script | bytes], AbstractAsyncContextManager[Any]]
AskFor = Callable[..., HttpAsk | SdkAsk]
CANARY = "sk-canary-0123456789"


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answer_of(ask_for: AskFor, serve: Serve, script: Script | bytes, request: Request, **options: Any) -> Answer:
    async def attempt() -> Answer:
        async with serve(script) as server, ask_for(server.url, **options) as ask:
            return await ask(request)

    return asyncio.run(attempt())


def failure_of(ask_for: AskFor, serve: Serve, script: Script | bytes, request: Request, **options: Any) -> Failure:
    result = answer_of(ask_for, serve, script, request, **options).result
    assert isinstance(result, Failure), result
    return result


def test_a_good_answer_is_a_reply_with_its_latency_and_request_id(
    ask_for: AskFor, serve: Serve, request_: Request, completion_bytes: bytes
) -> None:
    answer = answer_of(ask_for, serve, response(completion_bytes, "x-request-id: req_7"), request_)
    assert isinstance(answer.result, Reply)
    assert (answer.result.output, answer.result.request_id) == ("spam", "req_7")
    assert answer.result.latency_s is not None
    assert 0 < answer.result.latency_s < 5
    assert answer.allowance is None


def test_the_allowance_comes_with_every_answer(ask_for: AskFor, serve: Serve, request_: Request, completion_bytes: bytes) -> None:
    limits = ("x-ratelimit-remaining-requests: 9", "x-ratelimit-reset-requests: 2s")
    expected = Allowance(requests_remaining=9.0, requests_reset_s=2.0)
    assert answer_of(ask_for, serve, response(completion_bytes, *limits), request_).allowance == expected
    assert answer_of(ask_for, serve, response(b"", *limits, status="429 Slow"), request_).allowance == expected


def test_the_body_goes_out_as_it_is_with_the_key_and_the_users_headers(
    ask_for: AskFor, serve: Serve, request_: Request, completion_bytes: bytes
) -> None:
    async def sent() -> str:
        async with serve(response(completion_bytes)) as server:
            async with ask_for(server.url + "/?api-version=1", api_key=f"{CANARY}\n", headers={"X-Team": "a"}) as ask:
                await ask(request_)
            return str(server.received[0])

    text = asyncio.run(sent())
    head, _, body = text.partition("\r\n\r\n")
    lines = head.lower().split("\r\n")
    assert lines[0] == "post /v1/chat/completions?api-version=1 http/1.1"
    assert {f"authorization: bearer {CANARY}", "x-team: a", "content-type: application/json", "accept-encoding: identity"} <= set(lines)
    assert body.encode() == request_.body


def test_a_body_of_two_megabytes_is_sent_without_a_warning(
    ask_for: AskFor, serve: Serve, request_: Request, completion_bytes: bytes
) -> None:
    assert isinstance(answer_of(ask_for, serve, response(completion_bytes), replace(request_, body=b"x" * 2**21)).result, Reply)


def test_a_chunked_answer_is_read_whole(ask_for: AskFor, serve: Serve, request_: Request, completion_bytes: bytes) -> None:
    half = len(completion_bytes) // 2
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (completion_bytes[:half], completion_bytes[half:]))
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    assert isinstance(answer_of(ask_for, serve, head + chunks + b"0\r\n\r\n", request_).result, Reply)
    assert failure_of(ask_for, serve, head + chunks, request_).kind == "cut"


def test_a_compressed_answer_is_read_although_none_was_asked_for(
    ask_for: AskFor, serve: Serve, request_: Request, completion_bytes: bytes
) -> None:
    zipped = gzip.compress(completion_bytes)
    assert isinstance(answer_of(ask_for, serve, response(zipped, "content-encoding: gzip"), request_).result, Reply)
    assert failure_of(ask_for, serve, response(completion_bytes, "content-encoding: gzip"), request_).action is Action.RETRY


@promise("6.1")
def test_a_response_cut_at_any_byte_is_never_a_reply(ask_for: AskFor, serve: Serve, request_: Request, completion_bytes: bytes) -> None:
    whole = response(completion_bytes)

    async def cut_everywhere() -> list[Reply | Failure]:
        parts = iter(whole[:end] for end in range(len(whole)))

        async def script(writer: asyncio.StreamWriter) -> None:
            writer.write(next(parts))

        async with serve(script) as server, ask_for(server.url) as ask:
            return [(await ask(request_)).result for _ in range(len(whole))]

    results = asyncio.run(cut_everywhere())
    assert [end for end, result in enumerate(results) if isinstance(result, Reply)] == []
    assert {result.action for result in results if isinstance(result, Failure)} == {Action.RETRY}


@promise("6.1")
def test_a_reset_connection_is_told_from_a_cut_answer(ask_for: AskFor, serve: Serve, request_: Request) -> None:
    async def reset(writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    failure = failure_of(ask_for, serve, reset, request_)
    assert (failure.kind, failure.action, failure.outage) == ("reset", Action.RETRY, True)


@promise("6.2")
def test_silence_ends_at_the_deadline(ask_for: AskFor, serve: Serve, request_: Request) -> None:
    async def silence(_: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    failure = failure_of(ask_for, serve, silence, request_, attempt_timeout_s=0.2)
    assert (failure.kind, failure.outage) == ("timeout", True)
    assert 0.2 <= failure.latency_s < 2
    assert "0.2 s" in failure.message


@promise("6.2")
def test_a_drip_does_not_move_the_deadline(ask_for: AskFor, serve: Serve, request_: Request, completion_bytes: bytes) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        for byte in response(completion_bytes):
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)

    failure = failure_of(ask_for, serve, drip, request_, attempt_timeout_s=0.2)
    assert failure.kind == "timeout"
    assert failure.latency_s < 2


def test_cancellation_passes_through(ask_for: AskFor, serve: Serve, request_: Request) -> None:
    async def cancelled() -> bool:
        asked = asyncio.Event()

        async def silence(_: asyncio.StreamWriter) -> None:
            asked.set()
            await asyncio.Event().wait()

        async with serve(silence) as server, ask_for(server.url) as ask:
            attempt = asyncio.ensure_future(ask(request_))
            await asked.wait()
            attempt.cancel()
            await asyncio.wait([attempt])
            return attempt.cancelled()

    assert asyncio.run(cancelled())


@promise("7.5")
def test_a_redirect_is_not_followed(ask_for: AskFor, serve: Serve, request_: Request) -> None:
    failure = failure_of(ask_for, serve, response(b"", "location: http://elsewhere/v2", status="307 Temporary Redirect"), request_)
    assert (failure.kind, failure.action) == ("base_url", Action.STOP)
    assert "http://elsewhere/v2" in failure.message


def test_a_bare_404_names_the_address_that_was_called(ask_for: AskFor, serve: Serve, request_: Request) -> None:
    failure = failure_of(ask_for, serve, response(b"nothing here", status="404 Not Found"), request_)
    assert "/v1/chat/completions answered 404: nothing here" in failure.message


@promise("6.3")
@pytest.mark.parametrize("chunked", [False, True])
def test_a_response_beyond_the_limit_fails_the_row(ask_for: AskFor, serve: Serve, request_: Request, chunked: bool) -> None:
    async def flood(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n" + (b"transfer-encoding: chunked" if chunked else b"content-length: 9000000") + b"\r\n\r\n")
        while True:
            writer.write(b"3e8\r\n%s\r\n" % (b" " * 1000))
            await writer.drain()

    failure = failure_of(ask_for, serve, flood, request_, max_response_bytes=10_000)
    assert (failure.kind, failure.action, failure.http) == ("response_too_large", Action.FAIL_ROW, 200)


@promise("6.4")
def test_a_bomb_is_measured_unpacked(ask_for: AskFor, serve: Serve, request_: Request) -> None:
    bomb = response(gzip.compress(b" " * 1_000_000), "content-encoding: gzip")
    assert failure_of(ask_for, serve, bomb, request_, max_response_bytes=10_000).kind == "response_too_large"


def test_an_endless_error_page_is_still_its_status(ask_for: AskFor, serve: Serve, request_: Request) -> None:
    async def flood(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 90000000\r\nretry-after: 7\r\n\r\n")
        while True:
            writer.write(b"sorry " * 1000)
            await writer.drain()

    failure = failure_of(ask_for, serve, flood, request_, max_response_bytes=10_000)
    assert (failure.kind, failure.retry_after_s) == ("overloaded", 7.0)
    assert len(failure.message) == 500


def test_an_error_that_breaks_off_is_still_its_status(ask_for: AskFor, serve: Serve, request_: Request) -> None:
    cut = b'HTTP/1.1 401 Unauthorized\r\ncontent-length: 500\r\n\r\n{"error":'
    assert failure_of(ask_for, serve, cut, request_).kind == "credentials"


@pytest.mark.parametrize("body", [b"\xff\xfe{}", b"<html>ok</html>", b"", b"data: {}\n\n"])
def test_a_200_without_json_is_malformed(ask_for: AskFor, serve: Serve, request_: Request, body: bytes) -> None:
    assert failure_of(ask_for, serve, response(body), request_).kind == "malformed"


@pytest.mark.parametrize(
    "garbage", [b"\0" * 100, b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 2000]
)
def test_bytes_that_are_not_http_are_retried(ask_for: AskFor, serve: Serve, request_: Request, garbage: bytes) -> None:
    assert failure_of(ask_for, serve, garbage, request_).action is Action.RETRY


@promise("6.4")
def test_a_header_that_is_no_text_costs_its_row_at_the_most(
    ask_for: AskFor, serve: Serve, request_: Request, completion_bytes: bytes
) -> None:
    """Nor a reason phrase that is none, which the SDK's transport cannot write down."""
    for name in (b"x-request-id: ID", b"200 OK"):
        odd = response(completion_bytes, "x-request-id: ID").replace(name, name[:-2] + b"\xff\xfe")
        result = answer_of(ask_for, serve, odd, request_).result
        assert isinstance(result, Reply) or (result.kind, result.action) == ("malformed", Action.RETRY)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@promise("6.5")
def test_a_refused_connection_is_an_outage(ask_for: AskFor, request_: Request) -> None:
    async def attempt() -> Answer:
        async with ask_for(f"http://127.0.0.1:{free_port()}/v1") as ask:
            return await ask(request_)

    result = asyncio.run(attempt()).result
    assert isinstance(result, Failure)
    assert (result.kind, result.outage, result.http) == ("connect", True, None)


def test_a_connection_that_closes_against_its_promise_spoils_no_answer(
    ask_for: AskFor, serve: Serve, request_: Request, completion_bytes: bytes
) -> None:
    kept = response(completion_bytes).replace(b"connection: close\r\n", b"")

    async def thrice() -> list[str]:
        async with serve(kept) as server, ask_for(server.url) as ask:
            results = [(await ask(request_)).result for _ in range(3)]
        return [result.kind if isinstance(result, Failure) else str(result.output) for result in results]

    outcomes = asyncio.run(thrice())
    assert outcomes[0] == "spam"
    assert set(outcomes) <= {"spam", "reset"}


ECHOES = [
    ("401 Unauthorized", '{"error":{"message":"Incorrect API key provided: KEY","code":"KEY","param":"KEY"}}'),
    ("404 Not Found", "no KEY here"),
    ("500 Oops", "<title>KEY</title>"),
    ("200 OK", "not json KEY"),
    ("200 OK", '{"error":"KEY"}'),
    ("400 Bad Request", '{"detail":[{"loc":["body","KEY"],"msg":"KEY"}]}'),
]


@promise("12.1")
@pytest.mark.parametrize(("status", "body"), ECHOES)
@pytest.mark.parametrize("carrier", ["key", "header", "basic", "query"])
def test_a_secret_never_appears_in_a_failure(
    ask_for: AskFor, serve: Serve, request_: Request, status: str, body: str, carrier: str
) -> None:
    async def attempt() -> Failure:
        echo = response(body.replace("KEY", CANARY).encode(), f"location: /{CANARY}", status=status)
        async with serve(echo) as server:
            url = server.url
            carriers: dict[str, dict[str, Any]] = {"key": {"api_key": CANARY}, "header": {"headers": {"api-key": CANARY}}}
            options = carriers.get(carrier, {})
            if carrier == "basic":
                url = url.replace("http://", f"http://user:{CANARY}@")
            if carrier == "query":
                url += f"?subscription-key={CANARY}"
            async with ask_for(url, **options) as ask:
                result = (await ask(request_)).result
                assert isinstance(result, Failure)
                return result

    assert CANARY not in repr(asyncio.run(attempt()))


def test_a_proxy_gets_the_request_but_never_for_loopback(ask_for: AskFor, serve: Serve, request_: Request, completion_bytes: bytes) -> None:
    async def through_proxy() -> str:
        async with serve(response(completion_bytes)) as proxy:
            environ = {"HTTP_PROXY": proxy.url.replace("http://", "http://user:pw@").removesuffix("/v1")}
            async with ask_for("http://model.invalid/v1", environ=environ, api_key=CANARY) as ask:
                assert isinstance((await ask(request_)).result, Reply)
            return str(proxy.received[0]).lower()

    text = asyncio.run(through_proxy())
    assert text.startswith("post http://model.invalid/v1/chat/completions")
    assert "proxy-authorization: basic dxnlcjpwdw==" in text
    assert text.count(CANARY) == 1


@pytest.mark.parametrize("environ", [{"http_proxy": "http://127.0.0.1:9"}, {"ALL_PROXY": "http://127.0.0.1:9"}])
def test_loopback_is_asked_directly(
    ask_for: AskFor, serve: Serve, request_: Request, completion_bytes: bytes, environ: dict[str, str]
) -> None:
    assert isinstance(answer_of(ask_for, serve, response(completion_bytes), request_, environ=environ).result, Reply)


def test_the_key_is_never_handed_to_a_proxy_that_only_tunnels(ask_for: AskFor, serve: Serve, request_: Request) -> None:
    async def tunnel() -> tuple[str, Failure]:
        async with serve(response(b"", status="407 Proxy Authentication Required")) as proxy:
            environ = {"HTTPS_PROXY": proxy.url.removesuffix("/v1")}
            async with ask_for("https://model.invalid/v1", environ=environ, api_key=CANARY) as ask:
                result = (await ask(request_)).result
                assert isinstance(result, Failure)
                return str(proxy.received[0]), result

    connect, failure = asyncio.run(tunnel())
    assert connect.startswith("CONNECT model.invalid:443")
    assert CANARY not in connect
    assert (failure.kind, failure.action) == ("proxy", Action.CONFIRM)


IMPOSSIBLE = [
    *("", "localhost:8000", "ftp://host/v1", "http://", "http://[::1/", "host/v1", "http://h:99999"),
    # names and numbers that no resolver can be asked for
    *("http://host..example/v1", f"http://{'a' * 64}.example/v1", "http://256.256.256.256/v1", "http://xn--a/v1"),
]


@promise("6.5")
@pytest.mark.parametrize("url", IMPOSSIBLE)
def test_a_base_url_that_can_never_work_is_bad_usage(ask_for: AskFor, url: str) -> None:
    with pytest.raises(UsageError, match="base_url") as caught:
        ask_for(url)
    assert "/v1" in (caught.value.hint or "")


@pytest.mark.parametrize("options", [{"api_key": "a\r\nb: c"}, {"headers": {"x": "a\nb"}}, {"headers": {"é": "a"}}])
def test_a_header_that_http_does_not_allow_is_bad_usage(ask_for: AskFor, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="header"):
        ask_for("http://host/v1", **options)
