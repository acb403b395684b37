"""An answer that gives a secret back is kept without it; an honest one is kept as it is."""

from typing import Any

import pytest

from evalsvc.endpoint.models import ModelsSeen, ModelsState
from evalsvc.pipeline.echoes import UNMISTAKABLE, Echoes
from evalsvc.records import Reply, Usage

SECRET = "sk-0123456789abcdef"
ECHOES = Echoes(lambda: (SECRET, "EMPTY"))


def reply(**texts: Any) -> Reply:
    fields: dict[str, Any] = {"output": "spam", "finish_reason": "stop", "usage": Usage(input=1, output=1), "latency_s": 0.1, **texts}
    return Reply(**fields)


@pytest.mark.parametrize(
    ("where", "told", "kept"),
    [
        ("output", f"your key is {SECRET}", "your key is [redacted]"),
        ("request_id", SECRET, "[redacted]"),
        ("model", f"m {SECRET}", "m [redacted]"),
        ("reasoning", SECRET, "[redacted]"),
        ("refusal", SECRET, "[redacted]"),
        ("tool_calls", [{"function": {"arguments": f'{{"key": "{SECRET}"}}'}}], [{"function": {"arguments": '{"key": "[redacted]"}'}}]),
    ],
)
def test_a_secret_is_blanked_wherever_an_answer_gives_it_back(where: str, told: Any, kept: Any) -> None:
    assert getattr(ECHOES.without(reply(**{where: told})), where) == kept


def test_its_tokens_go_the_same_way() -> None:
    tokens = [{"t": SECRET, "lp": -0.5, "top": [[SECRET, -0.5]]}]
    blanked = [{"t": "[redacted]", "lp": -0.5, "top": [["[redacted]", -0.5]]}]
    assert ECHOES.without(reply(output=SECRET, tokens=tokens)).tokens == blanked
    assert ECHOES.without(reply(tokens=tokens)).tokens == blanked
    assert ECHOES.without(reply(prompt_tokens=[{"t": "spam", "lp": -0.5, "top": [[SECRET, -0.5]]}])).prompt_tokens == [
        {"t": "spam", "lp": -0.5, "top": [["[redacted]", -0.5]]}
    ]


def test_tokens_of_no_known_shape_are_looked_through_all_the_same() -> None:
    odd = reply(tokens=[{"text": SECRET}])
    assert ECHOES.without(odd).tokens == [{"text": "[redacted]"}]


def test_what_may_be_a_word_of_an_honest_answer_stays() -> None:
    honest = reply(output="EMPTY", reasoning="it is EMPTY")
    assert len("EMPTY") < UNMISTAKABLE
    assert ECHOES.without(honest) is honest


def test_a_token_that_is_renewed_is_blanked_from_then_on() -> None:
    tokens = iter([("first-token-0123456789",), ("second-token-0123456789",)])
    echoes = Echoes(lambda: next(tokens))
    assert echoes.without(reply(output="second-token-0123456789")).output == "[redacted]"


def test_what_the_server_lists_is_blanked_too() -> None:
    seen = ModelsSeen(state=ModelsState.LISTED, names=("m", f"m-{SECRET}"), card={"id": "m", "root": SECRET, "max_model_len": 4096})
    blanked = ECHOES.seen(seen)
    assert blanked.names == ("m", "m-[redacted]")
    assert blanked.card == {"id": "m", "root": "[redacted]", "max_model_len": 4096}
