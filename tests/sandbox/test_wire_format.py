"""What the official client library makes of the sandbox, and what goes over the wire exactly."""

import json
import math

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from evalsvc.sandbox.embed import Sandbox, start_sandbox
from tests.sandbox.client import asked, question
from tests.sandbox.sdk import through_the_sdk

HELLO = "hello there, world"


def completed(sandbox: Sandbox, text: str, model: str) -> ChatCompletion:
    return through_the_sdk(
        sandbox,
        lambda client: client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": text}], logprobs=True, top_logprobs=3
        ),
    )


def streamed(sandbox: Sandbox, text: str, model: str) -> list[ChatCompletionChunk]:
    async def talk(client: openai.AsyncOpenAI) -> list[ChatCompletionChunk]:
        stream = await client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": text}],
            logprobs=True,
            top_logprobs=3,
            stream=True,
            stream_options={"include_usage": True},
        )
        return [chunk async for chunk in stream]

    return through_the_sdk(sandbox, talk)


def test_the_sdk_reads_a_completion_in_full(echo: Sandbox) -> None:
    reply = completed(echo, HELLO, "echo")
    choice = reply.choices[0]
    assert (choice.message.role, choice.message.content, choice.message.refusal, choice.finish_reason) == ("assistant", HELLO, None, "stop")
    assert (reply.object, reply.model, reply.system_fingerprint) == ("chat.completion", "echo", "fp_sandbox")
    assert reply.id.startswith("chatcmpl-")
    assert reply._request_id is not None
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens) == (10, 4, 14)
    assert reply.usage.prompt_tokens_details is not None
    assert reply.usage.prompt_tokens_details.cached_tokens == 0
    assert reply.usage.completion_tokens_details is not None
    assert reply.usage.completion_tokens_details.reasoning_tokens == 0


def test_the_tokens_of_an_answer_spell_it(echo: Sandbox) -> None:
    logprobs = completed(echo, HELLO, "echo").choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert [token.token for token in logprobs.content] == ["hello", " there", ",", " world"]
    assert {token.logprob for token in logprobs.content} == {0.0}
    assert bytes(byte for token in logprobs.content for byte in token.bytes or ()) == HELLO.encode()


def test_a_classifier_answers_with_its_labels_probabilities(classifier: Sandbox) -> None:
    choice = completed(classifier, "free prize", "classifier").choices[0]
    assert choice.message.content == "spam"
    assert choice.logprobs is not None
    assert choice.logprobs.content is not None
    top = choice.logprobs.content[0].top_logprobs
    assert {token.token for token in top} == {"spam", "ham", "not"}
    assert [token.logprob for token in top] == sorted((token.logprob for token in top), reverse=True)
    assert math.isclose(sum(math.exp(token.logprob) for token in top), 1.0)


def test_the_same_text_gets_the_same_answer(classifier: Sandbox) -> None:
    first, second = (completed(classifier, "free lunch", "tuned") for _ in range(2))
    assert first.choices == second.choices


def test_a_stream_says_what_a_plain_reply_says(classifier: Sandbox) -> None:
    plain, chunks = completed(classifier, "the meeting test", "classifier"), streamed(classifier, "the meeting test", "classifier")
    deltas = [chunk.choices[0] for chunk in chunks if chunk.choices]
    tokens = [token for delta in deltas if delta.logprobs for token in delta.logprobs.content or ()]
    assert "".join(delta.delta.content or "" for delta in deltas) == plain.choices[0].message.content == "not sure"
    assert plain.choices[0].logprobs is not None
    assert tokens == plain.choices[0].logprobs.content
    assert deltas[0].delta.role == "assistant"
    assert deltas[-1].finish_reason == "stop"
    assert chunks[-1].usage == plain.usage


def test_a_stream_ends_with_done_and_tells_usage_only_when_asked(echo: Sandbox) -> None:
    reply = asked(echo.url, question(stream=True))[0]
    events = reply.body.decode().split("\n\n")
    assert reply.headers["content-type"] == "text/event-stream"
    assert events[-2:] == ["data: [DONE]", ""]
    assert not any("usage" in json.loads(event.removeprefix("data: ")) for event in events[:-2])


def test_the_sdk_lists_the_models(classifier: Sandbox) -> None:
    async def talk(client: openai.AsyncOpenAI) -> list[str]:
        return [model.id async for model in client.models.list()]

    assert through_the_sdk(classifier, talk) == ["echo", "lead", "reader", "judge", "classifier", "tuned"] == list(classifier.models)
    assert through_the_sdk(classifier, lambda client: client.models.retrieve("tuned")).id == "tuned"


def test_a_name_with_slashes_is_a_model_like_any_other(echo: Sandbox) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        through_the_sdk(echo, lambda client: client.models.retrieve("org/model"))
    assert caught.value.code == "model_not_found"


def test_an_unknown_model_is_not_found(echo: Sandbox) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        completed(echo, HELLO, "gpt-9")
    assert caught.value.code == "model_not_found"
    assert caught.value.request_id is not None


def test_an_unknown_path_is_not_found_without_blaming_the_model(echo: Sandbox) -> None:
    wrong = echo.url.removesuffix("/v1")
    reply = asked(wrong, question())[0]
    assert (reply.status, reply.error["code"]) == (404, "unknown_url")


def test_only_the_required_key_is_let_in() -> None:
    with start_sandbox(["--require-key=sesame"]) as sandbox:
        assert through_the_sdk(sandbox, lambda client: client.models.list(), key="sesame")
        with pytest.raises(openai.AuthenticationError) as caught:
            through_the_sdk(sandbox, lambda client: client.models.list(), key="wrong")
        assert caught.value.code == "invalid_api_key"
        reply = asked(sandbox.url, question())[0]
        assert (reply.status, reply.error["code"]) == (401, "invalid_api_key")


def test_an_answer_is_cut_at_the_maximum(echo: Sandbox) -> None:
    for received in asked(echo.url, question(HELLO, max_tokens=2), question(HELLO, max_completion_tokens=2)):
        reply = received.json
        assert (reply["choices"][0]["message"]["content"], reply["choices"][0]["finish_reason"]) == ("hello there", "length")
        assert reply["usage"]["completion_tokens"] == 2


def test_any_text_comes_back_lone_surrogates_too(echo: Sandbox) -> None:
    text = 'é 漢字 🙂 \ud800 \x00 "quoted"\n'
    for reply in asked(echo.url, question(text), question(text, logprobs=True)):
        assert reply.json["choices"][0]["message"]["content"] == text
    assert "\\ud800" in asked(echo.url, question(text, stream=True))[0].body.decode()


def test_ids_are_never_given_twice(echo: Sandbox) -> None:
    replies = asked(echo.url, *[question()] * 5)
    assert len({reply.headers["x-request-id"] for reply in replies}) == 5
    assert len({reply.json["id"] for reply in replies}) == 5
