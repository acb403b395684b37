"""How the nouns of the hot path are built."""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar

T = TypeVar("T")


def built_quickly(cls: type[T]) -> type[T]:
    """A frozen, slotted dataclass that is built by plain assignments, at a third of the cost: docs/decisions/0006.

    An `__init__` of a frozen dataclass goes through `object.__setattr__` for every field, and some fifty of them are set
    for each row. What is given up is the error at run time: that nobody assigns to a field is left to the type checker.

    At run time values may be given by position too, at half the cost again; type checkers know names only. Where millions are
    built from a line of a file, `by_position` says so.

    >>> @built_quickly
    ... @dataclass(frozen=True, slots=True, kw_only=True)
    ... class Pair:
    ...     left: int
    ...     right: int = 2
    >>> Pair(left=1), Pair(left=1) == Pair(left=1, right=2), len({Pair(left=1), Pair(left=1)})
    (Pair(left=1, right=2), True, 1)
    """
    given: dict[str, Any] = {field.name: field.default for field in fields(cls) if field.default is not MISSING}  # type: ignore[arg-type]
    plain: type[Any] = dataclass(type(cls.__name__, (), {"__annotations__": cls.__annotations__, **given}))
    for name in ("__setattr__", "__delattr__"):
        delattr(cls, name)
    cls.__init__ = plain.__init__  # type: ignore[method-assign]
    return cls


def by_position(cls: type[T]) -> Callable[..., T]:
    """`cls` of a `built_quickly` noun, to be called with the values of its fields in their order."""
    return cls
