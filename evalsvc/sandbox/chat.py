"""Chat completions: requests read, replies and streams written."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalsvc.sandbox import questions, tokens, written
from evalsvc.sandbox.answers import Answer, Token
from evalsvc.sandbox.questions import Question
from evalsvc.sandbox.written import Envelope


def parse(asked: Mapping[str, Any]) -> Question:
    """The question in a chat request."""
    messages = questions.messages_in(asked, "messages")
    contents = [questions.text_of(message.get("content")) for message in messages]
    logprobs, top_logprobs = _logprobs_wanted(asked)
    questions.only(asked, "n", 1)
    text, before = questions.last_user(messages, contents)
    max_tokens = _max_tokens(asked)
    prompt_logprobs = questions.prompt_logprobs(asked)
    return Question(
        model=asked["model"],
        text=text,
        digest=questions.digest(messages),
        prompt_tokens=tokens.prompt_tokens(contents),
        max_tokens=max_tokens,
        logprobs=logprobs,
        top_logprobs=top_logprobs,
        stream=asked.get("stream") is True,
        include_usage=questions.include_usage(asked),
        terms=questions.terms(asked, before, max_tokens),
        prompt_logprobs=prompt_logprobs,
        prompt=() if prompt_logprobs is None else _spelled(asked, messages, contents),
    )


def body(answer: Answer, envelope: Envelope) -> dict[str, Any]:
    """A plain reply."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": answer.content, "refusal": answer.refusal, "annotations": []},
        "logprobs": _logprobs(answer.tokens, envelope) if answer.has_content else None,
        "finish_reason": answer.finish_reason,
        **_given_up(answer),
    }
    reply = written.head(envelope, "chat.completion")
    reply["choices"] = [choice] if answer.has_choice else []
    reply["usage"] = written.usage(answer, envelope)
    return reply | written.prompt_logprobs(envelope)


def events(answer: Answer, envelope: Envelope) -> Iterator[dict[str, Any]]:
    """The events of a streamed reply."""
    head = written.head(envelope, "chat.completion.chunk")
    usage = {"usage": None} if envelope.question.include_usage else {}
    for choice in _deltas(answer, envelope) if answer.has_choice else ():
        yield head | {"choices": [choice]} | usage
    if envelope.question.include_usage and answer.has_usage:
        yield head | {"choices": [], "usage": written.usage(answer, envelope)}


def _spelled(asked: Mapping[str, Any], messages: Sequence[Mapping[str, Any]], contents: Sequence[str]) -> list[str]:
    """The conversation as tokens; with vLLM's `continue_final_message`, its last message is not over."""
    goes_on, answer_next = questions.flag(asked, "continue_final_message"), asked.get("add_generation_prompt") is not False
    if goes_on and answer_next:
        message = "Cannot set both `continue_final_message` and `add_generation_prompt` to True."
        raise questions.wrong(message, "continue_final_message", "invalid_value")
    turns = [(str(message.get("role")), content) for message, content in zip(messages, contents, strict=True)]
    return tokens.conversation(turns, goes_on=goes_on, answer_next=answer_next)


def _max_tokens(asked: Mapping[str, Any]) -> int | None:
    given = [questions.at_least(asked, name, 1) for name in ("max_completion_tokens", "max_tokens")]
    return min((value for value in given if value is not None), default=None)


def _logprobs_wanted(asked: Mapping[str, Any]) -> tuple[bool, int]:
    wanted = questions.flag(asked, "logprobs")
    top = questions.between(asked, "top_logprobs", questions.MOST_TOP_LOGPROBS)
    if top is not None and not wanted:
        message = "Invalid value for 'top_logprobs': 'logprobs' must be set to true if 'top_logprobs' is used."
        raise questions.wrong(message, "top_logprobs", "invalid_value")
    return wanted, top or 0


def _deltas(answer: Answer, envelope: Envelope) -> Iterator[dict[str, Any]]:
    yield _delta({"role": "assistant", "content": "" if answer.has_content else None, "refusal": None})
    if answer.refusal is not None:
        yield _delta({"refusal": answer.refusal})
    for token in answer.tokens if answer.has_content else ():
        yield _delta({"content": token.text}, _logprobs([token], envelope))
    yield _delta({}, finish_reason=answer.finish_reason) | _given_up(answer)


def _delta(delta: dict[str, Any], logprobs: Any = None, finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}


def _logprobs(said: Sequence[Token], envelope: Envelope) -> dict[str, Any] | None:
    if not envelope.question.logprobs:
        return None
    return {"content": [written.logprob(token, envelope.question.top_logprobs) for token in said], "refusal": None}


def _given_up(answer: Answer) -> dict[str, Any]:
    """OpenAI has no word for it; OpenRouter puts the error into the choice."""
    return {"error": {"code": 502, "message": written.GAVE_UP}} if answer.finish_reason == "error" else {}
