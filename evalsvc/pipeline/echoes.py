"""A key that the server gives back in its answer goes no further: neither into the journal nor into what is made from it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final

from evalsvc.endpoint.bodies import redactor
from evalsvc.endpoint.models import ModelsSeen
from evalsvc.records import Reply

UNMISTAKABLE: Final = 16  # characters: a shorter secret, such as "EMPTY", may be a word of an honest answer


class Echoes:
    """Answers without the secrets that went out with the requests: those that `secrets` names by then, as a token is renewed."""

    def __init__(self, secrets: Callable[[], Iterable[str]]) -> None:
        self._secrets = secrets
        self._known: Iterable[str] | None = None
        self._look()

    def _look(self) -> None:
        known = self._secrets()
        if known == self._known:
            return
        self._known = known
        long = {secret for secret in known if len(secret) >= UNMISTAKABLE}
        # "Bearer k" is where k is
        self._sought = tuple(secret for secret in long if not any(other in secret for other in long - {secret}))
        self._redact = redactor(long)

    def without(self, reply: Reply) -> Reply:
        """`reply` itself, but for one that holds a secret: that one with the secret blanked in all of its texts."""
        self._look()
        if not self._sought:
            return reply
        # for every answer of a run: a generator over the fields takes four times as long
        texts = f"{reply.output}\n{reply.request_id}\n{reply.model}\n{reply.finish_reason}\n{reply.reasoning}\n{reply.refusal}\n"
        texts += "" if reply.tool_calls is None else str(reply.tool_calls)
        for tokens in (reply.tokens, reply.prompt_tokens):
            texts += _told(tokens) if tokens else ""
        for secret in self._sought:
            if secret in texts:
                return replace(reply, **{field.name: self._blanked(getattr(reply, field.name)) for field in fields(reply)})
        return reply

    def seen(self, models: ModelsSeen) -> ModelsSeen:
        """Likewise names and card of what the server lists."""
        self._look()
        return replace(models, names=tuple(self._blanked(models.names)), card=self._blanked(models.card))

    def _blanked(self, value: Any) -> Any:
        """A value of JSON with every secret blanked, however deep it stands."""
        match value:
            case str():
                return self._redact(value)
            case Mapping():
                return {self._blanked(name): self._blanked(inner) for name, inner in value.items()}
            case list() | tuple():
                return [self._blanked(inner) for inner in value]
            case _:
                return value


def _told(tokens: Sequence[Mapping[str, Any]]) -> str:
    """What tokens spell. An API of the user's own may give anything as such."""
    try:
        return "\n".join([token["t"] for token in tokens] + [text for token in tokens for text, _ in token["top"]])
    except (LookupError, TypeError, ValueError):
        return str(tokens)
