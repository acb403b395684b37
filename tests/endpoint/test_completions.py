"""Legacy completions: the prompt's echo told from the completion, whatever the server counts and shows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.endpoint.answer import Failure
from evalsvc.endpoint.completions import parse_completion
from evalsvc.jsonio import dumps
from evalsvc.records import Reply, Request

PROMPT = "to be"
# texts of the prompt's tokens, and of the completion's
SAID = (["to", " be"], [" or", " not"])


def request(prompt: str = PROMPT, **params: Any) -> Request:
    body = dumps({"model": "m", "prompt": prompt, **params})
    return Request(id="1", repeat=0, row_hash=bytes(8), key="0" * 32, target=None, messages=b"[]", body=body, input_tokens_estimate=1)


def columns(tokens: list[str], offsets: list[int] | None = None) -> dict[str, Any]:
    logprobs: list[float | None] = [None, *(-float(at) for at in range(1, len(tokens)))]
    return {"tokens": tokens, "token_logprobs": logprobs[: len(tokens)], "top_logprobs": None, "text_offset": offsets}


def parsed(text: Any, logprobs: Any = None, usage: tuple[int, int] | None = None, asked: Request | None = None) -> Reply:
    counts = usage and {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    body = dumps({"choices": [{"text": text, "logprobs": logprobs, "finish_reason": "length"}], "usage": counts})
    result = parse_completion(body, request=asked or request(echo=True))
    assert isinstance(result, Reply), result
    return result


def split(reply: Reply) -> tuple[str | None, list[str] | None, list[str] | None]:
    tokens = [token["t"] for token in reply.tokens] if reply.tokens is not None else None
    return reply.output, None if reply.prompt_tokens is None else [token["t"] for token in reply.prompt_tokens], tokens


def test_the_prompts_first_token_keeps_its_null() -> None:
    reply = parsed("to be or not", columns([*SAID[0], *SAID[1]]), usage=(2, 2))
    assert reply.prompt_tokens == [{"t": "to", "lp": None, "top": []}, {"t": " be", "lp": -1.0, "top": []}]
    assert reply.tokens == [{"t": " or", "lp": -2.0, "top": []}, {"t": " not", "lp": -3.0, "top": []}]


@pytest.mark.parametrize(
    ("what", "text", "tokens", "offsets", "usage"),
    [
        ("counted", "to be or not", ["to", " be", " or", " not"], None, (2, 2)),
        ("counted, offsets all -1", "to be or not", ["to", " be", " or", " not"], [-1] * 4, (2, 2)),
        ("a first token that is not text", "to be or not", ["<s>", "to", " be", " or", " not"], [0, 3, 5, 8, 11], (3, 2)),
        ("the same, not counted", "to be or not", ["<s>", "to", " be", " or", " not"], None, None),
        ("a first token that is only counted", "to be or not", ["to", " be", " or", " not"], [0, 2, 5, 8], (3, 2)),
        ("no usage and no offsets", "to be or not", ["to", " be", " or", " not"], None, None),
        ("text cut by a stop word, offsets only", "to be or", ["to", " be", " or", " not"], [0, 2, 5, 8], None),
        ("text cut by a stop word, one more counted", "to be or", ["to", " be", " or", " not"], None, (3, 2)),
    ],
)  # fmt: skip
def test_prompt_and_completion_are_told_apart(what: str, text: str, tokens: list[str], offsets: Any, usage: Any) -> None:
    output, prompt_tokens, rest = split(parsed(text, columns(tokens, offsets), usage))
    assert (output, rest) == (text.removeprefix(PROMPT), [" or", " not"]), what
    assert prompt_tokens in (["to", " be"], ["<s>", "to", " be"]), what


def test_a_prompt_that_is_only_scored_leaves_an_empty_completion() -> None:
    assert split(parsed("to be", columns(["to", " be"]), usage=(2, 0))) == ("", ["to", " be"], [])


def test_without_log_probabilities_the_text_alone_is_split() -> None:
    assert split(parsed("to be or not", usage=(2, 2))) == (" or not", None, None)


def test_a_tokenizer_that_puts_a_blank_in_front_is_followed() -> None:
    assert split(parsed(" to be or not", columns([" to", " be", " or", " not"]), usage=(2, 2))) == (
        " or not",
        [" to", " be"],
        [" or", " not"],
    )


def test_an_echo_that_never_came_is_not_looked_for() -> None:
    assert split(parsed(" or not", columns([" or", " not"]), usage=(2, 2))) == (" or not", None, [" or", " not"])
    assert split(parsed(" or not", columns([" or", " not"]))) == (" or not", None, [" or", " not"])
    assert split(parsed(" or not")) == (" or not", None, None)


def test_tokens_that_cannot_be_told_apart_are_given_to_nobody() -> None:
    assert split(parsed("to be or", columns(["to", " be", " or", " not"]), usage=(9, 9))) == (" or", None, None)


def test_nothing_is_split_that_was_not_to_be_echoed() -> None:
    for asked in (request(), request(echo=False), request(prompt='"echo":true'), request(nested={"echo": True})):
        assert split(parsed("to be or not", columns(["to be", " or", " not"]), asked=asked))[:2] == ("to be or not", None)


def test_chats_logprobs_are_read_here_too() -> None:
    logprobs = {"content": [{"token": " or", "logprob": -0.5, "top_logprobs": [{"token": " or", "logprob": -0.5}]}]}
    assert parsed(" or", logprobs).tokens == [{"t": " or", "lp": -0.5, "top": [[" or", -0.5]]}]


def test_the_likeliest_stand_first_and_sentinels_stay() -> None:
    logprobs = {"tokens": [" or"], "token_logprobs": [-9999.0], "top_logprobs": [{" and": -2, " or": -9999.0, " but": -1.0}]}
    assert parsed(" or", logprobs).tokens == [{"t": " or", "lp": -9999.0, "top": [[" but", -1.0], [" and", -2.0], [" or", -9999.0]]}]


ODD = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["tokens", "token_logprobs", "top_logprobs", "text_offset", "content", "token", "logprob", "prompt_tokens"]), inner
    ),
    max_leaves=15,
)  # fmt: skip


@given(ODD, ODD, ODD)
def test_no_json_breaks_the_parser(text: Any, logprobs: Any, usage: Any) -> None:
    body = dumps({"choices": [{"text": text, "logprobs": logprobs, "finish_reason": "stop"}], "usage": usage})
    assert isinstance(parse_completion(body, request=request(echo=True)), Reply | Failure)


@given(st.lists(st.text(max_size=3), max_size=5), st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=5))
def test_what_is_split_is_all_there_was(prompt: list[str], rest: list[str]) -> None:
    asked = request("".join(prompt), echo=True)
    reply = parsed("".join([*prompt, *rest]), columns([*prompt, *rest]), usage=(len(prompt), len(rest)), asked=asked)
    if prompt:
        assert split(reply) == ("".join(rest), prompt, rest)
