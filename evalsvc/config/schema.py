"""What may stand where: the tree of models.py as a question that overrides and messages can ask."""

import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum, auto
from typing import Annotated, Any, Union, get_args, get_origin

from evalsvc.config.keypath import KeyPath, show
from evalsvc.config.models import EvalConfig, Section


class Kind(Enum):
    """What a key holds, when there are no known keys below it."""

    OPEN = auto()  # a mapping with any keys
    SINGLE = auto()


@dataclass(frozen=True, slots=True)
class ListOf:
    item: "Shape"


Shape = type[Section] | ListOf | Kind


def keys_of(section: type[Section]) -> list[str]:
    """The keys that a file may give, in the order of the model."""
    return [name for name, field in section.model_fields.items() if not field.exclude]


def shape_below(shape: Shape, key: str | int) -> Shape:
    """What `key` holds in a value of this shape; KeyError when a section has no such key."""
    if isinstance(shape, ListOf):
        return shape.item
    if isinstance(shape, Kind):
        return Kind.OPEN
    if key not in keys_of(shape):
        raise KeyError(key)
    return _shape_of(shape.model_fields[str(key)].annotation)


def suggestion(shape: type[Section], prefix: KeyPath, key: str) -> str:
    """What to write in place of an unknown `key` under `prefix`: the nearest known one, else all that there are.

    >>> suggestion(EvalConfig, (), "modle")
    'did you mean model?'
    >>> suggestion(EvalConfig, (), "concurrency")
    'did you mean limits.concurrency?'
    """
    known = keys_of(shape)
    if near := get_close_matches(key.lower(), known, n=1):
        return f"did you mean {show((*prefix, near[0]))}?"
    if elsewhere := [path for path in _all_paths(EvalConfig, ()) if path[-1] == key]:
        return f"did you mean {show(elsewhere[0])}?"
    return f"known here: {', '.join(known)}"


def _all_paths(shape: Shape, prefix: Sequence[str]) -> Iterator[tuple[str, ...]]:
    if not isinstance(shape, type):
        return
    for key in keys_of(shape):
        path = (*prefix, key)
        yield path
        yield from _all_paths(shape_below(shape, key), path)


def _shape_of(annotation: Any) -> Shape:
    for part in _alternatives(annotation):
        if isinstance(part, type) and issubclass(part, Section):
            return part
        if get_origin(part) is dict:
            return Kind.OPEN
        if get_origin(part) is tuple:
            return ListOf(_shape_of(get_args(part)[0]))
    return Kind.SINGLE


def _alternatives(annotation: Any) -> Iterator[Any]:
    """The types that a value may have, unions and annotations taken apart.

    The origin is asked first: a `dict[str, Any]` is an instance of `type` to Python, and must not pass for a class.
    """
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _alternatives(part)
    else:
        yield annotation
