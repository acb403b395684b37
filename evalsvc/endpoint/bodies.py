"""The body of an error response, whichever server wrote it, reduced to a message and codes.

    {"error": {"message", "type", "code", "param"}}     OpenAI, Azure, newer vLLM, llama.cpp, LiteLLM, OpenRouter, Ollama
    {"object": "error", "message", "type", "code"}      older vLLM, SGLang
    {"error": "text", "error_type": "…"}                text-generation-inference
    {"detail": "text"} or {"detail": [{"loc", "msg"}]}  FastAPI
    [{"error": {…}}]                                    Gemini
    {"message": "…", "statusCode": 401}                 gateways
    HTML, plain text, nothing                           proxies

Nothing here raises, whatever the bytes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsvc import jsonio
from evalsvc.endpoint.answer import Redact

MESSAGE_CHARS = 500
_LOOKED_AT_CHARS = 4_000
_SHORTEST_SECRET = 4
_TELLING = 8  # characters: so much of a secret's beginning is not to be shown either


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBody:
    """What an error body said. All text is as the server wrote it: tidy it before it is shown."""

    message: str = ""
    codes: tuple[str, ...] = ()  # the most exact first; numbers that only repeat a status are not codes
    param: str | None = None
    status: int | None = None  # a status repeated inside the body: the real one when it came under a 200
    structured: bool = False  # it was JSON with an error in it, so whoever wrote it speaks the API


def read_error(body: bytes) -> ErrorBody:
    """What `body` says went wrong.

    >>> read_error(b'{"error":{"message":"No such model","type":"invalid_request_error","code":"model_not_found"}}').codes
    ('model_not_found', 'invalid_request_error')
    >>> read_error(b"<html><title>502 Bad Gateway</title>...").message
    '502 Bad Gateway'
    """
    try:
        value = jsonio.loads(body)
    except (ValueError, RecursionError):
        return ErrorBody(message=_page_text(body.decode("utf-8", "replace")))
    return error_in(value) or ErrorBody(message=body.decode("utf-8", "replace"))


def error_in(value: Any) -> ErrorBody | None:
    """The error that a decoded JSON value carries, None when it carries none."""
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return None
    error, detail = value.get("error"), value.get("detail")
    if isinstance(error, dict) and error:
        return _from_object(error)
    if isinstance(error, str) and error:
        return ErrorBody(message=error, codes=_codes(value, "code", "error_type", "type"), structured=True)
    if detail:
        return _from_detail(detail)
    if value.get("object") == "error" or ("message" in value and "choices" not in value):
        return _from_object(value)
    return None


def tidy(text: str, redact: Redact, limit: int = MESSAGE_CHARS) -> str:
    """`text` on one line without control characters and secrets, at most `limit` characters.

    Secrets go first: a cut through the middle of one would leave a part that is no longer recognised.

    >>> tidy("bad\\nkey\\x1b[31m  k-123", lambda text: text.replace("k-123", "***"))
    'bad key [31m ***'
    """
    safe = redact(text)[:_LOOKED_AT_CHARS]
    line = " ".join("".join(char if char.isprintable() else " " for char in safe).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def redactor(secrets: Iterable[str | None]) -> Redact:
    """A function that blanks every occurrence of every secret; those under four characters would blank ordinary words.

    A text that was cut may end within one.

    >>> redactor(["sk-secret", None])("key sk-secret refused"), redactor(["sk-secret"])("your key: sk-secre")
    ('key [redacted] refused', 'your key: [redacted]')
    """
    known = sorted({secret for secret in secrets if secret and len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True)

    def redact(text: str) -> str:
        for secret in known:
            text = text.replace(secret, "[redacted]")
        cut = (secret[:end] for secret in known for end in range(len(secret) - 1, _TELLING - 1, -1))
        begun = next((start for start in cut if text.endswith(start)), "")
        return f"{text.removesuffix(begun)}[redacted]" if begun else text

    return redact


def unredacted(text: str) -> str:
    """The Redact of an endpoint without secrets."""
    return text


def _from_object(error: Mapping[str, Any]) -> ErrorBody:
    inner = error.get("innererror")
    codes = _codes(inner, "code") if isinstance(inner, dict) else ()
    return ErrorBody(
        message=_message(error),
        codes=codes + _codes(error, "code", "type", "status"),
        param=_text(error.get("param")),
        status=_status(error.get("code")) or _status(error.get("statusCode")),
        structured=True,
    )


def _from_detail(detail: Any) -> ErrorBody:
    if isinstance(detail, dict):
        # of a detail in a detail only the text counts: they may be nested deeper than a stack is high
        return error_in({**detail, "detail": None}) or ErrorBody(message=_as_json(detail), structured=True)
    if isinstance(detail, list):
        return _from_validation(detail)
    return ErrorBody(message=str(detail), structured=True)


def _from_validation(errors: Sequence[Any]) -> ErrorBody:
    found = [(_path(error.get("loc")), _text(error.get("msg")) or "invalid") for error in errors if isinstance(error, dict)]
    message = "; ".join(f"{path}: {text}" if path else text for path, text in found)
    return ErrorBody(message=message or _as_json(errors), param=found[0][0] if found else None, structured=True)


def _path(location: Any) -> str | None:
    parts = [str(part) for part in location] if isinstance(location, list) else []
    return ".".join(parts[1:] if parts[:1] == ["body"] else parts) or None


def _message(error: Mapping[str, Any]) -> str:
    message = _text(error.get("message")) or _text(error.get("msg")) or _as_json(error)
    metadata = error.get("metadata")
    raw = _text(metadata.get("raw")) if isinstance(metadata, dict) else None  # what the provider behind a router said
    return f"{message}: {raw}" if raw else message


def _codes(source: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    values = [source.get(key) for key in keys]
    return tuple(value for value in values if isinstance(value, str) and value and not value.isdecimal())


def _status(value: Any) -> int | None:
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) == 3 else value
    return number if isinstance(number, int) and not isinstance(number, bool) and 300 <= number <= 599 else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _as_json(value: Any) -> str:
    try:
        return jsonio.dumps(value).decode()
    except (ValueError, TypeError, RecursionError):
        return str(type(value).__name__)


def _page_text(text: str) -> str:
    if not text.lstrip().startswith("<"):
        return text
    page = text[: _LOOKED_AT_CHARS * 4]
    # no tag holds a "<": a page of nothing else would otherwise be gone through once for each of them
    title = re.search(r"<title[^<>]*>([^<]+)", page, re.IGNORECASE)
    return title.group(1) if title else re.sub(r"<[^<>]*>", " ", page)
