import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.helpers import extract_all_char_ngrams

from evalsvc.metrics.families import ngrams
from evalsvc.metrics.families.ngrams import shared_characters

# Few letters, so that much is shared; beyond 16 bits and half a surrogate pair, too.
TEXTS = st.text(alphabet="aab é世\U0001f600\ud83d", max_size=90)


def plainly(left: str, right: str, order: int) -> list[int]:
    counts = (extract_all_char_ngrams(text, order, include_whitespace=True) for text in (left, right))
    return [sum((one & other).values()) for one, other in zip(*counts, strict=True)]


@settings(max_examples=300, deadline=None)
@given(left=TEXTS, right=TEXTS, order=st.integers(1, 7))
def test_shared_runs_are_sacrebleus_counters(left: str, right: str, order: int) -> None:
    assert shared_characters(left, right, order) == plainly(left, right, order)


@settings(max_examples=200, deadline=None)
@given(left=TEXTS.filter(bool), right=TEXTS.filter(bool), order=st.integers(1, 7))
def test_so_they_are_in_one_sorted_list_even_of_short_texts(left: str, right: str, order: int) -> None:
    assert ngrams._sorted_and_shared(left, right, order) == plainly(left, right, order)


@pytest.mark.parametrize(("characters", "order"), [(1022, 6), (1023, 6), (1024, 6), (40, 12), (2000, 3), (30, 80)])
def test_characters_that_are_too_many_for_an_integer_are_counted_all_the_same(characters: int, order: int) -> None:
    left = "".join(chr(0x4E00 + index) for index in range(characters))
    right = left[characters // 2 :] + left[: characters // 2]
    assert shared_characters(left, right, order) == plainly(left, right, order)


def test_a_run_across_the_two_texts_is_none() -> None:
    """They lie one behind the other while they are counted."""
    assert ngrams._sorted_and_shared("ab", "cdbc", 3) == [1, 0, 0]
    assert ngrams._sorted_and_shared("cdbc", "ab", 3) == [1, 0, 0]
