"""Azure's addresses, its key, its tokens and its refusals, through the SDK."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import pytest

from evalsvc.endpoint.answer import Action, Failure
from evalsvc.endpoint.apis import APIS
from evalsvc.endpoint.azure import SCOPE, AzureDoor, TokenProvider, Tokens, open_tokens
from evalsvc.endpoint.http import HttpAsk
from evalsvc.endpoint.sdk import SdkAsk
from evalsvc.errors import CredentialsRefused, ModelNotFound, UsageError
from evalsvc.records import Reply, Request
from tests.endpoint.servers import Listening, http

KEY = "azure-canary-0123456789"
VERSION = "2024-10-21"


@pytest.fixture
def answer(completion_bytes: bytes) -> bytes:
    return response(completion_bytes)


def response(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def refusal(status: str, /, **error: Any) -> bytes:
    return response(json.dumps({"error": error}).encode(), status)


def ask_azure(server: Listening, *, api: str = "chat", api_key: str | None = KEY, provider: TokenProvider | None = None) -> SdkAsk:
    resource = f"http://127.0.0.1:{server.port}"
    tokens = None if provider is None else Tokens(provider)
    door = AzureDoor(
        resource=resource, deployment="spam-ft", api_version=VERSION, api_key=None if tokens is not None else api_key, tokens=tokens
    )
    return SdkAsk(base_url=resource, api=APIS[api], attempt_timeout_s=5.0, concurrency=4, environ={}, door=door)


def results(server: Listening, *requests: Request, **options: Any) -> list[Reply | Failure]:
    async def attempts() -> list[Reply | Failure]:
        async with ask_azure(server, **options) as ask:
            return [(await ask(request)).result for request in requests]

    return asyncio.run(attempts())


def failure_of(said: bytes, request: Request, **options: Any) -> Failure:
    with http(said) as server:
        (result,) = results(server, request, **options)
    assert isinstance(result, Failure), result
    return result


@pytest.mark.parametrize(
    ("api", "path"),
    [
        ("chat", "/openai/deployments/spam-ft/chat/completions"),
        ("completions", "/openai/deployments/spam-ft/completions"),
        ("responses", "/openai/responses"),
    ],
)
def test_the_deployment_stands_in_the_path_and_the_version_in_the_query(request_: Request, answer: bytes, api: str, path: str) -> None:
    with http(answer) as server:
        results(server, request_, api=api)
    head, _, body = server.heads[0].partition("\r\n\r\n")
    assert head.startswith(f"POST {path}?api-version={VERSION} HTTP/1.1\r\n")
    assert body.encode() == request_.body
    assert f"api-key: {KEY}" in head.lower().split("\r\n")
    assert "\r\nauthorization:" not in head.lower()


def test_the_list_of_models_is_the_resources(answer: bytes) -> None:
    async def look(server: Listening) -> bytes | Failure:
        async with ask_azure(server) as ask:
            return await ask.get("models", timeout_s=5.0)

    with http(answer) as server:
        assert isinstance(asyncio.run(look(server)), bytes)
    assert server.heads[0].startswith(f"GET /openai/models?api-version={VERSION} HTTP/1.1\r\n")


def bearers(server: Listening) -> list[str]:
    lines = [line for head in server.heads for line in head.split("\r\n")]
    return [line.partition(": ")[2] for line in lines if line.lower().startswith("authorization: ")]


def test_a_token_that_expires_in_mid_run_is_renewed(request_: Request, answer: bytes) -> None:
    """The provider is asked before every request, and keeps a token for as long as it is good: here for two."""
    asked: list[int] = []

    def provider() -> str:
        asked.append(1)
        return f"token-{(len(asked) - 1) // 2}"

    with http(answer) as server:
        assert all(isinstance(result, Reply) for result in results(server, *[request_] * 5, provider=provider))
    assert bearers(server) == ["Bearer token-0", "Bearer token-0", "Bearer token-1", "Bearer token-1", "Bearer token-2"]
    assert not any("api-key" in head.lower() for head in server.heads)


def test_a_provider_may_be_a_coroutine_function(request_: Request, answer: bytes) -> None:
    async def provider() -> str:
        return "token-a"

    with http(answer) as server:
        results(server, request_, provider=provider)
    assert bearers(server) == ["Bearer token-a"]


def test_requests_that_start_together_do_not_all_sign_in_anew() -> None:
    signed_in: list[str] = []

    async def slow_once() -> str:
        if not signed_in:
            await asyncio.sleep(0)
            signed_in.append("token-a")
        return signed_in[0]

    async def together() -> list[str]:
        tokens = Tokens(slow_once)
        return await asyncio.gather(*(tokens() for _ in range(20)))

    assert asyncio.run(together()) == ["token-a"] * 20
    assert len(signed_in) == 1


def no_luck() -> str:
    raise RuntimeError("login.example does not answer")


@pytest.mark.parametrize(
    ("provider", "words"), [(no_luck, "RuntimeError: login.example does not answer"), (lambda: "", "empty text"), (lambda: 7, "int")]
)
def test_a_provider_that_gives_no_token_is_a_matter_of_credentials(request_: Request, answer: bytes, provider: Any, words: str) -> None:
    failure = failure_of(answer, request_, provider=provider)
    assert (failure.kind, failure.action, failure.stop) == ("credentials", Action.CONFIRM, CredentialsRefused)
    assert words in failure.message
    assert "model.azure.token_provider" in (failure.hint or "")


@pytest.mark.parametrize("options", [{}, {"provider": lambda: KEY}])
def test_neither_key_nor_token_is_ever_shown(request_: Request, options: dict[str, Any]) -> None:
    failure = failure_of(refusal("401 No", code="401", message=f"Access denied for {KEY}"), request_, **options)
    assert failure.kind == "credentials"
    assert KEY not in repr(failure)


def test_a_filtered_prompt_is_the_rows_own_fate(request_: Request) -> None:
    filtered = refusal(
        "400 Bad Request",
        message="The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        type=None,
        param="prompt",
        code="content_filter",
        status=400,
        innererror={"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True, "severity": "high"}}},
    )
    failure = failure_of(filtered, request_)
    assert (failure.kind, failure.action, failure.code) == ("content_filter", Action.FAIL_ROW, "ResponsibleAIPolicyViolation")


def test_a_deployment_that_is_not_there_says_which_name_is_meant(request_: Request) -> None:
    failure = failure_of(refusal("404 Not Found", code="DeploymentNotFound", message="The API deployment does not exist."), request_)
    assert (failure.stop, failure.action) == (ModelNotFound, Action.STOP)
    assert "model.azure.deployment" in (failure.hint or "")


def test_an_address_that_azure_does_not_know_is_shown_as_it_was_called(request_: Request) -> None:
    failure = failure_of(refusal("404 Not Found", code="404", message="Resource not found"), request_)
    assert "/openai/deployments/spam-ft/chat/completions answered 404" in failure.message
    assert "openai.azure.com" in (failure.hint or "")


def test_the_v1_address_needs_no_client_of_its_own(request_: Request, answer: bytes) -> None:
    async def attempt(port: int) -> Reply | Failure:
        base_url, headers = f"http://127.0.0.1:{port}/openai/v1", {"api-key": KEY}
        async with HttpAsk(base_url=base_url, headers=headers, attempt_timeout_s=5.0, concurrency=1, environ={}) as ask:
            return (await ask(request_)).result

    with http(answer) as server:
        assert isinstance(asyncio.run(attempt(server.port)), Reply)
    assert server.heads[0].startswith("POST /openai/v1/chat/completions HTTP/1.1\r\n")
    assert f"api-key: {KEY}" in server.heads[0].lower()


class FakeCredential:
    """azure-identity's DefaultAzureCredential, as far as it is used."""

    closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        type(self).closed = True


def test_azure_identity_is_asked_for_tokens_of_the_right_audience_and_closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    audiences: list[str] = []
    library: Any = ModuleType("azure.identity.aio")

    def get_bearer_token_provider(credential: object, scope: str) -> Any:
        assert isinstance(credential, FakeCredential)
        audiences.append(scope)

        async def provider() -> str:
            return "entra-token"

        return provider

    library.DefaultAzureCredential, library.get_bearer_token_provider = FakeCredential, get_bearer_token_provider
    monkeypatch.setitem(sys.modules, "azure", ModuleType("azure"))
    monkeypatch.setitem(sys.modules, "azure.identity", ModuleType("azure.identity"))
    monkeypatch.setitem(sys.modules, "azure.identity.aio", library)

    async def one_token() -> str:
        async with AsyncExitStack() as closing:
            return await (await open_tokens("identity", tmp_path, place="here", closing=closing))()

    assert asyncio.run(one_token()) == "entra-token"
    assert audiences == [SCOPE]
    assert FakeCredential.closed


def opened(name: str, base_dir: Path) -> Tokens:
    async def open_it() -> Tokens:
        async with AsyncExitStack() as closing:
            return await open_tokens(name, base_dir, place="eval.yaml:8", closing=closing)

    return asyncio.run(open_it())


def test_a_function_of_the_users_own_gives_tokens(tmp_path: Path) -> None:
    (tmp_path / "tokens.py").write_text("def fetch():\n    return 'mine'\n")

    tokens = opened("tokens.py:fetch", tmp_path)

    async def one_token() -> str:
        return await tokens()

    assert asyncio.run(one_token()) == "mine"


@pytest.mark.parametrize(
    ("name", "said", "todo"),
    [
        ("identity", "azure-identity", "evalsvc[azure]"),
        ("managed", "no token provider 'managed'", "identity"),
        ("missing.py:fetch", "no file", "config file"),
        ("wrong.py:TOKEN", "no function but str", "called"),
    ],
)
def test_a_provider_that_is_not_there_is_refused_where_it_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, said: str, todo: str
) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity.aio", None)
    (tmp_path / "wrong.py").write_text("TOKEN = 'x'\n")
    with pytest.raises(UsageError, match=said) as caught:
        opened(name, tmp_path)
    assert caught.value.message.startswith("eval.yaml:8: ")
    assert todo in (caught.value.hint or "")
