"""The way of a call: count it, let faults strike, check the limits, take a slot, ask the model, deliver."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from aiohttp import web

from evalsvc.sandbox import faults, questions, streams, wire
from evalsvc.sandbox.answers import Answer, Model
from evalsvc.sandbox.apis import APIS, Api
from evalsvc.sandbox.call_log import Call, CallLog
from evalsvc.sandbox.delivery import JSON, Parcel, deliver, misdeliver
from evalsvc.sandbox.dialects import OPENAI, Dialect
from evalsvc.sandbox.faults import Alter, Break, Edit, Effect, Fault, Moment, Pace, Refuse, Wait
from evalsvc.sandbox.language import Language
from evalsvc.sandbox.limits import Limits
from evalsvc.sandbox.questions import Question
from evalsvc.sandbox.wire import Declined, WireError
from evalsvc.sandbox.written import Envelope

LARGEST_BODY = 64 * 1024 * 1024
_BROKEN_OFF = WireError(status=200, message="The sandbox was told to break this stream off.", type="server_error", code="server_error")
_MODELS = b"the list of models"  # what faults know it by, as they know a call by its messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What every call meets, besides the models."""

    faults: Sequence[Fault]
    seed: int
    slots: int | None  # None: as many as come
    key: str | None  # None: any
    dialect: Dialect = OPENAI


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A model, and the language in which it reads prompts."""

    model: Model
    language: Language


class Service:
    """Answers the calls of one server; what it remembers between them is counts. `launch` makes its ids its own."""

    def __init__(self, *, models: Mapping[str, Served], policy: Policy, limits: Limits, log: CallLog, launch: str) -> None:
        self._models = models
        self._policy = policy
        self._limits = limits
        self._log = log
        self._launch = launch
        self._slots = asyncio.Semaphore(policy.slots) if policy.slots is not None else contextlib.nullcontext()
        self._started_at = time.monotonic()
        self._created = int(time.time())
        self._attempts: Counter[bytes] = Counter()
        self._replies = 0
        self._calls = 0
        self._in_flight = 0

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        for api in APIS:
            app.router.add_post(api.path, partial(self.answer, api))
        app.router.add_get("/v1/models", self.list_models)
        app.router.add_get("/v1/models/{name:.+}", self.one_model)
        app.router.add_route("*", "/{anything:.*}", self.elsewhere)
        return app

    async def answer(self, api: Api, request: web.Request) -> web.StreamResponse:
        self._calls += 1
        self._in_flight += 1
        call = Call(number=self._calls, received_at=time.time(), in_flight=self._in_flight)
        try:
            return await self._answered(api, request, call)
        except Declined as declined:
            call.status = declined.error.status
            return self._error(declined.error)
        finally:
            self._in_flight -= 1
            self._log.add(call)

    async def list_models(self, request: web.Request) -> web.StreamResponse:
        try:
            self._check_key(request)
            parcel = self._parcel([wire.dumps(self._policy.dialect.models(list(self._models), self._created))])
            effects, _ = self._struck(request, "models", _MODELS, "")
            await _refuse(effects)
            await _pause(effects)
            return await _send(request, parcel, effects) or _nothing()
        except Declined as declined:
            return self._error(declined.error)

    async def one_model(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in self._models:
            return self._error(WireError(status=404, message=f"The model '{name}' does not exist", param="model", code="model_not_found"))
        return await deliver(request, self._parcel([wire.dumps(wire.model(name, self._created))]))

    async def elsewhere(self, request: web.Request) -> web.StreamResponse:
        here = ", ".join(api.path for api in APIS)
        message = f"Unknown request URL: {request.method} {request.path}. Here are /v1/models, {here}."
        return self._error(WireError(status=404, message=message, code="unknown_url"))

    async def _answered(self, api: Api, request: web.Request, call: Call) -> web.StreamResponse:
        self._check_key(request)
        question = api.parse(self._policy.dialect.heeded(questions.opened(await request.read(), self._models)))
        call.api, call.model, call.digest = api.name, question.model, question.digest
        effects, call.faults = self._struck(request, api.name, question.digest, question.text)
        call.attempt = self._attempts.get(question.digest)
        await _refuse(effects)
        answer = self._answer(question, effects)
        self._limits.admit(question.prompt_tokens + len(answer.tokens), time.monotonic())
        async with self._slots:
            await _pause(effects)
            response = await _send(request, self._written(api, answer, question, effects), effects)
        call.status = None if response is None else response.status
        return response or _nothing()

    def _check_key(self, request: web.Request) -> None:
        if self._policy.key is not None and request.headers.get("authorization") != f"Bearer {self._policy.key}":
            raise Declined(WireError(status=401, message="Incorrect API key provided.", code="invalid_api_key"))

    def _struck(self, request: web.Request, where: str, digest: bytes, text: str) -> tuple[list[Effect], tuple[str, ...]]:
        """What befalls this request, and by which faults."""
        possible = [*self._policy.faults, *_asked_for(request)]
        if not possible:
            return [], ()
        self._attempts[digest] += 1
        moment = Moment(
            where=where,
            # the list of models is not counted as a call; it meets what the next call would meet
            number=self._calls + (where == "models"),
            attempt=self._attempts[digest],
            digest=digest,
            text=text,
            age_s=time.monotonic() - self._started_at,
            seed=self._policy.seed,
        )
        struck = [fault for fault in possible if faults.strikes(fault, moment)]
        return [faults.effect(fault, moment) for fault in struck], tuple(fault.name for fault in struck)

    def _answer(self, question: Question, effects: Sequence[Effect]) -> Answer:
        answer = self._models[question.model].model.answer(question.text, question.terms).cut(question.max_tokens)
        for effect in effects:
            if isinstance(effect, Alter):
                answer = effect.change(answer)
        return answer

    def _written(self, api: Api, answer: Answer, question: Question, effects: Sequence[Effect]) -> Parcel:
        envelope = Envelope(
            id=f"{api.id_prefix}{self._launch}{self._replies + 1:x}",
            created=int(time.time()),
            question=question,
            prompt=self._models[question.model].language.read_tokens(question.prompt) if question.reads_prompt else (),
        )
        said = self._policy.dialect.reply
        if not question.stream:
            return self._parcel([wire.dumps(said(api.body(answer, envelope)))])
        pieces = [api.framed(said(event)) for event in api.events(answer, envelope)]
        return replace(self._parcel(_edited([*pieces, *api.ending], api, effects)), streams=True, pace_s=_pace_s(effects))

    def _parcel(self, pieces: Sequence[bytes]) -> Parcel:
        return Parcel(pieces=pieces, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        self._replies += 1
        return {"x-request-id": f"req_{self._launch}{self._replies:x}", **self._limits.headers(time.monotonic())}

    def _error(self, error: WireError) -> web.Response:
        return web.Response(status=error.status, body=error.body(), content_type=JSON, headers={**self._headers(), **error.headers})


def _asked_for(request: web.Request) -> Sequence[Fault]:
    """The faults that a request asks for itself."""
    written = request.headers.get(faults.HEADER)
    if written is None:
        return ()
    try:
        return faults.parse_all(written)
    except ValueError as error:
        raise Declined(WireError(status=400, message=str(error), param=faults.HEADER, code="invalid_fault")) from error


async def _refuse(effects: Sequence[Effect]) -> None:
    """Raises the first refusal, after the wait that goes with it; refusing takes no slot and nothing from the limits."""
    for effect in effects:
        if isinstance(effect, Refuse):
            await _pause(effects)
            raise Declined(effect.error)


async def _pause(effects: Sequence[Effect]) -> None:
    wait_s = sum(effect.seconds for effect in effects if isinstance(effect, Wait))
    if wait_s:
        await asyncio.sleep(wait_s)


def _edited(pieces: Sequence[bytes], api: Api, effects: Sequence[Effect]) -> Sequence[bytes]:
    for effect in effects:
        if isinstance(effect, Edit):
            error = api.framed(api.stream_error(_BROKEN_OFF, len(streams.half(pieces))))
            pieces = streams.edited(pieces, effect.how, error)
    return pieces


def _pace_s(effects: Sequence[Effect]) -> float:
    return sum(effect.seconds for effect in effects if isinstance(effect, Pace))


async def _send(request: web.Request, parcel: Parcel, effects: Sequence[Effect]) -> web.StreamResponse | None:
    """Delivers the reply, or misdelivers it as the first breaking effect has it; None when nothing was sent."""
    for effect in effects:
        if isinstance(effect, Break):
            return await misdeliver(request, parcel, effect)
    return await deliver(request, parcel)


def _nothing() -> web.Response:
    """aiohttp wants a response from every handler; the connection that this one would go to is gone."""
    return web.Response()
