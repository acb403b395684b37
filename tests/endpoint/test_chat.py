"""What counts as a reply, and what must never be scored."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.endpoint.answer import Action, Failure
from evalsvc.endpoint.bodies import redactor
from evalsvc.endpoint.chat import parse_chat
from evalsvc.errors import CredentialsRefused
from evalsvc.records import Reply, Usage

Body = dict[str, Any]
USAGE = Usage(input=31, output=2, cached=16, reasoning=1)


def parse(body: Any) -> Reply | Failure:
    return parse_chat(json.dumps(body).encode(), latency_s=0.5, request_id="req_1")


def reply(body: Any) -> Reply:
    result = parse(body)
    assert isinstance(result, Reply), result
    return result


def failed(body: Any) -> Failure:
    result = parse(body)
    assert isinstance(result, Failure), result
    return result


def message(body: Body) -> Body:
    return dict(body["choices"][0]["message"])


def with_message(body: Body, **fields: Any) -> Body:
    return with_choice(body, message=message(body) | fields)


def with_choice(body: Body, **fields: Any) -> Body:
    return body | {"choices": [body["choices"][0] | fields]}


def test_a_plain_completion_is_a_reply(completion: Body) -> None:
    assert parse(completion) == Reply(
        output="spam", finish_reason="stop", usage=USAGE, latency_s=0.5, model="m-2026", request_id="req_1"
    )  # fmt: skip


def test_the_completions_own_id_stands_in_for_a_missing_request_id(completion_bytes: bytes) -> None:
    result = parse_chat(completion_bytes)
    assert isinstance(result, Reply)
    assert result.request_id == "chatcmpl-1"


@pytest.mark.parametrize("finish_reason", ["stop", "length", "content_filter", "tool_calls"])
def test_null_content_is_a_reply_without_output(completion: Body, finish_reason: str) -> None:
    body = with_choice(completion, message={"role": "assistant", "content": None}, finish_reason=finish_reason)
    assert (reply(body).output, reply(body).finish_reason) == (None, finish_reason)


def test_empty_text_stays_empty_text(completion: Body) -> None:
    assert reply(with_message(completion, content="")).output == ""


def test_refusal_reasoning_and_tool_calls_are_kept_apart_from_the_output(completion: Body) -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    got = reply(with_message(completion, content=None, refusal="I can't", reasoning_content="hm", tool_calls=calls))
    assert (got.output, got.refusal, got.reasoning, got.tool_calls) == (None, "I can't", "hm", calls)
    assert reply(with_message(completion, reasoning="newer name")).reasoning == "newer name"


def test_content_in_parts_is_joined_and_a_refusal_among_them_is_none_of_it(completion: Body) -> None:
    parts = [{"type": "text", "text": "sp"}, {"type": "text", "text": "am"}, {"type": "refusal", "refusal": "no"}, {"type": "image_url"}]
    got = reply(with_message(completion, content=parts))
    assert (got.output, got.refusal) == ("spam", "no")
    assert reply(with_message(completion, content=[])).output is None


def test_a_lone_surrogate_comes_through(completion: Body) -> None:
    assert reply(with_message(completion, content="\ud800")).output == "\ud800"


UNFIT: list[tuple[str, Callable[[Body], Any], str]] = [
    ("no choices", lambda body: {**body, "choices": []}, "malformed"),
    ("null choices", lambda body: {**body, "choices": None}, "malformed"),
    ("missing choices", lambda body: {"id": "x", "usage": body["usage"]}, "malformed"),
    ("a choice that is no object", lambda body: {**body, "choices": ["spam"]}, "malformed"),
    ("no message", lambda body: with_choice(body, message=None), "malformed"),
    ("a message that is text", lambda body: with_choice(body, message="spam"), "malformed"),
    ("content of a number", lambda body: with_message(body, content=7), "malformed"),
    ("content of an object", lambda body: with_message(body, content={"text": "spam"}), "malformed"),
    ("no finish_reason", lambda body: with_choice(body, finish_reason=None), "cut"),
    ("empty finish_reason", lambda body: with_choice(body, finish_reason=""), "cut"),
    ("odd finish_reason", lambda body: with_choice(body, finish_reason=3), "cut"),
    ("given up by the server", lambda body: with_choice(body, finish_reason="error"), "server_error"),
    ("given up with an error", lambda body: with_choice(body, finish_reason="error", error={"code": 503, "message": "gone"}), "overloaded"),
    ("an error beside choices", lambda body: body | {"error": {"message": "broken"}}, "malformed"),
    ("an error in a 200", lambda body: {"error": {"message": "upstream", "code": 502}, "usage": body["usage"]}, "server_error"),
    ("a rate limit in a 200", lambda body: {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, "rate_limit"),
    ("vLLM's error in a 200", lambda body: {"object": "error", "message": "no", "code": 500}, "server_error"),
    ("FastAPI's detail in a 200", lambda body: {"detail": "oops"}, "malformed"),
    ("a list", lambda body: [body], "malformed"),
    ("a number", lambda body: 1, "malformed"),
    ("null", lambda body: None, "malformed"),
]


@pytest.mark.parametrize(("what", "spoil", "kind"), UNFIT)
def test_what_is_no_finished_answer_is_a_failure(completion: Body, what: str, spoil: Callable[[Body], Any], kind: str) -> None:
    failure = failed(spoil(completion))
    assert (failure.kind, failure.latency_s) == (kind, 0.5), what
    assert failure.action in {Action.RETRY, Action.WAIT}
    assert failure.message


def test_tokens_of_an_unusable_answer_were_paid_for_all_the_same(completion: Body) -> None:
    assert failed(with_choice(completion, finish_reason=None)).usage == USAGE
    assert failed({**completion, "choices": []}).usage == USAGE


def test_a_stopping_error_in_a_200_stops() -> None:
    assert failed({"error": {"message": "no money", "code": "insufficient_quota"}}).stop is CredentialsRefused


@pytest.mark.parametrize(
    "body", [b"", b"<html>hello</html>", b"\xff\xfe", b"{", b"NaN", b"[" * 100_000, b'{"choices":' + b'{"a":' * 5000], ids=range(7)
)
def test_bytes_that_are_no_json_are_malformed(body: bytes) -> None:
    result = parse_chat(body)
    assert isinstance(result, Failure)
    assert result.kind == "malformed"
    assert result.http == 200


def test_a_body_cut_at_any_byte_is_never_a_reply(completion_bytes: bytes) -> None:
    assert not [end for end in range(len(completion_bytes)) if isinstance(parse_chat(completion_bytes[:end]), Reply)]


def test_a_key_in_an_unusable_body_is_blanked() -> None:
    result = parse_chat(b"your key sk-canary-1 is odd", redact=redactor(["sk-canary-1"]))
    assert "canary" not in repr(result)


def test_logprobs_are_kept_compactly(completion: Body) -> None:
    top = [{"token": "spam", "logprob": -0.01, "bytes": None}, {"token": "ham", "logprob": -9999.0, "bytes": [104]}]
    content = [{"token": "spam", "logprob": -0.01, "bytes": [115], "top_logprobs": top}, {"token": "!", "logprob": 0}]
    assert reply(with_choice(completion, logprobs={"content": content})).tokens == [
        {"t": "spam", "lp": -0.01, "top": [["spam", -0.01], ["ham", -9999.0]]},
        {"t": "!", "lp": 0.0, "top": []},
    ]


@pytest.mark.parametrize(
    ("logprobs", "tokens"),
    [
        (None, None),
        ({}, None),
        ({"content": None}, None),
        ({"content": []}, []),
        ([], None),
        ("odd", None),
        ({"content": [None, 3, "x", [], {"token": "a"}, {"logprob": -1}]}, []),
        ({"content": [{"token": 1, "logprob": -1}, {"token": "a", "logprob": "-1"}]}, []),
        ({"content": [{"token": "a", "logprob": -1, "top_logprobs": None}]}, [{"t": "a", "lp": -1.0, "top": []}]),
        ({"content": [{"token": "a", "logprob": -1, "top_logprobs": [None, {"token": "b", "logprob": -2}]}]},
         [{"t": "a", "lp": -1.0, "top": [["b", -2.0]]}]),
        ({"content": [{"token": "a", "logprob": True}]}, []),
        ({"tokens": ["a", "b"], "token_logprobs": [-1, None]}, [{"t": "a", "lp": -1.0, "top": []}, {"t": "b", "lp": None, "top": []}]),
        ({"tokens": ["a", "b"], "token_logprobs": [-1]}, None),
        ({"tokens": ["a"], "token_logprobs": None}, None),
    ],
)  # fmt: skip
def test_odd_logprobs_cost_no_answer(completion: Body, logprobs: Any, tokens: Any) -> None:
    assert reply(with_choice(completion, logprobs=logprobs)).tokens == tokens


@pytest.mark.parametrize("number", ["-1e999", "NaN", "-Infinity", "null"])
def test_a_logprob_that_is_no_number_is_null_and_costs_no_answer(completion: Body, number: str) -> None:
    entry = {"token": "a", "logprob": -7.5, "top_logprobs": [{"token": "a", "logprob": -7.5}, {"token": "b", "logprob": -1}]}
    body = json.dumps(with_choice(completion, logprobs={"content": [entry]})).replace("-7.5", number)
    result = parse_chat(body.encode())
    assert isinstance(result, Reply)
    assert (result.output, result.tokens) == ("spam", [{"t": "a", "lp": None, "top": [["a", None], ["b", -1.0]]}])


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("eos_token", "stop"),
        ("stop_sequence", "stop"),
        ("end_turn", "stop"),
        ("COMPLETE", "stop"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("content_filter: PROHIBITED_CONTENT", "content_filter"),
        ("SAFETY", "content_filter"),
        ("tool_use", "tool_calls"),
        ("function_call", "function_call"),
        ("a reason of tomorrow", "a reason of tomorrow"),
    ],
)
def test_other_servers_ends_are_known_by_openais_words(completion: Body, said: str, known: str) -> None:
    assert reply(with_choice(completion, finish_reason=said)).finish_reason == known


def test_parts_that_think_are_reasoning(completion: Body) -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "spam"}]
    got = reply(with_message(completion, content=parts))
    assert (got.output, got.reasoning) == ("spam", "hm")


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ("odd", None),
        ({}, Usage()),
        ({"prompt_tokens": 3, "completion_tokens": None}, Usage(input=3)),
        ({"prompt_tokens": "3", "completion_tokens": -1}, Usage()),
        ({"prompt_tokens": 2**63, "completion_tokens": 1e30}, Usage()),  # no answer costs so much
        (
            {"prompt_tokens": 3, "completion_tokens": 1, "prompt_tokens_details": None, "completion_tokens_details": {}},
            Usage(input=3, output=1),
        ),
        ({"prompt_tokens": 3, "completion_tokens": 1, "prompt_tokens_details": "odd"}, Usage(input=3, output=1)),
    ],
)
def test_usage_may_be_missing_or_odd(completion: Body, usage: Any, expected: Usage | None) -> None:
    assert reply({**completion, "usage": usage}).usage == expected


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(
            ["choices", "message", "content", "finish_reason", "logprobs", "token", "logprob", "top_logprobs", "usage", "error", "code",
             "prompt_tokens", "prompt_tokens_details", "tool_calls", "refusal", "text", "model", "id", "object"]
        ), inner, max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip


@given(st.binary())
def test_no_bytes_break_the_parser(body: bytes) -> None:
    parse_chat(body)


@given(ODD, ODD, ODD, ODD)
def test_no_json_breaks_the_parser(root: Any, message: Any, logprobs: Any, usage: Any) -> None:
    parse(root)
    body = {"choices": [{"message": message, "finish_reason": "stop", "logprobs": logprobs}], "usage": usage}
    result = parse(body)
    if isinstance(result, Reply):
        numbers = [lp for token in result.tokens or [] for lp in (token["lp"], *(pair[1] for pair in token["top"]))]
        assert all(number is None or math.isfinite(number) for number in numbers)
