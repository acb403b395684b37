"""Rows that bring a conversation of their own: asked in their own words, or as templates put them."""

from pathlib import Path
from typing import Any

import pytest

from evalsvc.config import DatasetConfig, EvalConfig, ModelConfig, PromptConfig
from evalsvc.config.models import Message
from evalsvc.errors import UsageError
from evalsvc.jsonio import loads
from evalsvc.prompt import Prompt, RequestBuilder
from evalsvc.records import Sample

URL = "http://localhost:8000/v1"
SYSTEM: dict[str, Any] = {"role": "system", "content": "Theirs."}
USER: dict[str, Any] = {"role": "user", "content": "hi"}
TURNS: list[dict[str, Any]] = [
    USER,
    {"role": "assistant", "content": "yes?"},
    {"role": "user", "content": [{"type": "text", "text": "so"}]},
]
TOOLS = [{"type": "function", "function": {"name": "f"}}]


def load(prompt: PromptConfig) -> Prompt:
    return Prompt.load(prompt, Path(), target_column=None, messages_column="talk")


def sample(*messages: dict[str, Any], **others: Any) -> Sample:
    return Sample(id="7", row_hash=b"8 bytes!", fields={"talk": list(messages), "topic": "x", **others}, input="so", target="spam")


def asked(prompt: PromptConfig, *messages: dict[str, Any]) -> list[Any]:
    return list(load(prompt).messages(sample(*messages)))


def body(row: Sample, *, api: str = "chat", prompt: PromptConfig | None = None, **params: Any) -> dict[str, Any]:
    prompt = prompt or PromptConfig()
    config = EvalConfig(
        name="x",
        dataset=DatasetConfig(path="a", messages="talk"),
        prompt=prompt,
        model=ModelConfig(name="m", base_url=URL, api=api, params=params),
    )
    made: dict[str, Any] = loads(RequestBuilder(config, URL, load(prompt)).build(row).body)
    return made


def test_without_a_prompt_the_conversation_is_sent_as_it_is() -> None:
    assert asked(PromptConfig(), SYSTEM, *TURNS) == [SYSTEM, *TURNS]


@pytest.mark.parametrize("own", [[], [SYSTEM], [{"role": "developer", "content": "Theirs."}], [SYSTEM, SYSTEM]])
def test_prompt_system_takes_the_place_of_the_rows_own(own: list[dict[str, Any]]) -> None:
    assert asked(PromptConfig(system="On {{ topic }}."), *own, *TURNS) == [{"role": "system", "content": "On x."}, *TURNS]


def test_a_system_message_in_the_middle_stays() -> None:
    assert asked(PromptConfig(system="Ours."), *TURNS, SYSTEM, USER) == [{"role": "system", "content": "Ours."}, *TURNS, SYSTEM, USER]


def test_templates_see_the_conversation_and_what_the_user_said_last() -> None:
    template = "{{ messages | length }} {{ messages[0].content }} {{ talk[1].role }} {{ input }}"
    assert asked(PromptConfig(user=template), *TURNS) == [{"role": "user", "content": "3 hi assistant so"}]


def test_a_conversation_in_the_prompt_takes_the_place_of_the_rows_own() -> None:
    turns = (Message(role="system", content="Ours."), Message(role="user", content="{{ input }}"))
    assert [message["content"] for message in asked(PromptConfig(messages=turns), SYSTEM, *TURNS)] == ["Ours.", "so"]


def test_asking_rows_in_their_own_words_is_another_prompt_than_the_default() -> None:
    plain = Prompt.load(PromptConfig(), Path(), target_column=None)
    other = Prompt.load(PromptConfig(), Path(), target_column=None, messages_column="other")
    assert len({plain.fingerprint, load(PromptConfig()).fingerprint, other.fingerprint}) == 3
    # a column that only templates look at is seen in their texts
    assert load(PromptConfig(user="{{ input }}")).fingerprint == plain.fingerprint


def test_tools_of_the_row_are_sent_beside_its_conversation() -> None:
    sent = body(sample(USER, tools=TOOLS, parallel_tool_calls=False, functions=None), temperature=0)
    assert list(sent) == ["model", "messages", "tools", "parallel_tool_calls", "temperature"]
    assert (sent["tools"], sent["parallel_tool_calls"], sent["messages"]) == (TOOLS, False, [USER])


def test_tools_make_another_question() -> None:
    config = EvalConfig(name="x", dataset=DatasetConfig(path="a", messages="talk"), model=ModelConfig(name="m", base_url=URL))
    builder = RequestBuilder(config, URL, load(PromptConfig()))
    assert builder.build(sample(USER)).key != builder.build(sample(USER, tools=TOOLS)).key


def test_where_templates_ask_the_rows_tools_are_not_sent() -> None:
    assert "tools" not in body(sample(USER, tools=TOOLS), prompt=PromptConfig(user="{{ input }}"))


def test_tools_in_the_words_of_another_api_are_refused() -> None:
    with pytest.raises(UsageError, match="row '7' brings tools in the words of the chat API"):
        body(sample(USER, tools=TOOLS), api="responses")


def test_tools_that_the_config_sets_too_are_refused() -> None:
    with pytest.raises(UsageError, match=r"row '7' brings tools, and model\.params sets the same"):
        body(sample(USER, tools=TOOLS), tools=[])


def test_the_estimate_is_of_texts_whatever_the_number_of_turns() -> None:
    config = EvalConfig(name="x", dataset=DatasetConfig(path="a", messages="talk"), model=ModelConfig(name="m", base_url=URL))
    builder = RequestBuilder(config, URL, load(PromptConfig()))
    turn = {"role": "user", "content": "x" * 40}
    assert [builder.build(sample(*[turn] * count)).input_tokens_estimate for count in (1, 2, 5)] == [12, 25, 64]
