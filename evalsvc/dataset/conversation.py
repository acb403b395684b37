"""A row's own conversation, in OpenAI's chat format, as `dataset.messages` names it.

    {"messages": [{"role": "system", "content": "…"}, {"role": "user", "content": "…"}, {"role": "assistant", "content": "spam"}]}

An assistant message at the end is the answer: it is taken off and never sent. What is left is sent as it is written;
only `weight`, which tells a trainer what to learn from, and keys that are null are left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from evalsvc.dataset.nearest import nearest
from evalsvc.errors import UsageError
from evalsvc.jsonio import loads

ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")
SYSTEM_ROLES: Final = frozenset({"system", "developer"})
# What a fine-tuning row may carry beside its conversation, and what is sent with it.
EXTRAS: Final = ("tools", "parallel_tool_calls", "functions")

_HELP = "See docs/data.md#conversations."
_ANSWER_ELSEWHERE = (
    "Name a column with the right answer in `dataset.target`, or leave such rows out: dataset.where: "
    "{column}[-1].get('content') is string. " + _HELP
)

# Columns by which files of other kinds are recognised: what they are, and the jq expression that makes conversations of them.
_OTHER_KINDS: dict[tuple[str, ...], tuple[str, str]] = {
    ("preferred_output", "non_preferred_output"): (
        "preference pairs (two answers to be compared, for DPO), and no conversations with one right answer",
        "{messages: (.input.messages + .preferred_output)}",
    ),
    ("chosen", "rejected"): (
        "preference pairs (two answers to be compared, for DPO), and no conversations with one right answer",
        "{messages: .chosen}",
    ),
    ("conversations",): (
        "in the ShareGPT format (from and value in place of role and content)",
        '{messages: [.conversations[] | {role: ({human: "user", gpt: "assistant"}[.from] // .from), content: .value}]}',
    ),
}


def take_conversation(place: str, row: dict[str, Any], column: str) -> dict[str, Any] | None:
    """Leaves in `row[column]` what may be sent, and gives the assistant message taken off its end, if there was one.

    UsageError, at `place`, for what is no conversation, or leaves nothing to be answered.
    """
    messages = [_message(f"{place}: {column}[{index}]", item) for index, item in enumerate(_items(place, row, column))]
    answer = messages.pop() if messages[-1]["role"] == "assistant" else None
    if messages and messages[-1]["role"] == "assistant":
        raise UsageError(
            f"{place}: two assistant messages end the conversation in {column!r}, so nobody can tell which is the answer",
            hint=f"Join them, or leave out the first. {_HELP}",
        )
    if not any(message["role"] == "user" for message in messages):
        raise UsageError(f"{place}: no user message in {column!r}, so the model is asked nothing", hint=_HELP)
    _check_extras(place, row)
    row[column] = messages
    return answer


def answer_text(place: str, answer: Mapping[str, Any], column: str) -> str:
    """The text of the answer to the conversation in `column`; UsageError when it has none to compare a reply with."""
    text = text_of(answer.get("content"))
    if text is None:
        calls = "a tool call" if "tool_calls" in answer or "function_call" in answer else "no text"
        raise UsageError(
            f"{place}: the answer at the end of {column!r} is {calls}, and replies are compared with a text",
            hint=_ANSWER_ELSEWHERE.format(column=column if column.isidentifier() else f"row[{column!r}]"),
        )
    return text


def text_of(content: Any) -> str | None:
    """The text of a message's content, plain or in parts; None when any part of it is something else.

    >>> text_of("hi"), text_of([{"type": "text", "text": "h"}, {"type": "text", "text": "i"}]), text_of(None)
    ('hi', 'hi', None)
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not all(isinstance(part, Mapping) and isinstance(part.get("text"), str) for part in content):
        return None
    return "".join(part["text"] for part in content)


def last_user_text(messages: Sequence[Mapping[str, Any]]) -> str:
    """What the user said last, pictures and the like left out: what templates see as `input`.

    >>> last_user_text([{"role": "user", "content": "a"}, {"role": "user", "content": [{"text": "b"}, {"image_url": {}}]}])
    'b'
    """
    content = next(message["content"] for message in reversed(messages) if message["role"] == "user")
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if isinstance(part.get("text"), str))


def conversation_column(row: Mapping[str, Any]) -> str | None:
    """The column that looks like a conversation, for a hint; None when there is none."""
    return next((name for name, value in row.items() if is_conversation(value)), None)


def is_conversation(value: Any) -> bool:
    """Whether it looks like one, at a glance."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) and "role" in item for item in value)


def refusal_of_other_kind(place: str, row: Mapping[str, Any]) -> UsageError | None:
    """The error for a row of another kind of training file, with how to convert it; None for all others."""
    for names, (words, expression) in _OTHER_KINDS.items():
        if all(name in row for name in names):
            hint = f"Convert the file: jq -c '{expression}' FILE > conversations.jsonl. {_HELP}"
            return UsageError(f"{place}: these rows are {words}", hint=hint)
    return None


def _items(place: str, row: Mapping[str, Any], column: str) -> list[Any]:
    value = row.get(column)
    if isinstance(value, str):
        value = _decoded(value)
    if isinstance(value, list) and value:
        return value
    if (refusal := refusal_of_other_kind(place, row)) is not None:
        raise refusal
    what = "an empty list" if value == [] else "missing or null" if value is None else "no list of messages"
    raise UsageError(
        f"{place}: the conversation in {column!r} is {what}", hint=f'It looks like this: [{{"role": "user", "content": "…"}}]. {_HELP}'
    )


def _decoded(text: str) -> Any:
    """CSV and TSV hold a conversation as JSON text."""
    try:
        return loads(text)
    except ValueError:
        return text


def _message(place: str, item: Any) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise UsageError(f"{place}: a message must be an object with role and content", hint=_HELP)
    _check_role(place, item)
    message = {key: value for key, value in item.items() if key != "weight" and (value is not None or key == "content")}
    calls = message["role"] == "assistant" and any(key in message for key in ("tool_calls", "function_call", "refusal"))
    if not _is_content(message.get("content")) and not (calls and message.get("content") is None):
        raise UsageError(f"{place}.content: neither a text nor a list of parts", hint=_HELP)
    return message


def _check_role(place: str, item: Mapping[str, Any]) -> None:
    role = item.get("role")
    if role in ROLES:
        return
    if role is None:
        share_gpt = " `from` and `value` are the ShareGPT format: rename them to role and content." if "from" in item else ""
        raise UsageError(f"{place}: the message has no role", hint=f"Roles are {', '.join(ROLES)}.{share_gpt} {_HELP}")
    near = nearest(str(role), ROLES)
    meant = f"Did you mean {near!r}? " if near is not None else ""
    # sent on trust, an answer under an unknown role would be shown to the model
    raise UsageError(f"{place}.role: {role!r} is none of {', '.join(ROLES)}", hint=f"{meant}{_HELP}")


def _is_content(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and bool(value) and all(isinstance(part, Mapping) for part in value))


def _check_extras(place: str, row: Mapping[str, Any]) -> None:
    for name in ("tools", "functions"):
        if row.get(name) is not None and not isinstance(row[name], list):
            raise UsageError(f"{place}: {name!r} must be a list of definitions, as the API takes them", hint=_HELP)
