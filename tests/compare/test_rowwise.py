"""Means over rows: Tango and McNemar for shares, t-tests for the rest, and clusters where rows hang together."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import ttest_rel

from evalsvc.compare.nouns import Difference
from evalsvc.compare.proportions import mcnemar, tango
from evalsvc.compare.rowwise import mean_difference, share_difference
from evalsvc.metrics.means import MeanTally
from tests.compare.evidences import common

NAN = float("nan")


def hits(count: int, to_right: int, to_wrong: int, both: int) -> tuple["np.typing.NDArray[np.float64]", "np.typing.NDArray[np.float64]"]:
    neither = count - to_right - to_wrong - both
    a = [0.0] * to_right + [1.0] * (to_wrong + both) + [0.0] * neither
    b = [1.0] * to_right + [0.0] * to_wrong + [1.0] * both + [0.0] * neither
    return np.array(a), np.array(b)


def test_a_share_of_independent_rows_has_tangos_interval_and_mcnemars_tests() -> None:
    a, b = hits(200, 12, 30, 100)
    found = share_difference("accuracy", a, b, common(200))
    assert (found.a, found.b, found.n) == (0.65, 0.56, 200)
    assert found.difference == -0.09
    assert (found.ci_low, found.ci_high) == tango(12, 30, 200)
    assert (found.lower, found.upper) == tango(12, 30, 200, 0.90)
    p = mcnemar(12, 30)
    assert (found.p, found.p_below, found.p_above) == (p.two_sided, p.below, p.above)
    assert found.se == pytest.approx(np.std(b - a) / 200**0.5, rel=0.03)


def test_rows_that_are_no_part_of_it_are_in_no_number() -> None:
    a, b = hits(200, 12, 30, 100)
    more = np.full(50, NAN)
    found = share_difference("recall", np.concatenate([a, more]), np.concatenate([b, more]), common(250))
    assert found == share_difference("recall", a, b, common(200))


def test_repeats_that_always_agree_say_no_more_than_one_of_them() -> None:
    """Neither in the interval nor in the tests."""
    a, b = hits(150, 12, 30, 60)
    rows = common(450, repeats=3)
    found = share_difference("accuracy", np.repeat(a, 3), np.repeat(b, 3), rows)
    once = mean_difference("accuracy", a, b, common(150))
    assert (found.ci_low, found.ci_high, found.se) == pytest.approx((once.ci_low, once.ci_high, once.se))
    p = mcnemar(12, 30)
    assert (found.p, found.p_below, found.p_above) == (p.two_sided, p.below, p.above)
    assert found.signature == "ci:cluster-t95|clusters:150-by-id|p:t|p:sign-flips-exact"


def test_neutral_changes_of_repeated_rows_are_called_worse_no_oftener_than_one_in_twenty() -> None:
    random, rows = np.random.default_rng(5), common(300, groups=[row // 6 for row in range(300)])
    worse = []
    for _ in range(400):
        turns = random.random(50)[rows.codes] < 0.3  # whole groups turn at once
        up = random.random(50)[rows.codes] < 0.5
        a = np.where(turns, ~up, random.random(300) < 0.8).astype(float)
        found = share_difference("accuracy", a, np.where(turns, up, a), rows)
        worse.append(found.p_below is not None and found.p_below < 0.05)
    assert np.mean(worse) <= 0.055
    assert np.mean(worse) > 0.01


def test_clusters_without_any_change_have_an_interval_by_their_number() -> None:
    a, _ = hits(90, 0, 0, 60)
    found = share_difference("accuracy", a, a, common(90, repeats=3))
    assert (found.ci_low, found.ci_high) == tango(0, 0, 30)
    assert found.p == 1.0


def test_a_mean_over_independent_rows_has_a_paired_t_test() -> None:
    random = np.random.default_rng(2)
    a = random.random(80)
    b = a + random.normal(0.05, 0.2, 80)
    found, expected = mean_difference("ext.quality", a, b, common(80)), ttest_rel(b, a)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(expected.confidence_interval()))
    assert found.signature == "ci:paired-t95|p:t"


def test_clusters_of_a_mean_have_the_variance_that_one_run_has_of_them() -> None:
    """Against nothing at all on the other side: Cochran's ratio estimator, as metrics/means.py has it."""
    random, groups = np.random.default_rng(4), [row % 13 for row in range(200)]
    values = random.random(200) + np.array([group / 10 for group in groups])
    rows = common(200, groups=groups)
    found = mean_difference("ext.quality", np.zeros(200), values, rows)
    tally = MeanTally.empty(clustered=True)
    for value, group in zip(values.tolist(), groups, strict=True):
        tally.update(value, cluster=group)
    assert (found.ci_low, found.ci_high) == pytest.approx(tally.interval())


def test_a_row_on_one_side_alone_counts_there() -> None:
    """As precision: which rows are in it is up to the model."""
    found = share_difference("precision", np.array([1, 0, NAN, 1.0]), np.array([1, NAN, 0, 1.0]), common(4))
    assert (found.a, found.b, found.n) == pytest.approx((2 / 3, 2 / 3, 3))
    assert found.signature == "ci:paired-t95|p:t"


@pytest.mark.parametrize(("up", "down"), [(0.1, 0.1), (0.05, 0.2)])
def test_the_interval_of_a_ratio_holds_the_true_difference_nineteen_times_out_of_twenty(up: float, down: float) -> None:
    """Shares of the rows that each side calls positive, of which there are more in A."""
    random, held = np.random.default_rng(7), []
    for _ in range(600):
        positive = random.random(400) < 0.4
        called = [np.where(random.random(400) < wrong, ~positive, positive) for wrong in (up, down)]
        a, b = (np.where(one, positive, NAN).astype(float) for one in called)
        found = share_difference("precision", a, b, common_400)
        held.append(found.ci_low is not None and found.ci_high is not None and found.ci_low <= truth(down) - truth(up) <= found.ci_high)
    assert 0.925 < np.mean(held) < 0.975


common_400 = common(400)


def truth(wrong: float) -> float:
    return 0.4 * (1 - wrong) / (0.4 * (1 - wrong) + 0.6 * wrong)


@pytest.mark.parametrize(("a", "b", "missing"), [([NAN, NAN], [1.0, 0.0], "A"), ([NAN], [NAN], "A and B")])
def test_a_side_without_rows_gives_a_reason(a: Sequence[float], b: Sequence[float], missing: str) -> None:
    found = share_difference("recall", np.array(a), np.array(b), common(len(a)))
    assert found.reason == f"no row of {missing} is part of it"
    assert found.difference is None
    assert isinstance(found, Difference)
