from fractions import Fraction
from math import floor
from random import Random
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc import jsonio
from evalsvc.metrics.means import MOST_SLICES, MeanTally, SlicedMean, in_parts, in_units, mean_metric, with_slices

SCORES = [0.1, 0.25, 0.5, 0.9, 4.0, -3.5, 1e-9, 123456.789]


def of(scores: list[float], *, clusters: list[int] | None = None) -> MeanTally:
    tally = MeanTally.empty(clustered=clusters is not None)
    for index, score in enumerate(scores):
        tally.update(score, cluster=clusters[index] if clusters else 0)
    return tally


def test_a_mean_is_exact_to_a_unit_of_2_to_the_minus_40() -> None:
    exact = sum(map(Fraction, SCORES), Fraction()) / len(SCORES)
    assert abs(Fraction(of(SCORES).value() or 0) - exact) <= Fraction(1, 2**40)
    assert in_units(1e308) == int(1e308) << 40


@given(value=st.floats(allow_nan=False, allow_infinity=False), bits=st.sampled_from([0, 40, 64]))
def test_the_nearest_whole_number_of_parts_is_that_of_the_exact_fraction(value: float, bits: int) -> None:
    assert in_parts(value, 1 << bits) == floor(Fraction(value) * 2**bits + Fraction(1, 2))


def test_the_interval_of_independent_rows_is_students() -> None:
    """t(0.975, 4) is 2.776445 in every table."""
    scores = [1.0, 2.0, 4.0, 8.0, 16.0]
    half = 2.7764451051977987 * stdev(scores) / 5**0.5
    assert of(scores).interval() == pytest.approx((fmean(scores) - half, fmean(scores) + half))


def test_clusters_of_one_row_are_independent_rows() -> None:
    assert of(SCORES, clusters=list(range(len(SCORES)))).interval() == pytest.approx(of(SCORES).interval())


def test_rows_that_are_copies_of_each_other_count_once() -> None:
    copies = [score for score in SCORES for _ in range(5)]
    clusters = [index for index in range(len(SCORES)) for _ in range(5)]
    assert of(copies, clusters=clusters).interval() == pytest.approx(of(SCORES).interval())


@pytest.mark.parametrize("scores", [[], [0.5]])
def test_fewer_than_two_rows_have_no_interval(scores: list[float]) -> None:
    metric = mean_metric(of(scores), clustered_by=None)
    assert (metric["ci_low"], metric["ci_high"]) == (None, None)
    assert ("reason" in metric) == (not scores)


def test_one_cluster_has_no_interval_however_many_rows_it_has() -> None:
    assert of(SCORES, clusters=[7] * len(SCORES)).interval() is None


def test_sums_beyond_64_bits_go_through_json_and_back() -> None:
    tally = of([1e300, -1e300, 0.1], clusters=[1, 2, 2])
    assert MeanTally.from_state(jsonio.loads(jsonio.dumps(tally.state()))) == tally


def test_the_signature_says_what_was_clustered() -> None:
    assert mean_metric(of([0.0, 1.0]), clustered_by=None)["signature"] == "mean|ci:t95|v:1"
    metric = mean_metric(of([0.0, 1.0], clusters=[1, 2]), clustered_by="group")
    assert metric["signature"] == "mean|ci:cluster-t95|clusters:group|n-clusters:2|v:1"


def test_slices_add_up_to_the_whole() -> None:
    random, sliced = Random(1), SlicedMean.empty(clustered=False)
    for _ in range(100):
        sliced.update(random.random(), [("target", random.choice("ab")), ("kind", random.choice("xyz"))], cluster=0)
    metric = with_slices(sliced, clustered_by=None)
    for parts in metric["slices"].values():
        assert sum(int(part["n"] or 0) for part in parts.values()) == metric["n"] == 100
        weighted = sum((part["value"] or 0) * (part["n"] or 0) for part in parts.values()) / 100
        assert weighted == pytest.approx(metric["value"])
    assert list(metric["slices"]) == ["kind", "target"]


def test_a_column_of_texts_makes_no_slices() -> None:
    sliced = SlicedMean.empty(clustered=False)
    for number in range(MOST_SLICES + 50):
        sliced.update(1.0, [("target", f"text {number}"), ("kind", "a")], cluster=0)
    assert list(with_slices(sliced, clustered_by=None)["slices"]) == ["kind"]
    assert len(sliced.slices["target"]) == MOST_SLICES + 1
