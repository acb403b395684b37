"""A server, and a proxy, that gives back all that it was told, wherever an answer or an error has room for it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

DATA: Final = b"text,label\nanswer 1,spam\nanswer 2,ham\n"


class Mirror(BaseHTTPRequestHandler):
    """What a row's text begins with says how it is answered: "error", "page", "broken", "missing", or else with a completion."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.path.startswith("/data.csv"):
            self._send(200, DATA, "text/csv")
            return
        listed = [{"id": name, "object": "model", "owned_by": self._told, "root": self._told} for name in ("echo", f"echo {self._told}")]
        self._say(200, {"object": "list", "data": listed})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        messages = asked.get("messages") or [{"content": ""}]
        how = messages[-1]["content"].partition(" ")[0]
        told = self._told
        if how == "error":
            error = {"message": f"refused: {told}", "code": told, "type": told, "param": told}
            self._say(400, {"error": error})
        elif how == "missing":
            self._say(404, {"error": {"message": f"no such model: {told}", "code": "model_not_found"}})
        elif how == "page":
            self._send(500, f"<html><title>{told}</title>{told}</html>".encode(), "text/html")
        elif how == "broken":
            self._send(200, f"{told} is no JSON".encode(), "text/plain")
        else:
            message = {"role": "assistant", "content": f"spam {told}", "reasoning_content": told, "refusal": None}
            tokens = [{"token": told, "logprob": -0.5, "top_logprobs": [{"token": told, "logprob": -0.5}]}]
            choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": {"content": tokens}}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            completion = {"id": told, "object": "chat.completion", "model": f"echo {told}", "created": 1}
            self._say(200, {**completion, "choices": [choice], "usage": usage, "system_fingerprint": told})

    @property
    def _told(self) -> str:
        """Every header that came, and the address as it came."""
        return " ".join([self.path, *(f"{name}: {value}" for name, value in self.headers.items())])

    def _say(self, status: int, value: Any) -> None:
        self._send(status, json.dumps(value).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        told = {"content-type": kind, "content-length": str(len(body)), "x-request-id": self._told[:4000], "x-told": self._told[:4000]}
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextmanager
def mirror() -> Iterator[str]:
    """Its address, without a path."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
