"""Messages -> the bytes on the wire, and the key that says which request they are."""

import hashlib
from typing import Any

from evalsvc.config.address import endpoint_identity, host_of
from evalsvc.config.keypath import Where
from evalsvc.config.models import EvalConfig
from evalsvc.errors import UsageError
from evalsvc.jsonio import canonical, dumps
from evalsvc.prompt.prompt import Prompt
from evalsvc.records import Request, Sample

# The field in which a host's chat API wants `max_output_tokens`, by the end of its name; every other host: max_tokens.
MAX_TOKENS_FIELD = {"api.openai.com": "max_completion_tokens", ".openai.azure.com": "max_completion_tokens"}
_MAX_TOKENS_ELSEWHERE = "max_tokens"
_MAX_TOKENS_FIELDS = ("max_tokens", "max_completion_tokens")

# Parameters that have a key of their own.
_OWN_KEY = {"model": "model.name", "messages": "prompt", "stream": "model.stream"}

_TOKENS_PER_MESSAGE = 3  # role and separators, as OpenAI's chat format counts them
_BYTES_PER_TOKEN = 4


class RequestBuilder:
    """Sample -> Request. Everything that is the same for all rows is prepared once; `build` is the hot path.

    `base_url` is what `resolve_base_url` gave. UsageError when `model.params` holds what has a key of its own.
    """

    __slots__ = ("_head", "_key_prefix", "_overhead", "_prompt", "_tail")

    def __init__(self, config: EvalConfig, base_url: str, prompt: Prompt, *, where: Where = str) -> None:
        _refuse_misplaced(config, where)
        constants = _constants(config, base_url)
        self._prompt = prompt
        self._head = b'{"model":' + dumps(config.model.name) + b',"messages":'
        self._tail = b"," + dumps(constants).removeprefix(b"{") if constants else b"}"
        self._key_prefix = hashlib.blake2b(_key_prefix(config, base_url, constants), digest_size=16)
        self._overhead = len(dumps([{"role": turn.role, "content": ""} for turn in prompt.turns]))

    def build(self, sample: Sample, repeat: int = 0) -> Request:
        """The request for one row; UsageError naming template and row when the prompt fails on it.

        The key is BLAKE2b over three lines, none of which can hold a line break: the constants, the messages, the repeat.
        """
        conversation = self._prompt.messages(sample)
        messages = dumps(conversation)
        key = self._key_prefix.copy()
        key.update(messages)
        key.update(b"\n%d" % repeat)
        return Request(
            id=sample.id,
            repeat=repeat,
            row_hash=sample.row_hash,
            key=key.hexdigest(),
            target=sample.target,
            messages=messages,
            body=self._head + messages + self._tail,
            input_tokens_estimate=(len(messages) - self._overhead) // _BYTES_PER_TOKEN + _TOKENS_PER_MESSAGE * len(conversation),
        )


def max_tokens_field(base_url: str) -> str:
    """The name under which this endpoint's chat API takes the limit of output tokens.

    >>> max_tokens_field("https://api.openai.com/v1"), max_tokens_field("http://localhost:8000/v1"), max_tokens_field("sandbox")
    ('max_completion_tokens', 'max_tokens', 'max_tokens')
    """
    host = host_of(base_url)
    return next((field for ending, field in MAX_TOKENS_FIELD.items() if _is_host(host, ending)), _MAX_TOKENS_ELSEWHERE)


def _is_host(host: str, ending: str) -> bool:
    return host.endswith(ending) if ending.startswith(".") else host == ending


def _constants(config: EvalConfig, base_url: str) -> dict[str, Any]:
    """What the payload holds besides model and messages."""
    limit = config.model.max_output_tokens
    return ({} if limit is None else {max_tokens_field(base_url): limit}) | config.model.params


def _key_prefix(config: EvalConfig, base_url: str, constants: dict[str, Any]) -> bytes:
    model = config.model
    parts = [endpoint_identity(config, base_url), model.api, model.name, model.revision, constants]
    return canonical(parts) + b"\n"


def _refuse_misplaced(config: EvalConfig, where: Where) -> None:
    for name, key in _OWN_KEY.items():
        if name in config.model.params:
            raise UsageError(f"{where(f'model.params.{name}')}: {name} is no parameter here", hint=f"Its place is {key}.")
    if config.model.max_output_tokens is None:
        return
    for name in _MAX_TOKENS_FIELDS:
        if name in config.model.params:
            raise UsageError(
                f"{where(f'model.params.{name}')}: {name} stands beside model.max_output_tokens, which sets the same limit",
                hint="Keep one of the two; model.max_output_tokens is sent under the name that the endpoint wants.",
            )
