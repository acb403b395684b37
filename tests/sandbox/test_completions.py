"""What the official client library makes of legacy completions, the prompt's own logprobs included."""

from typing import Any

import openai
import pytest
from openai.types import Completion

from evalsvc.sandbox.embed import Sandbox
from tests.sandbox.client import COMPLETIONS, asked, events_in
from tests.sandbox.sdk import through_the_sdk

PROMPT = "win a free prize"


def prompted(text: str = PROMPT, model: str = "classifier", **more: Any) -> dict[str, Any]:
    return {"model": model, "prompt": text} | more


def completed(sandbox: Sandbox, **more: Any) -> Completion:
    return through_the_sdk(sandbox, lambda client: client.completions.create(**{"model": "classifier", "prompt": PROMPT} | more))


def choice_of(sandbox: Sandbox, **more: Any) -> Any:
    return asked(sandbox.url, prompted(**more), path=COMPLETIONS)[0].json["choices"][0]


def test_the_sdk_reads_a_completion_in_full(classifier: Sandbox) -> None:
    reply = completed(classifier, logprobs=2)
    choice = reply.choices[0]
    assert (choice.text, choice.finish_reason, reply.object, reply.model) == ("spam", "stop", "text_completion", "classifier")
    assert reply.id.startswith("cmpl-")
    assert choice.logprobs is not None
    assert (choice.logprobs.tokens, choice.logprobs.text_offset) == (["spam"], [0])
    assert choice.logprobs.top_logprobs is not None
    assert len(choice.logprobs.top_logprobs[0]) == 2
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens) == (4, 1, 5)


def test_a_completion_has_every_field_that_the_schema_requires(classifier: Sandbox) -> None:
    body = asked(classifier.url, prompted(logprobs=1), path=COMPLETIONS)[0].json
    assert Completion.model_validate(body).model_dump(mode="json", exclude_unset=True) == body


def test_an_echo_holds_the_prompt_and_its_logprobs(classifier: Sandbox) -> None:
    choice = choice_of(classifier, echo=True, logprobs=2)
    told = choice["logprobs"]
    assert choice["text"] == "win a free prizespam"
    assert told["tokens"] == ["win", " a", " free", " prize", "spam"]
    assert told["text_offset"] == [0, 3, 5, 10, 16]
    assert (told["token_logprobs"][0], told["top_logprobs"][0]) == (None, None)
    assert all(value < 0 for value in told["token_logprobs"][1:])
    assert all(told["tokens"][place] in told["top_logprobs"][place] for place in range(1, 5))


def test_a_prompt_can_be_scored_without_an_answer(classifier: Sandbox) -> None:
    choice = choice_of(classifier, echo=True, logprobs=0, max_tokens=0)
    assert (choice["text"], choice["finish_reason"]) == (PROMPT, "length")
    assert len(choice["logprobs"]["token_logprobs"]) == 4
    assert choice["logprobs"]["top_logprobs"] is None


def test_a_trained_model_finds_its_own_language_likelier_than_the_echo_does(classifier: Sandbox) -> None:
    trained, untrained = (
        sum(choice_of(classifier, model=model, echo=True, logprobs=0, max_tokens=0)["logprobs"]["token_logprobs"][1:])
        for model in ("classifier", "echo")
    )
    assert untrained < trained < 0


def test_without_logprobs_nothing_is_told_of_tokens(classifier: Sandbox) -> None:
    assert choice_of(classifier, echo=True)["logprobs"] is None


def test_a_completion_is_cut_after_sixteen_tokens_unless_told(classifier: Sandbox) -> None:
    text = "a " * 30
    replies = [choice_of(classifier, model="echo", prompt=text, **limit) for limit in ({}, {"max_tokens": 40})]
    assert [(len(reply["text"].split()), reply["finish_reason"]) for reply in replies] == [(16, "length"), (30, "stop")]


@pytest.mark.parametrize("echo", [False, True])
def test_a_stream_says_what_a_plain_reply_says(classifier: Sandbox, echo: bool) -> None:
    async def talk(client: openai.AsyncOpenAI) -> list[Completion]:
        stream = await client.completions.create(
            model="classifier", prompt=PROMPT, echo=echo, logprobs=2, stream=True, stream_options={"include_usage": True}
        )
        return [chunk async for chunk in stream]

    plain, chunks = completed(classifier, echo=echo, logprobs=2), through_the_sdk(classifier, talk)
    pieces = [chunk.choices[0] for chunk in chunks if chunk.choices]
    logprobs = [piece.logprobs for piece in pieces if piece.logprobs]
    whole = plain.choices[0].logprobs
    assert whole is not None
    assert "".join(piece.text for piece in pieces) == plain.choices[0].text
    assert [token for part in logprobs for token in part.tokens or ()] == whole.tokens
    assert [value for part in logprobs for value in part.token_logprobs or ()] == whole.token_logprobs
    assert [offset for part in logprobs for offset in part.text_offset or ()] == whole.text_offset
    assert pieces[-1].finish_reason == "stop"
    assert chunks[-1].usage == plain.usage


def test_a_refusal_is_text_like_any_other(classifier: Sandbox) -> None:
    plain = asked(classifier.url, prompted(echo=True), fault="refusal", path=COMPLETIONS)[0].json["choices"][0]["text"]
    pieces = events_in(asked(classifier.url, prompted(stream=True), fault="refusal", path=COMPLETIONS)[0].body)
    assert plain == PROMPT + "".join(piece["choices"][0]["text"] for piece in pieces)
    assert "I'm sorry" in plain
