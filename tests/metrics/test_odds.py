"""Counts on the log-odds scale: exact while they can be, and near enough when they cannot."""

from math import exp, log, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.metrics.odds import UNITS_PER_NAT, OddsTally, log_odds, probability_at
from evalsvc.metrics.ranking import VALUES, average_precision, intervals, roc_auc, usual_variance


def drawn(n: int, *, most: int, seed: int = 0) -> OddsTally:
    random, tally = Random(seed), OddsTally(most=most)
    for _ in range(n):
        own = random.random() < 0.3
        tally.update(int(random.gauss(6.0 if own else -6.0, 6.0) * UNITS_PER_NAT), of_label=own)
    return tally


@given(st.floats(1e-12, 1 - 1e-12))
def test_log_odds_are_near_to_the_real_ones_and_lead_back(probability: float) -> None:
    units = log_odds(probability, 1 - probability)
    assert units / UNITS_PER_NAT == pytest.approx(log(probability / (1 - probability)), abs=1e-9)
    assert probability_at(units) == pytest.approx(probability, rel=1e-8)


def test_probabilities_that_both_are_shown_as_one_are_told_apart() -> None:
    assert log_odds(1 - 1e-17, 1e-17) < log_odds(1 - 1e-20, 1e-20)


@pytest.mark.parametrize("extreme", [(1.0, 0.0), (1.0, 5e-324), (1e-300, 1.0), (0.0, 1.0)])
def test_extremes_have_ends(extreme: tuple[float, float]) -> None:
    assert abs(log_odds(*extreme)) == 100 * UNITS_PER_NAT


def test_exact_counts_become_bins_when_there_are_too_many() -> None:
    assert drawn(900, most=1000).exact
    assert not drawn(1100, most=1000).exact


@pytest.mark.parametrize("most", [10, 100, 1000, 3000])
def test_how_wide_the_bins_are_does_not_depend_on_shards(most: int) -> None:
    whole = OddsTally(most=most)
    parts = [OddsTally(most=most) for _ in range(3)]
    for cluster, units, own, rows in drawn(2000, most=10_000).rows():
        for _ in range(rows):
            whole.update(units, of_label=own, cluster=cluster)
            parts[units % 3].update(units, of_label=own, cluster=cluster)
    assert parts[0].merge(parts[1]).merge(parts[2]) == whole == parts[2].merge(parts[0]).merge(parts[1])


def test_a_small_shard_takes_on_the_bins_of_a_large_one() -> None:
    large, small, whole = drawn(1100, most=1000), OddsTally(most=1000), drawn(1100, most=1000)
    for tally in (small, whole):
        tally.update(12_345, of_label=True)
    assert small.exact
    assert small.merge(large) == large.merge(small) == whole


def test_bins_move_the_area_by_next_to_nothing() -> None:
    exact, binned = drawn(30_000, most=10**6), drawn(30_000, most=20_000)
    assert (exact.resolution, binned.resolution) == ("exact", "bins:1/256-nat")
    assert roc_auc(binned.curve()) == pytest.approx(roc_auc(exact.curve()) or 0.0, abs=2e-6)
    assert average_precision(binned.curve()) == pytest.approx(average_precision(exact.curve()) or 0.0, abs=1e-4)


@pytest.mark.parametrize("level", range(6))
def test_a_curve_in_bins_is_that_of_rows_that_were_counted_in_bins(level: int) -> None:
    tally = drawn(300, most=1000)
    once, twice = tally.curve().rounded(level), tally.rounded(level).curve()
    for mine, other in ((once.units, twice.units), (once.own, twice.own), (once.others, twice.others)):
        assert mine.tolist() == other.tolist()


@pytest.mark.parametrize("name", VALUES)
def test_few_rows_of_a_label_leave_its_ranking_open(name: str) -> None:
    """One row drawn again and again is always the same row: its spread says nothing of other rows of the label."""
    widths = []
    for rows in (1, 2, 5, 40):
        random, tally = Random(1), OddsTally()
        for row in range(400):
            tally.update(int(random.gauss(1.0 if row < rows else 0.0, 1.0) * UNITS_PER_NAT), of_label=row < rows)
        low, high = intervals(tally)[name]
        assert low <= (VALUES[name](tally.curve()) or 0.0) <= high
        widths.append(high - low)
    one, two, five, forty = widths
    assert min(one, two) > 0.5
    assert five > forty


def test_a_ranking_whose_draws_hardly_differ_is_not_taken_for_a_sure_one() -> None:
    """All twenty rows of the label have the same few others above them: draws of these rows say little of other twenty."""
    tally = OddsTally()
    for _ in range(20):
        tally.update(5 * UNITS_PER_NAT, of_label=True)
    for number in range(300):
        tally.update((9 if number < 15 else 1) * UNITS_PER_NAT, of_label=False)
    low, _ = intervals(tally, replicates=200)["roc_auc"]
    value, usual = 0.95, usual_variance(0.95, 20, 300)
    assert low < 1 / (1 + exp(-(log(value / (1 - value)) - 2.09 * sqrt(usual / 3) / (value * (1 - value)))))
