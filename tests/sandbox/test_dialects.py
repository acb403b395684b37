"""Replies in other servers' words: still replies, and different in what those servers are known for."""

from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from evalsvc.sandbox.dialects import DIALECTS
from evalsvc.sandbox.embed import Sandbox, start_sandbox
from tests.sandbox.client import CHAT, asked, conversing, events_in, every_api, question

SPOKEN = sorted(set(DIALECTS) - {"openai"})


def reply_of(sandbox: Sandbox, **more: Any) -> Any:
    return asked(sandbox.url, question(logprobs=True, top_logprobs=1, **more))[0].json


def models_of(sandbox: Sandbox) -> list[dict[str, Any]]:
    async def talk(session: Any) -> Any:
        async with session.get(f"{sandbox.url}/models") as response:
            return (await response.json())["data"]

    listed: list[dict[str, Any]] = conversing(talk)
    return listed


@pytest.mark.parametrize("name", SPOKEN)
def test_whatever_the_dialect_the_answer_is_the_same(name: str) -> None:
    with start_sandbox([f"--quirks={name}"]) as sandbox:
        assert reply_of(sandbox)["choices"][0]["message"]["content"] == "hello there"
        for path, body in every_api("hello there", stream=True):
            events = events_in(asked(sandbox.url, body, path=path)[0].body)
            if path == CHAT:
                said = [event["choices"][0]["delta"].get("content") or "" for event in events if event["choices"]]
                assert "".join(said) == "hello there"
            assert events


def test_llamacpp_sends_no_bytes_and_no_usage_of_streams() -> None:
    with start_sandbox(["--quirks=llamacpp"]) as sandbox:
        scored = reply_of(sandbox)["choices"][0]["logprobs"]["content"][0]
        streamed = asked(sandbox.url, question(stream=True, stream_options={"include_usage": True}))[0].body
        assert (scored["bytes"], scored["top_logprobs"][0]["bytes"]) == (None, None)
        assert b"usage" not in streamed
        assert models_of(sandbox)[0] == {"id": "echo", "object": "model", "owned_by": "me", "permissions": []}


def test_vllm_adds_fields_of_its_own_that_the_schema_forgives() -> None:
    with start_sandbox(["--quirks=vllm"]) as sandbox:
        reply = reply_of(sandbox)
        assert ChatCompletion.model_validate(reply).choices[0].message.content == "hello there"
        assert reply["choices"][0]["stop_reason"] is None
        assert reply["usage"]["prompt_tokens_details"] is None
        assert (models_of(sandbox)[0]["root"], models_of(sandbox)[0]["parent"]) == ("/models/echo", None)


def test_tgi_has_another_word_for_the_end() -> None:
    with start_sandbox(["--quirks=tgi"]) as sandbox:
        finished = [reply_of(sandbox)["choices"][0]["finish_reason"], reply_of(sandbox, max_tokens=1)["choices"][0]["finish_reason"]]
        assert finished == ["eos_token", "length"]


def test_gemini_lists_models_under_names_with_a_prefix() -> None:
    with start_sandbox(["--quirks=gemini"]) as sandbox:
        assert [model["id"] for model in models_of(sandbox)] == ["models/echo", "models/lead", "models/reader", "models/judge"]
        assert set(reply_of(sandbox)["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}
