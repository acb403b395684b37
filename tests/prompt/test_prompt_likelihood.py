"""Task perplexity: requests whose prompt ends with the target."""

from pathlib import Path
from typing import Any

import pytest

from evalsvc.config import DatasetConfig, EvalConfig, ModelConfig, PromptConfig
from evalsvc.config.identity import identity
from evalsvc.config.models import Message
from evalsvc.errors import UsageError
from evalsvc.jsonio import loads
from evalsvc.prompt import Prompt, RequestBuilder, load_prompt
from evalsvc.prompt.likelihood import with_least_output
from evalsvc.prompt.payload import PAYLOADS
from evalsvc.records import Request, Sample

URL = "http://localhost:8000/v1"


def place(key: str) -> str:
    return f"eval.yaml:9 ({key})"


def config(prompt: PromptConfig | None = None, task: str = "perplexity", **model: Any) -> EvalConfig:
    return EvalConfig.model_validate(
        {
            "name": "x",
            "task": task,
            "dataset": DatasetConfig(path="a", input="text", target="label"),
            "prompt": prompt or PromptConfig(user="{{ text }}"),
            "model": ModelConfig(**{"name": "m", "api": "completions", **model}),
        }
    )


def loaded(settings: EvalConfig) -> Prompt:
    return Prompt.load(settings.prompt, Path(), target_column="label", scores_target=settings.task == "perplexity")


def request(target: str | None = " ham", text: str = "Q:", prompt: PromptConfig | None = None, **model: Any) -> Request:
    settings = config(prompt, **model)
    sample = Sample(id="1", row_hash=b"8 bytes!", fields={"text": text}, input=text, target=target)
    return RequestBuilder(settings, URL, loaded(settings), where=place).build(sample)


def body(**settings: Any) -> Any:
    return loads(request(**settings).body)


def test_completions_get_prompt_and_target_as_one_text_with_nothing_in_between() -> None:
    assert body() == {"model": "m", "prompt": "Q: ham", "echo": True, "logprobs": 1, "max_tokens": 1}
    assert body(target="ham")["prompt"] == "Q:ham"
    assert body(text="Q: ", target="ham")["prompt"] == "Q: ham"


def test_chat_gets_the_target_as_what_the_assistant_has_said_so_far() -> None:
    assert body(api="chat", prompt=PromptConfig(system="Be brief.", user="{{ text }}")) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Q:"},
            {"role": "assistant", "content": " ham"},
        ],
        "prompt_logprobs": 1,
        "add_generation_prompt": False,
        "continue_final_message": True,
        "max_tokens": 1,
    }


def test_an_answer_that_the_prompt_begins_is_gone_on_with() -> None:
    begun = PromptConfig(messages=(Message(role="user", content="{{ text }}"), Message(role="assistant", content="It is")))
    made = request(api="chat", prompt=begun)
    assert loads(made.messages) == [{"role": "user", "content": "Q:"}, {"role": "assistant", "content": "It is ham"}]
    assert loaded(config(begun)).roles == ("user", "assistant")


def test_a_rows_own_conversation_ends_with_its_own_answer() -> None:
    settings = config(PromptConfig(), api="chat")
    prompt = Prompt.load(settings.prompt, Path(), target_column=None, messages_column="messages", scores_target=True)
    fields = {"messages": [{"role": "user", "content": "Q"}]}
    sample = Sample(id="1", row_hash=b"8 bytes!", fields=fields, input=None, target="ham")
    made = RequestBuilder(settings, URL, prompt).build(sample)
    assert loads(made.messages) == [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "ham"}]


def test_the_journal_keeps_what_was_sent() -> None:
    said = [{"role": "user", "content": "Q:"}, {"role": "assistant", "content": " ham"}]
    assert loads(request().messages) == loads(request(api="chat").messages) == said


def test_another_target_is_another_request() -> None:
    assert request(" ham").key != request(" spam").key
    assert request(" ham").body != request(" spam").body


def test_the_target_is_counted_in_the_estimate() -> None:
    frame = 3 + 3  # for each of the two messages
    assert request("x" * 40, text="y" * 40).input_tokens_estimate == 20 + frame
    assert request("x" * 40, text="y" * 40, api="chat").input_tokens_estimate == 20 + frame


def test_what_the_config_says_wins() -> None:
    assert body(params={"logprobs": 5})["logprobs"] == 5
    assert body(params={"max_tokens": 0})["max_tokens"] == 0
    assert body(max_output_tokens=2)["max_tokens"] == 2
    assert body(api="chat", params={"max_completion_tokens": 1}).get("max_tokens") is None


def test_prompt_logprobs_need_no_echo() -> None:
    assert body(params={"prompt_logprobs": 0}) == {"model": "m", "prompt": "Q: ham", "max_tokens": 1, "prompt_logprobs": 0}


def test_the_limit_is_part_of_the_config_for_whoever_plans() -> None:
    assert with_least_output(config()).model.max_output_tokens == 1
    for settings in (config(max_output_tokens=3), config(params={"max_tokens": 0}), config(task="generation")):
        assert with_least_output(settings) is settings


def test_scoring_a_target_is_another_measurement_than_asking_for_it() -> None:
    prints = {task: load_prompt(config(task=task)).fingerprint for task in ("perplexity", "generation", "qa")}
    assert prints["generation"] == prints["qa"] != prints["perplexity"]
    scored, asked = (identity(config(task=task), URL, prints[task]) for task in ("perplexity", "generation"))
    assert scored != asked


def test_other_tasks_never_send_the_target() -> None:
    settings = config(task="generation")
    sample = Sample(id="1", row_hash=b"8 bytes!", fields={"text": "Q:"}, input="Q:", target=" ham")
    assert loads(RequestBuilder(settings, URL, load_prompt(settings)).build(sample).body) == {"model": "m", "prompt": "Q:"}


def test_no_template_sees_the_target() -> None:
    with pytest.raises(UsageError, match="never visible to a template"):
        loaded(config(PromptConfig(user="{{ text }}{{ label }}")))


def test_a_row_without_a_target_is_refused_with_its_id() -> None:
    with pytest.raises(UsageError, match="row '1' has no target"):
        request(None)


@pytest.mark.parametrize(("model", "key"), [({"api": "responses"}, "model.api"), ({"api": "chat", "stream": True}, "model.stream")])
def test_what_tells_no_logprobs_of_a_prompt_is_refused_where_it_is_written(model: dict[str, Any], key: str) -> None:
    with pytest.raises(UsageError, match=rf"eval\.yaml:9 \({key}\)"):
        request(**model)


def test_only_apis_that_say_so_can_score() -> None:
    assert {name for name, payload in PAYLOADS.items() if payload.to_score is not None} == {"chat", "completions"}
