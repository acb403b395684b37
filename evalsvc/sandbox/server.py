"""Starts the sandbox, says that it is ready, and ends it."""

import asyncio
import gc
import os
import signal
import ssl
import sys
import time
from collections.abc import Mapping

import uvloop
from aiohttp import web

from evalsvc.sandbox import models, parent, wire
from evalsvc.sandbox.call_log import CallLog, FileLog, NoLog
from evalsvc.sandbox.dialects import DIALECTS
from evalsvc.sandbox.language import Language
from evalsvc.sandbox.limits import Bucket, Limits
from evalsvc.sandbox.service import Policy, Served, Service
from evalsvc.sandbox.settings import SandboxSettings

_BACKLOG = 4096
_LAST_WORDS_S = 0.1  # how long calls in flight may go on once it is over


def serve(settings: SandboxSettings) -> None:
    """Serves until SIGINT, SIGTERM or what else the settings name; one JSON line on stdout says where, once it is ready.

    ValueError when the training file is of no use, OSError when it or the call log cannot be opened or the port is taken.
    """
    if settings.parent_pid is not None:
        parent.die_with(settings.parent_pid)
    served = load_models(settings)
    # weights and modules stay for good; at thousands of calls in flight, looking through them again is what costs most
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, served))


def load_models(settings: SandboxSettings) -> Mapping[str, Served]:
    """The models by name, those that are fitted last."""
    unread = Language()
    served = {name: Served(model=model, language=unread) for name, model in models.untrained(settings.sentences).items()}
    if settings.train is None:
        return served
    from evalsvc.sandbox import training

    label_column = settings.input if settings.fit in models.WITHOUT_LABELS else settings.target
    examples = training.read_examples(
        settings.train, columns=settings.columns, text_column=settings.input, label_column=label_column, tag_column=settings.tag
    )
    language = Language(examples.texts, order=settings.order)
    fitted = Served(model=models.FITTED[settings.fit](examples, language), language=language)
    return served | dict.fromkeys((settings.fit, *settings.model_name), fitted)


def limits(settings: SandboxSettings, now: float) -> Limits:
    """The buckets that the settings ask for, full."""
    buckets = []
    if (requests := settings.requests_per_minute) is not None:
        buckets.append(Bucket.full("requests", requests, settings.burst or max(1.0, requests / 60), now))
    if settings.tpm is not None:
        buckets.append(Bucket.full("tokens", settings.tpm, settings.token_burst or settings.tpm, now))
    return Limits(buckets=buckets, says_remaining=settings.ratelimit_headers, says_retry_after=settings.retry_after)


def tls_context(settings: SandboxSettings) -> ssl.SSLContext | None:
    """What HTTPS needs, TLS 1.2 at least; None for plain HTTP. ValueError when certificate and key are of no use."""
    if settings.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except ssl.SSLError as error:
        raise ValueError(f"{settings.tls_cert}: not a certificate and its key in PEM format; give the key with --tls-key") from error
    return context


def _policy(settings: SandboxSettings) -> Policy:
    return Policy(
        faults=settings.faults,
        seed=settings.seed,
        slots=settings.slots,
        key=settings.require_key,
        dialect=DIALECTS[settings.quirks],
    )


async def _serve(settings: SandboxSettings, served: Mapping[str, Served]) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    _stop_on(settings, loop, over)
    log: CallLog = FileLog(settings.call_log, loop) if settings.call_log is not None else NoLog()
    service = Service(
        models=served,
        policy=_policy(settings),
        limits=limits(settings, time.monotonic()),
        log=log,
        launch=os.urandom(6).hex(),
    )
    # a client that hangs up ends its call, so that its slot is free again
    runner = web.AppRunner(service.app(), access_log=None, handler_cancellation=True, shutdown_timeout=_LAST_WORDS_S)
    try:
        await runner.setup()
        tls = tls_context(settings)
        await web.TCPSite(runner, settings.host, settings.port, backlog=_BACKLOG, ssl_context=tls).start()
        _announce("http" if tls is None else "https", runner.addresses[0], served)
        await over.wait()
    finally:
        await runner.cleanup()
        log.close()


def _stop_on(settings: SandboxSettings, loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    if settings.parent_pid is not None:
        parent.stop_when_orphaned(loop, settings.parent_pid, over.set)
    if settings.until_stdin_closes:
        parent.stop_at_end_of_stdin(loop, over.set)


def _announce(scheme: str, address: tuple[str, int], served: Mapping[str, Served]) -> None:
    host, port = address[:2]
    ready = {"url": f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/v1", "pid": os.getpid(), "models": list(served)}
    sys.stdout.write(wire.dumps(ready).decode() + "\n")
    sys.stdout.flush()
