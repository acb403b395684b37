"""The way of a call: count it, let faults strike, check the limits, take a slot, ask the model, deliver."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from evalsvc.sandbox import faults, questions, wire
from evalsvc.sandbox.answers import Answer, Model
from evalsvc.sandbox.call_log import Call, CallLog
from evalsvc.sandbox.delivery import Parcel, deliver, misdeliver
from evalsvc.sandbox.faults import Alter, Break, Effect, Fault, Moment, Refuse, Wait
from evalsvc.sandbox.limits import Limits
from evalsvc.sandbox.questions import Question
from evalsvc.sandbox.wire import Declined, Envelope, WireError

LARGEST_BODY = 64 * 1024 * 1024
_JSON = "application/json"
_EVENTS = "text/event-stream"
_MODELS = b"the list of models"  # what faults know it by, as they know a chat by its messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What every call meets, besides the models."""

    faults: Sequence[Fault]
    seed: int
    slots: int | None  # None: as many as come
    key: str | None  # None: any


class Service:
    """Answers the calls of one server; what it remembers between them is counts. `launch` makes its ids its own."""

    def __init__(self, *, models: Mapping[str, Model], policy: Policy, limits: Limits, log: CallLog, launch: str) -> None:
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
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_get("/v1/models", self.list_models)
        app.router.add_get("/v1/models/{name:.+}", self.one_model)
        app.router.add_route("*", "/{anything:.*}", self.elsewhere)
        return app

    async def chat(self, request: web.Request) -> web.StreamResponse:
        self._calls += 1
        self._in_flight += 1
        call = Call(number=self._calls, received_at=time.time(), in_flight=self._in_flight)
        try:
            return await self._chat(request, call)
        except Declined as declined:
            call.status = declined.error.status
            return self._error(declined.error)
        finally:
            self._in_flight -= 1
            self._log.add(call)

    async def list_models(self, request: web.Request) -> web.StreamResponse:
        try:
            self._check_key(request)
            parcel = self._parcel([wire.models(list(self._models), self._created)], _JSON)
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
        return await deliver(request, self._parcel([wire.model(name, self._created)], _JSON))

    async def elsewhere(self, request: web.Request) -> web.StreamResponse:
        message = f"Unknown request URL: {request.method} {request.path}. Here are /v1/models and /v1/chat/completions."
        return self._error(WireError(status=404, message=message, code="unknown_url"))

    async def _chat(self, request: web.Request, call: Call) -> web.StreamResponse:
        self._check_key(request)
        question = questions.parse(await request.read(), self._models)
        call.model, call.digest = question.model, question.digest
        effects, call.faults = self._struck(request, "chat", question.digest, question.text)
        call.attempt = self._attempts.get(question.digest)
        await _refuse(effects)
        answer = self._answer(question, effects)
        self._limits.admit(question.prompt_tokens + len(answer.tokens), time.monotonic())
        async with self._slots:
            await _pause(effects)
            response = await _send(request, self._written(answer, question), effects)
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
        answer = self._models[question.model].answer(question.text).cut(question.max_tokens)
        for effect in effects:
            if isinstance(effect, Alter):
                answer = effect.change(answer)
        return answer

    def _written(self, answer: Answer, question: Question) -> Parcel:
        envelope = Envelope(
            id=f"chatcmpl-{self._launch}{self._replies + 1:x}",
            created=int(time.time()),
            model=question.model,
            prompt_tokens=question.prompt_tokens,
            logprobs=question.logprobs,
            top_logprobs=question.top_logprobs,
            include_usage=question.include_usage,
        )
        if question.stream:
            return self._parcel(list(wire.events(answer, envelope)), _EVENTS)
        return self._parcel([wire.completion(answer, envelope)], _JSON)

    def _parcel(self, pieces: Sequence[bytes], content_type: str) -> Parcel:
        return Parcel(pieces=pieces, content_type=content_type, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        self._replies += 1
        return {"x-request-id": f"req_{self._launch}{self._replies:x}", **self._limits.headers(time.monotonic())}

    def _error(self, error: WireError) -> web.Response:
        return web.Response(status=error.status, body=error.body(), content_type=_JSON, headers={**self._headers(), **error.headers})


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


async def _send(request: web.Request, parcel: Parcel, effects: Sequence[Effect]) -> web.StreamResponse | None:
    """Delivers the reply, or misdelivers it as the first breaking effect has it; None when nothing was sent."""
    for effect in effects:
        if isinstance(effect, Break):
            return await misdeliver(request, parcel, effect)
    return await deliver(request, parcel)


def _nothing() -> web.Response:
    """aiohttp wants a response from every handler; the connection that this one would go to is gone."""
    return web.Response()
