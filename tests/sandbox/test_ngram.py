"""The language model of any order, and what it says when a text is to go on."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.sandbox import tokens
from evalsvc.sandbox.answers import Terms
from evalsvc.sandbox.language import Language
from evalsvc.sandbox.ngram import MOST_TOKENS, Ngram

TEXTS = ["the fox saw the hen.", "the fox saw the crow.", "the hen ran.", "a crow saw the fox run."]
MODELS = {order: Ngram(Language(TEXTS, order=order)) for order in (1, 2, 3, 4)}


def said(text: str, order: int = 3, **terms: object) -> str:
    return MODELS[order].answer(text, Terms(**terms)).content or ""  # type: ignore[arg-type]


def nats(language: Language, text: str) -> float:
    return sum(token.logprob for token in language.read(text))


def test_a_text_goes_on_as_those_that_were_read_and_stops_where_they_did() -> None:
    answer = MODELS[3].answer("the hen")
    assert (answer.content, answer.finish_reason) == (" ran.", "stop")


def test_an_answer_stops_at_the_most_tokens_and_says_so() -> None:
    answer = MODELS[3].answer("a crow", Terms(max_tokens=2))
    assert (answer.content, answer.finish_reason) == (" saw the", "length")


def test_what_may_go_on_for_ever_is_cut() -> None:
    circle = Ngram(Language([f"{'round and ' * 50}stop"], order=2))
    assert len(circle.answer("round").tokens) <= MOST_TOKENS


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert Ngram(Language()).answer("the").content == ""


def test_without_a_temperature_there_is_one_answer_and_with_one_the_seed_chooses() -> None:
    assert said("the", seed=1) == said("the", seed=2)
    sampled = [said("the", temperature=1.0, seed=seed) for seed in range(20)]
    assert len(set(sampled)) > 3
    assert sampled == [said("the", temperature=1.0, seed=seed) for seed in range(20)]


def test_a_low_temperature_says_what_is_likely() -> None:
    likely = said("the fox", max_tokens=1)
    cold, hot = (sum(said("the fox", temperature=at, seed=seed, max_tokens=1) == likely for seed in range(60)) for at in (0.2, 2.0))
    assert cold > hot


def test_words_are_sampled_as_often_as_they_were_seen() -> None:
    model = Ngram(Language(["x a"] * 3 + ["x b"], order=2))
    counted = [model.answer("x", Terms(temperature=1.0, seed=seed)).content for seed in range(400)]
    assert 0.67 < counted.count(" a") / len(counted) < 0.83


def test_texts_end_as_often_as_they_did() -> None:
    model = Ngram(Language(["x a"] * 3 + ["x a b"], order=2))
    counted = [model.answer("x a", Terms(temperature=1.0, seed=seed)).content for seed in range(400)]
    assert 0.67 < counted.count("") / len(counted) < 0.83


@pytest.mark.parametrize("order", MODELS)
@given(text=st.sampled_from(TEXTS), cut=st.integers(0, 12))
def test_what_is_said_is_scored_as_what_is_read(order: int, text: str, cut: int) -> None:
    language, begun = Language(TEXTS, order=order), "".join(tokens.split(text)[:cut])
    answer = MODELS[order].answer(begun, Terms(max_tokens=5))
    whole = language.read_tokens([*tokens.split(begun), *(token.text for token in answer.tokens)])
    assert [token.logprob for token in whole[len(whole) - len(answer.tokens) :]] == [token.logprob for token in answer.tokens]


def test_a_longer_memory_foresees_what_it_has_read_better() -> None:
    by_order = [sum(nats(Language(TEXTS, order=order), text) for text in TEXTS) for order in (1, 2, 3)]
    assert all(less < more for less, more in pairwise(by_order))


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("before", ["", "the fox", "a crow saw", "never seen"])
def test_whatever_the_order_all_that_may_follow_shares_a_probability_of_one(order: int, before: str) -> None:
    """What was never seen has its share by its bytes: together with what was, never more than one."""
    language = Language(TEXTS, order=order)
    place = language.context(tokens.split(before))
    seen = {token for text in TEXTS for token in tokens.split(text)}
    assert 0.3 < sum(math.exp(language.logprob(place, token)) for token in seen) < 1.0


def test_in_a_chat_what_stands_before_a_marker_counts_behind_it() -> None:
    language = Language(TEXTS, order=3)
    plain = language.read("the fox saw")
    chat = language.read_tokens(["<|user|>", "the", " fox", "<|end|>", "<|assistant|>", " saw"])
    assert [token.logprob for token in chat if not tokens.is_marker(token.text)] == [token.logprob for token in plain]
