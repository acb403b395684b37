"""Rows as JSON in a page: what is empty is left out, what all of them are asked stands there once, and no text ends the script element."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from evalsvc.jsonio import dumps

if TYPE_CHECKING:
    from evalsvc.report.html.shown import ShownMessage, ShownRow

# Characters that all prompts begin or end with.
WORTH_SHARING: Final = 100

# What would end the script element that the data is in, or a line of it. JSON reads all of them back.
_IN_A_SCRIPT = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def rows_data(rows: "Sequence[ShownRow]") -> dict[str, Any]:
    """Rows as their page has them: what is empty is left out, and what all are asked first is there once."""
    shared = shared_messages(rows)
    before, after = shared_ends([row.messages[-1].text for row in rows if row.messages])
    trim = _Trim(messages=len(shared), before=len(before), after=len(after))
    return {
        "shared": [_fields(message) for message in shared],
        "before": before,
        "after": after,
        "rows": [_row_data(row, trim) for row in rows],
    }


def shared_messages(rows: "Sequence[ShownRow]") -> "Sequence[ShownMessage]":
    """The messages with which every conversation begins: a system prompt, examples. The last one of each is its own."""
    asked = [row.messages[:-1] for row in rows if row.messages]
    if len(asked) < 2:
        return ()
    same = takewhile(lambda turns: all(turn == turns[0] for turn in turns), zip(*asked, strict=False))
    return [turns[0] for turns in same]


def shared_ends(texts: Sequence[str]) -> tuple[str, str]:
    r"""The lines with which all of `texts` begin and end: those of a template around what is a row's own. Few are not worth it.

    >>> shared_ends(["a" * 200 + "\nx 1\ny", "a" * 200 + "\nx 2\ny"]) == ("a" * 200 + "\n", "")
    True
    """
    if len(texts) < 2:
        return "", ""
    before = _beginning(texts)
    before = before[: before.rfind("\n") + 1]
    # what stands at the beginning is not looked for at the end again
    after = _beginning([text[len(before) :][::-1] for text in texts])[::-1]
    _, line_end, after = after.partition("\n")
    return before if len(before) >= WORTH_SHARING else "", line_end + after if len(after) >= WORTH_SHARING else ""


def _beginning(texts: Sequence[str]) -> str:
    """The longest text with which all of them begin."""
    first, last = min(texts), max(texts)  # what these two have in common, all between them have
    return first[: next((place for place, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trim:
    """What all conversations have in common: leading messages, and characters of the last one."""

    messages: int
    before: int
    after: int


def _row_data(row: "ShownRow", trim: _Trim) -> dict[str, Any]:
    data = {name: value for name, value in _fields(row).items() if value not in (None, (), {}, 0)}
    if row.messages:
        *others, last = row.messages[trim.messages :]
        own = replace(last, text=last.text[trim.before : len(last.text) - trim.after])
        data["messages"] = [_fields(message) for message in (*others, own)]
    return data


def _fields(noun: "ShownMessage | ShownRow") -> dict[str, Any]:
    return {one.name: getattr(noun, one.name) for one in fields(noun)}


def script_json(value: Any) -> str:
    r"""`value` as JSON that can stand in a script element: whatever it holds, it does not end there.

    >>> script_json(["</script>"])
    '["\\u003c/script\\u003e"]'
    """
    return dumps(value).decode().translate(_IN_A_SCRIPT)
