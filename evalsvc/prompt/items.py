"""A chat conversation in the words of the Responses API (OpenAI API reference, "Create a model response": `input`).

Turns of plain text mean the same in both and stay as they are, system turns too: `instructions` holds only one text and
only at the start, `input` keeps their order and number as the journal shows them.

    chat                                          responses
    {"type": "text"} part                         input_text, or output_text where the assistant said it
    {"type": "image_url"}, {"type": "file"}       input_image, input_file
    assistant's `tool_calls`                      one function_call item each, after its text
    {"role": "tool"} message                      function_call_output item

What has no counterpart goes as it is, for the server to judge.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalsvc.jsonio import dumps

Message = Mapping[str, Any]


def as_input(messages: Sequence[Message], as_json: bytes) -> bytes:
    """`input` for a conversation; `as_json`, the same conversation as JSON, where nothing has to be said otherwise."""
    if all(map(_is_plain, messages)):
        return as_json
    return dumps([item for message in messages for item in _items(message)])


def _is_plain(message: Message) -> bool:
    return type(message.get("content")) is str and "tool_calls" not in message and message.get("role") != "tool"


def _items(message: Message) -> Iterator[Message]:
    role, content = message.get("role"), message.get("content")
    if role == "tool":
        yield {"type": "function_call_output", "call_id": message.get("tool_call_id"), "output": content}
        return
    if content:
        spoken = content if isinstance(content, str) else [_part(part, role) for part in content]
        others = {key: value for key, value in message.items() if key not in {"content", "tool_calls"}}
        yield {**others, "content": spoken}
    for call in message.get("tool_calls") or ():
        yield _call(call)


def _part(part: Any, role: Any) -> Any:
    if not isinstance(part, Mapping):
        return part
    match part.get("type"):
        case "text":
            return {**part, "type": "output_text" if role == "assistant" else "input_text"}
        case "image_url" if isinstance(image := part.get("image_url"), Mapping):
            detail = {"detail": image["detail"]} if "detail" in image else {}
            return {"type": "input_image", "image_url": image.get("url"), **detail}
        case "file" if isinstance(file := part.get("file"), Mapping):
            return {"type": "input_file", **file}
    return part


def _call(call: Any) -> Any:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping):
        return call
    return {"type": "function_call", "call_id": call.get("id"), "name": function.get("name"), "arguments": function.get("arguments")}
