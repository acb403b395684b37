"""What the endpoint says about the model, asked once at the start.

OpenAI API reference, "List models": {"object": "list", "data": [{"id", "object": "model", "created", "owned_by", …}]}.

- vLLM adds root, parent and max_model_len, which tell one adapter from another under the same name; llama.cpp adds meta,
  whose counts tell one file of weights from another.
- The list may stand alone ([{…}], Together) or under "models", an entry's name under "name" or "model", or be all of it.
- Gemini lists models/NAME and takes NAME too; Ollama lists NAME:latest and takes NAME.

Nothing here stops a run: many servers have no list, an odd one, or one that leaves out what they serve.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from evalsvc.endpoint.answer import Action, Failure
from evalsvc.endpoint.reading import decode

TIMEOUT_S = 10.0
MOST_NAMES = 50
_LONGEST_TEXT = 300
# They differ between two launches that serve the same weights.
_PREFIXES, _SUFFIXES = ("", "models/"), ("", ":latest")
_OF_THE_WEIGHTS = ("n_params", "size", "n_vocab", "n_embd", "n_ctx_train")
_VOLATILE = frozenset({"created", "created_at", "updated_at", "modified_at", "permission", "object", "status", "state", "running"})

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


async def look_at_models(get: Get, model: str, *, timeout_s: float = TIMEOUT_S) -> ModelsSeen:
    """GET /models once."""
    result = await get("models", timeout_s=timeout_s)
    return seen_failing(result) if isinstance(result, Failure) else read_models(result, model)


def read_models(body: bytes, model: str) -> ModelsSeen:
    """What a 200 says of `model`.

    >>> read_models(b'{"data": [{"id": "base"}, {"id": "spam", "root": "/lora/spam", "parent": "base", "created": 1}]}', "spam").card
    {'id': 'spam', 'root': '/lora/spam', 'parent': 'base'}
    """
    cards = _cards(body)
    if not cards:
        return ModelsSeen(state=ModelsState.UNKNOWN)
    names, card = tuple(cards), _card_of(model, cards)
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


def _cards(body: bytes) -> dict[str, Mapping[str, Any]]:
    """The entries by name; of two with the same name the first."""
    cards: dict[str, Mapping[str, Any]] = {}
    for entry in _entries(decode(body)):
        card = {"id": entry} if isinstance(entry, str) else entry
        if isinstance(card, dict) and (name := _name_of(card)) is not None:
            cards.setdefault(name, {**card, "id": name})
    return cards


def _entries(root: Any) -> Iterable[Any]:
    lists = [root.get("data"), root.get("models")] if isinstance(root, dict) else [root]
    return next((entries for entries in lists if isinstance(entries, list) and entries), ())


def _name_of(card: Mapping[str, Any]) -> str | None:
    return next((name for key in ("id", "name", "model") if isinstance(name := card.get(key), str) and name), None)


def _card_of(model: str, cards: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The card of what the server will take `model` to be."""
    spellings = [f"{prefix}{model}{suffix}" for prefix in _PREFIXES for suffix in _SUFFIXES]
    return next((cards[name] for name in [*spellings, model.removeprefix("models/")] if name in cards), None)


def _stable(card: Mapping[str, Any]) -> dict[str, Scalar]:
    kept = {key: value for key, value in card.items() if key not in _VOLATILE and isinstance(value, str | int | float)}
    meta = card.get("meta")
    if isinstance(meta, dict):
        kept |= {f"meta.{key}": meta[key] for key in _OF_THE_WEIGHTS if isinstance(meta.get(key), int | float)}
    return {key: value[:_LONGEST_TEXT] if isinstance(value, str) else value for key, value in kept.items()}
