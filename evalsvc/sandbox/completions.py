"""Legacy completions: a text goes on. Requests read, replies and streams written."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from evalsvc.sandbox import questions, tokens, written
from evalsvc.sandbox.answers import Answer, Token
from evalsvc.sandbox.questions import Question
from evalsvc.sandbox.written import Envelope

MOST_LOGPROBS = 5
USUAL_MAX_TOKENS = 16  # what this API allows an answer when nothing is said


def parse(asked: Mapping[str, Any]) -> Question:
    """The question in a completions request; one prompt a call, as text."""
    prompt = _prompt(asked)
    top = questions.between(asked, "logprobs", MOST_LOGPROBS)
    max_tokens = questions.at_least(asked, "max_tokens", 0)
    questions.only(asked, "n", 1)
    questions.only(asked, "best_of", 1)
    allowed = USUAL_MAX_TOKENS if max_tokens is None else max_tokens
    spelled = tokens.split(prompt)
    return Question(
        model=asked["model"],
        text=prompt,
        digest=questions.digest(prompt),
        prompt_tokens=len(spelled),
        max_tokens=allowed,
        logprobs=top is not None,
        top_logprobs=top or 0,
        stream=asked.get("stream") is True,
        include_usage=questions.include_usage(asked),
        terms=questions.terms(asked, (), allowed),
        echo=questions.flag(asked, "echo"),
        prompt_logprobs=questions.prompt_logprobs(asked),
        prompt=spelled,
    )


def body(answer: Answer, envelope: Envelope) -> dict[str, Any]:
    """A plain reply. With echo the prompt stands before the answer, in the text and among the tokens."""
    said = answer.tokens if answer.has_content else ()
    choice = {
        "text": _text(answer, envelope),
        "index": 0,
        "logprobs": _logprobs([*_prompt_tokens(envelope), *map(_known, said)], envelope, 0),
        "finish_reason": answer.finish_reason,
        **written.prompt_logprobs(envelope),
    }
    reply = written.head(envelope, "text_completion")
    reply["choices"] = [choice] if answer.has_choice else []
    reply["usage"] = written.usage(answer, envelope)
    return reply


def events(answer: Answer, envelope: Envelope) -> Iterator[dict[str, Any]]:
    """The events of a streamed reply: a token each, the prompt's first where it is echoed."""
    head = written.head(envelope, "text_completion")
    usage = {"usage": None} if envelope.question.include_usage else {}
    for choice in _pieces(answer, envelope) if answer.has_choice else ():
        yield head | {"choices": [choice]} | usage
    if envelope.question.include_usage and answer.has_usage:
        yield head | {"choices": [], "usage": written.usage(answer, envelope)}


def _prompt(asked: Mapping[str, Any]) -> str:
    prompt = questions.required(asked, "prompt")
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        return prompt[0]
    if not isinstance(prompt, str):
        raise questions.wrong("Invalid 'prompt': the sandbox takes one text, or a list of one, per call.", "prompt", "unsupported_value")
    return prompt


def _text(answer: Answer, envelope: Envelope) -> str | None:
    """A refusal has no field of its own here: it is what the model says."""
    said = answer.content if answer.refusal is None else answer.refusal
    if said is None or not envelope.question.echo:
        return said
    return envelope.question.text + said


# A token, and its logprob: the first of a prompt has none, because nothing came before it.
_Scored = tuple[Token, float | None]


def _known(token: Token) -> _Scored:
    return token, token.logprob


def _prompt_tokens(envelope: Envelope) -> list[_Scored]:
    echoed = envelope.prompt if envelope.question.echo else ()
    return [(token, None if index == 0 else token.logprob) for index, token in enumerate(echoed)]


def _logprobs(scored: Sequence[_Scored], envelope: Envelope, offset: int) -> dict[str, Any] | None:
    """Parallel lists; `offset` is how many characters stand before."""
    if not envelope.question.logprobs:
        return None
    texts = [token.text for token, _ in scored]
    top = envelope.question.top_logprobs
    return {
        "tokens": texts,
        "token_logprobs": [value for _, value in scored],
        "top_logprobs": [_top(token, value, top) for token, value in scored] if top else None,
        "text_offset": list(accumulate(map(len, texts), initial=offset))[:-1],
    }


def _top(token: Token, value: float | None, top: int) -> dict[str, float] | None:
    """The likeliest tokens, and beside them always the one that was taken."""
    return None if value is None else dict(token.top[:top]) | {token.text: value}


def _pieces(answer: Answer, envelope: Envelope) -> Iterator[dict[str, Any]]:
    said = [] if answer.refusal is not None or not answer.has_content else list(map(_known, answer.tokens))
    offset = 0
    for token, value in [*_prompt_tokens(envelope), *said]:
        yield _piece(token.text, _logprobs([(token, value)], envelope, offset))
        offset += len(token.text)
    if answer.refusal is not None:
        yield _piece(answer.refusal)
    yield _piece("", finish_reason=answer.finish_reason)


def _piece(text: str, logprobs: Any = None, finish_reason: str | None = None) -> dict[str, Any]:
    return {"text": text, "index": 0, "logprobs": logprobs, "finish_reason": finish_reason}
