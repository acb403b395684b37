"""Messages -> the bytes on the wire, and the key that says which request they are."""

import hashlib
from collections.abc import Sequence
from typing import Any

from evalsvc.config.address import endpoint_identity
from evalsvc.config.keypath import Where
from evalsvc.config.models import EvalConfig
from evalsvc.errors import UsageError
from evalsvc.jsonio import canonical, dumps
from evalsvc.prompt.likelihood import asked_to_score, scores_target, with_least_output
from evalsvc.prompt.payload import PAYLOADS, Payload, refuse_misplaced
from evalsvc.prompt.prompt import Prompt
from evalsvc.records import Request, Sample

_TOKENS_PER_MESSAGE = 3  # role and separators, as OpenAI's chat format counts them
_BYTES_PER_TOKEN = 4
_FRAME_BYTES = len('{"role":"user","content":""},')


class RequestBuilder:
    """Sample -> Request. Everything that is the same for all rows is prepared once; `build` is the hot path.

    `base_url` is what `resolve_base_url` gave; `payload` is that of the API, by default the built-in one that `model.api` names.
    UsageError when `model.params` holds what has a key of its own, and for a prompt that the API cannot take.
    """

    __slots__ = ("_fixed", "_head", "_key_prefix", "_overhead", "_prompt", "_question", "_sent", "_tails", "limit_field")

    def __init__(self, config: EvalConfig, base_url: str, prompt: Prompt, *, payload: Payload | None = None, where: Where = str) -> None:
        payload, config = payload or PAYLOADS[config.model.api], with_least_output(config)
        refuse_misplaced(config, payload, where)
        constants = _constants(config, payload, base_url, where)
        self._sent = _sent(config, payload, constants)
        self.limit_field = payload.limit_field(base_url)  # what a server that refuses `model.max_output_tokens` calls it
        self._prompt = prompt
        self._question = payload.scored if scores_target(config) else payload.question
        self._head = b'{"model":' + dumps(config.model.name) + b"," + dumps(payload.question_key) + b":"
        self._tails = {0: _tail(self._sent)}  # by repeat
        self._key_prefix = hashlib.blake2b(_key_prefix(config, base_url, constants), digest_size=16)
        self._fixed = len(prompt.roles)
        self._overhead = len(dumps([{"role": role, "content": ""} for role in prompt.roles]))

    def build(self, sample: Sample, repeat: int = 0) -> Request:
        """The request for one row; UsageError naming template and row when the prompt fails on it.

        The key is BLAKE2b over three lines, none of which can hold a line break: the constants, the messages with what the
        row brings beside them, the repeat.
        """
        conversation = self._prompt.messages(sample)
        messages = dumps(conversation)
        beside, frame = (self._beside(sample), self._frame(conversation)) if self._prompt.asks_own else (b"", self._overhead)
        question = messages if self._question is None else self._question(conversation, messages)
        key = self._key_prefix.copy()
        key.update(messages)
        key.update(beside)
        key.update(b"\n%d" % repeat)
        return Request(
            id=sample.id,
            repeat=repeat,
            row_hash=sample.row_hash,
            key=key.hexdigest(),
            target=sample.target,
            messages=messages,
            body=self._head + question + beside + (self._tails.get(repeat) or self._tail_of(repeat)),
            input_tokens_estimate=(len(messages) + len(beside) - frame) // _BYTES_PER_TOKEN + _TOKENS_PER_MESSAGE * len(conversation),
        )

    def _frame(self, conversation: Sequence[Any]) -> int:
        """Bytes of the messages that are no text, where each row has a conversation of its own."""
        return self._overhead + _FRAME_BYTES * (len(conversation) - self._fixed)

    def _beside(self, sample: Sample) -> bytes:
        """What the row's own conversation brings beside its messages, as it stands in the body; UsageError where it cannot go."""
        beside = self._prompt.beside(sample)
        if not beside:
            return b""
        listed = " and ".join(beside)
        if self._question is not None:
            raise UsageError(
                f"row {sample.id!r} brings {listed} in the words of the chat API",
                hint="Use api: chat, or leave the column out of the file.",
            )
        if twice := [name for name in beside if name in self._sent]:
            raise UsageError(
                f"row {sample.id!r} brings {' and '.join(twice)}, and model.params sets the same", hint="Take it out of model.params."
            )
        return b"," + dumps(beside)[1:-1]

    def _tail_of(self, repeat: int) -> bytes:
        """Each repeat has a seed of its own where the config gives one, and none where it does not."""
        seed = self._sent.get("seed")
        own_seed = {"seed": seed + repeat} if isinstance(seed, int) and not isinstance(seed, bool) else {}
        self._tails[repeat] = tail = _tail({**self._sent, **own_seed})
        return tail


def _tail(sent: dict[str, Any]) -> bytes:
    """What follows the question in the body."""
    return b"," + dumps(sent).removeprefix(b"{") if sent else b"}"


def _constants(config: EvalConfig, payload: Payload, base_url: str, where: Where) -> dict[str, Any]:
    """What the question consists of besides model and messages. Only where a target is to be scored it is more than is written."""
    limit = config.model.max_output_tokens
    to_score = asked_to_score(config, payload.to_score, where) if scores_target(config) else {}
    return {**to_score} | ({} if limit is None else {payload.limit_field(base_url): limit}) | config.model.params


def _sent(config: EvalConfig, payload: Payload, constants: dict[str, Any]) -> dict[str, Any]:
    """The constants as they go out. Whether the answer comes as a stream is no part of the question, so it is not in the key."""
    return {**payload.to_stream, **constants} if config.model.stream else constants


def _key_prefix(config: EvalConfig, base_url: str, constants: dict[str, Any]) -> bytes:
    model = config.model
    parts = [endpoint_identity(config, base_url), model.api, model.name, model.revision, constants]
    return canonical(parts) + b"\n"
