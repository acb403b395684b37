"""One attempt through OpenAI's SDK: the same bytes out and the same Answer back as over HttpAsk.

The SDK writes the address, signs and carries the request. Everything else is ours, as for HttpAsk: no retries of its own, no
redirects, one absolute deadline, the body read by the API's own parser. It stands on httpx2 and that on aiohttp, whose
errors, at the end of the `__cause__` chain, are the ones that say what happened.

Importing this module loads the SDK, which takes a second: import it where it is used.
"""

import asyncio
import os
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import httpx2
import openai

from evalsvc.endpoint.address import endpoint_url, parse_base_url, proxy_credentials, proxy_for, request_headers, secrets_of, shown
from evalsvc.endpoint.answer import Answer, Failure
from evalsvc.endpoint.apis import CHAT, Api
from evalsvc.endpoint.bodies import redactor
from evalsvc.endpoint.bounds import ERROR_BODY_BYTES, KEEPALIVE_S, LARGE_BODY_BYTES, LINGER_S, MAX_RESPONSE_BYTES, STREAM_ACCEPT
from evalsvc.endpoint.connections import watch
from evalsvc.endpoint.deadlines import Deadlines
from evalsvc.endpoint.door import Door, NoToken, OpenAiDoor
from evalsvc.endpoint.errors import BASE_URL, NO_TOKEN, failure
from evalsvc.endpoint.judge import Judge
from evalsvc.endpoint.limits import read_allowance
from evalsvc.endpoint.stream import LARGER_THAN_A_BODY, AnswerStream, Parse
from evalsvc.endpoint.tls import tls_context
from evalsvc.records import Reply, Request, Usage

_PIECE_BYTES: Final = 64 * 1024
_UNREAD: Final[Any] = openai.AsyncStream  # asked for, so that the response comes before its body; none is made
# UnicodeError: a head of a response whose words are no text
_LOST: Final = (openai.OpenAIError, httpx2.HTTPError, aiohttp.ClientError, OSError, UnicodeError, NoToken)


class SdkAsk:
    """Fulfils Ask over one client of the SDK, which lives as long as its `async with`. The arguments are those of HttpAsk.

    `door` says whose addresses and which credentials; without one it is `base_url` and `api_key`, OpenAI's way.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api: Api = CHAT,
        stream: bool = False,
        headers: Mapping[str, str] | None = None,
        api_key: str | None = None,
        attempt_timeout_s: float,
        concurrency: int,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        user_agent: str = "evalsvc",
        environ: Mapping[str, str] = os.environ,
        tls: ssl.SSLContext | None = None,
        door: Door | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        base = parse_base_url(base_url)
        self._api, self._streams = api, stream
        self._door = door or OpenAiDoor(base_url, api_key, environ)
        self._proxy = proxy_for(base, environ)
        own = {**(STREAM_ACCEPT if stream else {}), **(headers or {})}
        # a key of the door wins over credentials in the URL
        self._headers = request_headers(base.with_user(None) if self._door.signed else base, own, None, user_agent)
        self._secrets = tuple(secrets_of(base, self._headers, api_key, self._proxy))
        self._tunnels = base.scheme == "https"
        self._shown = shown(endpoint_url(self._door.base, api.path))
        self._judge = Judge(redact=self._redact, wall_clock=wall_clock)
        self._attempt_timeout_s = attempt_timeout_s
        self._concurrency = concurrency
        self._limit_bytes = max_response_bytes * (LARGER_THAN_A_BODY if stream else 1)
        self._tls = tls or tls_context(environ)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        credentials = proxy_credentials(self._proxy)
        # aiohttp tells a proxy its credentials only where it opens a tunnel; what it merely hands on carries them itself
        self._client = self._door.connect(self._http_client(credentials), {**self._headers, **({} if self._tunnels else credentials)})
        # headers of the SDK's own, which OPENAI_CUSTOM_HEADERS adds to, may hold secrets too
        sent = self._client.default_headers.items()
        added = {name: value for name, value in sent if isinstance(value, str) and name.lower() != "authorization"}
        self._secrets = (*self._secrets, *secrets_of(self._door.base, added, None, None))
        self._signing: dict[str, str | openai.Omit] = {}
        if not self._door.signed and "authorization" not in self._headers:
            self._signing["Authorization"] = openai.omit
        self._deadlines = Deadlines(self._loop, self._attempt_timeout_s)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        self._deadlines.close()
        await self._client.close()

    async def __call__(self, request: Request) -> Answer:
        started_at, sink = self._loop.time(), self._sink(request)
        response: httpx2.Response | None = None
        latency_s = 0.0
        try:
            with self._deadlines.deadline():
                response = await self._post(request.body)
                chunks = response.aiter_bytes()
                whole = await self._fill(sink, chunks, started_at)
                latency_s = self._loop.time() - started_at
                await _let_close(chunks, sink)
        except _LOST as exc:
            whole = sink.finished
            if response is None or not whole:
                return self._failed(exc, self._loop.time() - started_at, sink.usage)
        finally:
            if response is not None:
                await response.aclose()
        latency_s = latency_s or self._loop.time() - started_at
        return self._answer(response, sink, latency_s, whole=whole)

    async def get(self, path: str, *, timeout_s: float) -> bytes | Failure:
        """The body of `path` below the base URL, such as "models"; a Failure for all but a 2xx. Never raises for the network."""
        started_at, body = self._loop.time(), _Body(self._api.parse, None)
        response: httpx2.Response | None = None
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._client.get(
                    f"/{path}", cast_to=httpx2.Response, stream=True, stream_cls=_UNREAD, options={"headers": self._signing}
                )
                whole = await self._fill(body, response.aiter_bytes(), started_at)
        except _LOST as exc:
            return self._failure(exc, self._loop.time() - started_at, timeout_s)
        finally:
            if response is not None:
                await response.aclose()
        latency_s = self._loop.time() - started_at
        return body.content if whole else self._judge.too_large(self._limit_bytes, status=response.status_code, latency_s=latency_s)

    def _http_client(self, credentials: Mapping[str, str]) -> httpx2.AsyncClient:
        proxy = None if self._proxy is None else httpx2.Proxy(str(self._proxy.with_user(None)), headers=dict(credentials))
        client = openai.DefaultAioHttpClient(
            verify=self._tls,
            proxy=proxy,
            trust_env=False,  # the proxy is ours to choose, from the run's own environment
            follow_redirects=False,
            timeout=None,
            limits=httpx2.Limits(max_connections=self._concurrency, keepalive_expiry=KEEPALIVE_S),
            event_hooks={"response": [_keep_the_start_of_a_refusal]},
        )
        _watch_connections(client)
        return client

    async def _post(self, body: bytes) -> httpx2.Response:
        """The response, its body not read yet; APIStatusError for all but a 2xx, then with a body."""
        headers, content = dict(self._signing), body if len(body) <= LARGE_BODY_BYTES else _pieces(body)
        if content is not body:
            headers["Content-Length"] = str(len(body))
        response: httpx2.Response = await self._client.post(
            f"/{self._api.path}",
            content=content,
            cast_to=httpx2.Response,
            stream=True,
            stream_cls=_UNREAD,
            options={"headers": headers},
        )
        return response

    def _sink(self, request: Request) -> "AnswerStream | _Body":
        return self._api.new_stream(request) if self._streams else _Body(self._api.parse, request)

    async def _fill(self, sink: "AnswerStream | _Body", chunks: AsyncIterator[bytes], started_at: float) -> bool:
        """Until nothing that matters can follow. False for more than is allowed; then the rest is not read."""
        size = 0
        async for chunk in chunks:
            size += len(chunk)
            if size > self._limit_bytes:
                return False
            sink.feed(chunk, self._loop.time() - started_at)
            if sink.ended:
                break
        return True

    def _answer(self, response: httpx2.Response, sink: "AnswerStream | _Body", latency_s: float, *, whole: bool) -> Answer:
        status, headers = response.status_code, response.headers
        if whole:
            request_id = headers.get("x-request-id")
            result = sink.result(latency_s=latency_s, request_id=request_id, status=status, redact=self._redact)
        else:
            too_large = self._judge.too_large(self._limit_bytes, status=status, latency_s=latency_s)
            result = replace(too_large, usage=sink.usage)
        return Answer(result=result, allowance=read_allowance(headers))

    def _failed(self, exc: Exception, latency_s: float, usage: Usage | None) -> Answer:
        allowance = read_allowance(exc.response.headers) if isinstance(exc, openai.APIStatusError) else None
        return Answer(result=replace(self._failure(exc, latency_s, self._attempt_timeout_s), usage=usage), allowance=allowance)

    def _failure(self, exc: Exception, latency_s: float, timeout_s: float) -> Failure:
        url = self._shown
        if isinstance(exc, openai.APIStatusError | openai.APIConnectionError):
            url = shown(parse_base_url(str(exc.request.url)))
        if isinstance(exc, openai.APIStatusError):
            response = exc.response
            refused = self._judge.refused(response.status_code, response.headers, response.content, url=url, latency_s=latency_s)
            return replace(refused, hint=self._door.address_hint or refused.hint) if refused.kind == BASE_URL.kind else refused
        if isinstance(exc, NoToken):
            return replace(failure(NO_TOKEN, str(exc), http=None, redact=self._redact), latency_s=latency_s)
        return self._judge.lost(_underneath(exc), url=url, latency_s=latency_s, timeout_s=timeout_s)

    def secrets(self) -> Iterable[str]:
        return (*self._secrets, *self._door.secrets())

    def _redact(self, text: str) -> str:
        return redactor(self.secrets())(text)


class _Body:
    """An answer in one piece, fed and asked as a stream is."""

    ended = finished = False
    usage: Usage | None = None

    def __init__(self, parse: Parse, request: Request | None) -> None:
        self._parse = parse
        self._request = request
        self._chunks: list[bytes] = []

    @property
    def content(self) -> bytes:
        return b"".join(self._chunks)

    def feed(self, data: bytes, since_s: float) -> None:  # noqa: ARG002 - when its pieces came means nothing
        self._chunks.append(data)

    def result(self, **about: Any) -> Reply | Failure:
        return self._parse(self.content, request=self._request, **about)


def _watch_connections(client: Any) -> None:
    """Neither the SDK nor httpx2 lets one choose aiohttp's connector, so their sessions are opened here and now."""
    for transport in (client._transport, *client._mounts.values()):
        transport.client = transport.get_client()
        watch(transport.client.connector)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), _PIECE_BYTES):
        yield body[start : start + _PIECE_BYTES]


async def _let_close(chunks: AsyncIterator[bytes], sink: "AnswerStream | _Body") -> None:
    """Reads what a stream says after its last event: its connection can be used again only when it was read to the end."""
    if not sink.ended:
        return
    with suppress(TimeoutError, httpx2.HTTPError, aiohttp.ClientError):
        async with asyncio.timeout(LINGER_S):
            async for _ in chunks:
                pass


async def _keep_the_start_of_a_refusal(response: httpx2.Response) -> None:
    """The SDK reads the body of a refusal to its end, however long that is and however it ends; the status is what counts."""
    if response.status_code < 300:
        return
    start, stream = bytearray(), response.stream
    assert isinstance(stream, httpx2.AsyncByteStream)  # noqa: S101 - of an AsyncClient
    with suppress(httpx2.HTTPError, aiohttp.ClientError, OSError):
        async for chunk in stream:
            start += chunk
            if len(start) >= ERROR_BODY_BYTES:
                break
    await stream.aclose()
    packed = response.headers.pop("content-encoding", None) is not None
    response.stream = httpx2.ByteStream(_unpacked(bytes(start)) if packed else bytes(start[:ERROR_BODY_BYTES]))


def _unpacked(start: bytes) -> bytes:
    """The beginning of what was packed by gzip or deflate, as it is where it was not: httpx2 would unpack all of it, however large."""
    try:
        return zlib.decompressobj(wbits=32 + zlib.MAX_WBITS).decompress(start, ERROR_BODY_BYTES)
    except zlib.error:
        return start[:ERROR_BODY_BYTES]


def _underneath(exc: BaseException) -> BaseException:
    """The error that the SDK and httpx2 have wrapped in their own, which call a refused connection and a reset a timeout."""
    while exc.__cause__ is not None and type(exc).__module__.partition(".")[0] in {"openai", "httpx2"}:
        exc = exc.__cause__
    return exc
