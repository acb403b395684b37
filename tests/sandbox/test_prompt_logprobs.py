"""The prompt's own logprobs in vLLM's words, of completions and of chats; and the server that takes the wish without a word."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalsvc.sandbox.embed import Sandbox, start_sandbox
from tests.sandbox.client import CHAT, COMPLETIONS, asked

TEXTS = ("the fox saw the hen", "the fox saw the crow", "the hen ran")
TALK = [{"role": "user", "content": "the fox"}, {"role": "assistant", "content": " saw the hen"}]
SCORED = {"add_generation_prompt": False, "continue_final_message": True}


@pytest.fixture(scope="module")
def ngram(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    train = tmp_path_factory.mktemp("texts") / "train.tsv"
    train.write_text("\n".join(["text", *TEXTS]) + "\n")
    with start_sandbox(["--fit=ngram", "--order=3", f"--train={train}"]) as sandbox:
        yield sandbox


def body_of(sandbox: Sandbox, path: str, status: int = 200, **more: Any) -> Any:
    (received,) = asked(sandbox.url, {"model": "ngram", "prompt_logprobs": 2, "max_tokens": 1, **more}, path=path)
    assert received.status == status, received.body
    return received.json


def own(places: list[Any]) -> list[tuple[str, float]]:
    """The prompt's own tokens with their logprobs: they stand first in their places."""
    return [(first["decoded_token"], first["logprob"]) for place in places[1:] for first in [next(iter(place.values()))]]


def test_completions_have_them_in_the_choice(ngram: Sandbox) -> None:
    places = body_of(ngram, COMPLETIONS, prompt="the fox saw the hen")["choices"][0]["prompt_logprobs"]
    assert places[0] is None
    assert [text for text, _ in own(places)] == [" fox", " saw", " the", " hen"]
    assert all(set(scored) == {"logprob", "rank", "decoded_token"} for place in places[1:] for scored in place.values())
    assert all(key.isdigit() for place in places[1:] for key in place)


def test_they_are_those_of_an_echo(ngram: Sandbox) -> None:
    choice = body_of(ngram, COMPLETIONS, prompt="the fox saw the hen", echo=True, logprobs=2)["choices"][0]
    assert [value for _, value in own(choice["prompt_logprobs"])] == choice["logprobs"]["token_logprobs"][1:5]


def test_alternatives_stand_behind_and_a_likeliest_token_is_told_once(ngram: Sandbox) -> None:
    crow = body_of(ngram, COMPLETIONS, prompt="the fox saw the crow")["choices"][0]["prompt_logprobs"][-1]
    assert [(scored["decoded_token"], scored["rank"]) for scored in crow.values()] == [(" crow", 2), (" hen", 1)]
    alone = body_of(ngram, COMPLETIONS, prompt="the fox saw the hen", prompt_logprobs=0)["choices"][0]["prompt_logprobs"][-1]
    assert len(alone) == 1


def test_a_chat_has_them_beside_its_choices_and_its_last_message_may_be_unfinished(ngram: Sandbox) -> None:
    reply = body_of(ngram, CHAT, messages=TALK, **SCORED)
    spelled = own(reply["prompt_logprobs"])
    assert [text for text, _ in spelled] == ["the", " fox", "<|end|>", "<|assistant|>", " saw", " the", " hen"]
    plain = own(body_of(ngram, COMPLETIONS, prompt="the fox saw the hen")["choices"][0]["prompt_logprobs"])
    assert spelled[-3:] == plain[-3:]


def test_a_chat_as_usual_ends_with_the_turn_of_the_assistant(ngram: Sandbox) -> None:
    last = body_of(ngram, CHAT, messages=TALK[:1])["prompt_logprobs"][-1]
    assert [scored["decoded_token"] for scored in last.values()] == ["<|assistant|>"]


def test_nobody_gets_them_who_does_not_ask(ngram: Sandbox) -> None:
    assert "prompt_logprobs" not in body_of(ngram, CHAT, messages=TALK, prompt_logprobs=None)
    assert "prompt_logprobs" not in body_of(ngram, COMPLETIONS, prompt="the", prompt_logprobs=None)["choices"][0]


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"stream": True}, "prompt_logprobs"),
        ({"prompt_logprobs": 21}, "prompt_logprobs"),
        ({"continue_final_message": True}, "continue_final_message"),
        ({"temperature": 3}, "temperature"),
        ({"seed": "one"}, "seed"),
    ],
)
def test_what_cannot_be_is_refused(ngram: Sandbox, more: dict[str, Any], param: str) -> None:
    assert body_of(ngram, CHAT, status=400, messages=TALK, **more)["error"]["param"] == param


def test_vllm_words_them_alike(tmp_path: Path) -> None:
    with start_sandbox(["--quirks=vllm"]) as sandbox:
        chat = body_of(sandbox, CHAT, model="echo", messages=TALK)
        assert len(chat["prompt_logprobs"]) == 10
        assert body_of(sandbox, COMPLETIONS, model="echo", prompt="a b")["choices"][0]["prompt_logprobs"][0] is None
        assert body_of(sandbox, CHAT, model="echo", messages=TALK, prompt_logprobs=None)["prompt_logprobs"] is None


def test_a_server_that_does_not_know_them_says_nothing_about_it() -> None:
    with start_sandbox(["--quirks=llama-server"]) as sandbox:
        choice = body_of(sandbox, COMPLETIONS, model="echo", prompt="a b", echo=True, logprobs=1, max_tokens=2)["choices"][0]
        assert choice["logprobs"]["tokens"] == ["a", " b"]  # the answer's alone: the echo would have been four
        assert "prompt_logprobs" not in choice
