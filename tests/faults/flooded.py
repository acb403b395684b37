"""Asks a server that floods once for each way to do so, and tells what came of it and how much memory it took.

    python -m tests.faults.flooded http|sdk plain|streamed

The server is a process of its own, so that only the client's memory is measured.
"""

import asyncio
import gzip
import json
import os
import resource
import signal
import socket
import sys
import threading
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, Final

from evalsvc.endpoint.answer import Failure
from evalsvc.endpoint.apis import APIS
from evalsvc.records import Request
from tests.endpoint.contract.transports import TRANSPORTS

Flood = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\n"
MIB = 2**20


def _for_ever(head: bytes, piece: bytes) -> Flood:
    def flood(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(piece)

    return flood


def _large(head: bytes, mib: int) -> Flood:
    def flood(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(mib):
            connection.sendall(b" " * MIB)

    return flood


@cache
def _packed(mib: int, times: int) -> bytes:
    """Blanks, packed by gzip `times` times over."""
    if times > 1:
        return gzip.compress(_packed(mib, times - 1))
    packer = zlib.compressobj(wbits=31)
    return b"".join(packer.compress(b" " * MIB) for _ in range(mib)) + packer.flush()


def _bomb(status: bytes, mib: int, times: int) -> Flood:
    codings = b", ".join([b"gzip"] * times)
    head = b"HTTP/1.1 %b\r\nconnection: close\r\ncontent-encoding: %b\r\n\r\n" % (status, codings)
    return lambda connection: connection.sendall(head + _packed(mib, times))


def floods(kind: str) -> Mapping[str, Flood]:
    if kind == "streamed":
        events = OK + b"content-type: text/event-stream\r\n\r\n"
        return {
            "one event": _for_ever(events, b"data: " + b"x" * 65536),
            "text": _for_ever(events, b'data: {"choices":[{"index":0,"delta":{"content":"' + b"x" * 65536 + b'"}}]}\n\n'),
            "comments": _for_ever(events, b": " + b"x" * 65536 + b"\n\n"),
            "no events": _for_ever(OK + b"\r\n", b" " * 65536),
        }
    return {
        "100 MB": _large(OK + b"content-length: %d\r\n\r\n" % (100 * MIB), 100),
        "10 GB": _for_ever(OK + b"content-length: 10000000000\r\n\r\n", b" " * 65536),
        "chunks": _for_ever(OK + b"transfer-encoding: chunked\r\n\r\n", b"10000\r\n%b\r\n" % (b" " * 65536)),
        "one chunk": _for_ever(OK + b"transfer-encoding: chunked\r\n\r\nffffffff\r\n", b" " * 65536),
        "until close": _for_ever(OK + b"\r\n", b" " * 65536),
        "bomb": _bomb(b"200 OK", 100, 1),
        "stacked bomb": _bomb(b"200 OK", 100, 3),
        "error bomb": _bomb(b"503 Busy", 100, 1),
        "error, a stacked bomb": _bomb(b"503 Busy", 100, 3),
        "error page": _for_ever(b"HTTP/1.1 503 Busy\r\n\r\n", b"sorry " * 10_000),
        "head of many lines": _for_ever(OK, b"x-a: b\r\n" * 10_000),
        "head of one line": _for_ever(OK + b"x-a: ", b"x" * 65536),
        "head without a reason": _for_ever(b"HTTP/1.1 200 ", b"x" * 65536),
    }


REQUEST: Final = Request(
    id="1", repeat=0, row_hash=bytes(8), key="0" * 32, target=None, messages=b"[]", body=b"{}", input_tokens_estimate=1
)  # fmt: skip


def serve(door: socket.socket, said: Iterable[Flood]) -> None:
    """Says the first of them to the first connection, the next to the next."""

    def talk(connection: socket.socket, flood: Flood) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            flood(connection)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)

    door.settimeout(60)
    threads = []
    for flood in said:
        connection = door.accept()[0]
        connection.settimeout(60)
        threads.append(threading.Thread(target=talk, args=(connection, flood)))
        threads[-1].start()
    for thread in threads:
        thread.join()


async def asked(port: int, transport: str, kind: str) -> dict[str, Any]:
    before, results = _most_mib(), {}
    async with TRANSPORTS[transport](f"http://127.0.0.1:{port}/v1", APIS["chat"], kind == "streamed") as ask:
        for name in floods(kind):
            result = (await ask(REQUEST)).result
            results[name] = result.kind if isinstance(result, Failure) else "a reply"
    return {"results": results, "grown_mib": _most_mib() - before}


def _most_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def main(transport: str, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        server = os.fork()
        if server == 0:
            serve(door, floods(kind).values())
            os._exit(0)
        port = door.getsockname()[1]
    try:
        print(json.dumps(asyncio.run(asked(port, transport, kind))))
    finally:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
