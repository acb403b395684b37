"""The rule of regression gates, and how often it is wrong: rows turn both ways under every change of a prompt."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from evalsvc.compare.rowwise import counted_difference
from evalsvc.compare.verdicts import CANNOT_TELL, NO_WORSE, WORSE, mirrored, rows_needed, rows_to_tell, verdict_of

WORSENED = counted_difference("accuracy", hits=450, to_right=15, to_wrong=40, n=500)
EVEN = counted_difference("accuracy", hits=450, to_right=25, to_wrong=25, n=500)


def test_worse_is_what_test_point_and_bound_say() -> None:
    assert verdict_of(WORSENED, 0.01, lower_is_better=False) == WORSE
    assert verdict_of(WORSENED, 0.06, lower_is_better=False) == CANNOT_TELL  # by 5 points, which the margin allows
    assert verdict_of(WORSENED, 0.01, lower_is_better=False, p_worse=0.051) == CANNOT_TELL
    assert verdict_of(replace(WORSENED, upper=0.0), 0.01, lower_is_better=False) == CANNOT_TELL
    assert verdict_of(replace(WORSENED, p_below=0.06), 0.01, lower_is_better=False) == CANNOT_TELL


def test_no_worse_is_what_the_lower_bound_says() -> None:
    assert EVEN.lower is not None
    assert verdict_of(EVEN, -EVEN.lower + 1e-6, lower_is_better=False) == NO_WORSE
    assert verdict_of(EVEN, -EVEN.lower - 1e-6, lower_is_better=False) == CANNOT_TELL


def test_where_lower_is_better_everything_is_the_other_way_round() -> None:
    assert verdict_of(WORSENED, 0.01, lower_is_better=True) == NO_WORSE
    assert verdict_of(mirrored(WORSENED), 0.01, lower_is_better=True) == WORSE
    assert mirrored(mirrored(WORSENED)) == WORSENED
    assert mirrored(WORSENED).p_above == WORSENED.p_below


def test_nothing_can_be_told_of_a_metric_without_a_number() -> None:
    nothing = replace(EVEN, difference=None, lower=None, upper=None, p_below=None)
    assert verdict_of(nothing, 0.01, lower_is_better=False) == CANNOT_TELL


def test_so_many_rows_as_are_said_to_be_needed_tell_four_times_out_of_five() -> None:
    needed = rows_needed(EVEN.se or 0.0, EVEN.n, 0.01)
    assert 6400 < needed < 6700
    drawn = drawn_changes(2000, needed, up=0.05, down=0.05)
    assert np.mean([verdict(b, c, needed, 0.01) == NO_WORSE for b, c in drawn]) == pytest.approx(0.8, abs=0.03)


def test_the_rows_that_would_tell_are_always_more_than_there_are() -> None:
    near = counted_difference("accuracy", hits=9000, to_right=100, to_wrong=195, n=10_000)
    assert verdict_of(near, 0.01, lower_is_better=False) == CANNOT_TELL
    assert rows_needed(near.se or 0.0, near.n, 0.01) < near.n, "if both were equal, these rows would do"
    needed = rows_to_tell(near, 0.01, lower_is_better=False)
    assert needed is not None
    assert needed > 50 * near.n, "the loss that was seen lies near the margin"
    assert rows_to_tell(mirrored(near), 0.01, lower_is_better=True) == needed
    assert rows_to_tell(EVEN, 0.01, lower_is_better=False) == rows_needed(EVEN.se or 0.0, EVEN.n, 0.01)
    assert rows_to_tell(EVEN, 0.0, lower_is_better=False) is None
    beyond = counted_difference("accuracy", hits=90, to_right=4, to_wrong=8, n=100)
    assert verdict_of(beyond, 0.01, lower_is_better=False) == CANNOT_TELL
    assert (rows_to_tell(beyond, 0.01, lower_is_better=False) or 0) > 100


@cache
def verdict(to_right: int, to_wrong: int, n: int, margin: float) -> str:
    return verdict_of(counted_difference("accuracy", hits=n // 2, to_right=to_right, to_wrong=to_wrong, n=n), margin, lower_is_better=False)


def drawn_changes(count: int, rows: int, *, up: float, down: float, seed: int = 1) -> list[tuple[int, int]]:
    drawn = np.random.default_rng(seed).multinomial(rows, [up, down, 1 - up - down], size=count)
    return [(int(b), int(c)) for b, c, _ in drawn]


def test_no_more_than_one_neutral_change_of_twenty_is_blocked() -> None:
    """500 rows, of which 10 % turn, as often right as wrong: in 1,000 changes, and exactly over all there can be."""
    changes = drawn_changes(1000, 500, up=0.05, down=0.05)
    assert np.mean([verdict(b, c, 500, 0.01) == WORSE for b, c in changes]) <= 0.05
    assert np.mean([(b - c) / 500 < -0.01 for b, c in changes]) > 0.18  # what a gate on the two numbers alone would block
    exactly = sum(
        float(binom.pmf(turned, 500, 0.1) * binom.pmf(b, turned, 0.5))
        for turned in range(20, 90)
        for b in range(turned + 1)
        if verdict(b, turned - b, 500, 0.01) == WORSE
    )
    assert exactly == pytest.approx(0.0377, abs=0.0005)


@pytest.mark.parametrize("seed", range(5))
def test_a_drop_of_three_points_over_a_thousand_rows_is_blocked_as_a_rule(seed: int) -> None:
    changes = drawn_changes(1000, 1000, up=0.035, down=0.065, seed=seed)
    assert np.mean([verdict(b, c, 1000, 0.01) == WORSE for b, c in changes]) >= 0.85
