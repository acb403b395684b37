"""The APIs by name: where each is asked, how it is read and how it is written."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalsvc.sandbox import chat, completions, responses, wire, written
from evalsvc.sandbox.answers import Answer
from evalsvc.sandbox.questions import Question
from evalsvc.sandbox.wire import WireError
from evalsvc.sandbox.written import Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One API of OpenAI's. What it writes are JSON values: a body, or the events of a stream."""

    name: str
    path: str
    id_prefix: str
    parse: Callable[[Mapping[str, Any]], Question]  # Declined when something is wrong with the request
    body: Callable[[Answer, Envelope], dict[str, Any]]
    events: Callable[[Answer, Envelope], Iterator[dict[str, Any]]]
    stream_error: Callable[[WireError, int], dict[str, Any]] = written.stream_error
    names_events: bool = False  # as server-sent events may be; the name is the event's type
    ending: tuple[bytes, ...] = (b"data: [DONE]\n\n",)

    def framed(self, event: Mapping[str, Any]) -> bytes:
        """One server-sent event."""
        name = b"event: " + event["type"].encode() + b"\n" if self.names_events else b""
        return name + b"data: " + wire.dumps(event) + b"\n\n"


CHAT = Api(name="chat", path="/v1/chat/completions", id_prefix="chatcmpl-", parse=chat.parse, body=chat.body, events=chat.events)
RESPONSES = Api(
    name="responses",
    path="/v1/responses",
    id_prefix="resp_",
    parse=responses.parse,
    body=responses.body,
    events=responses.events,
    stream_error=responses.stream_error,
    names_events=True,
    ending=(),
)
COMPLETIONS = Api(
    name="completions",
    path="/v1/completions",
    id_prefix="cmpl-",
    parse=completions.parse,
    body=completions.body,
    events=completions.events,
)
APIS = (CHAT, RESPONSES, COMPLETIONS)
