"""Requests that OpenAI would refuse are refused, with its param and code."""

import json
from typing import Any

import pytest

from evalsvc.sandbox.questions import digest, parse
from evalsvc.sandbox.wire import Declined
from tests.sandbox.client import question


def parsed(body: Any) -> Any:
    return parse(body if isinstance(body, bytes) else json.dumps(body).encode(), {"echo"})


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
