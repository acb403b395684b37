"""Whom to ask: what the environment points at, else the built-in sandbox, so that the file runs as it is written."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 3.0
OPENAI_MODEL = "gpt-4.1-mini"
UNKNOWN_MODEL = "MODEL"
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
        return _server(base_url, key, first_model(fetch(f"{base_url}/models", key)))
    if key:
        comment = "Any model of your account: a name, or a fine-tuned ft:…. The key is in OPENAI_API_KEY."
        return Asked(section={"name": OPENAI_MODEL}, comment=comment, told=f"asks OpenAI's {OPENAI_MODEL}; any other model is model.name")
    return Asked(section={"name": "classifier", "base_url": "sandbox"}, comment="", told="", is_sandbox=True)


def first_model(body: bytes | None) -> str | None:
    """
    >>> first_model(b'{"data": [{"id": "llama"}, {"id": "other"}]}'), first_model(b"<html>"), first_model(None)
    ('llama', None, None)
    """
    try:
        models = json.loads(body or b"null")
    except ValueError:
        return None
    listed = models.get("data") if isinstance(models, dict) else None
    first = listed[0] if isinstance(listed, list) and listed else None
    name = first.get("id") if isinstance(first, dict) else None
    return name if isinstance(name, str) else None


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


def _server(base_url: str, key: str | None, model: str | None) -> Asked:
    section = {"name": model or UNKNOWN_MODEL, "base_url": base_url, **({"api_key_env": "OPENAI_API_KEY"} if key else {})}
    if model is None:
        told = f"OPENAI_BASE_URL ({base_url}) does not say which models it has: put the name into model.name"
        return Asked(section=section, comment="The name of the model, as the server knows it.", told=told)
    return Asked(section=section, comment="The first model that the server lists.", told=f"asks {model} at {base_url} (OPENAI_BASE_URL)")
