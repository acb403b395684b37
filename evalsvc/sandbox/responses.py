"""The responses API: requests read, replies and streams of typed events written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from evalsvc.sandbox import questions, tokens, written
from evalsvc.sandbox.answers import Answer
from evalsvc.sandbox.questions import Question
from evalsvc.sandbox.wire import WireError
from evalsvc.sandbox.written import Envelope

LOGPROBS = "message.output_text.logprobs"
_WHY_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
_STATUS = {"stop": "completed", "error": "failed"}  # any other finish: incomplete
_FAILED = {"code": "server_error", "message": written.GAVE_UP}


def parse(asked: Mapping[str, Any]) -> Question:
    """The question in a responses request; one call knows nothing of those before it."""
    given = asked.get("input")
    turns = [{"role": "user", "content": given}] if isinstance(given, str) else questions.messages_in(asked, "input")
    contents = [questions.text_of(turn.get("content")) for turn in turns]
    questions.only(asked, "previous_response_id", None)
    questions.only(asked, "conversation", None)
    questions.only(asked, "background", False)
    text, before = questions.last_user(turns, contents)
    max_tokens = questions.at_least(asked, "max_output_tokens", 1)
    return Question(
        model=asked["model"],
        text=text,
        digest=questions.digest(given),
        prompt_tokens=tokens.prompt_tokens([*_instructions(asked), *contents]),
        max_tokens=max_tokens,
        logprobs=LOGPROBS in (asked.get("include") or ()),
        top_logprobs=questions.between(asked, "top_logprobs", questions.MOST_TOP_LOGPROBS) or 0,
        stream=asked.get("stream") is True,
        include_usage=True,
        terms=questions.terms(asked, [*_instructions(asked), *before], max_tokens),
    )


def body(answer: Answer, envelope: Envelope) -> dict[str, Any]:
    """A plain reply, and what the last event of a stream holds."""
    status = _status(answer)
    return _response(envelope, status) | {
        "completed_at": envelope.created if status == "completed" else None,
        "error": _FAILED if status == "failed" else None,
        "incomplete_details": {"reason": _WHY_INCOMPLETE[answer.finish_reason]} if status == "incomplete" else None,
        "output": [_item(answer, envelope)] if answer.has_choice else [],
        "usage": _usage(answer, envelope),
    }


def events(answer: Answer, envelope: Envelope) -> Iterator[dict[str, Any]]:
    """The events of a streamed reply, numbered from 0."""
    numbers = count()
    for kind, fields in _events(answer, envelope):
        yield {"type": kind, "sequence_number": next(numbers)} | fields


def stream_error(error: WireError, number: int) -> dict[str, Any]:
    """The event with which a stream breaks off; `number` is how many went before."""
    return {"type": "error", "sequence_number": number, "code": error.code, "message": error.message, "param": error.param}


_Event = tuple[str, dict[str, Any]]  # type, and what goes with it


def _events(answer: Answer, envelope: Envelope) -> Iterator[_Event]:
    begun = {"response": _response(envelope, "in_progress")}
    yield "response.created", begun
    yield "response.in_progress", begun
    if answer.has_choice:
        yield from _item_events(answer, envelope)
    yield f"response.{_status(answer)}", {"response": body(answer, envelope)}


def _item_events(answer: Answer, envelope: Envelope) -> Iterator[_Event]:
    empty = {"id": _item_id(envelope), "type": "message", "status": "in_progress", "role": "assistant", "content": []}
    yield "response.output_item.added", {"output_index": 0, "item": empty}
    if answer.refusal is not None or answer.has_content:
        yield from _part_events(_refusal(answer.refusal) if answer.refusal is not None else _said(answer, envelope), envelope)
    yield "response.output_item.done", {"output_index": 0, "item": _item(answer, envelope)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A piece of content, and how a stream says it: output_text and refusal differ in their words alone."""

    kind: str
    field: str
    empty: dict[str, Any]
    whole: dict[str, Any]
    deltas: Sequence[dict[str, Any]]

    @property
    def event(self) -> str:
        return f"response.{self.kind}"

    @property
    def done(self) -> dict[str, Any]:
        return {key: value for key, value in self.whole.items() if key in (self.field, "logprobs")}


def _refusal(text: str) -> _Part:
    whole = {"type": "refusal", "refusal": text}
    return _Part(kind="refusal", field="refusal", empty=whole | {"refusal": ""}, whole=whole, deltas=[{"delta": text}])


def _said(answer: Answer, envelope: Envelope) -> _Part:
    logprobs = _logprobs(answer, envelope)
    whole = {"type": "output_text", "annotations": [], "logprobs": logprobs, "text": answer.content}
    deltas = [{"delta": token.text, "logprobs": logprobs[index : index + 1]} for index, token in enumerate(answer.tokens)]
    return _Part(kind="output_text", field="text", empty=whole | {"logprobs": [], "text": ""}, whole=whole, deltas=deltas)


def _part_events(part: _Part, envelope: Envelope) -> Iterator[_Event]:
    place = {"item_id": _item_id(envelope), "output_index": 0, "content_index": 0}
    yield "response.content_part.added", place | {"part": part.empty}
    for delta in part.deltas:
        yield f"{part.event}.delta", place | delta
    yield f"{part.event}.done", place | part.done
    yield "response.content_part.done", place | {"part": part.whole}


def _item(answer: Answer, envelope: Envelope) -> dict[str, Any]:
    content = []
    if answer.refusal is not None:
        content.append(_refusal(answer.refusal).whole)
    elif answer.has_content:
        content.append(_said(answer, envelope).whole)
    status = "completed" if answer.finish_reason == "stop" else "incomplete"
    return {"id": _item_id(envelope), "type": "message", "status": status, "role": "assistant", "content": content}


def _response(envelope: Envelope, status: str) -> dict[str, Any]:
    return {
        "id": envelope.id,
        "object": "response",
        "created_at": envelope.created,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": envelope.question.max_tokens,
        "metadata": {},
        "model": envelope.question.model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "service_tier": "default",
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "usage": None,
    }


def _usage(answer: Answer, envelope: Envelope) -> dict[str, Any] | None:
    if not answer.has_usage:
        return None
    prompt, output = envelope.question.prompt_tokens, len(answer.tokens)
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + output,
    }


def _logprobs(answer: Answer, envelope: Envelope) -> list[dict[str, Any]]:
    question = envelope.question
    return [written.logprob(token, question.top_logprobs) for token in answer.tokens] if question.logprobs else []


def _status(answer: Answer) -> str:
    return _STATUS.get(answer.finish_reason, "incomplete")


def _item_id(envelope: Envelope) -> str:
    return envelope.id.replace("resp_", "msg_", 1)


def _instructions(asked: Mapping[str, Any]) -> Sequence[str]:
    instructions = asked.get("instructions")
    return [instructions] if isinstance(instructions, str) else []
