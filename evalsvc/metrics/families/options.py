"""The options of a metric, read one by one; UsageError says which, where, and what it may be."""

from collections.abc import Sequence
from hashlib import blake2b
from math import isfinite
from typing import TypeVar

from evalsvc.errors import UsageError
from evalsvc.metrics.families.metric import Wanted

Value = TypeVar("Value", bound=str)


def choice(wanted: Wanted, option: str, values: Sequence[Value], default: Value | None = None) -> Value:
    """One of `values`; the first one where nothing is said and there is no other default.

    >>> choice(Wanted(name="numeric_match", options={"which": "first"}), "which", ("last", "first"))
    'first'
    """
    value = wanted.options.get(option, values[0] if default is None else default)
    for known in values:
        if value == known:
            return known
    raise _wrong(wanted, option, value, f"one of {', '.join(values)}")


def flag(wanted: Wanted, option: str) -> bool:
    """false where nothing is said."""
    value = wanted.options.get(option, False)
    if isinstance(value, bool):
        return value
    raise _wrong(wanted, option, value, "true or false")


def not_negative(wanted: Wanted, option: str) -> int | float:
    """0 where nothing is said."""
    value = wanted.options.get(option, 0)
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value >= 0:
        return value
    raise _wrong(wanted, option, value, "a number, 0 or more")


def whole(wanted: Wanted, option: str, *, least: int, default: int) -> int:
    value = wanted.options.get(option, default)
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return value
    raise _wrong(wanted, option, value, f"a whole number from {least} on")


def short_hash(text: str) -> str:
    """Tells long options apart in a signature.

    >>> short_hash("^[A-D]$")
    '7125c6ef'
    """
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def _wrong(wanted: Wanted, option: str, value: object, may_be: str) -> UsageError:
    return UsageError(f"{wanted.place}: {wanted.name}: `{option}: {value}` is not {may_be}")
