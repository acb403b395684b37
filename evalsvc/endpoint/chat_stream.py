"""The chunks of a streamed chat completion, put together to the completion that would have come in one piece.

OpenAI API reference, "The chat completion chunk object": {"id", "model", "choices": [{"index", "delta": {…}, "logprobs",
"finish_reason"}], "usage"}. What servers make of it:

- `usage` comes in a last chunk without choices (OpenAI), beside the finish_reason, or in every chunk (vLLM's continuous
  usage): the last one counts.
- A tool call comes in pieces that belong together by `index`. Without one (Gemini) a new `id` begins a new call, and without
  that a name does; and the finish_reason beside a call may be "stop", which is "tool_calls" in a completion in one piece.
- `finish_reason` is null or empty until the end. An error can come at any time, beside choices or instead of them.
- The chunk that opens the answer says `"content": ""` also where no text follows.
"""

from collections.abc import Mapping
from typing import Any

from evalsvc.endpoint.answer import Failure, Redact
from evalsvc.endpoint.bodies import error_in
from evalsvc.endpoint.chat import read_chat
from evalsvc.endpoint.reading import finish_of, read_usage, text
from evalsvc.records import Reply, Usage

_TEXTS = ("content", "refusal", "reasoning_content", "reasoning")


class ChatAssembler:
    """Fulfils Assembler for chat."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}
        self._parts: list[Any] = []
        self._calls: dict[int, dict[str, Any]] = {}
        self._logprobs: list[Any] | None = None
        self._has_choice = False
        self._finish_reason: Any = None
        self._choice_error: Any = None
        self._error: Mapping[str, Any] | None = None
        self._usage: Any = None

    @property
    def finished(self) -> bool:
        return finish_of(self._finish_reason) is not None or self._error is not None

    @property
    def ended(self) -> bool:
        return self._error is not None

    @property
    def usage(self) -> Usage | None:
        return read_usage({"usage": self._usage})

    def take(self, value: Mapping[str, Any], type_: str) -> bool:
        if type_ == "error" or error_in(value) is not None:
            self._error = value if error_in(value) is not None else {"error": value}
            return False
        for key in ("id", "model"):
            if key not in self._head and (said := text(value.get(key))):
                self._head[key] = said
        if isinstance(value.get("usage"), dict):
            self._usage = value["usage"]
        choices = value.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        return self._take_choice(choice) if isinstance(choice, dict) and not choice.get("index") else False

    def result(self, start: bytes, *, latency_s: float, request_id: str | None, status: int, redact: Redact) -> Reply | Failure:
        root = self._root() if self._error is None else {**self._error, "usage": self._usage}
        return read_chat(root, start, latency_s=latency_s, request_id=request_id, status=status, redact=redact)

    def _take_choice(self, choice: Mapping[str, Any]) -> bool:
        self._has_choice = True
        self._finish_reason = choice.get("finish_reason") or self._finish_reason
        self._choice_error = choice.get("error") or self._choice_error
        logprobs = choice.get("logprobs")
        if isinstance(logprobs, dict) and isinstance(entries := logprobs.get("content"), list):
            self._logprobs = self._logprobs if self._logprobs is not None else []
            self._logprobs += entries
        delta = choice.get("delta") or choice.get("message")
        return self._take_delta(delta) if isinstance(delta, dict) else False

    def _take_delta(self, delta: Mapping[str, Any]) -> bool:
        said = False
        for key in _TEXTS:
            if isinstance(piece := delta.get(key), str):
                self._texts.setdefault(key, []).append(piece)
                said = said or piece != ""
        if isinstance(parts := delta.get("content"), list):
            self._parts += parts
            said = said or bool(parts)
        if isinstance(calls := delta.get("tool_calls"), list):
            for call in calls:
                said = (isinstance(call, dict) and self._take_call(call)) or said
        return said

    def _take_call(self, piece: Mapping[str, Any]) -> bool:
        index = piece.get("index")
        if not isinstance(index, int):
            last = max(self._calls, default=-1)
            index = last + 1 if last < 0 or _begins_another(piece, self._calls[last]) else last
        _merge(self._calls.setdefault(index, {}), {key: value for key, value in piece.items() if key != "index"})
        return True

    def _root(self) -> dict[str, Any]:
        """The completion, as the server would have sent it whole."""
        texts = {key: "".join(pieces) for key, pieces in self._texts.items()}
        calls = [self._calls[index] for index in sorted(self._calls)]
        message: dict[str, Any] = {**texts, "tool_calls": calls}
        if self._parts:
            message["content"] = [{"type": "text", "text": texts.get("content", "")}, *self._parts]
        elif not texts.get("content") and (calls or any(texts.values())):
            message["content"] = None
        finish_reason = "tool_calls" if calls and finish_of(self._finish_reason) == "stop" else self._finish_reason
        choice = {"message": message, "finish_reason": finish_reason, "error": self._choice_error}
        if self._logprobs is not None:
            choice["logprobs"] = {"content": self._logprobs}
        return {**self._head, "choices": [choice] if self._has_choice else [], "usage": self._usage}


def _begins_another(piece: Mapping[str, Any], last: Mapping[str, Any]) -> bool:
    if id_ := piece.get("id"):
        return bool(id_ != last.get("id"))
    function = piece.get("function")
    return isinstance(function, dict) and bool(function.get("name"))


def _merge(call: dict[str, Any], piece: Mapping[str, Any], levels: int = 1) -> None:
    """Adds a piece of a tool call: `arguments` grow, everything else is said once, or again in full. The pieces of an object are
    put together down to `levels` below the call, which is as deep as any API has them.
    """
    for key, value in piece.items():
        if levels and isinstance(value, dict) and isinstance(call.get(key), dict):
            _merge(call[key], value, levels - 1)
        elif isinstance(value, dict):
            call[key] = dict(value)
        elif key in {"arguments", "input"} and isinstance(value, str):
            call[key] = (call.get(key) or "") + value
        elif value is not None or key not in call:
            call[key] = value
