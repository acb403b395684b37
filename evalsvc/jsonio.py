"""Strict JSON bytes in and out: orjson, and the standard library for the two things orjson refuses.

orjson neither reads nor writes a lone surrogate (`"\\ud800"`), which models and test sets do contain; those go through
the standard library with ASCII escapes, so that any text comes back as it went in. NaN and the infinities are refused
in both directions: they are not JSON.
"""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any, NoReturn

import orjson


def dumps(value: Any) -> bytes:
    """`value` as one line of UTF-8 JSON, mapping keys in their own order.

    >>> dumps({"b": 1, "a": "é"})
    b'{"b":1,"a":"\\xc3\\xa9"}'
    >>> dumps("\\ud800")
    b'"\\\\ud800"'
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")


def canonical(value: Any) -> bytes:
    """`value` as JSON with sorted keys: equal values give equal bytes, so it is what identities are hashed from."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"), sort_keys=True).encode("ascii")


def loads(data: bytes | str) -> Any:
    """The value in `data`; ValueError when it is not strict JSON.

    >>> loads(b'"\\\\ud800"') == "\\ud800"
    True
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        try:
            # UnicodeDecodeError, from invalid UTF-8, is a ValueError too
            return json.loads(data, parse_constant=_refuse_constant, parse_float=_finite)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError(f"{digits} is too large a number")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def as_text(value: Any) -> str | None:
    """How ids, labels and targets compare: as text. None and the empty string mean that there is none.

    >>> as_text("spam"), as_text(1), as_text(True), as_text(1.0), as_text(None), as_text("")
    ('spam', '1', 'true', '1.0', None, None)
    """
    if isinstance(value, str):
        return value or None
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return canonical(dict(value) if isinstance(value, Mapping) else value).decode()
