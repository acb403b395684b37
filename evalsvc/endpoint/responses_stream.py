"""The events of a streamed response, up to the one that holds it whole.

OpenAI API reference, "Streaming events": response.created, …, response.output_text.delta, …, response.output_item.done, …
and at the end response.completed, .incomplete or .failed with the response object; or an event `error`.

The last event alone would do with OpenAI. Other servers leave `output` out of it, or the log-probabilities, so items and
deltas are kept until then.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalsvc.endpoint.answer import Failure, Redact
from evalsvc.endpoint.bodies import error_in
from evalsvc.endpoint.logprobs import read_logprobs
from evalsvc.endpoint.reading import read_usage, text
from evalsvc.endpoint.responses import read_response
from evalsvc.records import Reply, Usage

_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_TEXT = "response.output_text.delta"
_PIECES = frozenset(
    {
        _TEXT,
        "response.refusal.delta",
        "response.reasoning_text.delta",
        "response.reasoning_summary_text.delta",
        "response.function_call_arguments.delta",
        "response.custom_tool_call_input.delta",
    }
)


class ResponsesAssembler:
    """Fulfils Assembler for responses."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._logprobs: list[Any] = []
        self._items: dict[int, Any] = {}
        self._root: Mapping[str, Any] | None = None
        self._ended = False

    @property
    def finished(self) -> bool:
        return self._ended

    @property
    def ended(self) -> bool:
        return self._ended

    @property
    def usage(self) -> Usage | None:
        return read_usage(self._root)

    def take(self, value: Mapping[str, Any], type_: str) -> bool:
        kind = text(value.get("type")) or type_
        if kind in _PIECES:
            return self._take_piece(value, kind)
        response = value.get("response")
        if kind in _ENDS and isinstance(response, dict):
            self._end(response)
        elif kind == "error" or (not isinstance(response, dict) and error_in(value) is not None):
            self._end(value if error_in(value) is not None else {"error": value})
        elif kind == "response.output_item.done":
            index = value.get("output_index")  # llama.cpp has none
            self._items[index if isinstance(index, int) else len(self._items)] = value.get("item")
        elif kind == "response.output_item.added":
            item = value.get("item")
            return isinstance(item, dict) and item.get("type") in ("function_call", "custom_tool_call")
        elif isinstance(response, dict):
            self._root = response  # as it is so far: its id, its model
        return False

    def result(self, start: bytes, *, latency_s: float, request_id: str | None, status: int, redact: Redact) -> Reply | Failure:
        root: Any = self._root
        if self._ended and root is not None and not root.get("error"):
            root = {**root, "output": root.get("output") or self._output()}
        result = read_response(root, start, latency_s=latency_s, request_id=request_id, status=status, redact=redact)
        if isinstance(result, Reply) and result.tokens is None and self._logprobs:
            return replace(result, tokens=read_logprobs({"content": self._logprobs}))
        return result

    def _take_piece(self, value: Mapping[str, Any], kind: str) -> bool:
        delta = value.get("delta")
        if kind == _TEXT:
            if isinstance(delta, str):
                self._texts.append(delta)
            if isinstance(logprobs := value.get("logprobs"), list):
                self._logprobs += logprobs
        return bool(delta)

    def _end(self, root: Mapping[str, Any]) -> None:
        self._root, self._ended = root, True

    def _output(self) -> list[Any]:
        """What `output` of the last event should have held."""
        if self._items or not self._texts:
            return [self._items[index] for index in sorted(self._items)]
        return [{"type": "message", "content": [{"type": "output_text", "text": "".join(self._texts)}]}]
