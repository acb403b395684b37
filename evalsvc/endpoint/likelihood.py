"""Task `perplexity`: a reply without the logprobs of its prompt is none, however good it looks.

Some servers take `echo` and `prompt_logprobs` without a word and do nothing about them (llama.cpp, issue 27174): whoever
sums what is not there gets a log-likelihood of 0 for every text. So the run stops at the first such reply.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from evalsvc.endpoint.answer import Failure, Redact
from evalsvc.endpoint.errors import NOT_SCORED, failure
from evalsvc.endpoint.spelling import spelled_form
from evalsvc.endpoint.stream import Parse
from evalsvc.records import Reply, Request

# A token that begins every prompt is counted by some servers and not shown.
_UNCOUNTED: Final = 1


def scoring_parse(parse: Parse) -> Parse:
    """`parse`, with a Failure in place of a Reply that does not tell how likely the prompt's tokens are."""

    def parse_scored(
        body: bytes, *, request: Request | None, latency_s: float, request_id: str | None, status: int, redact: Redact
    ) -> Reply | Failure:
        result = parse(body, request=request, latency_s=latency_s, request_id=request_id, status=status, redact=redact)
        target = request.target if request is not None else None
        why = why_not_scored(result, target or "") if isinstance(result, Reply) else None
        if why is None:
            return result
        return replace(failure(NOT_SCORED, why, http=status), latency_s=latency_s, usage=result.usage)

    return parse_scored


def why_not_scored(reply: Reply, target: str) -> str | None:
    """What is missing, in words. None when the tokens of the prompt spell `target` at their end, and not all logprobs are null.

    A target that they do not spell is that row's own affair, as long as they are as many as the server says the prompt has.
    """
    tokens = reply.prompt_tokens
    counted = reply.usage.input if reply.usage is not None else 0
    if not tokens:
        return "the endpoint tells no logprobs of the prompt: it took no notice of being asked for them"
    if len(tokens) < counted - _UNCOUNTED and spelled_form([token["t"] for token in tokens], target) is None:
        return f"the endpoint tells logprobs of {len(tokens)} tokens of a prompt of {counted}"
    if _are_null(tokens[1:]):
        return "the endpoint shows the tokens of the prompt, but all their logprobs are null"
    return None


def _are_null(tokens: Sequence[Mapping[str, Any]]) -> bool:
    """A prompt of one token says nothing either way."""
    return bool(tokens) and all(token["lp"] is None for token in tokens)
