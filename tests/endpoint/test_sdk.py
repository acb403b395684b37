"""What the SDK adds, and what it is kept from."""

import asyncio
import subprocess
import sys

import pytest

from evalsvc.endpoint.answer import Failure
from evalsvc.endpoint.sdk import SdkAsk
from evalsvc.records import Reply, Request
from tests.endpoint.servers import Listening, http

KEY = "sk-canary-0123456789"


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "connection: close", f"content-length: {len(body)}", *headers, "", ""]).encode() + body


def asked(said: bytes, request: Request, **options: object) -> tuple[Reply | Failure, Listening]:
    async def attempt(port: int) -> Reply | Failure:
        settings = {"attempt_timeout_s": 5.0, "concurrency": 1, "environ": {}, **options}
        async with SdkAsk(base_url=f"http://127.0.0.1:{port}/v1", **settings) as ask:  # type: ignore[arg-type]
            return (await ask(request)).result

    with http(said) as server:
        return asyncio.run(attempt(server.port)), server


def header(server: Listening, name: str) -> str | None:
    lines = server.heads[0].partition("\r\n\r\n")[0].split("\r\n")[1:]
    return next((line.partition(": ")[2] for line in lines if line.lower().startswith(f"{name}: ")), None)


def test_a_key_meant_for_openai_goes_to_nobody_else(monkeypatch: pytest.MonkeyPatch, request_: Request, completion_bytes: bytes) -> None:
    """The SDK would take it from the environment; an endpoint gets a key only when the config names one."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", KEY)
    result, server = asked(response(completion_bytes), request_)
    assert isinstance(result, Reply)
    assert header(server, "authorization") is None
    assert KEY not in server.heads[0]


def test_a_header_of_the_config_wins_over_the_key(request_: Request, completion_bytes: bytes) -> None:
    _, server = asked(response(completion_bytes), request_, api_key=KEY, headers={"Authorization": "Bearer mine"})
    assert header(server, "authorization") == "Bearer mine"


def test_organization_and_project_come_from_the_runs_environment(request_: Request, completion_bytes: bytes) -> None:
    _, server = asked(response(completion_bytes), request_, environ={"OPENAI_ORG_ID": "org-1", "OPENAI_PROJECT_ID": "proj-1"})
    assert (header(server, "openai-organization"), header(server, "openai-project")) == ("org-1", "proj-1")


def test_headers_that_only_the_sdk_knows_are_not_echoed_either(monkeypatch: pytest.MonkeyPatch, request_: Request) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"X-Gateway-Key: {KEY}")
    result, server = asked(response(f"no access for {KEY}".encode(), status="403 Forbidden"), request_)
    assert header(server, "x-gateway-key") == KEY
    assert isinstance(result, Failure)
    assert KEY not in repr(result)


def test_the_key_that_stands_for_none_blanks_no_words(request_: Request) -> None:
    result, _ = asked(response(b"none of the models is loaded", status="503 Busy"), request_)
    assert isinstance(result, Failure)
    assert result.message == "none of the models is loaded"


@pytest.mark.parametrize("status", ["408 Timeout", "409 Conflict", "429 Slow down", "500 Oops", "503 Busy"])
def test_one_attempt_is_one_request_however_it_ends(request_: Request, status: str) -> None:
    result, server = asked(response(b"", "retry-after: 0", "x-should-retry: true", status=status), request_)
    assert isinstance(result, Failure)
    assert len(server.heads) == 1


def test_the_sdk_is_not_loaded_before_it_is_used() -> None:
    code = "import sys, evalsvc.pipeline, evalsvc.cli; print('openai' in sys.modules, 'httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False False\n"
