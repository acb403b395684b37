"""What goes over the wire whatever the API: JSON, errors, the list of models. Pure; bytes or JSON values out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class WireError:
    """An error as OpenAI words it, with its status and the headers that go with it."""

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        return dumps(self.written())

    def written(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


class Declined(Exception):
    """This call gets an error in place of an answer."""

    def __init__(self, error: WireError) -> None:
        super().__init__(error.message)
        self.error = error


def dumps(value: Any) -> bytes:
    """JSON; lone surrogates, which orjson refuses, as ASCII escapes."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode("ascii")


def loads(data: bytes) -> Any:
    """ValueError when `data` is not JSON."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)


def models(names: Sequence[str], created: int) -> dict[str, Any]:
    """/v1/models."""
    return {"object": "list", "data": [model(name, created) for name in names]}


def model(name: str, created: int) -> dict[str, Any]:
    """/v1/models/<name>."""
    return {"id": name, "object": "model", "created": created, "owned_by": "sandbox"}
