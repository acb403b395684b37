"""A server that says of its model what it is told to say, and answers every question with spam."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = {
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "spam"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


@dataclass(slots=True, kw_only=True)
class Cards:
    """`root` is what /models names as the weights behind the model."""

    url: str = ""
    root: str = "/weights/monday"
    asked: list[dict[str, Any]] = field(default_factory=list)

    def models(self) -> dict[str, Any]:
        return {"object": "list", "data": [{"id": "echo", "object": "model", "root": self.root}]}


@contextmanager
def serving_cards() -> Iterator[Cards]:
    cards = Cards()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._say(cards.models())

        def do_POST(self) -> None:
            cards.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self._say(ANSWER)

        def _say(self, value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    cards.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield cards
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
