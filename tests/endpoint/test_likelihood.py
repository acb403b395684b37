"""Replies that should tell how likely the prompt is: read in both shapes, and refused where they do not."""

from typing import Any

import pytest

from evalsvc.config import DatasetConfig, EvalConfig, ModelConfig
from evalsvc.endpoint.answer import Action, Failure
from evalsvc.endpoint.apis import resolve_api
from evalsvc.endpoint.logprobs import read_prompt_logprobs
from evalsvc.errors import UsageError
from evalsvc.jsonio import dumps, loads
from evalsvc.prompt import Prompt, RequestBuilder
from evalsvc.records import Reply, Request, Sample

TARGET = " ham"


def config(api: str, task: str = "perplexity", **model: Any) -> EvalConfig:
    return EvalConfig.model_validate(
        {
            "name": "x",
            "task": task,
            "dataset": DatasetConfig(path="a", input="text", target="label"),
            "model": ModelConfig(**{"name": "m", "api": api, **model}),
        }
    )


def request(settings: EvalConfig) -> Request:
    prompt = Prompt.load(settings.prompt, settings.base_dir, target_column="label", scores_target=settings.task == "perplexity")
    sample = Sample(id="1", row_hash=bytes(8), fields={"text": "Q:"}, input="Q:", target=TARGET)
    return RequestBuilder(settings, "http://localhost:8000/v1", prompt).build(sample)


def parsed(body: dict[str, Any], api: str = "completions", task: str = "perplexity") -> Reply | Failure:
    settings = config(api, task)
    return resolve_api(settings).parse(
        dumps(body), request=request(settings), latency_s=0.1, request_id=None, status=200, redact=lambda text: text
    )


def echo(tokens: list[str], logprobs: list[float | None], usage: tuple[int, int] | None, text: str = "Q: ham .") -> dict[str, Any]:
    counts = None if usage is None else {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    said = {"tokens": tokens, "token_logprobs": logprobs, "top_logprobs": None, "text_offset": None}
    return {"choices": [{"text": text, "logprobs": said, "finish_reason": "length"}], "usage": counts}


def chat(places: Any, usage: int = 3) -> dict[str, Any]:
    choice = {"message": {"role": "assistant", "content": "."}, "finish_reason": "length"}
    return {"choices": [choice], "usage": {"prompt_tokens": usage, "completion_tokens": 1}, "prompt_logprobs": places}


def place(token: str, logprob: float, *, likeliest: str | None = None) -> dict[str, Any]:
    own = {"5": {"logprob": logprob, "rank": 2, "decoded_token": token}}
    return own if likeliest is None else {**own, "1": {"logprob": -0.1, "rank": 1, "decoded_token": likeliest}}


def prompt_of(reply: Reply | Failure) -> list[tuple[str, float | None]]:
    assert isinstance(reply, Reply), reply
    return [(token["t"], token["lp"]) for token in reply.prompt_tokens or ()]


def test_an_echo_is_the_prompt_with_the_target() -> None:
    reply = parsed(echo(["Q", ":", " ham", " ."], [None, -1.0, -2.5, -0.5], (3, 1)))
    assert prompt_of(reply) == [("Q", None), (":", -1.0), (" ham", -2.5)]


def test_an_echo_of_the_prompt_alone_is_the_prompt_though_a_token_is_counted_that_is_not_shown() -> None:
    reply = parsed(echo(["Q", ":", " ham"], [None, -1.0, -2.5], (3, 1), text="Q: ham"))
    assert prompt_of(reply) == [("Q", None), (":", -1.0), (" ham", -2.5)]
    assert isinstance(reply, Reply)
    assert (reply.output, reply.tokens) == ("", [])


def test_vllm_tells_of_the_prompt_beside_a_chat_completion_its_own_token_first() -> None:
    reply = parsed(chat([None, place(":", -1.0), place(" ham", -2.5, likeliest=" spam")]), "chat")
    assert prompt_of(reply) == [("", None), (":", -1.0), (" ham", -2.5)]
    assert isinstance(reply, Reply)
    assert reply.prompt_tokens is not None
    assert reply.prompt_tokens[-1]["top"] == [[" spam", -0.1], [" ham", -2.5]]


def test_vllm_tells_of_the_prompt_in_a_completions_choice_where_there_is_no_echo() -> None:
    body = echo([" ."], [-0.5], (3, 1), text=" .")
    body["choices"][0]["prompt_logprobs"] = [None, place(":", -1.0), place(" ham", -2.5)]
    assert prompt_of(parsed(body)) == [("", None), (":", -1.0), (" ham", -2.5)]


@pytest.mark.parametrize("places", [None, [], {}, "x", 3])
def test_other_values_are_no_prompt_logprobs(places: Any) -> None:
    assert read_prompt_logprobs(places) is None


def test_places_that_are_not_what_they_should_be_have_no_logprob() -> None:
    odd = [3, {}, {"5": None}, {"5": {"logprob": "x", "decoded_token": 3}}]
    assert read_prompt_logprobs(odd) == [{"t": "", "lp": None, "top": []}] * 3 + [{"t": "", "lp": None, "top": [["", None]]}]


@pytest.mark.parametrize(
    ("api", "body", "words"),
    [
        # llama.cpp's server takes echo without a word: the completion's tokens, and nothing of the prompt
        ("completions", echo([" ."], [-0.5], (3, 1), text=" ."), "tells no logprobs of the prompt"),
        ("completions", {"choices": [{"text": " .", "finish_reason": "length"}]}, "tells no logprobs of the prompt"),
        ("completions", echo(["Q", ":", " ham", " ."], [None, None, None, -0.5], (3, 1)), "all their logprobs are null"),
        ("chat", chat(None), "tells no logprobs of the prompt"),
        ("chat", chat([None, place("x", -1.0)], usage=30), "logprobs of 2 tokens of a prompt of 30"),
    ],
)
def test_a_reply_that_tells_nothing_of_the_prompt_stops_the_run(api: str, body: dict[str, Any], words: str) -> None:
    failure = parsed(body, api)
    assert isinstance(failure, Failure)
    assert words in failure.message
    assert (failure.kind, failure.action, failure.stop) == ("prompt_not_scored", Action.CONFIRM, UsageError)
    assert "vLLM" in (failure.hint or "")
    assert failure.latency_s == 0.1


def test_what_was_paid_for_a_reply_that_is_refused_is_known() -> None:
    failure = parsed(chat(None), "chat")
    assert isinstance(failure, Failure)
    assert failure.usage is not None
    assert failure.usage.input == 3


def test_a_server_that_counts_more_tokens_than_it_shows_has_told_of_the_target_all_the_same() -> None:
    assert prompt_of(parsed(chat([None, place(":", -1.0), place(" ham", -2.5)], usage=30), "chat"))[-1] == (" ham", -2.5)


def test_a_prompt_of_one_token_says_nothing_either_way() -> None:
    assert prompt_of(parsed(echo(["Q: ham", " ."], [None, -0.5], (1, 1)))) == [("Q: ham", None)]


def test_other_tasks_take_replies_as_they_are() -> None:
    assert isinstance(parsed(chat(None), "chat", task="generation"), Reply)
    assert isinstance(parsed(echo([" ."], [-0.5], (3, 1), text=" ."), task="generation"), Reply)


def test_a_refused_request_stays_what_it_is() -> None:
    failure = parsed({"error": {"message": "Only no echo is supported", "code": 400}})
    assert isinstance(failure, Failure)
    assert failure.kind != "prompt_not_scored"


def test_the_request_of_the_fake_server_is_the_real_one() -> None:
    assert loads(request(config("completions")).body)["prompt"] == "Q: ham"
