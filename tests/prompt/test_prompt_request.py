"""Requests: the body as the API wants it, and a key that names exactly one question."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.config import DatasetConfig, EvalConfig, ModelConfig, PromptConfig
from evalsvc.errors import UsageError
from evalsvc.jsonio import loads
from evalsvc.prompt import Prompt, RequestBuilder
from evalsvc.records import Request, Sample

URL = "http://localhost:8000/v1"


def builder(*, url: str = URL, system: str | None = None, **model: Any) -> RequestBuilder:
    prompt = PromptConfig(system=system, user="{{ text }}")
    config = EvalConfig(name="x", dataset=DatasetConfig(path="a"), prompt=prompt, model=ModelConfig(**{"name": "m", **model}))
    loaded = Prompt.load(prompt, Path(), target_column=None)
    return RequestBuilder(config, url, loaded, where=lambda key: f"eval.yaml:9 ({key})")


def request(text: str = "hi", *, id: str = "1", repeat: int = 0, **settings: Any) -> Request:  # noqa: A002
    sample = Sample(id=id, row_hash=b"8 bytes!", fields={"text": text}, input=text, target="spam")
    return builder(**settings).build(sample, repeat)


def test_the_body_is_model_messages_limit_and_the_parameters_as_written() -> None:
    body = loads(request(system="Be brief.", max_output_tokens=3, params={"logprobs": True, "guided_choice": ["a", "b"]}).body)
    assert body == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        "max_tokens": 3,
        "logprobs": True,
        "guided_choice": ["a", "b"],
    }
    assert list(body) == ["model", "messages", "max_tokens", "logprobs", "guided_choice"]


def test_nothing_unwritten_is_sent() -> None:
    assert request().body == b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://me.openai.azure.com/openai/v1", "max_completion_tokens"),
        ("https://api.openai.com.example/v1", "max_tokens"),
        ("https://openai.azure.com.example/v1", "max_tokens"),
        (URL, "max_tokens"),
        ("sandbox", "max_tokens"),
    ],
)
def test_the_limit_is_sent_under_the_name_that_the_host_wants(url: str, field: str) -> None:
    assert loads(request(url=url, max_output_tokens=3).body)[field] == 3
    assert loads(request(url=url, max_output_tokens=3, endpoint_id="e").body)[field] == 3


def test_a_row_is_carried_through() -> None:
    made = request(id="7", repeat=2)
    assert (made.id, made.repeat, made.row_hash, made.target) == ("7", 2, b"8 bytes!", "spam")
    assert loads(made.messages) == [{"role": "user", "content": "hi"}]


def test_the_key_is_32_hex_digits_and_the_same_for_the_same_question() -> None:
    made = request()
    assert made.key == request(id="other row").key
    assert len(made.key) == 32
    int(made.key, 16)


def test_whatever_changes_the_question_changes_the_key() -> None:
    others = [
        request("ho"),
        request(repeat=1),
        request(system="s"),
        request(url="http://other/v1"),
        request(endpoint_id="e"),
        request(name="n"),
        request(revision="r"),
        request(max_output_tokens=3),
        request(params={"seed": 1}),
        request(params={"seed": True}),
    ]
    assert len({request().key, *(other.key for other in others)}) == len(others) + 1


def test_the_order_of_parameters_changes_the_bytes_and_not_the_key() -> None:
    one, other = request(params={"a": 1, "b": 2}), request(params={"b": 2, "a": 1})
    assert one.key == other.key
    assert one.body != other.body


@given(text=st.text(st.characters(codec=None)))
def test_any_text_goes_into_the_body_as_it_is(text: str) -> None:
    made = request(text)
    assert loads(made.body)["messages"] == [{"role": "user", "content": text}]
    assert loads(made.messages) == loads(made.body)["messages"]


@given(texts=st.tuples(st.text(), st.text()))
def test_two_texts_have_two_keys(texts: tuple[str, str]) -> None:
    one, other = texts
    assert (request(one).key == request(other).key) == (one == other)


def test_the_estimate_is_a_token_for_four_bytes_and_three_for_each_message() -> None:
    assert request("x" * 40).input_tokens_estimate == 10 + 3
    assert request("x" * 40, system="y" * 8).input_tokens_estimate == 12 + 6
    assert request("é" * 40).input_tokens_estimate == 20 + 3


@pytest.mark.parametrize("name", ["model", "messages", "stream"])
def test_what_has_a_key_of_its_own_is_no_parameter(name: str) -> None:
    with pytest.raises(UsageError, match=rf"eval\.yaml:9 \(model\.params\.{name}\)"):
        builder(params={name: "x"})


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_second_limit_beside_max_output_tokens_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=rf"model\.params\.{name}.*beside model\.max_output_tokens"):
        builder(max_output_tokens=3, params={name: 5})
    assert loads(request(params={name: 5}).body)[name] == 5


def test_each_repeat_sends_a_seed_of_its_own_where_one_is_given() -> None:
    sent = [loads(request(repeat=repeat, params={"seed": 40}).body)["seed"] for repeat in range(3)]
    assert sent == [40, 41, 42]
    assert "seed" not in loads(request(repeat=2).body)
