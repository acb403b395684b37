"""The same answers in each API's words, in one piece and as a stream.

An answer is said once, here; what each API makes of it is the business of `WORDS`. What an API cannot say it leaves out of
its table: completions have no refusals, no tools and no reasoning of their own.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from evalsvc.records import Reply, Usage

SERVED = "served-2026"
REQUEST_ID = "req_1"
USAGE = Usage(input=31, output=4, cached=16, reasoning=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a model has to say."""

    text: str | None = None
    finish: str = "stop"
    refusal: str | None = None
    reasoning: str | None = None
    calls: tuple[tuple[str, str, str], ...] = ()  # id, name, arguments
    tokens: tuple[tuple[str, float | None, tuple[tuple[str, float], ...]], ...] = ()
    usage: Usage | None = USAGE

    @property
    def reply(self) -> Reply:
        """What it must become whatever the API, without the times."""
        return Reply(
            output=self.text,
            finish_reason=self.finish,
            usage=self.usage,
            latency_s=0.0,
            refusal=self.refusal,
            reasoning=self.reasoning,
            tool_calls=[_call(*call) for call in self.calls] or None,
            tokens=[{"t": t, "lp": lp, "top": [list(pair) for pair in top]} for t, lp, top in self.tokens] or None,
            model=SERVED,
            request_id=REQUEST_ID,
        )

    @property
    def pieces(self) -> list[str]:
        """The text as tokens."""
        if self.tokens:
            return [token for token, _, _ in self.tokens]
        return [self.text[at : at + 3] for at in range(0, len(self.text or ""), 3)] if self.text else []


TOKENS = (("spam", -0.25, (("spam", -0.25), ("ham", -1.5))), ("!", -0.5, (("!", -0.5), ("?", -9999.0))))

ANSWERS: dict[str, Said] = {
    "a text": Said(text="spam, surely"),
    "a text of many scripts": Said(text="Grüße 你好 👋 \u2028 \ud800 x"),
    "an empty text": Said(text=""),
    "a text cut at the limit": Said(text="spam, sure", finish="length"),
    "a text that was filtered": Said(text="spa", finish="content_filter"),
    "log-probabilities": Said(text="spam!", tokens=TOKENS),
    "a log-probability that underflowed": Said(text="spam", tokens=(("spam", None, ()),)),
    "no usage": Said(text="spam", usage=None),
    "a refusal": Said(refusal="I can't help with that"),
    "a refusal behind a text": Said(text="Well.", refusal="No."),
    "reasoning and a text": Said(text="spam", reasoning="It says free, twice."),
    "reasoning that used up the limit": Said(reasoning="It says free, and", finish="length"),
    "a tool call": Said(finish="tool_calls", calls=(("call_1", "file", '{"label": "spam", "sure": true}'),)),
    "two tool calls behind a text": Said(text="Filing.", finish="tool_calls", calls=(("call_1", "a", "{}"), ("call_2", "b", '{"x": "é"}'))),
}
OF_COMPLETIONS = [name for name, said in ANSWERS.items() if not (said.refusal or said.reasoning or said.calls)]


def _call(id_: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


def dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


def event(value: Any, kind: str | None = None) -> bytes:
    return (b"" if kind is None else b"event: " + kind.encode() + b"\n") + b"data: " + dumps(value) + b"\n\n"


def _usage(usage: Usage | None, of_input: str, of_output: str) -> dict[str, Any] | None:
    if usage is None:
        return None
    return {
        of_input: usage.input,
        of_output: usage.output,
        "total_tokens": usage.input + usage.output,
        f"{of_input}_details": {"cached_tokens": usage.cached},
        f"{of_output}_details": {"reasoning_tokens": usage.reasoning},
    }


def _entry(token: str, logprob: float | None, top: tuple[tuple[str, float], ...]) -> dict[str, Any]:
    tops = [{"token": other, "logprob": value, "bytes": None} for other, value in top]
    return {"token": token, "logprob": float("nan") if logprob is None else logprob, "bytes": None, "top_logprobs": tops}


# chat -----------------------------------------------------------------------------------------------------------------


def chat(said: Said) -> Any:
    message: dict[str, Any] = {"role": "assistant", "content": said.text, "refusal": said.refusal}
    if said.reasoning:
        message["reasoning_content"] = said.reasoning
    if said.calls:
        message |= {"tool_calls": [_call(*call) for call in said.calls]}
    logprobs = {"content": [_entry(*token) for token in said.tokens], "refusal": None} if said.tokens else None
    choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": said.finish}
    usage = _usage(said.usage, "prompt_tokens", "completion_tokens")
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": SERVED, "choices": [choice], "usage": usage}


def chat_stream(said: Said) -> Iterator[bytes]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": SERVED}

    def chunk(delta: Any, logprobs: Any = None, finish: str | None = None) -> bytes:
        return event(head | {"choices": [{"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}], "usage": None})

    yield chunk({"role": "assistant", "content": None if said.text is None and said.calls else ""})
    for word in (said.reasoning or "").partition(" "):
        yield chunk({"reasoning_content": word})
    for at, piece in enumerate(said.pieces):
        yield chunk({"content": piece}, {"content": [_entry(*said.tokens[at])]} if said.tokens else None)
    for word in (said.refusal or "").partition(" "):
        yield chunk({"refusal": word})
    for index, (id_, name, arguments) in enumerate(said.calls):
        yield chunk({"tool_calls": [{"index": index, "id": id_, "type": "function", "function": {"name": name, "arguments": ""}}]})
        for half in (arguments[:4], arguments[4:]):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": half}}]})
    yield chunk({}, finish=said.finish)
    if said.usage is not None:
        yield event(head | {"choices": [], "usage": _usage(said.usage, "prompt_tokens", "completion_tokens")})
    yield b"data: [DONE]\n\n"


# responses ------------------------------------------------------------------------------------------------------------


def responses(said: Said) -> Any:
    incomplete = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(said.finish)
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed" if incomplete is None else "incomplete",
        "error": None,
        "incomplete_details": incomplete and {"reason": incomplete},
        "model": SERVED,
        "output": list(_items(said)),
        "usage": _usage(said.usage, "input_tokens", "output_tokens"),
    }


def _items(said: Said) -> Iterator[Any]:
    if said.reasoning:
        yield {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": said.reasoning}]}
    parts: list[Any] = []
    if said.text is not None:
        logprobs = [_entry(*token) for token in said.tokens]
        parts.append({"type": "output_text", "text": said.text, "annotations": [], "logprobs": logprobs})
    if said.refusal is not None:
        parts.append({"type": "refusal", "refusal": said.refusal})
    if parts:
        yield {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": parts}
    for id_, name, arguments in said.calls:
        yield {"type": "function_call", "id": f"fc_{id_}", "call_id": id_, "name": name, "arguments": arguments, "status": "completed"}


def responses_stream(said: Said) -> Iterator[bytes]:
    whole = responses(said)
    begun = whole | {"status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    yield event({"type": "response.created", "response": begun}, "response.created")
    yield event({"type": "response.in_progress", "response": begun}, "response.in_progress")
    for index, item in enumerate(whole["output"]):
        yield event({"type": "response.output_item.added", "output_index": index, "item": {**item, "content": [], "arguments": ""}})
        for kind, deltas in _deltas(said, item):
            for at, delta in enumerate(deltas):
                logprobs = [_entry(*said.tokens[at])] if said.tokens and kind == "output_text" else []
                value = {"output_index": index, "content_index": 0, "delta": delta, "logprobs": logprobs}
                yield event({"type": f"response.{kind}.delta", **value}, f"response.{kind}.delta")
        yield event({"type": "response.output_item.done", "output_index": index, "item": item}, "response.output_item.done")
    end = f"response.{whole['status']}"
    yield event({"type": end, "response": whole}, end)


def _deltas(said: Said, item: Any) -> Iterator[tuple[str, list[str]]]:
    match item["type"]:
        case "reasoning":
            yield "reasoning_summary_text", list((said.reasoning or "").partition(" "))
        case "message":
            yield "output_text", said.pieces
            yield "refusal", list((said.refusal or "").partition(" "))
        case "function_call":
            yield "function_call_arguments", [item["arguments"][:4], item["arguments"][4:]]


# completions ----------------------------------------------------------------------------------------------------------


def completions(said: Said) -> Any:
    logprobs = {
        "tokens": [token for token, _, _ in said.tokens],
        "token_logprobs": [float("nan") if logprob is None else logprob for _, logprob, _ in said.tokens],
        "top_logprobs": [dict(top) for _, _, top in said.tokens],
        "text_offset": [0 for _ in said.tokens],
    }
    choice = {"index": 0, "text": said.text, "logprobs": logprobs if said.tokens else None, "finish_reason": said.finish}
    usage = _usage(said.usage, "prompt_tokens", "completion_tokens")
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": SERVED, "choices": [choice], "usage": usage}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How one API says an answer."""

    plain: Callable[[Said], Any]
    stream: Callable[[Said], Iterator[bytes]] | None
    answers: tuple[str, ...]

    def body(self, name: str) -> bytes:
        return dumps(self.plain(ANSWERS[name]))

    def events(self, name: str) -> list[bytes]:
        assert self.stream is not None
        return list(self.stream(ANSWERS[name]))


WORDS: dict[str, Words] = {
    "chat": Words(plain=chat, stream=chat_stream, answers=tuple(ANSWERS)),
    "responses": Words(plain=responses, stream=responses_stream, answers=tuple(ANSWERS)),
    "completions": Words(plain=completions, stream=None, answers=tuple(OF_COMPLETIONS)),
}
# API, whether as a stream, answer
SPOKEN = [
    (api, streams, name)
    for api, words in WORDS.items()
    for streams in ((False, True) if words.stream is not None else (False,))
    for name in words.answers
]
