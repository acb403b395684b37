"""One streamed answer, from bytes in any pieces to the Reply that the same answer in one piece would have been.

    bytes -> EventReader -> events -> Assembler of the API -> Reply | Failure, with the times of its pieces

Nothing here awaits but `follow`, which any transport can use.
"""

from collections.abc import AsyncIterable, Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from evalsvc.endpoint.answer import Failure, Redact
from evalsvc.endpoint.errors import CUT, MALFORMED, failure
from evalsvc.endpoint.reading import decode
from evalsvc.endpoint.sse import Event, EventReader
from evalsvc.records import Reply, Request, Usage

# What a stream may be larger than a body: the same envelope stands around each of its tokens.
LARGER_THAN_A_BODY = 4

_DONE = b"[DONE]"
_START_BYTES = 200


class Parse(Protocol):
    """Reads the body of a 2xx response of one API: a Failure for everything that must not be scored. Never raises.

    `request` is what was asked, `request_id` the header's, `redact` blanks secrets in what is quoted.
    """

    def __call__(
        self, body: bytes, *, request: Request | None, latency_s: float, request_id: str | None, status: int, redact: Redact
    ) -> Reply | Failure: ...


class Assembler(Protocol):
    """Puts the events of one stream together; made anew for each attempt. Never raises."""

    @property
    def finished(self) -> bool:
        """The answer is whole; its usage may still follow."""

    @property
    def ended(self) -> bool:
        """Nothing that matters can follow."""

    @property
    def usage(self) -> Usage | None:
        """What the stream has said so far of what it cost."""

    def take(self, value: Mapping[str, Any], type_: str) -> bool:
        """Takes in one event, decoded, and its SSE type ("" without one). Whether it held a piece of the answer."""

    def result(self, start: bytes, *, latency_s: float, request_id: str | None, status: int, redact: Redact) -> Reply | Failure:
        """What has come, as the API's `parse` would have it. `start` is how the stream began, to be quoted."""


class AnswerStream:
    """Feed it what comes, then ask for the result. `parse` reads the body of a server that does not stream, although asked to."""

    def __init__(self, parse: Parse, assembler: Assembler, request: Request) -> None:
        self._parse = parse
        self._assembler = assembler
        self._request = request
        self._reader = EventReader()
        self._unread: list[bytes] = []  # what came before the first event: all of it, where no event ever comes
        self._start = b""
        self._done = False
        self._broken: bytes | None = None
        self._pieces = 0
        self._first_s = self._last_s = 0.0

    @property
    def ended(self) -> bool:
        """Nothing that matters can follow."""
        return self._done or self._assembler.ended

    @property
    def finished(self) -> bool:
        """The answer is whole: if the connection breaks now, nothing is lost but perhaps the usage."""
        return (self._done or self._assembler.finished) and self._broken is None

    @property
    def usage(self) -> Usage | None:
        return self._assembler.usage

    def feed(self, data: bytes, since_s: float) -> None:
        """`since_s`: how long after the request was sent `data` came."""
        if not self._start:
            self._unread.append(data)
        for event in self._reader.feed(data):
            self._take(event, since_s)

    def result(self, *, latency_s: float, request_id: str | None, status: int, redact: Redact) -> Reply | Failure:
        """After the last byte. A stream that ended before the answer was finished is a Failure, of kind cut."""
        for event in self._reader.end():
            if event.data == _DONE or decode(event.data) is not None:
                self._take(event, latency_s)
        about: dict[str, Any] = {"latency_s": latency_s, "request_id": request_id, "status": status, "redact": redact}
        if not self._start:
            return self._parse(b"".join(self._unread), request=self._request, **about)
        if self._broken is not None:
            words = f"an event of the stream is not JSON: {self._broken.decode('utf-8', 'replace')}"
            return replace(failure(MALFORMED, words, http=status, redact=redact), latency_s=latency_s, usage=self.usage)
        result = self._assembler.result(self._start, **about)
        return self._timed(result) if isinstance(result, Reply) else self._explained(result)

    def _take(self, event: Event, since_s: float) -> None:
        self._start = self._start or event.data[:_START_BYTES] or b" "
        self._unread.clear()
        if event.data == _DONE:
            self._done = True
            return
        value = decode(event.data)
        if not isinstance(value, dict):
            self._broken = self._broken or event.data[:_START_BYTES]
        elif self._assembler.take(value, event.type):
            self._first_s = self._first_s if self._pieces else since_s
            self._last_s = since_s
            self._pieces += 1

    def _timed(self, reply: Reply) -> Reply:
        between = (self._last_s - self._first_s) / (self._pieces - 1) if self._pieces > 1 else None
        return replace(reply, ttft_s=self._first_s if self._pieces else None, itl_s=between)

    def _explained(self, result: Failure) -> Failure:
        if result.kind == CUT.kind and not self.ended:
            return replace(result, message="the stream broke off before the answer was finished", usage=self.usage)
        return result


async def follow(chunks: AsyncIterable[bytes], stream: AnswerStream, *, since_s: Callable[[], float], limit: int) -> bool:
    """Feeds `stream` until it has ended. False when it is larger than `limit` bytes; then the rest is not read.

    `since_s` tells the seconds since the request was sent.
    """
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            return False
        stream.feed(chunk, since_s())
        if stream.ended:
            break
    return True
