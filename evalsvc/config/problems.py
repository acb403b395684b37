"""Validation errors in the words of the config: where, what was expected, what was found."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from evalsvc.config.keypath import KeyPath, Where, show
from evalsvc.config.models import GATES, EvalConfig
from evalsvc.config.schema import Shape, shape_below, suggestion
from evalsvc.errors import UsageError
from evalsvc.jsonio import dumps

Context = Mapping[str, Any]
# The validator's path to a value: keys, and steps that are none, as tags of unions, and `[key]` for the key itself.
Loc = tuple[int | str, ...]

# What each kind of validation error expected.
_EXPECTED: dict[str, Callable[[Context], str]] = {
    "string_type": lambda _: "text",
    "int_type": lambda _: "a whole number",
    "int_from_float": lambda _: "a whole number",
    "float_type": lambda _: "a number",
    "bool_type": lambda _: "true or false",
    "tuple_type": lambda _: "a list",
    "dict_type": lambda _: "a mapping",
    "model_type": lambda _: "a mapping",
    "model_attributes_type": lambda _: "a mapping",
    "literal_error": lambda context: f"one of {context['expected']}",
    "greater_than": lambda context: f"more than {context['gt']:g}",
    "greater_than_equal": lambda context: f"at least {context['ge']:g}",
    "less_than_equal": lambda context: f"at most {context['le']:g}",
    "too_short": lambda context: f"a list of at least {context['min_length']}",
    "union_tag_not_found": lambda _: "`metric >= number`, or a mapping with either `gate` or `regression`",
    "string_too_short": lambda _: "text that is not empty",
    "string_pattern_mismatch": lambda _: "letters, digits, . _ and -, starting with a letter or digit, at most 100",
}

# Values under these keys may be secrets, and are never shown; neither is text where a section with one of them belongs.
_SECRET: tuple[KeyPath, ...] = (
    ("model", "headers"),
    ("model", "params"),
    ("model", "api_key_env"),
    ("model", "base_url"),
    ("dataset", "path"),
    ("prompt", "few_shot", "path"),
    ("webhook", "url"),
)

_LONGEST = 60

# Where text would do as well, whatever is not text is taken for the mapping that it might be.
_ALTERNATIVE = "text or "


def usage_error(error: ValidationError, *, file: str, where: Where) -> UsageError:
    """All that is wrong, one line each, as one error."""
    return one_error([_line(details, where) for details in error.errors(include_url=False) if not _is_an_echo(details)], file=file)


def one_error(lines: Iterable[str], *, file: str) -> UsageError:
    """The problems as one error; several stand below a line that counts them."""
    distinct = list(dict.fromkeys(lines))
    if len(distinct) == 1:
        return UsageError(distinct[0])
    return UsageError("\n  ".join([f"{len(distinct)} problems in {file}:", *distinct]))


def unknown_key(loc: Loc, where: Where) -> str:
    """The line about a key that the section above it does not have."""
    *above, key = path = _key_path(loc)
    section = _shape_at(loc[:-1])
    advice = f"; {suggestion(section, tuple(above), str(key))}" if isinstance(section, type) else ""
    return f"{where(show(path))}: unknown key {key}{advice}"


def found(value: Any, path: KeyPath = ()) -> str:
    """The value as a message shows it, without its content when that may be a secret.

    >>> found("many"), found(5), found(None), found(["a"]), found("Bearer x", ("model", "headers", "Authorization"))
    ("text 'many'", 'the number 5', 'nothing', 'a list', 'text')
    """
    shown = not path or not any(path[: len(secret)] == secret[: len(path)] for secret in _SECRET)
    match value:
        case None:
            return "nothing"
        case str():
            return f"text {_short(value)!r}" if shown else "text"
        case bool():
            return dumps(value).decode()
        case int() | float():
            return f"the number {value}" if shown else "a number"
        case Mapping():
            return "a mapping"
        case _:
            return "a list"


def _is_an_echo(details: ErrorDetails) -> bool:
    """A list that is too short only because its items are wrong, which is said already."""
    return details["type"] == "too_short" and bool(details["input"])


def _line(details: ErrorDetails, where: Where) -> str:
    path = _key_path(details["loc"])
    kind, context = details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown_key(details["loc"], where)
    place = where(show(path))
    if kind == "missing":
        return f"{place}: required, but missing"
    if kind == "value_error":
        return f"{place}: {context['error']}"
    expected = _EXPECTED.get(kind)
    words = f"expected {_ALTERNATIVE if details['loc'][-1] == '<mapping>' else ''}{expected(context)}" if expected else details["msg"]
    return f"{place}: {words}, found {found(details['input'], path)}"


def _key_path(loc: Loc) -> KeyPath:
    """`loc` without the steps that are no keys."""
    return tuple(step for step in loc if isinstance(step, int) or not step.startswith(("<", "[")))


def _shape_at(loc: Loc) -> Shape:
    """What may stand there."""
    shape: Shape = EvalConfig
    for step in loc:
        if step in GATES:
            shape = GATES[str(step)]
        elif _key_path((step,)):
            shape = shape_below(shape, step)
    return shape


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
