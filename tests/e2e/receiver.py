"""A receiver of webhooks in a thread: keeps what comes, answers as it is told to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET_PATH = "/services/T0SECRET"


@dataclass(slots=True, kw_only=True)
class Receiver:
    """`script` are the statuses of its first answers; then 200."""

    url: str = ""
    script: list[int] = field(default_factory=list)
    tries: list[tuple[bytes, str | None]] = field(default_factory=list)  # body and signature
    taken: list[dict[str, Any]] = field(default_factory=list)

    @property
    def events(self) -> list[str]:
        return [message["event"] for message in self.taken]

    def answer(self, body: bytes, signature: str | None) -> int:
        self.tries.append((body, signature))
        status = self.script.pop(0) if self.script else 200
        if status == 200:
            self.taken.append(json.loads(body))
        return status


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(receiver.answer(body, self.headers["X-Evalsvc-Signature"]))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}{SECRET_PATH}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
