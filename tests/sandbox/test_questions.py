"""Requests that OpenAI would refuse are refused, with its param and code."""

import json
from typing import Any

import pytest

from evalsvc.sandbox.apis import CHAT, COMPLETIONS, RESPONSES, Api
from evalsvc.sandbox.questions import Question, digest, opened
from evalsvc.sandbox.wire import Declined
from tests.sandbox.client import question


def parsed(body: Any, api: Api = CHAT) -> Question:
    return api.parse(opened(body if isinstance(body, bytes) else json.dumps(body).encode(), {"echo"}))


def prompted(**more: Any) -> dict[str, Any]:
    return {"model": "echo", "prompt": "hello there"} | more


def put(**more: Any) -> dict[str, Any]:
    return {"model": "echo", "input": "hello there"} | more


@pytest.mark.parametrize(
    ("body", "status", "param", "code"),
    [
        (b"{", 400, None, None),
        (b"[]", 400, None, None),
        (b'"\xff"', 400, None, None),
        ({"messages": []}, 400, "model", "missing_required_parameter"),
        (question(model="nobody"), 404, None, "model_not_found"),
        ({"model": "echo"}, 400, "messages", "missing_required_parameter"),
        ({"model": "echo", "messages": []}, 400, "messages", "empty_array"),
        ({"model": "echo", "messages": ["hi"]}, 400, "messages", "invalid_type"),
        ({"model": "echo", "messages": "hi"}, 400, "messages", "invalid_type"),
        (question(max_tokens=0), 400, "max_tokens", "integer_below_min_value"),
        (question(max_completion_tokens="3"), 400, "max_completion_tokens", "integer_below_min_value"),
        (question(logprobs=5), 400, "logprobs", "invalid_type"),
        (question(logprobs=True, top_logprobs=21), 400, "top_logprobs", "invalid_value"),
        (question(logprobs=True, top_logprobs=-1), 400, "top_logprobs", "invalid_value"),
        (question(logprobs=True, top_logprobs=True), 400, "top_logprobs", "invalid_value"),
        (question(top_logprobs=2), 400, "top_logprobs", "invalid_value"),
        (question(n=2), 400, "n", "unsupported_value"),
    ],
)
def test_a_wrong_request_is_declined_by_name(body: Any, status: int, param: str | None, code: str | None) -> None:
    with pytest.raises(Declined) as caught:
        parsed(body)
    error = caught.value.error
    assert (error.status, error.param, error.code, error.type) == (status, param, code, "invalid_request_error")
    assert json.loads(error.body())["error"]["message"]


@pytest.mark.parametrize(
    ("api", "body", "param", "code"),
    [
        (RESPONSES, {"model": "echo"}, "input", "missing_required_parameter"),
        (RESPONSES, put(input=[]), "input", "empty_array"),
        (RESPONSES, put(input=7), "input", "invalid_type"),
        (RESPONSES, put(max_output_tokens=0), "max_output_tokens", "integer_below_min_value"),
        (RESPONSES, put(top_logprobs=21), "top_logprobs", "invalid_value"),
        (RESPONSES, put(background=True), "background", "unsupported_value"),
        (RESPONSES, put(previous_response_id="resp_1"), "previous_response_id", "unsupported_value"),
        (COMPLETIONS, {"model": "echo"}, "prompt", "missing_required_parameter"),
        (COMPLETIONS, prompted(prompt=["a", "b"]), "prompt", "unsupported_value"),
        (COMPLETIONS, prompted(prompt=[1, 2]), "prompt", "unsupported_value"),
        (COMPLETIONS, prompted(max_tokens=-1), "max_tokens", "integer_below_min_value"),
        (COMPLETIONS, prompted(logprobs=6), "logprobs", "invalid_value"),
        (COMPLETIONS, prompted(logprobs=True), "logprobs", "invalid_value"),
        (COMPLETIONS, prompted(echo="yes"), "echo", "invalid_type"),
        (COMPLETIONS, prompted(best_of=2), "best_of", "unsupported_value"),
    ],
)
def test_each_api_declines_what_is_wrong_with_its_own_parameters(api: Api, body: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(Declined) as caught:
        parsed(body, api)
    assert (caught.value.error.status, caught.value.error.param, caught.value.error.code) == (400, param, code)


def test_a_question_is_the_same_by_chat_and_by_responses() -> None:
    turns = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello there"}]
    by_chat, by_responses = parsed({"model": "echo", "messages": turns}), parsed(put(input=turns), RESPONSES)
    assert (by_chat.text, by_chat.digest, by_chat.prompt_tokens) == (by_responses.text, by_responses.digest, by_responses.prompt_tokens)


def test_instructions_are_part_of_the_bill() -> None:
    bare, instructed = parsed(put(), RESPONSES), parsed(put(instructions="be brief"), RESPONSES)
    assert (bare.prompt_tokens, instructed.prompt_tokens) == (8, 13)


def test_a_list_of_one_prompt_is_a_prompt() -> None:
    assert parsed(prompted(prompt=["hello there"]), COMPLETIONS).text == parsed(prompted(), COMPLETIONS).text == "hello there"


def test_a_completion_is_short_unless_it_is_told_how_long() -> None:
    given = [parsed(prompted(**limit), COMPLETIONS).max_tokens for limit in ({}, {"max_tokens": 0}, {"max_tokens": 99})]
    assert given == [16, 0, 99]


def test_the_last_user_message_is_what_is_asked() -> None:
    said = [("system", "be brief"), ("user", "first"), ("assistant", "yes?"), ("user", "second"), ("assistant", "hm")]
    messages = [{"role": role, "content": content} for role, content in said]
    assert parsed({"model": "echo", "messages": messages}).text == "second"


def test_a_conversation_without_a_user_asks_nothing() -> None:
    assert parsed({"model": "echo", "messages": [{"role": "system", "content": "be brief"}]}).text == ""


def test_content_may_come_in_parts_or_not_at_all() -> None:
    parts = [{"type": "text", "text": "one "}, {"type": "image_url", "image_url": {}}, {"type": "text", "text": "two"}]
    assert parsed({"model": "echo", "messages": [{"role": "user", "content": parts}]}).text == "one two"
    assert parsed({"model": "echo", "messages": [{"role": "user", "content": None}]}).text == ""


def test_the_smaller_of_two_maximums_holds() -> None:
    assert parsed(question(max_tokens=9, max_completion_tokens=4)).max_tokens == 4


def test_the_digest_is_of_the_messages_alone() -> None:
    assert parsed(question("a", max_tokens=1)).digest == parsed(question("a", seed=3)).digest == digest(question("a")["messages"])
    assert parsed(question("a")).digest != parsed(question("b")).digest
