"""Which endpoint is meant, and what it is called in the identity of a run."""

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from evalsvc.config.keypath import Where
from evalsvc.config.models import EvalConfig
from evalsvc.errors import UsageError

SANDBOX = "sandbox"
OPENAI_HOST = "api.openai.com"
OPENAI_BASE_URL = f"https://{OPENAI_HOST}/v1"
_VARIABLE = "OPENAI_BASE_URL"
_AZURE_VARIABLE = "AZURE_OPENAI_ENDPOINT"
HIDDEN = "***"
_SECRET_FIELD = re.compile(r"sig|token|key|credential|secret|passw|auth|policy", re.IGNORECASE)
_LONGEST_HARMLESS = 24  # what tells versions apart is shorter than what signs


def resolve_base_url(config: EvalConfig, environ: Mapping[str, str], *, where: Where = str) -> str:
    """`model.base_url`, else OPENAI_BASE_URL, else OpenAI's, without a trailing slash; or the literal "sandbox".

    With `client: azure` it is the resource: `model.base_url`, else AZURE_OPENAI_ENDPOINT, and there is no other default.
    UsageError when it is neither that nor an http(s) URL to which a path can be added, or carries a password.
    """
    if config.model.base_url:
        return _checked(config.model.base_url, place=where("model.base_url"))
    if config.model.client == "azure":
        return _checked(environ.get(_AZURE_VARIABLE) or _no_resource(where), place=_AZURE_VARIABLE)
    if from_environment := environ.get(_VARIABLE):
        return _checked(from_environment, place=_VARIABLE)
    return OPENAI_BASE_URL


def host_of(base_url: str) -> str:
    """The host in lower case, "" for the sandbox."""
    return urlsplit(base_url).hostname or ""


def endpoint_identity(config: EvalConfig, base_url: str) -> str:
    """What tells this endpoint from another: `model.endpoint_id`, else the sandbox's name, else the URL without credentials."""
    return config.model.endpoint_id or without_credentials(base_url)


def without_credentials(url: str) -> str:
    """The URL without user name and password.

    >>> without_credentials("https://me:secret@host:8000/v1")
    'https://host:8000/v1'
    """
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def shown_url(url: str) -> str:
    """The URL as it may be shown: without user and password, what may sign a presigned query hidden.

    >>> shown_url("https://me:secret@host/test.csv?download=true&X-Amz-Signature=0123456789abcdef")
    'https://host/test.csv?download=true&X-Amz-Signature=***'
    >>> shown_url("http://me:secret@[::1/v1?key=0123456789")
    '[::1/v1?key=***'
    """
    try:
        front, mark, query = without_credentials(url).partition("?")
    except ValueError:  # no URL at all
        front, mark, query = url.rpartition("@")[2].partition("?")
    return front + mark + "&".join(_shown_field(field) for field in query.split("&"))


def _shown_field(field: str) -> str:
    name, equals, value = field.partition("=")
    secret = _SECRET_FIELD.search(name) is not None or len(value or name) > _LONGEST_HARMLESS
    return (f"{name}={HIDDEN}" if equals else HIDDEN) if secret else field


def _no_resource(where: Where) -> str:
    raise UsageError(
        f"{where('model')}: client: azure needs the address of a resource",
        hint=f"Write model.base_url: https://NAME.openai.azure.com, or set {_AZURE_VARIABLE}.",
    )


def _checked(url: str, *, place: str) -> str:
    if url == SANDBOX:
        return url
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or any(mark.isspace() for mark in url):
        raise UsageError(
            f"{place}: the base URL is not an http(s) URL" + ("" if "@" in url else f": {shown_url(url)!r}"),
            hint=f'For example {OPENAI_BASE_URL}, or "{SANDBOX}" for the built-in server.',
        )
    if "@" in parts.netloc:
        raise UsageError(
            f"{place}: the base URL holds a user name or password",
            hint="Take it out; name the variable that holds the key in model.api_key_env, or use model.headers.",
        )
    if parts.query or parts.fragment:
        raise UsageError(
            f"{place}: the base URL ends in a query or a fragment, so that no path can be added to it",
            hint="Give it up to the version, for example https://host/v1",
        )
    return url.rstrip("/")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # urlsplit looks at the port only when asked for it
    except ValueError:
        return None
    return parts
