"""A config document as YAML text that people like to read: blocks, comments, quotes only where they are needed."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from evalsvc.config.document import plain_scalar
from evalsvc.config.keypath import KeyPath, parse

WIDTH = 110
INDENT = "  "
# Text that stands without quotes: a word or a path first, and nothing in it that YAML gives a meaning to.
_PLAIN = re.compile(r"(?:\.{0,2}/)*[^\W\d_]([\w ./+=<>%@()-]|:(?=[\w/]))*(?<! )")
# Text here, but true and false to readers of YAML 1.1.
_OLD_BOOLEANS = frozenset({"y", "n", "yes", "no", "on", "off"})
_BLOCK_LINE = re.compile(r"(\S(.*\S)?)?")

Comments = Mapping[KeyPath, str]


def render(document: Mapping[str, Any], comments: Mapping[str, str]) -> str:
    """`document` (JSON-like values) as YAML 1.2 that reads back as the same values.

    `comments` are by key path ("model.base_url"), each written above its key; "" is the head of the file. A comment for a
    key that is not there stands last in its section, where the key could be: so settings are offered commented out.

    >>> print(render({"name": "spam", "gates": ["f1 >= 0.8"]}, {"": "An evaluation.", "gates": "What must hold."}), end="")
    # An evaluation.
    name: spam
    # What must hold.
    gates: [f1 >= 0.8]
    """
    by_path = {parse(key_path): text for key_path, text in comments.items()}
    head = _comment(by_path.pop((), ""))
    return "".join(f"{line}\n" for line in [*head, *_mapping(document, (), by_path)])


def scalar(value: Any) -> str:
    """One value without a structure of its own, on one line.

    >>> print(scalar("spam"), scalar("yes"), scalar("12"), scalar(12), scalar(None), scalar('say "hi"'))
    spam "yes" "12" 12 null "say \\"hi\\""
    """
    if not isinstance(value, str):
        return json.dumps(value, allow_nan=False)
    plain = _PLAIN.fullmatch(value) and value.isprintable() and value.lower() not in _OLD_BOOLEANS and plain_scalar(value) == value
    return value if plain else quoted(value)


def quoted(value: str) -> str:
    """In double quotes, what cannot be printed as an escape; YAML's, and JSON's but for characters beyond U+FFFF."""
    return "".join(mark if mark.isprintable() else _escape(mark) for mark in json.dumps(value, ensure_ascii=False))


def _escape(mark: str) -> str:
    return f"\\u{ord(mark):04x}" if ord(mark) <= 0xFFFF else f"\\U{ord(mark):08x}"


def _mapping(values: Mapping[str, Any], at: KeyPath, comments: Comments) -> Iterator[str]:
    for key, value in values.items():
        here = (*at, key)
        yield from _comment(comments.get(here, ""))
        yield from _entry(f"{scalar(key)}:", value, here, comments)
    for path, comment in comments.items():
        if path[:-1] == at and path[-1] not in values:
            yield from _comment(comment)


def _entry(front: str, value: Any, here: KeyPath, comments: Comments) -> Iterator[str]:
    """`front`, a key or the dash of a list item, with its value behind it or below."""
    if isinstance(value, str) and _is_block(value):
        yield f"{front} |" if value.endswith("\n") else f"{front} |-"
        yield from _indented(value.removesuffix("\n").split("\n"))
    elif isinstance(value, Mapping) and value:
        yield front
        yield from _indented(_mapping(value, here, comments))
    elif isinstance(value, list | tuple) and not _fits(value, front, here):
        yield front
        for index, item in enumerate(value):
            yield from _indented(_entry("-", item, (*here, index), comments))
    else:
        yield f"{front} {_inline(value)}"


def _indented(lines: Iterator[str] | list[str]) -> Iterator[str]:
    return (f"{INDENT}{line}" if line else "" for line in lines)


def _fits(values: list[Any] | tuple[Any, ...], front: str, here: KeyPath) -> bool:
    """Whether a list stands on one line: nothing with a structure in it, and not too long."""
    if any(isinstance(value, Mapping | list | tuple) for value in values):
        return not values
    return len(INDENT) * len(here) + len(front) + len(_inline(values)) <= WIDTH


def _inline(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(scalar(item) for item in value)}]"
    return "{}" if isinstance(value, Mapping) else scalar(value)


def _is_block(value: str) -> bool:
    """Whether the text can stand as lines of its own: several, none of them with blanks at its ends."""
    lines = value.removesuffix("\n").split("\n")
    return (
        len(lines) > 1 and bool(lines[0]) and bool(lines[-1]) and all(_BLOCK_LINE.fullmatch(line) and line.isprintable() for line in lines)
    )


def _comment(text: str) -> Iterator[str]:
    return (f"# {line}".rstrip() for line in text.splitlines())
