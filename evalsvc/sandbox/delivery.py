"""How an answer reaches the client, and the ways in which it can fail to."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from evalsvc.sandbox.faults import Break

JSON = "application/json"
_EVENTS = "text/event-stream"
_PAGE = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>\n"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A finished reply: the one piece of a plain body, or the events of a stream."""

    pieces: Sequence[bytes]
    headers: Mapping[str, str]
    streams: bool = False
    pace_s: float = 0.0  # before every event

    @property
    def content_type(self) -> str:
        return _EVENTS if self.streams else JSON

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


async def deliver(request: web.Request, parcel: Parcel) -> web.StreamResponse:
    """The reply as it should be."""
    if not parcel.streams:
        return web.Response(body=parcel.body, content_type=parcel.content_type, headers=parcel.headers)
    response = web.StreamResponse(headers={**parcel.headers, "content-type": parcel.content_type})
    await response.prepare(request)
    for piece in parcel.pieces:
        if parcel.pace_s:
            await asyncio.sleep(parcel.pace_s)
        await response.write(piece)
    await response.write_eof()
    return response


async def misdeliver(request: web.Request, parcel: Parcel, fault: Break) -> web.StreamResponse | None:
    """The reply as `fault` has it; None when nothing was sent."""
    return await BREAKS[fault.how](request, parcel, fault)


async def _reset(request: web.Request, _parcel: Parcel, _fault: Break) -> None:
    if request.transport is not None:
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        request.transport.abort()


async def _silence(_request: web.Request, _parcel: Parcel, _fault: Break) -> None:
    await asyncio.Event().wait()


async def _cut(request: web.Request, parcel: Parcel, _fault: Break) -> web.StreamResponse:
    response = await _begun(request, parcel, content_length=len(parcel.body))
    await response.write(parcel.body[: len(parcel.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _drip(request: web.Request, parcel: Parcel, fault: Break) -> web.StreamResponse:
    response = await _begun(request, parcel, content_length=len(parcel.body))
    for byte in parcel.body:
        await response.write(bytes([byte]))
        await asyncio.sleep(1 / fault.bytes_per_s)
    await response.write_eof()
    return response


async def _garbage(_request: web.Request, parcel: Parcel, _fault: Break) -> web.StreamResponse:
    return web.Response(body=_PAGE, content_type="text/html", headers=parcel.headers)


async def _malformed(_request: web.Request, parcel: Parcel, _fault: Break) -> web.StreamResponse:
    body = parcel.body
    return web.Response(body=body[: len(body) // 2], content_type=parcel.content_type, headers=parcel.headers)


async def _begun(request: web.Request, parcel: Parcel, *, content_length: int) -> web.StreamResponse:
    response = web.StreamResponse(headers={**parcel.headers, "content-type": parcel.content_type})
    response.content_length = content_length
    await response.prepare(request)
    return response


BREAKS: Mapping[str, Callable[[web.Request, Parcel, Break], Awaitable[web.StreamResponse | None]]] = {
    "reset": _reset,
    "silence": _silence,
    "cut": _cut,
    "drip": _drip,
    "garbage": _garbage,
    "malformed": _malformed,
}
