"""Azure OpenAI as it was before its v1 address: deployments in the path, api-version in the query, api-key or Entra ID tokens.

Importing this module loads the SDK, which takes a second: import it where it is used.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import httpx2
import openai
from yarl import URL

from evalsvc import plugins
from evalsvc.endpoint.address import parse_base_url, refuse_unsendable
from evalsvc.endpoint.door import NoToken
from evalsvc.errors import UsageError

IDENTITY: Final = "identity"
SCOPE: Final = "https://cognitiveservices.azure.com/.default"
_PLACE: Final = "model.azure.token_provider"

# Gives a token that is valid now, or an awaitable of one. It is asked before every request, so it keeps what it has.
TokenProvider = Callable[[], str | Awaitable[str]]


class Tokens:
    """A token for each request, from a provider that is asked one request at a time.

    Without that, the hundreds of requests that a run begins with would all sign in anew. A plain function is called in a
    thread, because it may wait for the network. NoToken for whatever the provider raises, and for all that is no token.
    """

    def __init__(self, provider: TokenProvider) -> None:
        self._provider = provider
        self._turn = asyncio.Lock()
        self.current = ""

    async def __call__(self) -> str:
        async with self._turn:
            try:
                token = await self._ask()
            except Exception as error:
                raise NoToken(f"{_PLACE} failed: {type(error).__name__}: {error}") from error
            if not isinstance(token, str) or not token:
                raise NoToken(f"{_PLACE} gave {type(token).__name__ if token != '' else 'an empty text'} in place of a token")
            self.current = token
            return token

    async def _ask(self) -> object:
        given = self._provider() if inspect.iscoroutinefunction(self._provider) else await asyncio.to_thread(self._provider)
        return await given if inspect.isawaitable(given) else given


class AzureDoor:
    """One deployment of one resource. Exactly one of `api_key` and `tokens` is given."""

    signed = True
    address_hint = "Check model.base_url, the resource as in https://NAME.openai.azure.com, and model.azure.api_version."

    def __init__(
        self, *, resource: str, deployment: str, api_version: str, api_key: str | None = None, tokens: Tokens | None = None
    ) -> None:
        self._resource = parse_base_url(resource)
        self._deployment = deployment
        self._api_version = api_version
        self._api_key = (api_key or "").strip() or None
        refuse_unsendable({"api-key": self._api_key or ""})
        self._tokens = tokens

    @property
    def base(self) -> URL:
        return self._resource / "openai/deployments" / self._deployment

    def secrets(self) -> Iterable[str]:
        return [secret for secret in (self._api_key, self._tokens and self._tokens.current) if secret]

    def connect(self, http: httpx2.AsyncClient, headers: Mapping[str, str]) -> openai.AsyncOpenAI:
        return openai.AsyncAzureOpenAI(
            azure_endpoint=str(self._resource),
            azure_deployment=self._deployment,
            api_version=self._api_version,
            api_key=self._api_key,
            azure_ad_token_provider=self._tokens,
            default_headers=headers,
            http_client=http,
            max_retries=0,
            timeout=None,
        )


async def open_tokens(name: str, base_dir: Path, *, place: str, closing: AsyncExitStack) -> Tokens:
    """The provider that `model.azure.token_provider` names: azure-identity's, or a function of the user's.

    What it holds open is closed by `closing`. UsageError where there is no such thing.
    """
    if name == IDENTITY:
        return Tokens(await _azure_identity(place, closing))
    if not plugins.is_in_file(name):
        raise UsageError(
            f"{place}: there is no token provider {name!r}",
            hint=f"It is {IDENTITY}, or a function of your own as path/to/file.py:name. See docs/endpoints.md#azure",
        )
    provider = plugins.from_file(name, base_dir, place)
    if not callable(provider):
        raise UsageError(
            f"{place}: {name} is no function but {type(provider).__name__}", hint="It is called without arguments for a token."
        )
    return Tokens(provider)


async def _azure_identity(place: str, closing: AsyncExitStack) -> TokenProvider:
    try:
        library: Any = import_module("azure.identity.aio")
    except ImportError as error:
        raise UsageError(
            f"{place}: {IDENTITY} needs the package azure-identity, which is not installed", hint="pip install 'evalsvc[azure]'"
        ) from error
    credential = await closing.enter_async_context(library.DefaultAzureCredential())
    provider: TokenProvider = library.get_bearer_token_provider(credential, SCOPE)
    return provider
