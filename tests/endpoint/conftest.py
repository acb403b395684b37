"""A real server on loopback whose every byte the test decides, and what is needed to ask it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from evalsvc.endpoint.http import HttpAsk
from evalsvc.endpoint.sdk import SdkAsk
from evalsvc.records import Request

Script = Callable[[asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[[Script | bytes], AbstractAsyncContextManager["Server"]]


class Server:
    """Where it listens and what it was sent, one text per request."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[str] = []


@asynccontextmanager
async def serving(script: Script | bytes) -> AsyncIterator[Server]:
    """Reads one request of every connection, says these bytes or what `script` has to say, and closes it."""
    served: Server
    open_tasks: set[asyncio.Task[Any]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_tasks.add(task)
        try:
            served.received.append(await read_request(reader))
            if isinstance(script, bytes):
                writer.write(script)
            else:
                await script(writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            open_tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    served = Server(f"http://{host}:{port}/v1")
    try:
        yield served
    finally:
        server.close()
        for task in list(open_tasks):
            task.cancel()
        await asyncio.gather(*open_tasks, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> str:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next((int(line.split(":")[1]) for line in head.lower().splitlines() if line.startswith("content-length:")), 0)
    return head + (await reader.readexactly(length)).decode()


@pytest.fixture
def serve() -> Serve:
    return serving


@pytest.fixture(params=[HttpAsk, SdkAsk])
def ask_for(request: pytest.FixtureRequest) -> Callable[..., HttpAsk | SdkAsk]:
    """Opens one transport, then the other, for a base URL; what the test does not say is quick and empty."""

    def ask_for(url: str, **options: Any) -> HttpAsk | SdkAsk:
        settings: dict[str, Any] = {"attempt_timeout_s": 5.0, "concurrency": 4, "environ": {}, "wall_clock": lambda: 0.0} | options
        transport: HttpAsk | SdkAsk = request.param(base_url=url, **settings)
        return transport

    return ask_for


@pytest.fixture
def request_() -> Request:
    return Request(
        id="42",
        repeat=0,
        row_hash=b"\0" * 8,
        key="0" * 32,
        target="spam",
        messages=b"[]",
        body=b'{"model":"m","messages":[]}',
        input_tokens_estimate=5,
    )


@pytest.fixture
def completion() -> dict[str, Any]:
    """A chat completion as OpenAI's reference prints it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "m-2026",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "spam", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 31,
            "completion_tokens": 2,
            "total_tokens": 33,
            "prompt_tokens_details": {"cached_tokens": 16},
            "completion_tokens_details": {"reasoning_tokens": 1},
        },
    }


@pytest.fixture
def completion_bytes(completion: dict[str, Any]) -> bytes:
    return json.dumps(completion).encode()
