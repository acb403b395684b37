"""Interval, bounds and p-values of one standard error: they never contradict each other."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from evalsvc.compare.proportions import tango
from evalsvc.compare.student import by_student

GIVEN = np.random.default_rng(3).normal(0.3, 1.0, 40)


def test_they_are_those_of_a_t_test() -> None:
    se = float(GIVEN.std(ddof=1) / 40**0.5)
    found = by_student("mae", 1.0, 1.0 + float(GIVEN.mean()), n=40, se=se, draws=40, how="")
    two_sided = ttest_1samp(GIVEN, 0)
    assert found.p == pytest.approx(two_sided.pvalue)
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(two_sided.confidence_interval()))
    less, greater = (ttest_1samp(GIVEN, 0, alternative=side) for side in ("less", "greater"))
    assert (found.p_below, found.p_above) == pytest.approx((less.pvalue, greater.pvalue))
    assert (found.lower, found.upper) == pytest.approx((greater.confidence_interval().low, less.confidence_interval().high))
    assert found.mde == pytest.approx(2.8 * se)


@pytest.mark.parametrize("difference", [-0.21, -0.16, 0.0, 0.16, 0.21])
def test_a_p_value_is_small_exactly_where_the_interval_leaves_out_0(difference: float) -> None:
    found = by_student("mae", 1.0, 1.0 + difference, n=50, se=0.1, draws=50, how="")
    assert found.ci_low is not None
    assert found.ci_high is not None
    assert found.upper is not None
    assert found.p_below is not None
    assert found.is_told == (not found.ci_low <= 0 <= found.ci_high)
    assert (found.p_below < 0.05) == (found.upper < 0)


def test_an_interval_does_not_reach_further_than_the_metric() -> None:
    found = by_student("f1_macro", 0.9, 0.2, n=4, se=0.4, draws=4, how="", reach=1.0)
    assert (found.ci_low, found.lower) == (-1.0, -1.0)


def test_one_draw_tells_nothing() -> None:
    found = by_student("mae", 1.0, 2.0, n=9, se=0.0, draws=1, how="")
    assert (found.difference, found.p, found.ci_low) == (1.0, None, None)
    assert "fewer than two independent rows" in (found.reason or "")


def test_where_no_draw_differs_a_few_in_so_many_might_have() -> None:
    found = by_student("f1_macro", 0.9, 0.9, n=100, se=1e-18, draws=100, how="x", reach=1.0)
    assert (found.ci_low, found.ci_high) == tango(0, 0, 100)
    assert (found.lower, found.upper) == tango(0, 0, 100, 0.90)
    assert (found.p, found.p_below, found.p_above) == (1.0, 1.0, 1.0)
    assert found.mde is not None
    assert found.mde > 0.04
    assert found.signature == "x|no-draw-differs:tango95"
    endless = by_student("mae", 0.9, 0.9, n=100, se=0.0, draws=100, how="x")
    assert (str(endless.ci_low), endless.ci_high, endless.mde) == ("0.0", 0.0, None)
    in_buckets = by_student("f1_macro", 0.9, 0.9, n=100, se=0.0, draws=10, how="x", reach=1.0, units=100)
    assert in_buckets == found


def test_where_all_draws_moved_alike_it_is_a_sign_test() -> None:
    found = by_student("mae", 0.5, 0.25, n=6, se=1e-17, draws=6, how="")
    assert (found.ci_low, found.ci_high) == (-0.25, -0.25)
    assert (found.p, found.p_below, found.p_above) == (2 / 64, 1 / 64, 1.0)
