"""The APIs that can be asked: one noun for each, found by the name in `model.api`.

A row of the table is all that an API is. Users add theirs by entry point or as path/to/file.py:name: docs/extending.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from evalsvc import plugins
from evalsvc.config.keypath import Where
from evalsvc.config.models import EvalConfig
from evalsvc.endpoint.chat import parse_chat
from evalsvc.endpoint.chat_stream import ChatAssembler
from evalsvc.endpoint.completions import parse_completion
from evalsvc.endpoint.guarded import GuardedAssembler, guarded_parse
from evalsvc.endpoint.likelihood import scoring_parse
from evalsvc.endpoint.responses import parse_responses
from evalsvc.endpoint.responses_stream import ResponsesAssembler
from evalsvc.endpoint.stream import AnswerStream, Assembler, Parse
from evalsvc.errors import UsageError
from evalsvc.prompt.likelihood import scores_target
from evalsvc.prompt.payload import PAYLOADS, Payload
from evalsvc.records import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """How one API is asked and read."""

    name: str
    path: str  # below the base URL
    payload: Payload
    parse: Parse
    stream: Callable[[], Assembler] | None = None  # None: its answers come in one piece only

    def new_stream(self, request: Request) -> AnswerStream:
        """For one attempt at `request`, of an API that streams."""
        assert self.stream is not None, "resolve_api refuses to stream what cannot"  # noqa: S101
        return AnswerStream(self.parse, self.stream(), request)


CHAT: Final = Api(name="chat", path="chat/completions", payload=PAYLOADS["chat"], parse=parse_chat, stream=ChatAssembler)
RESPONSES: Final = Api(
    name="responses", path="responses", payload=PAYLOADS["responses"], parse=parse_responses, stream=ResponsesAssembler
)  # fmt: skip
COMPLETIONS: Final = Api(name="completions", path="completions", payload=PAYLOADS["completions"], parse=parse_completion)

APIS: Final[Mapping[str, Api]] = {api.name: api for api in (CHAT, RESPONSES, COMPLETIONS)}


def resolve_api(config: EvalConfig, where: Where = str) -> Api:
    """The API that `model.api` names; UsageError when there is none, or when it is to stream and cannot."""
    name = config.model.api
    api = APIS.get(name) or _of_the_users(name, config, where)
    if config.model.stream and api.stream is None:
        streaming = ", ".join(known.name for known in APIS.values() if known.stream is not None)
        raise UsageError(
            f"{where('model.stream')}: the API {name} has no streams here", hint=f"Take model.stream out, or use one of: {streaming}."
        )
    return replace(api, parse=scoring_parse(api.parse)) if scores_target(config) else api


def _of_the_users(name: str, config: EvalConfig, where: Where) -> Api:
    place = where("model.api")
    api = plugins.load(plugins.Kind.API, name, config.base_dir, place=place, built_in=tuple(APIS))
    if not isinstance(api, Api):
        raise UsageError(
            f"{place}: {name} is no API but {type(api).__name__}", hint="It must be an evalsvc.endpoint.apis.Api: docs/extending.md"
        )
    new_stream = api.stream
    stream = None if new_stream is None else lambda: GuardedAssembler(new_stream(), name)
    return replace(api, parse=guarded_parse(api.parse, name), stream=stream)
