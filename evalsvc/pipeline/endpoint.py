"""The endpoint at the start of a run: the embedded sandbox, or waiting for somebody else's server to be there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from evalsvc.endpoint.models import TIMEOUT_S, ModelsSeen, ModelsState, look_at_models
from evalsvc.errors import EndpointDown, UsageError
from evalsvc.pipeline.echoes import Echoes
from evalsvc.pipeline.prepare import Prepared
from evalsvc.pipeline.stop import StopSwitch
from evalsvc.pipeline.transport import Transport
from evalsvc.report import LiveView

LOOK_EVERY_S = 3.0
GLANCE_S = 3.0
# A server that is up and lists other models may still be loading this one, but a mistyped name must not hold a job for long.
WAIT_FOR_MODEL_AT_MOST_S = 60.0


@asynccontextmanager
async def address(prepared: Prepared) -> AsyncIterator[str]:
    """Where to ask; with `base_url: sandbox` a child process that ends with the block."""
    if prepared.sandbox is None:
        yield prepared.base_url
        return
    from evalsvc.sandbox.embed import SandboxFailed, start_sandbox

    try:
        sandbox = await asyncio.to_thread(start_sandbox, prepared.sandbox)
    except SandboxFailed as error:
        hint = f"look at {prepared.loaded.where('model.sandbox')}; evalsvc sandbox --help lists what it can do"
        raise UsageError(f"the embedded sandbox did not start: {error}", hint=hint) from error
    try:
        yield sandbox.url
    finally:
        sandbox.close()


async def wait_for_endpoint(ask: Transport, prepared: Prepared, view: LiveView, stop: StopSwitch) -> ModelsSeen:
    """One look at /models; while nobody is there, another every few seconds, up to `wait_for_endpoint_s`."""
    loop = asyncio.get_running_loop()
    model, began_at, told = prepared.config.model.name, loop.time(), False
    while True:
        seen = await stop.during(_look(ask, model))
        if seen.state is not ModelsState.UNAVAILABLE or seen.failure is None:
            return seen
        left_s = began_at + prepared.config.limits.wait_for_endpoint_s - loop.time()
        if left_s <= 0:
            waited = f"nobody answered within {prepared.config.limits.wait_for_endpoint_s:g} s (limits.wait_for_endpoint_s)"
            raise EndpointDown(
                f"{seen.failure.message}; {waited}", hint=seen.failure.hint or "is the server running, and is model.base_url right?"
            )
        if not told:
            view.note(f"{seen.failure.message}; waiting up to {left_s:.3g} s for the endpoint (limits.wait_for_endpoint_s)")
            told = True
        await stop.sleep(min(LOOK_EVERY_S, left_s))


async def glance(ask: Transport, model: str) -> ModelsSeen:
    """One short look at /models, for a run that has nothing left to ask and so no reason to wait for anybody."""
    return await _look(ask, model, within_s=GLANCE_S)


async def wait_for_model(ask: Transport, prepared: Prepared, view: LiveView, stop: StopSwitch) -> bool:
    """After "no such model" before any answer: True once /models lists it, False when it did not appear in time."""
    loop = asyncio.get_running_loop()
    model, wait_s = prepared.config.model.name, min(prepared.config.limits.wait_for_endpoint_s, WAIT_FOR_MODEL_AT_MOST_S)
    give_up_at, told = loop.time() + wait_s, False
    while (left_s := give_up_at - loop.time()) > 0:
        seen = await stop.during(_look(ask, model))
        if seen.state is ModelsState.LISTED:
            return True
        if seen.state is not ModelsState.UNLISTED:
            return False
        if not told:
            names = ", ".join(seen.names[:10])
            view.note(f"the endpoint has no model {model!r}; it has {names}. Waiting up to {left_s:.3g} s for it to be loaded")
            told = True
        await stop.sleep(min(LOOK_EVERY_S, left_s))
    return False


async def _look(ask: Transport, model: str, *, within_s: float = TIMEOUT_S) -> ModelsSeen:
    return Echoes(ask.secrets).seen(await look_at_models(ask.get, model, timeout_s=within_s))
