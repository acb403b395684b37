"""What the endpoint says about the model, asked once at the start.

OpenAI API reference, "List models": {"object": "list", "data": [{"id", "object": "model", "created", "owned_by", …}]}.
vLLM adds root, parent and max_model_len, which tell one adapter from another under the same name.

Nothing here stops a run: many servers have no list, an odd one, or one that leaves out what they serve.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from evalsvc import jsonio
from evalsvc.endpoint.answer import Action, Failure

TIMEOUT_S = 10.0
MOST_NAMES = 50
_LONGEST_TEXT = 300
# They differ between two launches that serve the same weights.
_VOLATILE = frozenset({"created", "created_at", "updated_at", "modified_at", "permission", "object", "status", "state"})

Scalar = str | int | float | bool


class ModelsState(StrEnum):
    LISTED = "listed"
    UNLISTED = "unlisted"  # there is a list and the model is not in it
    UNKNOWN = "unknown"  # no list, an odd one, or none in time
    UNAVAILABLE = "unavailable"  # nobody there yet: worth waiting for
    REFUSED = "refused"  # the key may not list; it may still be good for asking


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsSeen:
    """The answer to one look. `names` are in the server's order, at most 50; `card` only when the model is listed."""

    state: ModelsState
    names: tuple[str, ...] = ()
    card: Mapping[str, Scalar] | None = None
    failure: Failure | None = None


class Get(Protocol):
    """Fetches a path below the base URL; HttpAsk.get is one."""

    async def __call__(self, path: str, *, timeout_s: float) -> bytes | Failure: ...


async def look_at_models(get: Get, model: str) -> ModelsSeen:
    """GET /models once, within 10 s."""
    result = await get("models", timeout_s=TIMEOUT_S)
    return seen_failing(result) if isinstance(result, Failure) else read_models(result, model)


def read_models(body: bytes, model: str) -> ModelsSeen:
    """What a 200 says of `model`.

    >>> read_models(b'{"data": [{"id": "base"}, {"id": "spam", "root": "/lora/spam", "parent": "base", "created": 1}]}', "spam").card
    {'id': 'spam', 'root': '/lora/spam', 'parent': 'base'}
    """
    entries = list(_entries(body))
    if not entries:
        return ModelsSeen(state=ModelsState.UNKNOWN)
    names = tuple(entry["id"] for entry in entries)
    card = next((entry for entry in entries if entry["id"] == model), None)
    state = ModelsState.UNLISTED if card is None else ModelsState.LISTED
    return ModelsSeen(state=state, names=names[:MOST_NAMES], card=None if card is None else _stable(card))


def seen_failing(failure: Failure) -> ModelsSeen:
    """What it means that /models did not answer: an outage is worth waiting for, a slow list is not."""
    if failure.action is Action.CONFIRM:
        state = ModelsState.REFUSED
    elif failure.outage and failure.kind != "timeout":
        state = ModelsState.UNAVAILABLE
    else:
        state = ModelsState.UNKNOWN
    return ModelsSeen(state=state, failure=failure)


def _entries(body: bytes) -> Iterable[Mapping[str, Any]]:
    try:
        root = jsonio.loads(body)
    except (ValueError, RecursionError):
        return ()
    listed = root.get("data") if isinstance(root, dict) else root
    return (entry for entry in listed if isinstance(entry, dict) and isinstance(entry.get("id"), str)) if isinstance(listed, list) else ()


def _stable(card: Mapping[str, Any]) -> dict[str, Scalar]:
    kept = {key: value for key, value in card.items() if key not in _VOLATILE and isinstance(value, str | int | float)}
    return {key: value[:_LONGEST_TEXT] if isinstance(value, str) else value for key, value in kept.items()}
