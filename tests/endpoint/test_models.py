"""What /models may answer, and that it never stops anything."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.endpoint.answer import Failure
from evalsvc.endpoint.errors import classify, classify_exception
from evalsvc.endpoint.http import HttpAsk
from evalsvc.endpoint.models import ModelsSeen, ModelsState, look_at_models, read_models

VLLM = {
    "object": "list",
    "data": [
        {"id": "base", "object": "model", "created": 1, "owned_by": "vllm", "root": "/models/base", "parent": None},
        {"id": "spam-ft", "object": "model", "created": 2, "owned_by": "vllm", "root": "/lora/7", "parent": "base", "max_model_len": 512,
         "permission": [{"id": "modelperm-1"}]},
    ],
}  # fmt: skip


def look(result: bytes | Failure, model: str = "spam-ft") -> ModelsSeen:
    async def get(path: str, *, timeout_s: float) -> bytes | Failure:
        assert (path, timeout_s) == ("models", 10.0)
        return result

    return asyncio.run(look_at_models(get, model))


def failing(status: int) -> Failure:
    return classify(status, {}, b"", now_s=0.0)


def test_a_listed_model_brings_its_card_without_what_changes_from_day_to_day() -> None:
    seen = look(json.dumps(VLLM).encode())
    assert (seen.state, seen.names) == (ModelsState.LISTED, ("base", "spam-ft"))
    assert seen.card == {"id": "spam-ft", "owned_by": "vllm", "root": "/lora/7", "parent": "base", "max_model_len": 512}


def test_a_model_that_is_not_listed_is_told_which_are() -> None:
    seen = look(json.dumps({"data": [{"id": f"m{number}"} for number in range(80)]}).encode())
    assert (seen.state, seen.card, len(seen.names)) == (ModelsState.UNLISTED, None, 50)


def test_a_plain_array_is_a_list_too() -> None:
    assert look(b'[{"id": "spam-ft"}]').state is ModelsState.LISTED


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"data": null}', b'{"data": [1, null, {"id": 3}]}', b"[]", b"7", b"[" * 100_000])
def test_an_odd_list_is_unknown(body: bytes) -> None:
    assert look(body) == ModelsSeen(state=ModelsState.UNKNOWN)


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (failing(404), ModelsState.UNKNOWN),
        (failing(405), ModelsState.UNKNOWN),
        (failing(429), ModelsState.UNKNOWN),
        (failing(307), ModelsState.UNKNOWN),
        (classify_exception(TimeoutError()), ModelsState.UNKNOWN),
        (failing(503), ModelsState.UNAVAILABLE),
        (failing(500), ModelsState.UNAVAILABLE),
        (classify_exception(ConnectionRefusedError()), ModelsState.UNAVAILABLE),
        (failing(401), ModelsState.REFUSED),
        (failing(403), ModelsState.REFUSED),
    ],
)
def test_a_failing_list_is_reported_and_judged(failure: Failure, state: ModelsState) -> None:
    assert look(failure) == ModelsSeen(state=state, failure=failure)


@given(st.binary())
def test_no_bytes_break_it(body: bytes) -> None:
    read_models(body, "m")


Serve = Callable[[Callable[[asyncio.StreamWriter], Awaitable[None]] | bytes], AbstractAsyncContextManager[Any]]


@pytest.mark.parametrize(
    ("status", "state"), [("200 OK", ModelsState.LISTED), ("401 No", ModelsState.REFUSED), ("503 Busy", ModelsState.UNAVAILABLE)]
)
def test_the_list_is_fetched_below_the_base_url(serve: Serve, status: str, state: ModelsState) -> None:
    async def seen() -> tuple[ModelsSeen, str]:
        body = json.dumps(VLLM).encode()
        text = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body
        async with serve(text) as server, HttpAsk(base_url=server.url, attempt_timeout_s=5, concurrency=1, environ={}) as ask:
            return await look_at_models(ask.get, "spam-ft"), server.received[0]

    result, sent = asyncio.run(seen())
    assert result.state is state
    assert sent.startswith("GET /v1/models HTTP/1.1")
