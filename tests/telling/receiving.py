"""Receivers of webhooks: one that is only a function, and one on loopback."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from yarl import URL

from evalsvc.telling.delivery import Post, Said
from evalsvc.telling.webhook import Target

SECRET_PATH = "/services/T0SECRET/B0SECRET"
TARGET = Target(
    url=URL(f"http://127.0.0.1:9{SECRET_PATH}?token=QSECRET"),
    shown="http://127.0.0.1:9",
    secret="whsec-SECRET",
    on=("finish", "failure", "stall"),
    stall_s=600.0,
    proxy=None,
    tls=None,
)


def target(**changes: Any) -> Target:
    return replace(TARGET, **changes)


def opening(say: Callable[[Mapping[str, Any]], Said]) -> Callable[[Target], AbstractAsyncContextManager[Post]]:
    """In the place of `open_post`: each message goes to `say`."""

    @asynccontextmanager
    async def opened(_target: Target) -> AsyncIterator[Post]:
        async def post(body: bytes, headers: Mapping[str, str]) -> Said:
            return say(json.loads(body))

        yield post

    return opened


@dataclass(slots=True)
class Came:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """On loopback: answers what `script` says, then 200."""

    url: URL
    script: list[web.StreamResponse]
    came: list[Came] = field(default_factory=list)


@asynccontextmanager
async def receiving(*script: web.StreamResponse) -> AsyncIterator[Receiver]:
    receiver = Receiver(url=URL(), script=list(script))

    async def take(request: web.BaseRequest) -> web.StreamResponse:
        receiver.came.append(Came(str(request.rel_url), request.headers, await request.read()))
        return receiver.script.pop(0) if receiver.script else web.Response()

    server = web.Server(take)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = URL(f"http://127.0.0.1:{runner.addresses[0][1]}{SECRET_PATH}?token=QSECRET")
    try:
        yield receiver
    finally:
        await runner.cleanup()
