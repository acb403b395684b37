"""The body of a legacy completion, as a Reply or the reason why it is none.

OpenAI API reference, "The completion object":

    {"id", "model", "choices": [{"text", "finish_reason", "logprobs": {"tokens", "token_logprobs", "top_logprobs", "text_offset"}}],
     "usage": {"prompt_tokens", "completion_tokens"}}

With `echo: true` text and tokens begin with the prompt's. They are told apart, so that `output` and `tokens` hold the
completion only and `prompt_tokens` the prompt. How many tokens are the prompt's, the first that fits:

    usage.prompt_tokens + usage.completion_tokens are all tokens       usage.prompt_tokens
    usage.prompt_tokens are all tokens, and the text is the prompt     all
    the last tokens, put together, are the text behind the prompt      all others
    the sum is one more than all tokens                                all but usage.completion_tokens
    text_offset counts from 0 upwards                                  those that begin before the prompt's end

Without an echo, vLLM's `prompt_logprobs` in the choice tell of the prompt.

text_offset comes last: vLLM counts the length of special tokens into it although the text has none of them, llama.cpp a blank
that its tokenizer puts in front, and SGLang's are all -1. The sum is one more where usage counts a token that begins every
prompt and is not shown (llama.cpp). Where all tokens are usage.completion_tokens, the server took no notice of `echo`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from evalsvc.endpoint.answer import Failure, Redact
from evalsvc.endpoint.bodies import error_in, unredacted
from evalsvc.endpoint.errors import MALFORMED, classify_error, failure
from evalsvc.endpoint.logprobs import Tokens, read_logprobs, read_prompt_logprobs
from evalsvc.endpoint.reading import decode, finish_of, first_choice, malformed, read_usage, text, unfinished
from evalsvc.records import Reply, Request, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What stands in a choice, the prompt taken apart from the rest."""

    output: str | None
    tokens: Tokens | None
    prompt_tokens: Tokens | None = None


def parse_completion(
    body: bytes,
    *,
    request: Request | None = None,
    latency_s: float = 0.0,
    request_id: str | None = None,
    status: int = 200,
    redact: Redact = unredacted,
) -> Reply | Failure:
    """The Reply in `body`, the body of a 2xx response; a Failure for everything that must not be scored. Never raises.

    `request` says whether the prompt was to be echoed, and what it was.
    """
    root = decode(body)
    choice, usage = first_choice(root), read_usage(root)
    finish_reason = finish_of(choice.get("finish_reason")) if choice is not None else None
    output = choice.get("text", 0) if choice is not None else 0  # 0: a choice of another API
    if choice is None or finish_reason is None or not (output is None or type(output) is str) or root.get("error"):
        return replace(_reason(body, root, status, redact), latency_s=latency_s, usage=usage)
    completed = Completed(output=output, tokens=read_logprobs(choice.get("logprobs")))
    prompt = echoed_prompt(request)
    if prompt is not None:
        completed = without_prompt(completed, prompt, usage, choice.get("logprobs"))
    return Reply(
        output=completed.output,
        finish_reason=finish_reason,
        usage=usage,
        latency_s=latency_s,
        tokens=completed.tokens,
        prompt_tokens=completed.prompt_tokens or read_prompt_logprobs(choice.get("prompt_logprobs")),
        model=text(root.get("model")),
        request_id=request_id or text(root.get("id")),
    )


def echoed_prompt(request: Request | None) -> str | None:
    """The prompt of a request that asked for an echo; None without one."""
    if request is None or b'"echo":true' not in request.body:
        return None
    asked = decode(request.body)
    prompt = asked.get("prompt") if type(asked) is dict and asked.get("echo") is True else None
    return prompt if type(prompt) is str else None


def without_prompt(completed: Completed, prompt: str, usage: Usage | None, logprobs: Any) -> Completed:
    """`completed` without the echo. As it is where nothing shows one; without any tokens where they cannot be told apart."""
    output, tokens = completed.output or "", completed.tokens
    if tokens is not None and usage is not None and usage.input > 0 and len(tokens) == usage.output:
        return completed
    rest = output[len(prompt) :] if output.startswith(prompt) else None
    if tokens is None:
        return completed if rest is None else replace(completed, output=rest)
    split = _tokens_of_prompt(tokens, prompt, rest, usage, logprobs)
    if split is None:
        return completed if rest is None else Completed(output=rest, tokens=None)
    if rest is None:  # a tokenizer that normalises blanks echoes another text than it was sent
        rest = "".join(token["t"] for token in tokens[split:])
    return Completed(output=rest, tokens=tokens[split:], prompt_tokens=tokens[:split])


def _tokens_of_prompt(tokens: Tokens, prompt: str, rest: str | None, usage: Usage | None, logprobs: Any) -> int | None:
    """How many of `tokens` are the prompt's; None when nothing says it."""
    counted = usage.input + usage.output if usage is not None else None
    if usage is not None and counted == len(tokens):
        return usage.input
    if usage is not None and usage.input == len(tokens) and rest == "":
        return len(tokens)  # max_tokens: 0, for which vLLM counts a token that it does not show
    if rest and (split := _before(rest, tokens)) is not None:
        return split
    if usage is not None and counted == len(tokens) + 1:
        return len(tokens) - usage.output
    offsets = logprobs.get("text_offset") if type(logprobs) is dict else None
    if type(offsets) is list and _count_up(offsets, len(tokens)):
        return len([offset for offset in offsets if offset < len(prompt)])
    return None


def _before(rest: str, tokens: Tokens) -> int | None:
    """How many tokens stand before those that are `rest`; None when the last ones are another text."""
    length = 0
    for split in range(len(tokens) - 1, -1, -1):
        length += len(tokens[split]["t"])
        if length >= len(rest):
            return split if "".join(token["t"] for token in tokens[split:]) == rest else None
    return None


def _count_up(offsets: Sequence[Any], length: int) -> bool:
    return len(offsets) == length and all(type(offset) is int for offset in offsets) and offsets[:1] == [0] and offsets == sorted(offsets)


def _reason(body: bytes, root: Any, status: int, redact: Redact) -> Failure:
    error, choice = error_in(root), first_choice(root)
    if error is not None:
        return classify_error(status, error, redact=redact)
    if choice is None or "text" not in choice:
        return malformed(body, "a completion", status, redact)
    if finish_of(choice.get("finish_reason")) is None:
        return unfinished(choice, status, redact)
    return failure(MALFORMED, "the choice's text is no text", http=status)
