"""How other servers word the same things: one change to every body and event, one to the list of models. Pure.

llamacpp   as recorded from llama-cpp-python 0.3.36: logprobs without bytes, streams without usage, a bare list of models
vllm       fields of its own around an answer, models with root and parent
llama-server  of llama.cpp: echo and prompt_logprobs are not heeded, and nothing says so (llama.cpp issue 27174)
tgi        finish_reason eos_token
gemini     models/ before the names of models, a bare usage
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsvc.sandbox import wire
from evalsvc.sandbox.models import FITTED

Json = dict[str, Any]


def _as_it_is(reply: Json) -> Json:
    return reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a server says otherwise than OpenAI does."""

    reply: Callable[[Json], Json] = _as_it_is  # of a body, or of an event; may change it in place
    models: Callable[[Sequence[str], int], Json] = wire.models
    ignores: frozenset[str] = frozenset()  # fields of a request that it takes without a word and does nothing about

    def heeded(self, asked: Json) -> Json:
        """What the server makes of a request."""
        return {name: value for name, value in asked.items() if name not in self.ignores} if self.ignores else asked


def _llamacpp(reply: Json) -> Json:
    for name in ("service_tier", "system_fingerprint"):
        reply.pop(name, None)
    for choice in _choices(reply):
        for scored in _scored(choice):
            scored["bytes"] = None
    if _is_chunk(reply):
        reply.pop("usage", None)
    return reply


def _llamacpp_models(names: Sequence[str], _created: int) -> Json:
    return {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "me", "permissions": []} for name in names]}


def _vllm(reply: Json) -> Json:
    for choice in _choices(reply):
        choice |= {"stop_reason": None, "token_ids": None}
        if "text" in choice and not _is_chunk(reply):
            choice |= {"prompt_logprobs": choice.get("prompt_logprobs"), "prompt_token_ids": None}
        if "message" in choice:
            choice["message"] |= {"reasoning": None, "tool_calls": [], "function_call": None, "audio": None}
    if "choices" in reply and not _is_chunk(reply):
        reply |= {"prompt_logprobs": reply.get("prompt_logprobs"), "prompt_token_ids": None, "kv_transfer_params": None}
    _with_bare_usage(reply, prompt_tokens_details=None)
    return reply


def _vllm_models(names: Sequence[str], created: int) -> Json:
    """Further names of a fitted model, which stand behind it, are what adapters are there: models whose parent is another."""
    own = {"owned_by": "vllm", "max_model_len": 8192, "permission": []}
    fitted = next((place for place, name in enumerate(names) if name in FITTED), len(names))
    parents = {name: names[fitted] if place > fitted else None for place, name in enumerate(names)}
    data = [wire.model(name, created) | own | {"root": f"/models/{name}", "parent": parent} for name, parent in parents.items()]
    return {"object": "list", "data": data}


def _tgi(reply: Json) -> Json:
    for choice in _choices(reply):
        if choice.get("finish_reason") == "stop":
            choice["finish_reason"] = "eos_token"
    _with_bare_usage(reply)
    return reply


def _gemini(reply: Json) -> Json:
    reply.pop("system_fingerprint", None)
    _with_bare_usage(reply)
    return reply


def _gemini_models(names: Sequence[str], _created: int) -> Json:
    return {"object": "list", "data": [{"id": f"models/{name}", "object": "model", "owned_by": "google"} for name in names]}


def _choices(reply: Json) -> Sequence[Json]:
    choices: Sequence[Json] = reply.get("choices", ())
    return choices


def _scored(choice: Json) -> Iterator[Json]:
    """Every token of a chat's logprobs that has bytes, the likeliest ones in its place included."""
    logprobs = choice.get("logprobs") or {}
    for entry in logprobs.get("content") or ():
        yield entry
        yield from entry["top_logprobs"]


def _is_chunk(reply: Json) -> bool:
    return str(reply.get("object")).endswith(".chunk")


def _with_bare_usage(reply: Json, **more: Any) -> None:
    if usage := reply.get("usage"):
        counts = {name: usage[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens") if name in usage}
        reply["usage"] = counts | more if counts else usage


OPENAI = Dialect()
DIALECTS: Mapping[str, Dialect] = {
    "openai": OPENAI,
    "llamacpp": Dialect(reply=_llamacpp, models=_llamacpp_models),
    "vllm": Dialect(reply=_vllm, models=_vllm_models),
    "llama-server": Dialect(ignores=frozenset({"echo", "prompt_logprobs"})),
    "tgi": Dialect(reply=_tgi),
    "gemini": Dialect(reply=_gemini, models=_gemini_models),
}
