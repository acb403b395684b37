"""Which API is asked: a built-in one, or one of the user's own."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from evalsvc.config import DatasetConfig, EvalConfig, ModelConfig, PromptConfig
from evalsvc.endpoint.answer import Action, Failure
from evalsvc.endpoint.apis import APIS, CHAT, resolve_api
from evalsvc.endpoint.bodies import unredacted
from evalsvc.endpoint.chat_stream import ChatAssembler
from evalsvc.endpoint.guarded import GuardedAssembler
from evalsvc.endpoint.http import HttpAsk
from evalsvc.errors import UsageError
from evalsvc.prompt import Prompt, RequestBuilder
from evalsvc.prompt.payload import PAYLOADS
from evalsvc.records import Reply, Request, Sample

Serve = Callable[[Callable[[asyncio.StreamWriter], Awaitable[None]] | bytes], AbstractAsyncContextManager[Any]]

REQUEST = Request(
    id="1", repeat=0, row_hash=bytes(8), key="0" * 32, target=None, messages=b"[]", body=b"{}", input_tokens_estimate=1
)  # fmt: skip
MINE = '''
"""An API that takes {"question": text, "most": n} and answers {"answer": text}."""

import json

from evalsvc.endpoint.apis import Api
from evalsvc.endpoint.chat_stream import ChatAssembler
from evalsvc.prompt.payload import Payload
from evalsvc.records import Reply


def ask(messages, _as_json):
    return json.dumps(messages[-1]["content"]).encode()


def parse(body, *, request, latency_s, request_id, status, redact):
    print(body)
    if not body:
        raise SystemExit(9)
    answer = json.loads(body)["answer"]
    return Reply(output=answer, finish_reason="stop", usage=None, latency_s=latency_s, request_id=request_id)


api = Api(name="mine", path="ask", payload=Payload(question_key="question", question=ask, limit_fields=("most",)), parse=parse)
nonsense = 7
chatty = Api(name="chatty", path="ask", payload=api.payload, parse=lambda body, **about: body, stream=ChatAssembler)
'''


def config(base_dir: Path = Path(), **model: Any) -> EvalConfig:
    return EvalConfig(
        name="x",
        dataset=DatasetConfig(path="a", input="text"),
        prompt=PromptConfig(user="{{ text }}"),
        model=ModelConfig(**{"name": "m", **model}),
        base_dir=base_dir,
    )


def place(key: str) -> str:
    return f"eval.yaml:9 ({key})"


def test_every_built_in_api_has_a_payload_and_a_name_of_its_own() -> None:
    assert {name: api.name for name, api in APIS.items()} == {name: name for name in PAYLOADS}
    assert all(api.payload is PAYLOADS[name] for name, api in APIS.items())
    assert [name for name, api in APIS.items() if api.stream is not None] == ["chat", "responses"]


@pytest.mark.parametrize("name", APIS)
def test_a_built_in_api_is_found_by_its_name(name: str) -> None:
    assert resolve_api(config(api=name)) is APIS[name]


def test_a_mistyped_api_is_told_its_neighbour() -> None:
    with pytest.raises(UsageError, match=r"eval\.yaml:9 \(model\.api\): there is no 'respones'.*did you mean responses"):
        resolve_api(config(api="respones"), place)


def test_an_api_that_cannot_stream_is_not_asked_to() -> None:
    with pytest.raises(UsageError, match=r"eval\.yaml:9 \(model\.stream\): the API completions has no streams") as caught:
        resolve_api(config(api="completions", stream=True), place)
    assert "chat, responses" in (caught.value.hint or "")


def test_what_is_no_api_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    with pytest.raises(UsageError, match=r"mine\.py:nonsense is no API but int") as caught:
        resolve_api(config(tmp_path, api="mine.py:nonsense"), place)
    assert "docs/extending.md" in (caught.value.hint or "")


def test_an_api_of_the_users_own_is_asked_and_read_in_its_words(tmp_path: Path, serve: Serve) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    mine = config(tmp_path, api="mine.py:api", max_output_tokens=3, params={"tone": "dry"})
    api = resolve_api(mine)
    prompt = Prompt.load(mine.prompt, tmp_path, target_column=None)
    sample = Sample(id="1", row_hash=bytes(8), fields={"text": "hi"}, input="hi", target="spam")
    request = RequestBuilder(mine, "http://host/v1", prompt, payload=api.payload).build(sample)
    assert json.loads(request.body) == {"model": "m", "question": "hi", "most": 3, "tone": "dry"}

    async def attempt() -> tuple[Any, str]:
        answer = b'HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{"answer": "spam"}'
        async with (
            serve(answer) as server,
            HttpAsk(base_url=server.url, api=api, attempt_timeout_s=5, concurrency=1, environ={}) as ask,
        ):
            return (await ask(request)).result, server.received[0]

    result, sent = asyncio.run(attempt())
    assert isinstance(result, Reply)
    assert result.output == "spam"
    assert sent.startswith("POST /v1/ask HTTP/1.1")


def test_what_a_users_api_does_wrong_costs_its_row_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    about: dict[str, Any] = {"request": None, "latency_s": 0.5, "request_id": None, "status": 200, "redact": unredacted}
    raised = resolve_api(config(tmp_path, api="mine.py:api")).parse(b"{}", **about)
    confused = resolve_api(config(tmp_path, api="mine.py:chatty")).parse(b"{}", **about)
    left = resolve_api(config(tmp_path, api="mine.py:api")).parse(b"", **about)
    for result, words in ((raised, "KeyError: 'answer'"), (confused, "it gave bytes"), (left, "SystemExit: 9")):
        assert isinstance(result, Failure)
        assert (result.kind, result.action, result.latency_s) == ("malformed", Action.FAIL_ROW, 0.5)
        assert words in result.message
    assert capsys.readouterr().out == ""  # which is for results


def test_a_users_stream_that_raises_costs_its_row_alone() -> None:
    class Broken(ChatAssembler):
        def take(self, value: Mapping[str, Any], type_: str) -> bool:
            raise RuntimeError("oops")

    guarded = GuardedAssembler(Broken(), "mine.py:api")
    assert guarded.take({}, "") is False
    assert (guarded.finished, guarded.ended, guarded.usage) == (True, True, None)
    result = guarded.result(b"", latency_s=0.5, request_id=None, status=200, redact=unredacted)
    assert isinstance(result, Failure)
    assert (result.kind, result.action) == ("malformed", Action.FAIL_ROW)
    assert "RuntimeError: oops" in result.message


def test_a_stream_of_a_users_api_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    stream = resolve_api(config(tmp_path, api="mine.py:chatty", stream=True)).new_stream(REQUEST)
    stream.feed(b'data: {"choices": [{"delta": {"content": "spam"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n', 0.5)
    result = stream.result(latency_s=1.0, request_id=None, status=200, redact=unredacted)
    assert isinstance(result, Reply)
    assert (result.output, result.ttft_s) == ("spam", 0.5)


def test_chat_is_what_is_asked_where_nothing_is_said() -> None:
    assert resolve_api(config()) is CHAT
