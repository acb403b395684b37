"""A chat completions server that costs next to nothing, so that what is measured is the client.

usage: python -m benchmarks.stub [--latency LOW HIGH] [--tls FILE]

HTTP/1.1 with keep-alive over a bare asyncio.Protocol: no routing, no parsing of bodies, one prebuilt reply.
Prints its port, serves until standard input ends.

    POST anything     a chat completion, after a latency drawn evenly between LOW and HIGH seconds (default: at once);
                      as a stream of events in one write, where the body asks for one
    GET  /v1/models   a list with the model `bench`
    GET  /seen        {"chats", "first_at"}: the chat requests so far, the first one's time.monotonic()

--tls serves HTTPS, with the certificate and the key in FILE.
"""

import argparse
import asyncio
import ssl
import sys
import time
from dataclasses import dataclass
from random import Random
from typing import Any, cast

import orjson
import uvloop

from benchmarks.limits import raise_open_files

MODEL = "bench"
BACKLOG = 4096
ASKS_FOR_A_STREAM = b'"stream":true'
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


def _response(value: Any) -> bytes:
    body = orjson.dumps(value)
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


COMPLETION = _response(
    {
        "id": "chatcmpl-000000000000000000000000",
        "object": "chat.completion",
        "created": 1767225600,
        "model": MODEL,
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
            "completion_tokens": 1,
            "total_tokens": 32,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
        "system_fingerprint": None,
    }
)


def _events(*values: Any) -> bytes:
    lines = b"".join(b"data: %b\n\n" % orjson.dumps(value) for value in values) + b"data: [DONE]\n\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(lines), lines)


def _chunk(**rest: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-0", "object": "chat.completion.chunk", "created": 1767225600, "model": MODEL, **rest}


STREAM = _events(
    _chunk(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]),
    _chunk(choices=[{"index": 0, "delta": {"content": "spam"}, "finish_reason": None}]),
    _chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]),
    _chunk(choices=[], usage={"prompt_tokens": 31, "completion_tokens": 1, "total_tokens": 32}),
)
MODELS = _response({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "nobody"}]})


@dataclass(slots=True, kw_only=True)
class Seen:
    """What came in, over all connections."""

    chats: int = 0
    first_at: float | None = None


class Connection(asyncio.Protocol):
    """One client connection; it answers in the order in which requests come."""

    def __init__(self, seen: Seen, latency: tuple[float, float], rng: Random, loop: asyncio.AbstractEventLoop) -> None:
        self._seen, self._latency, self._rng, self._loop = seen, latency, rng, loop
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (size := request_size(self._buffer)) is not None:
            request, self._buffer = self._buffer[:size], self._buffer[size:]
            self._answer(request)

    def _answer(self, request: bytes) -> None:
        if request.startswith(b"POST"):
            self._answer_chat(STREAM if ASKS_FOR_A_STREAM in request else COMPLETION)
        elif request.startswith(b"GET /seen"):
            self._transport.write(_response({"chats": self._seen.chats, "first_at": self._seen.first_at}))
        else:
            self._transport.write(MODELS)

    def _answer_chat(self, said: bytes) -> None:
        if not self._seen.chats:
            self._seen.first_at = time.monotonic()
        self._seen.chats += 1
        low, high = self._latency
        if high:
            self._loop.call_later(low + (high - low) * self._rng.random(), self._transport.write, said)
        else:
            self._transport.write(said)


def request_size(buffer: bytes) -> int | None:
    """Bytes of the first request in `buffer`, None while it is not whole. Bodies must have a Content-Length."""
    end = buffer.find(_HEAD_END)
    if end < 0:
        return None
    size = end + len(_HEAD_END)
    head = buffer[:end].lower()
    at = head.find(_LENGTH)
    if at >= 0:
        size += int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])
    return size if len(buffer) >= size else None


async def serve(latency: tuple[float, float], tls: ssl.SSLContext | None) -> None:
    """Until standard input ends."""
    loop, seen, rng = asyncio.get_running_loop(), Seen(), Random(0)
    server = await loop.create_server(lambda: Connection(seen, latency, rng, loop), "127.0.0.1", 0, backlog=BACKLOG, ssl=tls)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, nargs=2, default=(0.0, 0.0), metavar=("LOW", "HIGH"))
    parser.add_argument("--tls", metavar="FILE")
    options = parser.parse_args()
    low, high = options.latency
    tls = None
    if options.tls:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(options.tls)
    raise_open_files()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve((low, high), tls))


if __name__ == "__main__":
    main()
