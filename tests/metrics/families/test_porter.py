from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.stem.porter import PorterStemmer

from evalsvc.metrics.families import porter
from evalsvc.metrics.families.porter import stem

ENDINGS = (
    "",
    *porter._STEP_2,
    *porter._STEP_3,
    *porter._STEP_4,
    *["s", "es", "ies", "sses", "ss", "ed", "ied", "eed", "ing", "y", "e", "ll", "ly", "at", "bl", "iz", "ational"],
)
# Every word of the paper that shows a rule, and some that show what nltk does besides.
PAPER = """caresses ponies ties caress cats feed agreed plastered bled motoring sing conflated troubled sized hopping tanned falling
hissing fizzed failing filing happy sky relational conditional rational valenci hesitanci digitizer conformabli radicalli differentli
vileli analogousli vietnamization predication operator feudalism decisiveness hopefulness callousness formaliti sensitiviti sensibiliti
triplicate formative formalize electriciti electrical hopeful goodness revival allowance inference airliner gyroscopic adjustable
defensible irritant replacement adjustment dependent adoption homologou communism activate angulariti homologous effective bowdlerize
probate rate cease controll roll conditionally nationally champion battalion opinion apology apologies fully spy enjoy trying used eyes"""


reference: Callable[[str], str] = PorterStemmer().stem


def test_words_that_show_a_rule_have_the_stems_of_nltk() -> None:
    words = PAPER.split()
    assert [stem(word) for word in words] == [reference(word) for word in words]


def test_irregular_words_have_the_stems_of_nltk() -> None:
    assert [stem(word) for word in porter._IRREGULAR] == [reference(word) for word in porter._IRREGULAR]


def test_every_ending_after_every_short_beginning_has_the_stem_of_nltk() -> None:
    beginnings = ["".join(letters) for length in range(4) for letters in product("abtyls", repeat=length)]
    words = [beginning + ending for beginning in beginnings for ending in ENDINGS]
    assert [(word, stem(word)) for word in words] == [(word, reference(word)) for word in words]


@settings(max_examples=500)
@given(parts=st.lists(st.sampled_from(ENDINGS) | st.text("abcdeiklmnorstuvwyz09é東", max_size=3), max_size=6))
def test_any_word_has_the_stem_of_nltk(parts: list[str]) -> None:
    word = "".join(parts)
    assert stem(word) == reference(word)


@pytest.mark.parametrize("letter", ["y", "a", "b", "0"])
def test_a_word_that_never_ends_has_a_stem(letter: str) -> None:
    """Some releases of nltk recurse once a y."""
    assert stem(letter * 100_000).startswith(letter * 99_000)
