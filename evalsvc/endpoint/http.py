"""One attempt over HTTP: prepared bytes out, an Answer back. It holds no policy: what an outcome means is errors.py.

One aiohttp session carries everything. Its connection limit is the pool's concurrency, so that it can never be the
hidden limiter, and the deadline is absolute, because a read timeout starts again with every dripped byte. It covers a
stream to its end.
"""

import asyncio
import os
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from types import TracebackType
from typing import Self

import aiohttp

from evalsvc.endpoint.address import endpoint_url, parse_base_url, proxy_for, request_headers, secrets_of, shown
from evalsvc.endpoint.answer import Answer, Failure
from evalsvc.endpoint.apis import CHAT, Api
from evalsvc.endpoint.bodies import redactor
from evalsvc.endpoint.bounds import ERROR_BODY_BYTES, KEEPALIVE_S, LARGE_BODY_BYTES, LINGER_S, MAX_RESPONSE_BYTES, STREAM_ACCEPT
from evalsvc.endpoint.connections import watch
from evalsvc.endpoint.deadlines import Deadlines
from evalsvc.endpoint.errors import RESET
from evalsvc.endpoint.judge import Judge
from evalsvc.endpoint.limits import read_allowance
from evalsvc.endpoint.reuse import Reuse
from evalsvc.endpoint.stream import LARGER_THAN_A_BODY, AnswerStream, follow
from evalsvc.endpoint.tls import tls_context
from evalsvc.records import Reply, Request


class HttpAsk:
    """Fulfils Ask over one session, which lives as long as its `async with`.

    `stream`: whether requests ask for a stream, which `api` must have. `concurrency` bounds the open connections. `attempt_timeout_s`
    covers connecting, sending and reading to the last byte.
    Redirects are not followed: they would turn a POST into a GET and carry the key to another host.
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
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._parse = api.parse
        self._streams = stream
        self._reuse = Reuse()
        self._base = parse_base_url(base_url)
        self._url = endpoint_url(self._base, api.path)
        self._shown = shown(self._url)
        self._headers = request_headers(self._base, {**(STREAM_ACCEPT if stream else {}), **(headers or {})}, api_key, user_agent)
        self._proxy = proxy_for(self._base, environ)
        self._secrets = tuple(secrets_of(self._base, self._headers, api_key, self._proxy))
        self._redact = redactor(self._secrets)
        self._attempt_timeout_s = attempt_timeout_s
        self._concurrency = concurrency
        self._max_response_bytes = max_response_bytes
        self._judge = Judge(redact=self._redact, wall_clock=wall_clock)
        uses_tls = "https" in {self._base.scheme, self._proxy and self._proxy.scheme}
        self._tls = (tls or tls_context(environ)) if uses_tls else True

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        connector = aiohttp.TCPConnector(
            limit=self._concurrency,
            limit_per_host=0,
            keepalive_timeout=KEEPALIVE_S,
            ttl_dns_cache=300,
            ssl=self._tls,
        )
        watch(connector)
        self._session = aiohttp.ClientSession(
            connector=connector,
            # aiohttp hands a session's headers to the proxy too, key included; a request's own headers it does not
            headers=None if self._proxy else self._headers,
            proxy=self._proxy,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        )
        self._request_headers = self._headers if self._proxy else None
        self._deadlines = Deadlines(self._loop, self._attempt_timeout_s)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        self._deadlines.close()
        await self._session.close()

    def secrets(self) -> Iterable[str]:
        return self._secrets

    async def __call__(self, request: Request) -> Answer:
        if self._streams:
            return await self._streamed(request)
        started_at = self._loop.time()
        data = request.body if len(request.body) <= LARGE_BODY_BYTES else BytesIO(request.body)
        try:
            with self._deadlines.deadline():
                async with self._session.post(self._url, data=data, headers=self._request_headers, allow_redirects=False) as response:
                    length = response.content_length
                    if response.status == 200 and length is not None and length <= self._max_response_bytes and _is_plain(response):
                        body: bytes | None = await response.read()
                    else:
                        body = await _body(response, self._max_response_bytes)
        except (aiohttp.ClientError, OSError) as exc:
            return Answer(result=self._lost(exc, started_at))
        headers, status, latency_s = response.headers, response.status, self._loop.time() - started_at
        return Answer(result=self._read(request, status, headers, body, latency_s), allowance=read_allowance(headers))

    async def _streamed(self, request: Request) -> Answer:
        started_at, stream = self._loop.time(), self._api.new_stream(request)
        data = request.body if len(request.body) <= LARGE_BODY_BYTES else BytesIO(request.body)
        headers = self._request_headers if self._reuse.allowed else {**(self._request_headers or {}), "connection": "close"}
        try:
            with self._deadlines.deadline():
                async with self._session.post(self._url, data=data, headers=headers, allow_redirects=False) as response:
                    result = await self._follow(response, stream, started_at)
        except (aiohttp.ClientError, OSError) as exc:
            return Answer(result=self._broken_off(exc, stream, started_at))
        return Answer(result=result, allowance=read_allowance(response.headers))

    async def _follow(self, response: aiohttp.ClientResponse, stream: AnswerStream, started_at: float) -> Reply | Failure:
        now, status, headers = self._loop.time, response.status, response.headers
        if not 200 <= status < 300:
            body = await _start_of_body(response)
            return self._judge.refused(status, headers, body, url=self._shown, latency_s=now() - started_at)
        limit = self._max_response_bytes * LARGER_THAN_A_BODY
        if not await follow(response.content.iter_any(), stream, since_s=lambda: now() - started_at, limit=limit):
            return replace(self._judge.too_large(limit, status=status, latency_s=now() - started_at), usage=stream.usage)
        latency_s = now() - started_at
        await _let_close(response.content)
        self._reuse.ended()
        return stream.result(latency_s=latency_s, request_id=headers.get("x-request-id"), status=status, redact=self._redact)

    def _broken_off(self, exc: BaseException, stream: AnswerStream, started_at: float) -> Reply | Failure:
        """An answer that is whole is not lost with its connection."""
        if stream.finished:
            return stream.result(latency_s=self._loop.time() - started_at, request_id=None, status=200, redact=self._redact)
        lost = self._lost(exc, started_at)
        if lost.kind == RESET.kind:
            self._reuse.reset()
        return replace(lost, usage=stream.usage)

    async def get(self, path: str, *, timeout_s: float) -> bytes | Failure:
        """The body of `path` below the base URL, such as "models"; a Failure for all but a 2xx. Never raises for the network."""
        url, started_at = endpoint_url(self._base, path), self._loop.time()
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._session.get(url, headers=self._request_headers, allow_redirects=False) as response,
            ):
                body = await _body(response, self._max_response_bytes)
        except (aiohttp.ClientError, OSError) as exc:
            return self._judge.lost(exc, url=shown(url), latency_s=self._loop.time() - started_at, timeout_s=timeout_s)
        if 200 <= response.status < 300 and body is not None:
            return body
        latency_s = self._loop.time() - started_at
        return self._judge.refused(response.status, response.headers, body or b"", url=shown(url), latency_s=latency_s)

    def _read(self, request: Request, status: int, headers: Mapping[str, str], body: bytes | None, latency_s: float) -> Reply | Failure:
        if not 200 <= status < 300:
            return self._judge.refused(status, headers, body or b"", url=self._shown, latency_s=latency_s)
        if body is None:
            return self._judge.too_large(self._max_response_bytes, status=status, latency_s=latency_s)
        request_id = headers.get("x-request-id")
        return self._parse(body, request=request, latency_s=latency_s, request_id=request_id, status=status, redact=self._redact)

    def _lost(self, exc: BaseException, started_at: float) -> Failure:
        latency_s = self._loop.time() - started_at
        return self._judge.lost(exc, url=self._shown, latency_s=latency_s, timeout_s=self._attempt_timeout_s)


def _is_plain(response: aiohttp.ClientResponse) -> bool:
    """Whether Content-Length tells how large the body will be in memory."""
    return "Content-Encoding" not in response.headers


async def _body(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """The response's body; None when it is larger than `limit`. Of an error only the start, however it ends: its status decides."""
    if response.status >= 300:
        return await _start_of_body(response)
    length = response.content_length
    if length is not None and length > limit:
        return None
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


async def _start_of_body(response: aiohttp.ClientResponse) -> bytes:
    start = bytearray()
    try:
        async for chunk in response.content.iter_any():
            start += chunk
            if len(start) >= ERROR_BODY_BYTES:
                break
    except (aiohttp.ClientError, OSError):
        pass
    return bytes(start[:ERROR_BODY_BYTES])


async def _let_close(content: aiohttp.StreamReader) -> None:
    """What a stream sends after its end, so that its connection can be used again; not for long, for nothing depends on it."""
    if content.at_eof():
        return
    with suppress(aiohttp.ClientError, OSError):
        async with asyncio.timeout(LINGER_S):
            while await content.readany():
                pass
