"""A URL that is told how a run fares: beside the run, never in its way, and never with a say in how it ends.

Address and key are secrets: of the address no more than scheme and host is ever shown, of the key nothing.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from evalsvc.config import EvalConfig
from evalsvc.config.keypath import Where
from evalsvc.config.secrets import named_secret
from evalsvc.errors import UsageError
from evalsvc.journal.events import utc_text
from evalsvc.jsonio import dumps
from evalsvc.telling.delivery import TRY_S, Post, Said, deliver
from evalsvc.telling.message import STALL

if TYPE_CHECKING:
    from yarl import URL

VERSION = 1
_HINT = "it begins with https://, and names a host"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to, known to be possible."""

    url: "URL" = field(repr=False)
    shown: str  # scheme and host
    secret: str | None = field(repr=False)
    on: tuple[str, ...]
    stall_s: float
    proxy: "URL | None" = field(repr=False)
    tls: ssl.SSLContext | None


def resolve_webhook(config: EvalConfig, environ: Mapping[str, str], *, where: Where = str) -> Target | None:
    """None without `webhook`. UsageError where no address can be had, or one that nothing can be sent to; it shows none."""
    webhook = config.webhook
    if webhook is None:
        return None
    from evalsvc.endpoint.address import proxy_for
    from evalsvc.endpoint.tls import tls_context

    written, place = webhook.url, where("webhook.url")
    if written is None:
        written, place = named_secret(webhook.url_env, environ, place=f"{where('webhook')}: "), webhook.url_env
    if written is None:
        raise UsageError(
            f"{where('webhook')}: nobody to tell: {webhook.url_env} is not set",
            hint=f"export {webhook.url_env}=https://…, or put that line into .env beside the config, or name a file that holds the address "
            f"in {webhook.url_env}_FILE; webhook.url_env names another variable.",
        )
    url = _url(written, place)
    ca_file = None if config.model.ca_file is None else config.base_dir / config.model.ca_file
    return Target(
        url=url,
        shown=str(url.origin()),
        secret=named_secret(webhook.secret_env, environ, place=f"{where('webhook')}: "),
        on=webhook.on,
        stall_s=webhook.stall_s,
        proxy=proxy_for(url, environ),
        tls=tls_context(environ, ca_file, place=where("model.ca_file")) if url.scheme == "https" else None,
    )


def _url(written: str, place: str) -> "URL":
    from yarl import URL

    try:
        url = URL(written.strip())
        if url.scheme in {"http", "https"} and url.host and url.port:
            return url
    except ValueError:
        pass
    raise UsageError(f"{place}: the address of the webhook is not an http(s) URL", hint=_HINT)


@asynccontextmanager
async def open_post(target: Target) -> AsyncIterator[Post]:
    """A session of its own. Redirects are not followed: they would carry the message to another host."""
    import aiohttp

    from evalsvc.endpoint.address import secrets_of
    from evalsvc.endpoint.bodies import redactor
    from evalsvc.endpoint.judge import Judge
    from evalsvc.endpoint.limits import retry_after_s

    secrets = {*secrets_of(target.url, {}, target.secret, target.proxy), target.url.path, target.url.raw_path, target.url.raw_path_qs}
    judge = Judge(redact=redactor(secrets), wall_clock=time.time)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=target.tls or True, force_close=True),
        timeout=aiohttp.ClientTimeout(total=TRY_S),
        proxy=target.proxy,
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as session:

        async def post(body: bytes, headers: Mapping[str, str]) -> Said:
            own = {"content-type": "application/json", "user-agent": "evalsvc", **headers}
            try:
                async with session.post(target.url, data=body, headers=own, allow_redirects=False) as response:
                    wait_s = retry_after_s(response.headers, now_s=time.time())
                    return Said(status=response.status, words=f"{target.shown} answered {response.status}", retry_after_s=wait_s)
            except (aiohttp.ClientError, OSError) as exc:
                lost = judge.lost(exc, url=target.shown, latency_s=0.0, timeout_s=TRY_S)
                return Said(status=None, words=lost.message)

        yield post


Note = Callable[[str], None]
Log = Callable[..., None]
Opens = Callable[[Target], Any]


class Teller:
    """Delivers messages, each in a task of its own; `aclose` belongs to who made it.

    A message that was not taken is one `note` and one event in the `log`; nothing is ever raised. `clock` gives the Unix time.
    """

    def __init__(self, target: Target, *, note: Note, log: Log, clock: Callable[[], float], rng: Random, opens: Opens = open_post) -> None:
        self._target = target
        self._note, self._log = note, log
        self._clock, self._rng = clock, rng
        self._opens = opens
        self._going: dict[asyncio.Task[None], str] = {}

    @property
    def stall_s(self) -> float:
        return self._target.stall_s

    def tell(self, event: str, message: Callable[[], Mapping[str, Any]]) -> None:
        """Begins to deliver what `message` gives, if `event` is to be told. Of two stalls, the one still on its way is enough."""
        if event not in self._target.on or (event == STALL and event in self._going.values()):
            return
        task = asyncio.get_running_loop().create_task(self._deliver(event, message))
        self._going[task] = event
        task.add_done_callback(self._going.pop)

    async def aclose(self, until: Awaitable[object]) -> None:
        """Waits for what is on its way until that is over, then gives it up."""
        over = asyncio.ensure_future(until)
        while self._going and not over.done():
            await asyncio.wait({*self._going, over}, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        left = list(self._going)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, over, return_exceptions=True)

    async def _deliver(self, event: str, message: Callable[[], Mapping[str, Any]]) -> None:
        id_, heard = str(UUID(int=self._rng.getrandbits(128), version=4)), list[Said]()
        try:
            body = dumps({"v": VERSION, "event": event, "id": id_, "at": utc_text(self._clock()), **message()})
            async with self._opens(self._target) as post:
                await deliver(post, body, secret=self._target.secret, clock=self._clock, rng=self._rng, heard=heard)
        except asyncio.CancelledError:
            because = f": {heard[-1].words}" if heard else ""
            self._told(event, id_, len(heard), f"{self._target.shown} has not taken it in the time there was{because}")
            raise
        except Exception as bug:  # whatever it is, the run is worth more
            self._told(event, id_, len(heard), f"a bug in evalsvc: {type(bug).__name__}")
        else:
            self._told(event, id_, len(heard), None if heard[-1].is_taken else heard[-1].words)

    def _told(self, event: str, id_: str, tries: int, problem: str | None) -> None:
        failed = {} if problem is None else {"reason": problem}
        self._log("webhook", about=event, id=id_, delivered=problem is None, tries=tries, **failed)
        if problem is not None:
            self._note(f"the webhook was not told of the {event}: {problem}")
