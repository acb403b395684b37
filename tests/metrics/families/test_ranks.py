from collections.abc import Sequence
from math import sqrt
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from evalsvc.metrics.families import regression
from evalsvc.metrics.families.metric import OwnMetric
from evalsvc.metrics.families.ranks import RankTally, _exact_sum, _influence, _Ranks, interval
from evalsvc.records import MetricValue, Outcome
from tests.metrics.families.answers import score, setting, wanted

few = st.integers(-3, 3).map(float)
pairs = st.lists(st.tuples(few, few) | st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)), min_size=2, max_size=60)


def built(**more: Any) -> OwnMetric:
    found = regression.build(wanted("spearman"), setting("regression", **more))
    assert isinstance(found, OwnMetric)
    return found


def metric(data: Sequence[tuple[float, float]], clusters: Sequence[int] | None = None) -> MetricValue:
    tally = built(repeats=1 if clusters is None else 2).empty()
    for index, (target, prediction) in enumerate(data):
        tally.update(score(repr(prediction), repr(target)), cluster=0 if clusters is None else clusters[index])
    return tally.value()["spearman"]


def gaussian(random: Random, rho: float, n: int) -> list[tuple[float, float]]:
    found = [(random.gauss(0, 1), random.gauss(0, 1)) for _ in range(n)]
    return [(x, rho * x + sqrt(1 - rho * rho) * y) for x, y in found]


@settings(deadline=None)
@given(data=pairs)
def test_it_is_scipys_with_ties_and_without(data: list[tuple[float, float]]) -> None:
    targets, predictions = zip(*data, strict=True)
    assume(len(set(targets)) > 1 and len(set(predictions)) > 1)
    assert metric(data)["value"] == pytest.approx(spearmanr(targets, predictions).statistic, abs=1e-12)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ([], "no row has a number on both sides"),
        ([(1.0, 2.0)], "all targets or all predictions are the same"),
        ([(1.0, 2.0), (1.0, 3.0)], "all targets or all predictions are the same"),
        ([(1.0, 2.0), (2.0, 2.0)], "all targets or all predictions are the same"),
    ],
)
def test_without_two_different_ranks_there_is_no_correlation(data: list[tuple[float, float]], reason: str) -> None:
    found = metric(data)
    assert (found["value"], found["ci_low"], found["reason"]) == (None, None, reason)


def test_rows_without_a_number_are_no_part_of_it() -> None:
    tally = built().empty()
    tally.update(score(None, "3", Outcome.UNPARSED))
    tally.update(score("3", None))
    assert tally.value()["spearman"]["n"] == 0


@pytest.mark.parametrize("decimals", [0, 6])
def test_the_influence_of_a_row_is_what_leaving_it_out_changes(decimals: int) -> None:
    rng = np.random.default_rng(1)
    x = np.round(rng.standard_normal(200), decimals)
    y = np.round(x + rng.standard_normal(200), decimals)
    ranks = _Ranks.of(x, y)
    rho = ranks.correlation() or 0
    left_out = [(rho - (_Ranks.of(np.delete(x, row), np.delete(y, row)).correlation() or 0)) * 199 for row in range(200)]
    assert np.corrcoef(left_out, _influence(ranks, rho))[0, 1] > 0.9999
    assert np.std(left_out) == pytest.approx(np.std(_influence(ranks, rho)), rel=0.02)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_95_of_100_intervals_hold_the_true_correlation(rho: float) -> None:
    """6 / pi * asin(r / 2) of a normal distribution (Pearson 1907)."""
    random, true, hits = Random(7), 6 / np.pi * np.arcsin(rho / 2), 0
    for _ in range(400):
        found = metric(gaussian(random, rho, 100))
        hits += (found["ci_low"] or 0) <= true <= (found["ci_high"] or 0)
    assert 0.92 <= hits / 400 <= 0.985


def test_copies_of_rows_are_one_draw_each() -> None:
    data = gaussian(Random(3), 0.5, 100)
    once, copied = metric(data), metric([pair for pair in data for _ in range(4)], [row for row in range(100) for _ in range(4)])
    assert copied["value"] == pytest.approx(once["value"], abs=1e-9)
    assert copied["ci_low"] == pytest.approx(once["ci_low"], abs=1e-3)
    assert "ci:influence-z95|clusters:id|n-clusters:100" in copied["signature"]


def test_a_perfect_order_has_an_interval_that_is_not_a_point() -> None:
    found = metric([(float(row), float(row)) for row in range(20)])
    assert found["value"] == found["ci_high"] == 1
    assert 0.8 < (found["ci_low"] or 0) < 0.9


@pytest.mark.parametrize("rows", [2, 3])
def test_fewer_than_four_rows_have_no_interval(rows: int) -> None:
    found = metric([(float(row), float(row)) for row in range(rows)])
    assert (found["value"], found["ci_low"], found["ci_high"]) == (1.0, None, None)


def test_an_interval_holds_its_value_and_stays_between_minus_one_and_one() -> None:
    random = Random(5)
    for n in (4, 5, 10, 60):
        for rho in (-0.999, -0.5, 0.0, 0.999):
            ranks = _Ranks.of(*map(np.array, zip(*gaussian(random, rho, n), strict=True)))
            value = ranks.correlation() or 0.0
            low, high = interval(ranks, value) or (0, 0)
            assert -1 <= low <= value <= high <= 1


def test_sums_of_ranks_are_exact_beyond_64_bits() -> None:
    ranks = np.full(1 << 16, 1 << 24)
    assert _exact_sum(ranks, ranks) == 1 << 64


def test_clusters_are_groups_where_there_are_groups() -> None:
    tally = built(dataset={"path": "d.jsonl", "group": "g"}).empty()
    assert isinstance(tally, RankTally)
    assert tally.clustered == "group"
