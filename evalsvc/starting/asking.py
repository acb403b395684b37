"""Whom to ask: what the environment points at, else the built-in sandbox, so that the file runs as it is written."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 3.0
OPENAI_MODEL = "gpt-4.1-mini"
UNKNOWN_MODEL = "MODEL"
MODELS_SHOWN = 5
# (address, key) -> the body, or None when nobody answers
Fetch = Callable[[str, str | None], bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The `model` section so far, what its comment says, and a line for the terminal."""

    section: Mapping[str, Any]
    comment: str
    told: str
    is_sandbox: bool = field(default=False)


def whom_to_ask(environ: Mapping[str, str], fetch: Fetch) -> Asked:
    """OPENAI_BASE_URL and the first model that it lists; else OpenAI, when there is a key; else the sandbox."""
    base_url, key = environ.get("OPENAI_BASE_URL", "").rstrip("/"), environ.get("OPENAI_API_KEY")
    if _is_usable(base_url):
        return _server(base_url, key, listed_models(fetch(f"{base_url}/models", key)))
    if key:
        comment = "Any model of your account: a name, or a fine-tuned ft:…. The key is in OPENAI_API_KEY."
        return Asked(section={"name": OPENAI_MODEL}, comment=comment, told=f"asks OpenAI's {OPENAI_MODEL}; any other model is model.name")
    return Asked(section={"name": "classifier", "base_url": "sandbox"}, comment="", told="", is_sandbox=True)


def listed_models(body: bytes | None) -> list[str]:
    """
    >>> listed_models(b'{"data": [{"id": "llama"}, {"id": "other"}]}'), listed_models(b"<html>"), listed_models(None)
    (['llama', 'other'], [], [])
    """
    try:
        models = json.loads(body or b"null")
    except ValueError:
        return []
    listed = models.get("data") if isinstance(models, dict) else None
    names = [model.get("id") for model in listed if isinstance(model, dict)] if isinstance(listed, list) else []
    return [name for name in names if isinstance(name, str)]


def fetch_models(url: str, key: str | None) -> bytes | None:
    """One GET, within 3 s."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})  # noqa: S310 - http(s), checked before
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
            body: bytes = response.read(1 << 20)
            return body
    except (OSError, ValueError):
        return None


def _is_usable(base_url: str) -> bool:
    parts = urlsplit(base_url)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def _server(base_url: str, key: str | None, models: Sequence[str]) -> Asked:
    named = {"api_key_env": "OPENAI_API_KEY"} if key else {}
    if not models:
        section = {"name": UNKNOWN_MODEL, "base_url": base_url, **named}
        wants = "" if key else "; if it wants a key, export OPENAI_API_KEY and init again"
        told = f"OPENAI_BASE_URL ({base_url}) does not say which models it has: put the name into model.name{wants}"
        return Asked(section=section, comment="The name of the model, as the server knows it.", told=told)
    first, *others = models
    more = " and more" if len(others) > MODELS_SHOWN else ""
    also = f"; it has also {', '.join(others[:MODELS_SHOWN])}{more}" if others else ""
    told = f"asks {first} at {base_url} (OPENAI_BASE_URL){also}"
    return Asked(section={"name": first, "base_url": base_url, **named}, comment="The first model that the server lists.", told=told)
