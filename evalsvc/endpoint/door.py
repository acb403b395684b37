"""Through which door the SDK goes: whose addresses it writes, and how it signs in there.

Importing this module loads the SDK, which takes a second: import it where it is used.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

import httpx2
import openai
from yarl import URL

from evalsvc.endpoint.address import parse_base_url, refuse_unsendable

_NO_KEY: Final = "none"  # the SDK insists on one; an unsigned door's requests leave it out


class NoToken(Exception):
    """Whoever was to give a token gave none. The message says why."""


class Door(Protocol):
    @property
    def base(self) -> URL:
        """What paths are added to, for messages."""

    @property
    def signed(self) -> bool:
        """Whether it has credentials of its own."""

    @property
    def address_hint(self) -> str | None:
        """What to do where nobody knows the address; None: the usual."""

    def secrets(self) -> Iterable[str]:
        """What must not be echoed, as of now."""

    def connect(self, http: httpx2.AsyncClient, headers: Mapping[str, str]) -> openai.AsyncOpenAI:
        """The SDK's client over `http`, sending `headers` with everything; it neither retries nor watches the time."""


class OpenAiDoor:
    """Any OpenAI-compatible base URL, with a bearer key or without.

    `environ` may name organization and project; the SDK itself looks only at the process's own variables, not at .env.
    """

    address_hint = None

    def __init__(self, base_url: str, api_key: str | None, environ: Mapping[str, str]) -> None:
        self.base = parse_base_url(base_url)
        self._api_key = (api_key or "").strip()
        refuse_unsendable({"authorization": self._api_key})
        self._organization = environ.get("OPENAI_ORG_ID")
        self._project = environ.get("OPENAI_PROJECT_ID")

    @property
    def signed(self) -> bool:
        return bool(self._api_key)

    def secrets(self) -> Iterable[str]:
        return (self._api_key,)

    def connect(self, http: httpx2.AsyncClient, headers: Mapping[str, str]) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            api_key=self._api_key or _NO_KEY,
            organization=self._organization,
            project=self._project,
            base_url=str(self.base.with_user(None).with_query(None)),
            default_query=dict(self.base.query),
            default_headers=headers,
            http_client=http,
            max_retries=0,
            timeout=None,
        )
