"""The same question in each API's words, and what cannot be said in them."""

from pathlib import Path
from typing import Any

import pytest

from evalsvc.config import DatasetConfig, EvalConfig, ModelConfig, PromptConfig
from evalsvc.config.models import Message
from evalsvc.errors import UsageError
from evalsvc.jsonio import dumps, loads
from evalsvc.prompt import Prompt, RequestBuilder
from evalsvc.prompt.items import as_input
from evalsvc.prompt.payload import CHAT, COMPLETIONS, PAYLOADS, RESPONSES, as_text
from evalsvc.records import Request, Sample

URL = "http://localhost:8000/v1"


def place(key: str) -> str:
    return f"eval.yaml:9 ({key})"


def builder(prompt: PromptConfig | None = None, *, url: str = URL, **model: Any) -> RequestBuilder:
    prompt = prompt or PromptConfig(user="{{ text }}")
    config = EvalConfig(name="x", dataset=DatasetConfig(path="a"), prompt=prompt, model=ModelConfig(**{"name": "m", **model}))
    return RequestBuilder(config, url, Prompt.load(prompt, Path(), target_column=None), where=place)


def request(prompt: PromptConfig | None = None, **settings: Any) -> Request:
    sample = Sample(id="1", row_hash=b"8 bytes!", fields={"text": "hi"}, input="hi", target="spam")
    return builder(prompt, **settings).build(sample)


def body(prompt: PromptConfig | None = None, **settings: Any) -> Any:
    return loads(request(prompt, **settings).body)


TWO_TURNS = PromptConfig(system="Be brief.", user="{{ text }}")
SAID = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]


def test_each_api_gets_the_question_under_its_own_key_and_nothing_unwritten() -> None:
    assert body(TWO_TURNS, api="chat") == {"model": "m", "messages": SAID}
    assert body(TWO_TURNS, api="responses") == {"model": "m", "input": SAID}
    assert body(api="completions") == {"model": "m", "prompt": "hi"}


def test_the_journal_keeps_messages_whatever_the_api() -> None:
    assert {request(api=name).messages for name in PAYLOADS} == {b'[{"role":"user","content":"hi"}]'}


@pytest.mark.parametrize(("api", "field"), [("chat", "max_tokens"), ("responses", "max_output_tokens"), ("completions", "max_tokens")])
def test_the_limit_goes_into_the_field_of_the_api(api: str, field: str) -> None:
    assert body(api=api, max_output_tokens=3)[field] == 3
    assert builder(api=api).limit_field == field
    with pytest.raises(UsageError, match=rf"model\.params\.{field}.*beside model\.max_output_tokens"):
        builder(api=api, max_output_tokens=3, params={field: 5})


def test_openais_hosts_want_another_field_for_chat_alone() -> None:
    host = "https://api.openai.com/v1"
    fields = [payload.limit_field(host) for payload in (CHAT, RESPONSES, COMPLETIONS)]
    assert fields == ["max_completion_tokens", "max_output_tokens", "max_tokens"]


@pytest.mark.parametrize("api", PAYLOADS)
def test_each_api_is_another_question(api: str) -> None:
    assert len({request(api=name).key for name in PAYLOADS}) == len(PAYLOADS)
    assert request(api=api).key == request(api=api).key


def test_a_stream_is_asked_for_in_the_body_and_is_the_same_question() -> None:
    assert body(stream=True) == {"model": "m", "stream": True, "stream_options": {"include_usage": True}, "messages": SAID[1:]}
    assert body(api="responses", stream=True) == {"model": "m", "stream": True, "input": SAID[1:]}
    for api in ("chat", "responses"):
        assert request(api=api, stream=True).key == request(api=api).key


def test_stream_options_of_the_users_own_are_sent_as_written() -> None:
    options = {"include_usage": False, "continuous_usage_stats": True}
    assert body(stream=True, params={"stream_options": options})["stream_options"] == options


@pytest.mark.parametrize(
    ("api", "name", "hint"),
    [
        ("chat", "messages", "Its place is prompt"),
        ("chat", "stream", "Its place is model.stream"),
        ("responses", "input", "Its place is prompt"),
        ("responses", "model", "Its place is model.name"),
        ("responses", "background", "waits for each answer"),
        ("completions", "prompt", "Its place is prompt"),
    ],
)
def test_what_has_a_key_of_its_own_is_no_parameter(api: str, name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=rf"eval\.yaml:9 \(model\.params\.{name}\)") as caught:
        builder(api=api, params={name: "x"})
    assert hint in (caught.value.hint or "")


def test_any_other_parameter_goes_out_as_it_is() -> None:
    params = {"top_k": 20, "chat_template_kwargs": {"enable_thinking": False}, "include": ["message.output_text.logprobs"], "store": False}
    for api in PAYLOADS:
        sent = body(api=api, params=params)
        assert {name: sent[name] for name in params} == params


@pytest.mark.parametrize(
    ("prompt", "key"),
    [
        (TWO_TURNS, "prompt.system"),
        (PromptConfig(messages=(Message(role="user", content="a"), Message(role="assistant", content="b"))), "prompt.messages"),
        (PromptConfig(messages=(Message(role="system", content="a"),)), "prompt.messages"),
    ],
)
def test_a_conversation_is_no_text_to_complete(prompt: PromptConfig, key: str) -> None:
    with pytest.raises(UsageError, match=rf"eval\.yaml:9 \({key}\): the completions API takes one text") as caught:
        builder(prompt, api="completions")
    assert "prompt.user" in (caught.value.hint or "")
    assert "api: chat" in (caught.value.hint or "")


def test_one_user_message_is_a_text_to_complete() -> None:
    assert body(PromptConfig(messages=(Message(role="user", content="{{ text }}!"),)), api="completions")["prompt"] == "hi!"


@pytest.mark.parametrize("messages", [[], SAID, [SAID[0]], [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]])
def test_a_rows_own_conversation_is_no_text_either(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(UsageError, match="a row's messages: the completions API takes one text"):
        as_text(messages, b"")


# what the Responses API calls otherwise ---------------------------------------------------------------------------------


def said(*messages: dict[str, Any]) -> Any:
    return loads(as_input(messages, dumps(messages)))


def test_plain_turns_are_the_same_bytes() -> None:
    as_json = b'[{"role": "user", "content": "hi"}]'
    assert as_input([{"role": "user", "content": "hi"}], as_json) is as_json


def test_parts_are_called_by_who_said_them() -> None:
    text = [{"type": "text", "text": "a"}]
    assert said({"role": "user", "content": text}, {"role": "assistant", "content": text}) == [
        {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
    ]


def test_images_and_files_lose_one_layer() -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": "data:,x", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:,y"}},
        {"type": "file", "file": {"file_id": "f"}},
        {"type": "of tomorrow", "x": 1},
        "odd",
    ]
    assert said({"role": "user", "content": parts})[0]["content"] == [
        {"type": "input_image", "image_url": "data:,x", "detail": "low"},
        {"type": "input_image", "image_url": "data:,y"},
        {"type": "input_file", "file_id": "f"},
        {"type": "of tomorrow", "x": 1},
        "odd",
    ]


def test_tool_calls_and_their_results_are_items_of_their_own() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert said(
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "42"},
        {"role": "assistant", "content": "done", "tool_calls": [call, {"type": "custom"}]},
    ) == [
        {"role": "user", "content": "hi"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "42"},
        {"role": "assistant", "content": "done"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "custom"},
    ]  # fmt: skip
