"""What carries the requests of a run: our own client, or OpenAI's SDK for the ways to sign in that only it knows."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from evalsvc.config.azure import AzureTarget
from evalsvc.endpoint.answer import Answer, Failure
from evalsvc.endpoint.tls import tls_context
from evalsvc.pipeline.prepare import Prepared
from evalsvc.records import Request

if TYPE_CHECKING:
    from evalsvc.endpoint.door import Door


class Transport(Protocol):
    """Ask, and a way to look at what else the endpoint says."""

    async def __call__(self, request: Request) -> Answer: ...

    async def get(self, path: str, *, timeout_s: float) -> bytes | Failure: ...

    def secrets(self) -> Iterable[str]:
        """What it signs with, as of now: no answer may give it back."""


@asynccontextmanager
async def open_ask(prepared: Prepared, url: str, ceiling: int) -> AsyncIterator[Transport]:
    """The transport that `model.client` names, to `url`, with at most `ceiling` connections.

    UsageError for certificates that cannot be read and for a token provider that is not there.
    """
    settings = _settings(prepared, url, ceiling)
    if prepared.config.model.client == "http":
        from evalsvc.endpoint.http import HttpAsk

        async with HttpAsk(**settings) as ask:
            yield ask
        return
    from evalsvc.endpoint.sdk import SdkAsk

    async with AsyncExitStack() as closing:
        door = None if prepared.azure is None else await _azure_door(prepared, prepared.azure, closing)
        yield await closing.enter_async_context(SdkAsk(**settings, door=door))


def _settings(prepared: Prepared, url: str, ceiling: int) -> dict[str, Any]:
    """What every transport is told."""
    config, environ = prepared.config, prepared.loaded.environ
    tls = None
    if config.model.ca_file is not None:
        tls = tls_context(environ, config.base_dir / config.model.ca_file, place=prepared.loaded.where("model.ca_file"))
    return {
        "base_url": url,
        "api": prepared.api,
        "stream": config.model.stream,
        "headers": config.model.headers,
        "api_key": prepared.api_key,
        "attempt_timeout_s": config.limits.attempt_timeout_s,
        "concurrency": ceiling,
        "environ": environ,
        "tls": tls,
    }


async def _azure_door(prepared: Prepared, target: AzureTarget, closing: AsyncExitStack) -> "Door":
    from evalsvc.endpoint.azure import AzureDoor, open_tokens

    tokens = None
    if target.token_provider is not None:
        place = prepared.loaded.where("model.azure.token_provider")
        tokens = await open_tokens(target.token_provider, prepared.config.base_dir, place=place, closing=closing)
    return AzureDoor(
        resource=target.resource,
        deployment=target.deployment,
        api_version=target.api_version,
        api_key=prepared.api_key,
        tokens=tokens,
    )
