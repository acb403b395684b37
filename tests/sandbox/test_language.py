"""The language model is a probability distribution, and the likelier the better it knows a text."""

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.sandbox import tokens
from evalsvc.sandbox.answers import IMPOSSIBLE
from evalsvc.sandbox.language import BEST, Language, spelling_logprob

TEXTS = ["win a free prize now", "a free lunch now", "now a prize"]
LANGUAGE = Language(TEXTS)


def nats(language: Language, text: str) -> float:
    return sum(token.logprob for token in language.read(text))


@given(text=st.text(max_size=60))
def test_every_text_is_read_whole_and_nothing_is_impossible_or_more_than_certain(text: str) -> None:
    read = LANGUAGE.read(text)
    assert "".join(token.text for token in read) == text
    assert all(IMPOSSIBLE <= token.logprob < 0 for token in read)


@given(text=st.text(max_size=30))
def test_the_likeliest_tokens_stand_first_and_know_the_chosen_ones_number(text: str) -> None:
    for token in LANGUAGE.read(text):
        values = [value for _, value in token.top]
        assert values == sorted(values, reverse=True)
        assert len(token.top) <= BEST
        assert dict(token.top).get(token.text, token.logprob) == token.logprob


def test_spellings_share_a_probability_of_one() -> None:
    by_length = [256**length * math.exp(spelling_logprob("a" * length)) for length in range(1, 60)]
    assert math.isclose(sum(by_length), 1.0, abs_tol=1e-5)


def test_what_may_follow_shares_a_probability_of_one_with_what_was_never_seen() -> None:
    seen = {token for text in TEXTS for token in tokens.split(text)}
    for before in ["", " free", " unheard"]:
        known = sum(math.exp(LANGUAGE.read(f"{before}{token}")[-1].logprob) for token in seen if token.startswith(" ") or not before)
        assert 0.4 < known < 1.0


def test_a_known_text_is_likelier_than_the_same_words_in_disorder_and_those_than_unknown_ones() -> None:
    assert nats(LANGUAGE, "win a free prize now") > nats(LANGUAGE, "now prize free a win") > nats(LANGUAGE, "xyz a qqqq wwwww eee")


def test_without_texts_only_length_counts() -> None:
    assert nats(Language(), "abc def") == pytest.approx(nats(Language(), "xyz uvw"))
    assert nats(Language(), "ab") > nats(Language(), "abc")


def test_the_counts_are_those_of_witten_and_bell() -> None:
    """After ` a`: two tokens of two kinds, ` free` one of them. Anywhere: 12 tokens of 8 kinds, ` free` twice and ` lunch` once."""
    read = {token: LANGUAGE.read(f"now a{token}")[-1].logprob for token in (" free", " lunch")}
    spelling = {token: math.exp(spelling_logprob(token)) for token in read}
    anywhere = {" free": (2 + 8 * spelling[" free"]) / (12 + 8), " lunch": (1 + 8 * spelling[" lunch"]) / (12 + 8)}
    assert math.exp(read[" free"]) == pytest.approx((1 + 2 * anywhere[" free"]) / (2 + 2))
    assert math.exp(read[" lunch"]) == pytest.approx(2 * anywhere[" lunch"] / (2 + 2))


def test_a_very_long_word_has_a_number_that_json_can_write() -> None:
    assert LANGUAGE.read(" " * 5000)[0].logprob == IMPOSSIBLE


def test_the_same_text_reads_the_same_twice() -> None:
    for text, language in product(TEXTS, (LANGUAGE, Language(TEXTS))):
        assert language.read(text) == LANGUAGE.read(text)
