"""A key that the server gives back in its answer goes no further: neither into the journal nor into what is made from it."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, Final

from evalsvc.config.address import SANDBOX
from evalsvc.endpoint.bodies import redactor
from evalsvc.pipeline.prepare import Prepared
from evalsvc.records import Reply

UNMISTAKABLE: Final = 16  # characters: a shorter secret, such as "EMPTY", may be a word of an honest answer


class Echoes:
    """Answers without the secrets that went out with the requests."""

    def __init__(self, secrets: Iterable[str]) -> None:
        long = {secret for secret in secrets if len(secret) >= UNMISTAKABLE}
        # "Bearer k" is where k is
        self._sought = tuple(secret for secret in long if not any(other in secret for other in long - {secret}))
        self._redact = redactor(long)

    def without(self, reply: Reply) -> Reply:
        """`reply` itself, but for one that holds a secret: that one with the secret blanked in all of its texts."""
        if not self._sought:
            return reply
        # for every answer of a run: a generator over the fields takes four times as long
        texts = f"{reply.output}\n{reply.request_id}\n{reply.model}\n{reply.finish_reason}\n{reply.reasoning}\n{reply.refusal}\n"
        texts += "" if reply.tool_calls is None else str(reply.tool_calls)
        for secret in self._sought:
            if secret in texts:
                return replace(reply, **{field.name: self.blanked(getattr(reply, field.name)) for field in fields(reply)})
        return reply

    def blanked(self, value: Any) -> Any:
        """A value of JSON with every secret blanked, however deep it stands."""
        match value:
            case str():
                return self._redact(value)
            case Mapping():
                return {self.blanked(name): self.blanked(inner) for name, inner in value.items()}
            case list() | tuple():
                return [self.blanked(inner) for inner in value]
            case _:
                return value


def echoes_of(prepared: Prepared) -> Echoes:
    """Of the key, of headers and query fields that sound like one, and of the passwords in addresses."""
    if prepared.base_url == SANDBOX:
        return Echoes(())
    from evalsvc.endpoint.address import parse_base_url, proxy_for, request_headers, secrets_of

    base, api_key = parse_base_url(prepared.base_url), prepared.api_key
    headers = request_headers(base, prepared.config.model.headers, api_key, "")
    return Echoes(secrets_of(base, headers, api_key, proxy_for(base, prepared.loaded.environ)))
