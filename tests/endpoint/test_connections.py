"""A connection that is used again brings the answer to what was asked last, and nothing else."""

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from evalsvc.endpoint import bounds, http, sdk
from evalsvc.endpoint.http import HttpAsk
from evalsvc.endpoint.sdk import SdkAsk
from evalsvc.records import Reply, Request
from tests.endpoint.conftest import read_request
from tests.faults.promises import promise

AskFor = Callable[..., HttpAsk | SdkAsk]
Say = Callable[[asyncio.StreamWriter, int], Awaitable[None]]
BEHIND: dict[str, Callable[[int], bytes]] = {
    "another answer": lambda at: answer(f"leftover {at}"),
    "a goodbye": lambda _: b"HTTP/1.1 408 Request Time-out\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    "the beginning of one": lambda at: answer(f"leftover {at}")[:30],
    "a line end": lambda _: b"\r\n",
    "garbage": lambda _: b"\0garbage",
}


def answer(text: str) -> bytes:
    body = json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body


@asynccontextmanager
async def keeping(say: Say) -> AsyncIterator[tuple[str, list[asyncio.StreamWriter]]]:
    """A server that keeps its connections and numbers all requests from 1; gives its base URL and the connections that came."""
    asked = 0
    writers: list[asyncio.StreamWriter] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        writers.append(writer)
        try:
            while await read_request(reader):
                asked += 1
                await say(writer, asked)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", writers
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await asyncio.sleep(0)


async def texts(ask: HttpAsk | SdkAsk, request: Request, count: int, *, between: Callable[[], Awaitable[None]]) -> list[str]:
    said = []
    for _ in range(count):
        result = (await ask(request)).result
        said.append(str(result.output) if isinstance(result, Reply) else result.kind)
        await between()
    return said


async def in_time(texts: Awaitable[list[str]]) -> list[str]:
    async with asyncio.timeout(10):
        return await texts


@promise("6.8")
@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
def test_what_a_server_says_behind_an_answer_is_no_answer_to_the_next_request(
    ask_for: AskFor, request_: Request, behind: str, later: bool
) -> None:
    async def asked() -> list[str]:
        answered, leftover_sent = asyncio.Event(), asyncio.Event()

        async def say(writer: asyncio.StreamWriter, at: int) -> None:
            if later:
                writer.write(answer(f"answer {at}"))
                await answered.wait()
                answered.clear()
                writer.write(BEHIND[behind](at))
            else:
                writer.write(answer(f"answer {at}") + BEHIND[behind](at))
            leftover_sent.set()

        async def between() -> None:
            answered.set()
            await leftover_sent.wait()
            leftover_sent.clear()
            for _ in range(20):  # turns of the loop, in one of which it arrives: loopback delivers what was written at once
                await asyncio.sleep(0)

        async with keeping(say) as (url, _), ask_for(url) as ask:
            return await texts(ask, request_, 3, between=between)

    # garbage that comes in one piece with an answer spoils it
    right = ["malformed"] * 3 if behind == "garbage" and not later else ["answer 1", "answer 2", "answer 3"]
    assert asyncio.run(in_time(asked())) == right


def test_a_quiet_connection_is_used_again(ask_for: AskFor, request_: Request) -> None:
    async def asked() -> int:
        async def say(writer: asyncio.StreamWriter, at: int) -> None:
            writer.write(answer(f"answer {at}"))

        async with keeping(say) as (url, writers), ask_for(url) as ask:
            assert await texts(ask, request_, 5, between=lambda: asyncio.sleep(0)) == [f"answer {at}" for at in range(1, 6)]
            return len(writers)

    assert asyncio.run(asked()) == 1


KEEPING = """
import asyncio, sys

async def talk(reader, writer):
    while await reader.readuntil(b"\\r\\n\\r\\n"):
        await reader.readexactly(27)
        writer.write(bytes.fromhex(sys.argv[1]))

async def main():
    server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=200)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


@contextmanager
def keeping_apart() -> Iterator[str]:
    """In a process of its own, so that this one has its own end of each connection only."""
    command = [sys.executable, "-W", "ignore", "-c", KEEPING, answer("spam").hex()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        assert server.stdin is not None
        server.stdin.close()
        server.kill()


def open_files() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def test_connections_that_have_all_grown_too_old_are_replaced_without_more_open_files(
    ask_for: AskFor, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, few = 60, 12
    for transport in (http, sdk):
        monkeypatch.setattr(transport, "KEEPALIVE_S", keepalive_s := bounds.KEEPALIVE_S / 40)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def asked() -> list[str]:
        with keeping_apart() as url:
            async with ask_for(url, concurrency=count) as ask:
                await asyncio.gather(*(texts(ask, request_, 1, between=lambda: asyncio.sleep(0)) for _ in range(count)))
                resource.setrlimit(resource.RLIMIT_NOFILE, (open_files() + few, hard))
                again = [texts(ask, request_, 1, between=lambda: asyncio.sleep(0)) for _ in range(count)]
                time.sleep(2 * keepalive_s)  # noqa: ASYNC251 - this is the fault: nothing of the process runs
                return [text for [text] in await asyncio.gather(*again)]

    try:
        assert asyncio.run(asked()) == ["spam"] * count
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
