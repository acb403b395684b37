"""How each API wants a question put: what its fields are called, and what may stand beside them.

chat          {"model", "messages": […], "max_tokens" | "max_completion_tokens", …}
responses     {"model", "input": […], "max_output_tokens", …}
completions   {"model", "prompt": "text", "max_tokens", …}
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from evalsvc.config.address import host_of
from evalsvc.config.keypath import Where
from evalsvc.config.models import EvalConfig
from evalsvc.errors import UsageError
from evalsvc.jsonio import dumps
from evalsvc.prompt.items import as_input

# The conversation, and the same as JSON -> the JSON that goes out.
Question = Callable[[Sequence[Mapping[str, Any]], bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """The body of one API's requests."""

    question_key: str  # under which the question stands
    question: Question | None = None  # None: the messages as they are; UsageError for a conversation that cannot be said
    limit_fields: tuple[str, ...]  # every name of the limit of output tokens; the first is the usual one
    limit_field_of_host: Mapping[str, str] = field(default_factory=dict)  # by the end of its name, where a host wants another
    refused: Mapping[str, str] = field(default_factory=dict)  # parameters that cannot work here, and what to do instead
    to_stream: Mapping[str, Any] = field(default_factory=lambda: {"stream": True})  # what asks for a stream; params win
    one_text: bool = False  # takes one text and no conversation
    to_score: Mapping[str, Any] | None = None  # what asks for the logprobs of the prompt; None: it has none
    scored: Question | None = None  # how a conversation is put that ends with the text to score; None: as it is

    def limit_field(self, base_url: str) -> str:
        """The name under which this endpoint takes the limit of output tokens.

        >>> CHAT.limit_field("https://api.openai.com/v1"), CHAT.limit_field("http://localhost:8000/v1"), CHAT.limit_field("sandbox")
        ('max_completion_tokens', 'max_tokens', 'max_tokens')
        """
        host = host_of(base_url)
        own = (name for ending, name in self.limit_field_of_host.items() if _is_host(host, ending))
        return next(own, self.limit_fields[0])


def as_text(messages: Sequence[Mapping[str, Any]], _as_json: bytes) -> bytes:
    """The one message of `messages` as a JSON text; UsageError for anything that is more than one text."""
    content = messages[0].get("content") if len(messages) == 1 and messages[0].get("role") == "user" else None
    if not isinstance(content, str):
        raise _no_conversation("a row's messages")
    return dumps(content)


def as_continued(messages: Sequence[Mapping[str, Any]], _as_json: bytes) -> bytes:
    """One message and the answer to it as one JSON text, with nothing in between; UsageError for anything more."""
    *asked, answer = messages
    content = asked[0].get("content") if len(asked) == 1 and asked[0].get("role") == "user" else None
    if not isinstance(content, str):
        raise _no_conversation("a row's messages")
    return dumps(content + answer["content"])


CHAT: Final = Payload(
    question_key="messages",
    limit_fields=("max_tokens", "max_completion_tokens"),
    limit_field_of_host={"api.openai.com": "max_completion_tokens", ".openai.azure.com": "max_completion_tokens"},
    to_stream={"stream": True, "stream_options": {"include_usage": True}},
    to_score={"prompt_logprobs": 1, "add_generation_prompt": False, "continue_final_message": True},
)
RESPONSES: Final = Payload(
    question_key="input",
    question=as_input,
    limit_fields=("max_output_tokens",),
    refused={"background": "evalsvc waits for each answer; take it out."},
)
COMPLETIONS: Final = Payload(
    question_key="prompt",
    question=as_text,
    limit_fields=("max_tokens",),
    one_text=True,
    to_score={"echo": True, "logprobs": 1},
    scored=as_continued,
)

PAYLOADS: Final[Mapping[str, Payload]] = {"chat": CHAT, "responses": RESPONSES, "completions": COMPLETIONS}


def refuse_misplaced(config: EvalConfig, payload: Payload, where: Where) -> None:
    """UsageError for parameters that have a key of their own or cannot work, and for a conversation where one text is wanted."""
    places = {"model": "model.name", payload.question_key: "prompt", "stream": "model.stream"}
    hints = {name: f"Its place is {key}." for name, key in places.items()} | dict(payload.refused)
    for name, hint in hints.items():
        if name in config.model.params:
            raise UsageError(f"{where(f'model.params.{name}')}: {name} is no parameter here", hint=hint)
    if config.model.max_output_tokens is not None:
        _refuse_second_limit(config, payload, where)
    if payload.one_text:
        _refuse_conversation(config, where)


def _refuse_second_limit(config: EvalConfig, payload: Payload, where: Where) -> None:
    for name in payload.limit_fields:
        if name in config.model.params:
            raise UsageError(
                f"{where(f'model.params.{name}')}: {name} stands beside model.max_output_tokens, which sets the same limit",
                hint="Keep one of the two; model.max_output_tokens is sent under the name that the endpoint wants.",
            )


def _refuse_conversation(config: EvalConfig, where: Where) -> None:
    prompt, dataset = config.prompt, config.dataset
    turns = {
        "prompt.system": prompt.system,
        "prompt.messages": None if [turn.role for turn in prompt.messages or ()] == ["user"] else prompt.messages,
        "prompt.few_shot": prompt.few_shot,
        "dataset.messages": None if prompt.user is not None else dataset.messages,
    }
    for key, value in turns.items():
        if value is not None:
            raise _no_conversation(where(key))


def _no_conversation(place: str) -> UsageError:
    return UsageError(
        f"{place}: the completions API takes one text, and this is a conversation",
        hint="Write the whole text, instructions and examples included, into prompt.user; or use api: chat.",
    )


def _is_host(host: str, ending: str) -> bool:
    return host.endswith(ending) if ending.startswith(".") else host == ending
