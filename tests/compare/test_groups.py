"""Letters: two runs share one exactly where they cannot be told apart."""

from itertools import combinations
from random import Random

import pytest

from evalsvc.compare.groups import letters


def test_runs_that_are_all_alike_share_one_letter_and_runs_that_all_differ_have_one_each() -> None:
    assert letters(["a", "b", "c"], {}) == ["a", "a", "a"]
    assert letters(["a", "b", "c"], dict.fromkeys(combinations(range(3), 2), True)) == ["a", "b", "c"]
    assert letters([], {}) == []
    assert letters(["a"], {}) == ["a"]


def test_piephos_example_has_its_letters() -> None:
    """Piepho 2004: eight treatments, of which these pairs differ."""
    differ = {(0, 6), (0, 7), (1, 6), (1, 7), (2, 6), (3, 7)}
    found = letters([str(one) for one in range(8)], {pair: pair in differ for pair in combinations(range(8), 2)})
    assert_told(found, differ)


@pytest.mark.parametrize("seed", range(40))
def test_two_share_a_letter_exactly_where_they_are_not_told_apart(seed: int) -> None:
    random = Random(seed)
    count = random.randint(2, 9)
    differ = {pair for pair in combinations(range(count), 2) if random.random() < random.choice((0.1, 0.5, 0.9))}
    assert_told(letters(["x"] * count, {pair: pair in differ for pair in combinations(range(count), 2)}), differ)


def assert_told(found: list[str], differ: set[tuple[int, int]]) -> None:
    for left, right in combinations(range(len(found)), 2):
        shared = set(found[left]) & set(found[right])
        assert bool(shared) == ((left, right) not in differ)
    assert all(found)


def test_no_letter_says_what_another_says_already() -> None:
    found = letters(["x"] * 6, {(0, 5): True, (0, 4): True, (1, 5): True})
    groups = [{place for place, one in enumerate(found) if letter in one} for letter in sorted(set("".join(found)))]
    assert not any(left < right for left in groups for right in groups)


def test_the_best_run_has_the_first_letter() -> None:
    assert letters(["best", "middle", "worst"], {(0, 2): True}) == ["a", "ab", "b"]
    assert letters(["best", "middle", "worst"], {(2, 0): True}) == ["a", "ab", "b"]
    assert letters(["best", "middle", "worst"], {(0, 1): True, (0, 2): True}) == ["a", "b", "b"]
