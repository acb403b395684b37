"""Through a proxy, named by the environment, for both transports."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from evalsvc.endpoint.answer import Action, Failure
from evalsvc.endpoint.http import HttpAsk
from evalsvc.endpoint.sdk import SdkAsk
from evalsvc.endpoint.tls import tls_context
from evalsvc.errors import UsageError
from evalsvc.records import Reply, Request
from tests.endpoint.servers import http, https, proxy

AskFor = Callable[..., HttpAsk | SdkAsk]
KEY = "sk-canary-0123456789"
HOST = "model.internal"  # no such host: only the proxy, which takes every name for this machine, can reach it
CREDENTIALS = f"basic {b64encode(b'user:p@w').decode().lower()}"


@pytest.fixture
def answer(completion_bytes: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(completion_bytes), completion_bytes)


def asked(ask_for: AskFor, url: str, request: Request, **options: Any) -> Reply | Failure:
    async def attempt() -> Reply | Failure:
        async with ask_for(url, api_key=KEY, **options) as ask:
            return (await ask(request)).result

    return asyncio.run(attempt())


def test_plain_http_is_handed_on_by_the_proxy(ask_for: AskFor, request_: Request, answer: bytes) -> None:
    with http(answer) as server, proxy() as between:
        environ = {"http_proxy": f"http://127.0.0.1:{between.port}"}
        result = asked(ask_for, f"http://{HOST}:{server.port}/v1", request_, environ=environ)
    assert isinstance(result, Reply), result
    assert between.heads[0].startswith(f"POST http://{HOST}:{server.port}/v1/chat/completions HTTP/1.1\r\n")
    assert server.heads[0].endswith(request_.body.decode())


def test_https_goes_through_a_tunnel_that_learns_neither_key_nor_question(
    ask_for: AskFor, request_: Request, answer: bytes, tmp_path: Path
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with https(context, answer) as server, proxy(wants=CREDENTIALS) as between:
        environ = {"HTTPS_PROXY": f"http://user:p%40w@127.0.0.1:{between.port}"}
        tls = tls_context({}, tmp_path / "ca.pem")
        result = asked(ask_for, f"https://{HOST}:{server.port}/v1", request_, environ=environ, tls=tls)
    assert isinstance(result, Reply), result
    assert between.heads[0].startswith(f"CONNECT {HOST}:{server.port} HTTP/1.1\r\n")
    assert KEY not in between.heads[0]
    assert f"authorization: bearer {KEY}" in server.heads[0].lower()
    assert "proxy-authorization" not in server.heads[0].lower()


def test_plain_http_through_a_proxy_that_wants_credentials(ask_for: AskFor, request_: Request, answer: bytes) -> None:
    with http(answer) as server, proxy(wants=CREDENTIALS) as between:
        environ = {"http_proxy": f"http://user:p%40w@127.0.0.1:{between.port}"}
        result = asked(ask_for, f"http://{HOST}:{server.port}/v1", request_, environ=environ)
    assert isinstance(result, Reply), result


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_us_stops_the_run_and_no_password_is_shown(ask_for: AskFor, request_: Request, scheme: str) -> None:
    with proxy(wants=CREDENTIALS) as between:
        environ = {f"{scheme}_proxy": f"http://user:wrong-secret@127.0.0.1:{between.port}"}
        result = asked(ask_for, f"{scheme}://{HOST}:81/v1", request_, environ=environ)
    assert isinstance(result, Failure)
    assert (result.kind, result.action) == ("proxy", Action.CONFIRM)
    assert "HTTPS_PROXY" in (result.hint or "")
    assert "wrong-secret" not in repr(result)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there_is_an_outage(ask_for: AskFor, request_: Request, scheme: str) -> None:
    with proxy() as gone:
        port = gone.port
    result = asked(ask_for, f"{scheme}://{HOST}/v1", request_, environ={f"{scheme}_proxy": f"http://127.0.0.1:{port}"})
    assert isinstance(result, Failure)
    assert (result.kind, result.outage) == ("connect", True)
    assert f"the proxy at 127.0.0.1:{port}: connection refused" in result.message
    assert "HTTPS_PROXY" in (result.hint or "")


def test_a_proxy_that_cannot_reach_the_server_just_now_is_an_outage(ask_for: AskFor, request_: Request) -> None:
    with proxy(says="502 Bad Gateway") as between:
        environ = {"https_proxy": f"http://someone:p%40w@127.0.0.1:{between.port}"}
        result = asked(ask_for, f"https://{HOST}/v1", request_, environ=environ)
    assert isinstance(result, Failure)
    assert (result.kind, result.action, result.outage) == ("connect", Action.RETRY, True)
    assert "the proxy answered 502 Bad Gateway" in result.message
    assert "someone" not in repr(result)


def test_a_proxy_that_opens_no_tunnel_to_the_server_is_not_said_to_want_credentials(ask_for: AskFor, request_: Request) -> None:
    with proxy(says="403 Forbidden") as between:
        environ = {"https_proxy": f"http://127.0.0.1:{between.port}"}
        result = asked(ask_for, f"https://{HOST}/v1", request_, environ=environ)
    assert isinstance(result, Failure)
    assert (result.kind, result.action, result.stop) == ("proxy", Action.CONFIRM, UsageError)
    assert "credentials" not in (result.hint or "")


def test_no_proxy_is_heeded(ask_for: AskFor, request_: Request) -> None:
    with proxy() as between:
        environ = {"http_proxy": f"http://127.0.0.1:{between.port}", "no_proxy": "example.org,127.0.0.2"}
        result = asked(ask_for, f"http://127.0.0.2:{between.port}/v1", request_, environ=environ)
    assert isinstance(result, Failure), "nobody listens there"
    assert between.heads == []
