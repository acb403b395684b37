"""A server of files on loopback, with or without ranges, that can break a transfer in its middle."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(slots=True, kw_only=True)
class Shelf:
    """What is served by path, how, and what was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    etags: bool = True
    sized: bool = True  # tells the length in advance
    statuses: list[int] = field(default_factory=list)  # of the next GETs, in place of an answer
    cut_after: list[int] = field(default_factory=list)  # bytes after which the next GETs break
    content_type: str = "application/octet-stream"
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # method and range of each request


@contextmanager
def serving(shelf: Shelf) -> Iterator[Shelf]:
    handler = type("Handler", (_Handler,), {"shelf": shelf})
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        shelf.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield shelf
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away in the middle is no error here."""


class _Handler(BaseHTTPRequestHandler):
    shelf: Shelf

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it that
        pass

    def _answer(self, *, body: bool) -> None:
        wanted = self.headers.get("Range")
        self.shelf.asked.append((self.command, wanted))
        data = self.shelf.files.get(urlsplit(self.path).path)
        status = self.shelf.statuses.pop(0) if body and self.shelf.statuses else (200 if data is not None else 404)
        if status != 200 or data is None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._send(data, wanted if self.shelf.ranges else None, body=body)

    def _send(self, data: bytes, wanted: str | None, *, body: bool) -> None:
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted or "")
        start, end = (int(found[1]), int(found[2] or len(data) - 1)) if found else (0, len(data) - 1)
        part = data[start : end + 1]
        self.send_response(206 if found else 200)
        if found:
            self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(data)}")
        if self.shelf.etags:
            self.send_header("ETag", f'"{hash(data)}"')
        if self.shelf.sized:
            self.send_header("Content-Length", str(len(part)))
        self.send_header("Content-Type", self.shelf.content_type)
        self.end_headers()
        if body:
            self.wfile.write(part[: self.shelf.cut_after.pop(0)] if self.shelf.cut_after else part)
