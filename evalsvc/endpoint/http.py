"""One attempt over HTTP: prepared bytes out, an Answer back. It holds no policy: what an outcome means is errors.py.

One aiohttp session carries everything. Its connection limit is the pool's concurrency, so that it can never be the
hidden limiter, and the deadline is absolute, because a read timeout starts again with every dripped byte.
"""

import asyncio
import os
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO
from types import TracebackType
from typing import Final, Protocol, Self

import aiohttp

from evalsvc.endpoint.address import endpoint_url, parse_base_url, proxy_for, request_headers, secrets_of, shown
from evalsvc.endpoint.answer import Answer, Failure, Redact
from evalsvc.endpoint.bodies import redactor
from evalsvc.endpoint.chat import parse_chat
from evalsvc.endpoint.deadlines import Deadlines
from evalsvc.endpoint.errors import RESPONSE_TOO_LARGE, classify, classify_exception, failure
from evalsvc.endpoint.limits import read_allowance
from evalsvc.errors import NotAvailableYet
from evalsvc.records import Reply, Request

MAX_RESPONSE_BYTES: Final = 16 * 1024 * 1024
_ERROR_BODY_BYTES: Final = 64 * 1024
_KEEPALIVE_S: Final = 4.0  # uvicorn and vLLM close idle sockets after 5 s: a request sent into a closing one is lost
_LARGE_BODY_BYTES: Final = 1024 * 1024  # above it aiohttp warns about plain bytes


class Parse(Protocol):
    """Reads the body of a 2xx response of one API."""

    def __call__(self, body: bytes, *, latency_s: float, request_id: str | None, status: int, redact: Redact) -> Reply | Failure: ...


APIS: Final[Mapping[str, tuple[str, Parse]]] = {"chat": ("chat/completions", parse_chat)}


class HttpAsk:
    """Fulfils Ask over one session, which lives as long as its `async with`.

    `concurrency` bounds the open connections. `attempt_timeout_s` covers connecting, sending and reading to the last byte.
    Redirects are not followed: they would turn a POST into a GET and carry the key to another host.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api: str = "chat",
        headers: Mapping[str, str] | None = None,
        api_key: str | None = None,
        attempt_timeout_s: float,
        concurrency: int,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        user_agent: str = "evalsvc",
        environ: Mapping[str, str] = os.environ,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        if api not in APIS:
            raise NotAvailableYet(f"model.api: {api} is not available yet", hint=f"Available: {', '.join(APIS)}.")
        path, self._parse = APIS[api]
        self._base = parse_base_url(base_url)
        self._url = endpoint_url(self._base, path)
        self._shown = shown(self._url)
        self._headers = request_headers(self._base, headers or {}, api_key, user_agent)
        self._proxy = proxy_for(self._base, environ)
        self._redact = redactor(secrets_of(self._base, self._headers, api_key, self._proxy))
        self._attempt_timeout_s = attempt_timeout_s
        self._concurrency = concurrency
        self._max_response_bytes = max_response_bytes
        self._wall_clock = wall_clock

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._concurrency,
                limit_per_host=0,
                keepalive_timeout=_KEEPALIVE_S,
                ttl_dns_cache=300,
                ssl=_tls_context() if "https" in {self._base.scheme, self._proxy and self._proxy.scheme} else True,
            ),
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

    async def __call__(self, request: Request) -> Answer:
        started_at = self._loop.time()
        data = request.body if len(request.body) <= _LARGE_BODY_BYTES else BytesIO(request.body)
        try:
            with self._deadlines.deadline():
                async with self._session.post(self._url, data=data, headers=self._request_headers, allow_redirects=False) as response:
                    length = response.content_length
                    if response.status == 200 and length is not None and length <= self._max_response_bytes and _is_plain(response):
                        body: bytes | None = await response.read()
                    else:
                        body = await _body(response, self._max_response_bytes)
        except (aiohttp.ClientError, OSError) as exc:
            return Answer(result=self._lost(exc, started_at, self._attempt_timeout_s, self._shown))
        headers, status, latency_s = response.headers, response.status, self._loop.time() - started_at
        return Answer(result=self._judge(status, headers, body, latency_s), allowance=read_allowance(headers))

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
            return self._lost(exc, started_at, timeout_s, shown(url))
        if 200 <= response.status < 300 and body is not None:
            return body
        return self._refused(response.status, response.headers, body or b"", self._loop.time() - started_at, shown(url))

    def _judge(self, status: int, headers: Mapping[str, str], body: bytes | None, latency_s: float) -> Reply | Failure:
        if not 200 <= status < 300:
            return self._refused(status, headers, body or b"", latency_s, self._shown)
        if body is None:
            words = f"the response is larger than {self._max_response_bytes} bytes"
            return replace(failure(RESPONSE_TOO_LARGE, words, http=status), latency_s=latency_s)
        return self._parse(body, latency_s=latency_s, request_id=headers.get("x-request-id"), status=status, redact=self._redact)

    def _refused(self, status: int, headers: Mapping[str, str], body: bytes, latency_s: float, url: str) -> Failure:
        refused = classify(status, headers, body, now_s=self._wall_clock(), url=url, redact=self._redact)
        return replace(refused, latency_s=latency_s)

    def _lost(self, exc: BaseException, started_at: float, timeout_s: float, url: str) -> Failure:
        if type(exc) is TimeoutError and not exc.args:
            exc = TimeoutError(f"no complete answer within {timeout_s:g} s")
        lost = classify_exception(exc, url=url, redact=self._redact)
        return replace(lost, latency_s=self._loop.time() - started_at)


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
            if len(start) >= _ERROR_BODY_BYTES:
                break
    except (aiohttp.ClientError, OSError):
        pass
    return bytes(start[:_ERROR_BODY_BYTES])


def _tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context()  # SSL_CERT_FILE and SSL_CERT_DIR count
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
