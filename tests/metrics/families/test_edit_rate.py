"""Held against sacreBLEU's table of edit distances, texts that leave its beam and exhaust its candidates included."""

import re
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.lib_ter import translation_edit_rate

from evalsvc.metrics.families import edit_rate
from evalsvc.metrics.families.edit_rate import edits

WORDS = st.lists(st.sampled_from("aaabbcdef"), max_size=18)
# Five words against 149: the alignment leaves the beam, and then a word that is moved may save more than 2 edits.
SPREAD = ["2", "0", "26", "14", "24"]
LONG = re.findall(
    r"\d+",
    "18 25 24 21 21 24 13 13 1 12 9 9 21 21 21 18 21 24 7 11 15 20 29 11 29 19 18 29 21 20 15 17 26 19 26 5 8 27 15 8 1 27 27 23 29 29 "
    "16 13 22 11 3 21 21 10 5 12 18 27 16 28 11 23 29 13 24 0 11 24 5 1 17 14 14 18 6 3 19 2 21 22 17 19 11 21 22 27 7 26 16 27 4 23 0 "
    "27 11 19 23 2 16 6 20 2 26 20 24 18 9 7 14 25 17 14 7 25 20 25 12 1 21 18 10 5 19 18 17 25 23 6 14 3 11 11 14 27 8 17 22 26 26 9 25 "
    "9 7 7 15 0 5 14 0 7",
)


def theirs(answer: Sequence[str], reference: Sequence[str]) -> int:
    return translation_edit_rate(list(answer), list(reference))[0]


@settings(max_examples=300, deadline=None)
@given(answer=WORDS, reference=WORDS)
@example(answer=SPREAD, reference=LONG)
@example(answer=LONG, reference=SPREAD)
@example(answer=list("acahf"), reference=list("aafch"))
@example(answer=list("gbehaeebbb"), reference=list("abbgbeeehb"))
@example(answer=["a", "b"] * 20, reference=["b", "a"] * 20)
@example(answer=["a"] * 60 + ["b"] * 5, reference=["b"] * 5 + ["a"] * 60)
def test_edits_are_sacrebleus(answer: list[str], reference: list[str]) -> None:
    assert edits(answer, reference) == theirs(answer, reference)


def shuffled(random: Random, words: int, vocabulary: int) -> tuple[list[str], list[str]]:
    """A text and what a bad translator might make of it: parts exchanged, words lost and words of its own."""
    reference = [str(random.randrange(vocabulary)) for _ in range(words)]
    cut = random.randrange(words)
    answer = [word for word in reference[cut:] + reference[:cut] if random.random() > 0.1]
    return [str(random.randrange(vocabulary)) if random.random() < 0.2 else word for word in answer], reference


@pytest.mark.parametrize(("words", "vocabulary"), [(30, 5), (30, 100), (60, 40), (70, 400)])
def test_texts_with_parts_exchanged_have_sacrebleus_edits(words: int, vocabulary: int) -> None:
    random = Random(words + vocabulary)
    for _ in range(3):
        answer, reference = shuffled(random, words, vocabulary)
        assert edits(answer, reference) == theirs(answer, reference)


def test_texts_that_stray_from_the_beam_are_tried_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nothing above would have looked at the plain way."""
    taken: list[Sequence[str]] = []
    plain = edit_rate._plain_steps

    def watched(words: Sequence[str], reference: Sequence[str]) -> str:
        taken.append(words)
        return plain(words, reference)

    monkeypatch.setattr(edit_rate, "_plain_steps", watched)
    assert edits(SPREAD, LONG) == theirs(SPREAD, LONG) == 147
    answer = [f"x{index}" for index in range(60)] + LONG[:60]
    assert edits(answer, LONG) == theirs(answer, LONG)
    assert len(taken) > 2


def test_both_ways_to_align_give_the_same_steps() -> None:
    random = Random(3)
    for words in (1, 2, 7, 20):
        for _ in range(20):
            answer, reference = shuffled(random, words, 6)
            table = edit_rate._Table(reference)
            assert table._steps(answer) == edit_rate._plain_steps(answer, reference)
            assert table.columns(answer)[-1][2] == len(table._steps(answer).replace("=", ""))


def test_with_too_many_candidates_the_last_round_moves_nothing() -> None:
    """As in Tercom; the limit is over all rounds."""
    random = Random(1)
    answer, reference = ([random.choice("ab") for _ in range(60)] for _ in range(2))
    assert edits(answer, reference) == theirs(answer, reference)
    before = edit_rate._Table(reference).alignment(answer)
    assert len(list(edit_rate._moves(answer, reference, before))) >= edit_rate._MOST_CANDIDATES


@pytest.mark.parametrize("length", [9, 10, 11, 21])
def test_runs_are_moved_whole_up_to_ten_words(length: int) -> None:
    run, rest = [f"r{index}" for index in range(length)], [f"x{index}" for index in range(30)]
    assert edits(run + rest, rest + run) == theirs(run + rest, rest + run) == -(-length // 10)


@pytest.mark.parametrize("words", range(22, 28))
def test_a_text_may_stray_from_the_other_as_far_as_in_sacrebleu(words: int) -> None:
    """Beyond that, the words that follow what one of them has more are no longer found where they stand."""
    more, less = ([f"{name}{index}" for index in range(words)] for name in "ml")
    common = [f"c{index}" for index in range(70)]
    assert edits(more + common, common + less) == theirs(more + common, common + less)
    assert edits(common + less, more + common) == theirs(common + less, more + common)
