"""Servers on loopback that speak TLS, or only pretend to, and a proxy. Each runs in a thread and ends with its block."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Talk = Callable[[socket.socket], None]


@dataclass
class Listening:
    port: int
    heads: list[str] = field(default_factory=list)  # of every request or CONNECT that came


@contextmanager
def listening(talk: Callable[[socket.socket, Listening], None]) -> Iterator[Listening]:
    """`talk` has each connection to itself; what goes wrong in it is the client's to notice."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        seen = Listening(port=door.getsockname()[1])

        def have_one(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.settimeout(5)
                talk(connection, seen)

        def have_all() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=have_one, args=(door.accept()[0],), daemon=True).start()

        threading.Thread(target=have_all, daemon=True).start()
        try:
            yield seen
        finally:
            with suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)


@contextmanager
def https(context: ssl.SSLContext, answer: bytes) -> Iterator[Listening]:
    """Says `answer` to everybody who asks over TLS."""

    def talk(connection: socket.socket, seen: Listening) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            seen.heads.append(read_request(secure))
            secure.sendall(answer)
            secure.recv(1)  # the client closes: one that is still saying goodbye when its loop ends leaves a socket behind

    with listening(talk) as server:
        yield server


@contextmanager
def http(answer: bytes) -> Iterator[Listening]:
    def talk(connection: socket.socket, seen: Listening) -> None:
        seen.heads.append(read_request(connection))
        connection.sendall(answer)
        connection.recv(1)

    with listening(talk) as server:
        yield server


@contextmanager
def proxy(*, wants: str | None = None, says: str | None = None) -> Iterator[Listening]:
    """An HTTP proxy: hands on what it is asked for, tunnels what it is asked to. 407 without the credentials it `wants`;
    `says` is the status line of one that does nothing else.
    """

    def talk(connection: socket.socket, seen: Listening) -> None:
        request = read_request(connection)
        seen.heads.append(request)
        if wants is not None and f"proxy-authorization: {wants}" not in request.lower().split("\r\n"):
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return
        if says is not None:
            connection.sendall(f"HTTP/1.1 {says}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
            return
        method, target, _ = request.split("\r\n", 1)[0].split(" ")
        host, _, port = (target if method == "CONNECT" else target.split("/")[2]).partition(":")
        with socket.create_connection(("127.0.0.1", int(port or 80)), timeout=5) as server:
            if method == "CONNECT":
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(request.replace(f"http://{host}:{port}", "", 1).encode())
            _pipe_both(connection, server)

    with listening(talk) as server:
        yield server


def _pipe_both(one: socket.socket, other: socket.socket) -> None:
    back = threading.Thread(target=_pipe, args=(other, one), daemon=True)
    back.start()
    _pipe(one, other)
    back.join()


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def read_request(connection: socket.socket) -> str:
    """One request, body included; "" from somebody who left."""
    text = b""
    while b"\r\n\r\n" not in text:
        if not (data := connection.recv(65536)):
            return ""
        text += data
    head, _, body = text.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length and (data := connection.recv(65536)):
        body += data
    return (head + b"\r\n\r\n" + body).decode("utf-8", "replace")
