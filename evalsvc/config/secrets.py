"""Keys come from the environment or a mounted file, and go nowhere but into the request."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalsvc.config.address import HIDDEN, OPENAI_HOST, host_of, resolve_base_url, shown_url, without_credentials
from evalsvc.config.document import YamlProblem, read_document
from evalsvc.config.keypath import Where
from evalsvc.config.models import EvalConfig
from evalsvc.config.overlay import parse_value
from evalsvc.errors import UsageError
from evalsvc.jsonio import dumps, loads

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SECRET_HEADER = re.compile(r"auth|key|token|cookie|secret|passw|credential", re.IGNORECASE)
# Stricter than for headers: max_tokens and prompt_cache_key are no secrets.
_SECRET_PARAM = re.compile(r"api[-_]?key|(access|auth|bearer|session)[-_]?token|authorization|secret|passw|credential", re.IGNORECASE)
_OPENAI_VARIABLE = "OPENAI_API_KEY"
_AZURE_VARIABLE = "AZURE_OPENAI_API_KEY"
_LOOKS_LIKE_A_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")


def resolve_api_key(config: EvalConfig, environ: Mapping[str, str], *, where: Where = str) -> str | None:
    """The key to send, or None where the endpoint gets none.

    The variable is `model.api_key_env`, else OPENAI_API_KEY for OpenAI's own host, else AZURE_OPENAI_API_KEY for
    `client: azure` without a token provider; any other host gets a key only when the config names one. X_FILE may hold the
    path of a file with the key in place of X. UsageError when the variable is not set, or its value cannot be sent as a
    header; no message shows a key.
    """
    named = config.model.api_key_env
    if named is not None:
        return _key(named, environ, place=f"{where('model.api_key_env')}: ")
    if config.model.client == "azure":
        signs_in_otherwise = config.model.azure is not None and config.model.azure.token_provider is not None
        return None if signs_in_otherwise else _key(_AZURE_VARIABLE, environ, place="")
    if host_of(resolve_base_url(config, environ, where=where)) == OPENAI_HOST:
        return _key(_OPENAI_VARIABLE, environ, place="")
    return None


def named_secret(variable: str, environ: Mapping[str, str], *, place: str) -> str | None:
    """The value of `variable`, or what is in the file that `<variable>_FILE` names; None where neither is set.

    UsageError, beginning with `place`, for a file that cannot be read or is empty.
    """
    if value := environ.get(variable):
        return value
    path = environ.get(f"{variable}_FILE")
    return _mounted(Path(path), variable=f"{variable}_FILE", place=place) if path else None


def redacted(config: EvalConfig) -> dict[str, Any]:
    """The config as JSON-ready values for run.json, with the values of secret-looking headers and parameters hidden, and
    the address of a webhook.
    """
    values: dict[str, Any] = loads(dumps(config.model_dump()))
    model = values["model"]
    model["headers"] = {name: HIDDEN if _SECRET_HEADER.search(name) else value for name, value in model["headers"].items()}
    model["params"] = without_secrets(model["params"])
    model["base_url"] = without_credentials(config.model.base_url)
    for reads in (values["dataset"], values["prompt"]["few_shot"]):
        if reads is not None and "://" in reads["path"]:
            reads["path"] = shown_url(reads["path"])
    if config.webhook is not None and config.webhook.url is not None:
        values["webhook"]["url"] = HIDDEN
    return values


def shown_setting(assignment: str) -> str:
    """`a.b=c` as `--set` takes it, without what may be a secret.

    >>> [shown_setting(f"model.{rest}") for rest in ("headers.Authorization=Bearer k", "params={api_key: k}", "max_output_tokens=3")]
    ['model.headers.Authorization=***', 'model.params=***', 'model.max_output_tokens=3']
    >>> shown_setting("webhook.url=https://host/hook/k"), shown_setting("dataset.path=https://me:k@host/test.csv")
    ('webhook.url=***', 'dataset.path=https://host/test.csv')
    >>> shown_setting("model={headers: {x-key: k}}"), shown_setting("dataset={path: 'https://me:k@host/test.csv'}")
    ('model=***', 'dataset=***')
    """
    path, equals, value = assignment.partition("=")
    if not equals:  # no setting at all, and nobody knows what was meant
        return HIDDEN
    section = path.strip()
    secret = _SECRET_HEADER if "header" in assignment.lower() else _SECRET_PARAM
    hidden = section.startswith("webhook") or (section.startswith("model") and secret.search(assignment))
    return f"{path}={HIDDEN if hidden else _shown(value)}"


def _shown(value: str) -> str:
    """What stands behind the "=" of `--set`: of an address what `shown_value` leaves, and nothing where one that signs is in brackets."""
    try:
        parsed = parse_value(value)
    except YamlProblem:
        return HIDDEN
    if isinstance(parsed, str):
        shown = shown_value(parsed.strip())
        return value if shown == parsed.strip() else shown
    return HIDDEN if any(shown_value(text) != text for text in _texts(parsed)) else value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)


def shown_value(value: str) -> str:
    """An address without what may be a secret; any other text as it is.

    >>> shown_value("s3://me:k@bucket/test.csv"), shown_value("Is http://a.example?b=c@d a link?")
    ('s3://bucket/test.csv', 'Is http://a.example?b=c@d a link?')
    """
    return shown_url(value) if _URL.match(value) else value


def with_address(config: Mapping[str, Any], config_file: str | None) -> dict[str, Any]:
    """A config from run.json with the whole URL of its data, as far as the config file still has what was hidden there."""
    shown = config["dataset"]["path"]
    if "://" not in shown or config_file is None:
        return dict(config)
    try:
        written = read_document(Path(config_file)).values["dataset"]["path"]
    except (UsageError, KeyError, TypeError):
        return dict(config)
    known = isinstance(written, str) and shown_url(written) == shown
    return {**config, "dataset": {**config["dataset"], "path": written if known else shown}}


def without_secrets(value: Any, secret: re.Pattern[str] = _SECRET_PARAM) -> Any:
    """`model.params`, or a part of it, with the values of secret-looking names hidden, however deep they stand; of headers too.

    >>> without_secrets({"max_tokens": 3, "extra": [{"api_key": "k"}], "extra_headers": {"x-key": "k"}})
    {'max_tokens': 3, 'extra': [{'api_key': '***'}], 'extra_headers': {'x-key': '***'}}
    """
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if secret.search(str(key)) else without_secrets(inner, _below(str(key), secret)) for key, inner in value.items()
        }
    return [without_secrets(inner, secret) for inner in value] if isinstance(value, list | tuple) else value


def _below(name: str, secret: re.Pattern[str]) -> re.Pattern[str]:
    return _SECRET_HEADER if "header" in name.lower() else secret


def _key(variable: str, environ: Mapping[str, str], *, place: str) -> str:
    if key := named_secret(variable, environ, place=place):
        return _sendable(key, source=variable if environ.get(variable) else f"{variable}_FILE", place=place)
    raise _not_set(variable, place=place)


def _not_set(variable: str, *, place: str) -> UsageError:
    # a key put where its variable's name belongs must not come back in the message
    if not _LOOKS_LIKE_A_NAME.fullmatch(variable):
        return UsageError(f"{place}no API key: there is no variable of that name", hint="Give the name of a variable, not the key itself.")
    return UsageError(
        f"{place}no API key: {variable} is not set",
        hint=f"export {variable}=…, or put that line into .env beside the config, or name a file that holds the key in {variable}_FILE.",
    )


def _mounted(path: Path, *, variable: str, place: str) -> str:
    try:
        key = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        # where the path of its file belongs there may be the key itself, which must not come back in the message
        shown = path if len(path.parts) > 1 else "the file that it names"
        raise UsageError(f"{place}{variable}: {shown} cannot be read: {reason}") from None
    if not key:
        raise UsageError(f"{place}{variable}: {path} is empty")
    return key


def _sendable(key: str, *, source: str, place: str) -> str:
    """The key, if it can be the value of an HTTP header: Latin-1 without control characters (RFC 9110, 5.5)."""
    if any(ord(mark) > 255 or ord(mark) < 32 or ord(mark) == 127 for mark in key):
        raise UsageError(
            f"{place}the key in {source} holds a line break or a character that no HTTP header can carry",
            hint="It was probably pasted with something around it; copy the key alone.",
        )
    return key
