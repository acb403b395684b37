"""Shares over the same rows: Tango's interval against published ones, tests against scipy and against counting all cases."""

from itertools import product
from math import comb, log, sqrt

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest, multinomial, norm

from evalsvc.compare.proportions import mcnemar, sign_flips, tango
from evalsvc.metrics.intervals import Z_95

# Rows that turned right, that turned wrong, all rows, confidence; the interval as printed.
PUBLISHED = [
    (9, 3, 32, 0.95, (-0.027, 0.390)),  # Tango 1998
    (0, 1, 44, 0.90, (-0.096, 0.037)),  # Tango 1998, soft contact lenses
    (16, 8, 86, 0.95, (-0.020, 0.207)),  # Agresti and Min 2005
    (1, 7, 21, 0.95, (-0.517, -0.026)),  # Fagerland, Lydersen and Laake 2014
]


@pytest.mark.parametrize(("to_right", "to_wrong", "n", "confidence", "printed"), PUBLISHED)
def test_tangos_interval_is_the_published_one(
    to_right: int, to_wrong: int, n: int, confidence: float, printed: tuple[float, float]
) -> None:
    assert tango(to_right, to_wrong, n, confidence) == pytest.approx(printed, abs=0.0006)


def score_statistic(difference: float, to_right: int, to_wrong: int, n: int) -> float:
    """By maximising the likelihood over the share of rows that turn wrong, without Tango's formula for where that is."""

    def negative_log_likelihood(down: float) -> float:
        counts, chances = (to_right, to_wrong, n - to_right - to_wrong), (down + difference, down, 1 - 2 * down - difference)
        return -sum(count * log(max(chance, 1e-300)) for count, chance in zip(counts, chances, strict=True))

    bounds = (max(0.0, -difference), (1 - difference) / 2)
    down = minimize_scalar(negative_log_likelihood, bounds=bounds, method="bounded", options={"xatol": 1e-13}).x
    return float((to_right - to_wrong - n * difference) / sqrt(n * (2 * down + difference - difference**2)))


@pytest.mark.parametrize(("to_right", "to_wrong", "n"), [(9, 3, 32), (40, 20, 160), (1, 7, 500), (25, 25, 500), (12, 1, 14)])
def test_the_ends_are_where_the_score_statistic_is_as_large_as_chance_makes_it(to_right: int, to_wrong: int, n: int) -> None:
    low, high = tango(to_right, to_wrong, n)
    assert score_statistic(low, to_right, to_wrong, n) == pytest.approx(Z_95, abs=1e-4)
    assert score_statistic(high, to_right, to_wrong, n) == pytest.approx(-Z_95, abs=1e-4)


@pytest.mark.parametrize("n", [1, 5, 300])
def test_the_interval_is_sane_where_no_row_turned_and_where_all_did(n: int) -> None:
    half = Z_95**2 / (n + Z_95**2)
    assert tango(0, 0, n) == pytest.approx((-half, half))
    low, high = tango(n, 0, n)
    assert high == 1.0
    assert -1 < low < 1
    assert tango(0, n, n) == (-1.0, -low)


def test_swapping_the_sides_mirrors_the_interval() -> None:
    low, high = tango(17, 4, 250)
    assert tango(4, 17, 250) == (-high, -low)


@pytest.mark.parametrize("counts", [(-1, 0, 10), (0, 0, 0), (6, 5, 10)])
def test_counts_that_cannot_be_are_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="cannot have turned"):
        tango(*counts)


def outcomes(n: int, up: float, down: float) -> list[tuple[int, int, float]]:
    """All counts there can be, with their chances."""
    of = multinomial(n, [up, down, 1 - up - down])
    return [(b, c, float(of.pmf([b, c, n - b - c]))) for b, c in product(range(n + 1), repeat=2) if b + c <= n]


@pytest.mark.parametrize(("up", "down"), [(0.05, 0.05), (0.15, 0.05), (0.02, 0.1), (0.3, 0.2)])
def test_the_interval_holds_the_true_difference_nineteen_times_out_of_twenty(up: float, down: float) -> None:
    """Exactly, over all counts of 40 rows; so do the bounds on one side."""
    held = below = above = 0.0
    for b, c, chance in outcomes(40, up, down):
        low, high = tango(b, c, 40)
        lower, upper = tango(b, c, 40, 0.90)
        held += chance * (low <= up - down <= high)
        below += chance * (lower > up - down)
        above += chance * (upper < up - down)
    assert 0.93 < held < 0.98
    assert max(below, above) < 0.065


def test_mid_p_is_the_published_one() -> None:
    assert mcnemar(1, 7).two_sided == pytest.approx(0.0391, abs=5e-5)  # Fagerland et al. 2013
    assert mcnemar(0, 0).two_sided == 1.0
    assert mcnemar(3, 3).two_sided == pytest.approx(1 - comb(6, 3) / 2**6 / 2)


@pytest.mark.parametrize(("to_right", "to_wrong"), [(0, 1), (0, 9), (12, 30), (30, 12), (8, 8), (700, 640)])
def test_one_sided_tests_are_exact_binomial_ones(to_right: int, to_wrong: int) -> None:
    found = mcnemar(to_right, to_wrong)
    turned = to_right + to_wrong
    assert found.below == pytest.approx(binomtest(to_right, turned, alternative="less").pvalue)
    assert found.above == pytest.approx(binomtest(to_right, turned, alternative="greater").pvalue)
    exact = binomtest(to_right, turned).pvalue
    assert found.two_sided == pytest.approx(exact - binomtest_point(to_right, turned) * (0.5 if to_right == to_wrong else 1.0))


def binomtest_point(hits: int, n: int) -> float:
    return float(comb(n, hits) / 2**n)


def test_neutral_changes_fall_below_five_percent_no_oftener_than_that_however_many_rows_turn() -> None:
    """A z-test lets through more of them: 6 % of fifty rows that turn."""
    for turned in range(1, 300):
        chances = [binomtest_point(hits, turned) for hits in range(turned + 1)]
        assert sum(chance for hits, chance in enumerate(chances) if mcnemar(hits, turned - hits).below < 0.05) <= 0.05
    z_test = sum(binomtest_point(hits, 50) for hits in range(51) if (50 - 2 * hits) / sqrt(50) > 1.645)
    assert z_test > 0.059


@pytest.mark.parametrize("differences", [[1, -2, 3, 0, -1], [2, 2, -1, -4], [3, -3, 1, 1, 1, -2, -2], [1, 2], [-5, 1, 1]])
def test_sign_flips_are_counted_exactly(differences: list[int]) -> None:
    turned, observed = [abs(one) for one in differences if one], sum(differences)
    sums = [sum(size * sign for size, sign in zip(turned, signs, strict=True)) for signs in product((-1, 1), repeat=len(turned))]
    found = sign_flips(differences)
    assert found is not None
    assert found.below == pytest.approx(np.mean([one <= observed for one in sums]))
    assert found.above == pytest.approx(np.mean([one >= observed for one in sums]))
    point = np.mean([one == observed for one in sums])
    expected = 1 - point / 2 if observed == 0 else 2 * min(found.below, found.above) - point
    assert found.two_sided == pytest.approx(expected)


def test_clusters_that_agree_within_themselves_are_tested_as_one_row_each() -> None:
    assert sign_flips([3] * 4 + [-3] * 11 + [0] * 80) == mcnemar(4, 11)


def test_sign_flips_of_many_clusters_are_near_the_normal_distribution() -> None:
    differences = [3] * 150 + [-2] * 180 + [1] * 20 + [-1] * 60
    found = sign_flips(differences)
    assert found is not None
    z = sum(differences) / sqrt(sum(one * one for one in differences))
    assert found.below == pytest.approx(norm.cdf(z), abs=0.01)
    assert sign_flips([1] * 6000 + [2] * 3000) is None
