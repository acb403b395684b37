"""A server for whole runs whose every byte the test decides, row by row; a text of its own names each row's reply."""

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from tests.endpoint.servers import Listening, listening, read_request

Reply = bytes | Callable[[socket.socket], None]


def completion(text: str) -> bytes:
    """The body of a good answer of the chat API."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"id": "c", "choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 1}}).encode()


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "content-type: application/json", "connection: close", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


GOOD = response(completion("spam"))
NO_LIST = response(b"", status="404 Not Found")


@contextmanager
def saying(replies: Mapping[str, Reply], otherwise: Reply = GOOD) -> Iterator[Listening]:
    """Says to a request that holds "<name>" what `replies` has for that name, to every other what there is `otherwise`."""

    def talk(connection: socket.socket, seen: Listening) -> None:
        request = read_request(connection)
        if request.startswith("GET"):
            connection.sendall(NO_LIST)
            return
        seen.heads.append(request)
        reply = next((said for name, said in replies.items() if f"<{name}>" in request), otherwise)
        if isinstance(reply, bytes):
            connection.sendall(reply)
        else:
            reply(connection)

    with listening(talk) as server:
        yield server
