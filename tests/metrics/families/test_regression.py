from collections.abc import Sequence
from fractions import Fraction
from math import inf, sqrt
from random import Random
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from evalsvc.errors import UsageError
from evalsvc.metrics.families import regression
from evalsvc.metrics.families.metric import SumMetric
from evalsvc.metrics.families.regression import centred_pearson, centred_r2, in_units
from evalsvc.records import Outcome
from evalsvc.scoring.figures import figure_text
from tests.metrics.families.answers import answer, score, setting, wanted

NAMES = ("mae", "rmse", "r2", "pearson")
Pairs = Sequence[tuple[float, float]]

magnitudes = st.floats(1e-15, 1e6)
numbers = magnitudes | magnitudes.map(lambda number: -number) | st.integers(-5, 5).map(float)
pairs = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=40)


def metric(name: str, **more: Any) -> SumMetric:
    built = regression.build(wanted(name), setting("regression", **more))
    assert isinstance(built, SumMetric)
    return built


def rows(of: SumMetric, data: Pairs) -> list[Sequence[int]]:
    """Summands of targets and predictions, as the scorer writes them."""
    read = [of.read(score(figure_text(Fraction(prediction)), repr(target))) for target, prediction in data]
    assert None not in read
    return [summands for summands in read if summands is not None]


def sums(of: SumMetric, data: Pairs) -> list[int]:
    return [sum(column) for column in zip(*rows(of, data), strict=True)]


def value(name: str, data: Pairs) -> float | None:
    of = metric(name)
    return of.value(sums(of, data))


def by_fractions(name: str, data: Pairs) -> float | None:
    """The textbook's formula in exact arithmetic."""
    exact = [(Fraction(target), Fraction(prediction)) for target, prediction in data]
    n = len(exact)
    if name == "mae":
        return float(sum(abs(p - t) for t, p in exact) / n)
    if name == "rmse":
        return sqrt(sum((p - t) ** 2 for t, p in exact) / n)
    mean_t, mean_p = sum(t for t, _ in exact) / n, sum(p for _, p in exact) / n
    of_t, of_p = sum((t - mean_t) ** 2 for t, _ in exact), sum((p - mean_p) ** 2 for _, p in exact)
    if name == "r2":
        return float(1 - sum((p - t) ** 2 for t, p in exact) / of_t) if of_t else None
    together = sum((t - mean_t) * (p - mean_p) for t, p in exact)
    return (1 if together >= 0 else -1) * sqrt(together**2 / (of_t * of_p)) if of_t and of_p else None


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(data=pairs)
@example(data=[(1.7e9 + index / 8, 1.7e9 + index / 4) for index in range(10)])
@example(data=[(1e-20, 2e-20), (3e-20, 5e-20), (4e-20, -1e-20)])
@example(data=[(1e99, 1e98), (-1e99, 3e99), (1e-9, 1.0)])
def test_every_value_is_the_formula_in_exact_arithmetic(name: str, data: Pairs) -> None:
    expected = by_fractions(name, data)
    assert value(name, data) == (None if expected is None else pytest.approx(expected, rel=1e-15, abs=0))


@settings(deadline=None)
@given(data=pairs)
def test_errors_are_those_of_scikit_learn(data: Pairs) -> None:
    targets, predictions = zip(*data, strict=True)
    assert value("mae", data) == pytest.approx(mean_absolute_error(targets, predictions), rel=1e-12, abs=1e-30)
    assert value("rmse", data) == pytest.approx(root_mean_squared_error(targets, predictions), rel=1e-12, abs=1e-30)


@settings(deadline=None)
@given(data=pairs)
def test_correlations_are_those_of_scikit_learn_and_scipy(data: Pairs) -> None:
    """Where doubles can tell the numbers from their mean; elsewhere only the exact ones are right."""
    targets, predictions = zip(*data, strict=True)
    assume(np.std(targets) > 1e-3 * np.max(np.abs(targets)) and np.std(predictions) > 1e-3 * np.max(np.abs(predictions)))
    assert value("r2", data) == pytest.approx(r2_score(targets, predictions), rel=1e-12, abs=1e-12)
    assert value("pearson", data) == pytest.approx(pearsonr(targets, predictions).statistic, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("data", [[(3.0, 1.0)], [(3.0, 1.0), (3.0, 2.0)], [(0.1, 1.0)] * 3])
def test_without_two_different_targets_there_is_nothing_to_explain(data: Pairs) -> None:
    assert value("r2", data) is None
    assert value("pearson", data) is None
    assert "targets are the same" in metric("r2").why_none
    assert value("mae", data) is not None
    with catch_warnings():
        simplefilter("ignore")
        assert r2_score(*zip(*data, strict=True)) != value("r2", data)


def test_a_model_that_says_one_number_correlates_with_nothing() -> None:
    data = [(1.0, 3.0), (2.0, 3.0)]
    assert value("pearson", data) is None
    assert value("r2", data) == 1 - 5 / 0.5


@pytest.mark.parametrize("name", NAMES)
def test_no_rows_have_no_value(name: str) -> None:
    of = metric(name)
    assert of.value([0] * of.width) is None
    assert of.values is not None
    assert np.isnan(of.values(np.zeros((2, of.width)))).all()


@pytest.mark.parametrize("name", NAMES)
def test_rows_without_a_number_are_no_part_of_it(name: str) -> None:
    of = metric(name)
    assert of.read(score(None, "3", Outcome.UNPARSED)) is None
    assert of.read(score("3", None)) is None
    assert of.read(score("3", "3")) is not None


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(data=st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=3, max_size=20))
def test_many_at_once_are_the_same_in_doubles(name: str, data: Pairs) -> None:
    of = metric(name)
    assert of.values is not None
    table = np.array([sums(of, data), sums(of, data[1:])], dtype=np.float64)
    for fast, exact in zip(of.values(table).tolist(), (value(name, data), value(name, data[1:])), strict=True):
        assert np.isnan(fast) or fast == pytest.approx(exact, rel=1e-5, abs=1e-5)


def test_doubles_say_nothing_rather_than_nonsense_far_from_zero() -> None:
    data = [(1.7e9 + index, 1.7e9 + index % 7) for index in range(50)]
    for name in ("r2", "pearson"):
        of = metric(name)
        assert of.values is not None
        assert np.isnan(of.values(np.array([sums(of, data)], dtype=np.float64))).all()


@pytest.mark.parametrize(("name", "centre"), [("r2", centred_r2), ("pearson", centred_pearson)])
def test_taken_from_their_mean_numbers_fit_into_doubles(name: str, centre: Any) -> None:
    random = Random(1)
    data = [(1.7e9 + random.gauss(0, 9), 1.7e9 + random.gauss(0, 9)) for _ in range(50)]
    of = metric(name)
    centred = [centre(sums(of, data))(row) for row in rows(of, data)]
    assert of.values is not None
    assert of.value([sum(column) for column in zip(*centred, strict=True)]) == value(name, data)
    fast = of.values(np.array(centred, dtype=np.float64).sum(axis=0, keepdims=True))
    assert fast[0] == pytest.approx(value(name, data), rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_largest_numbers_overflow_nothing(name: str) -> None:
    data = [(1e100, -1e100), (-1e100, 1e100), (1.0, 0.5)] * 5
    of = metric(name)
    assert of.values is not None
    many = np.array([sums(of, data)], dtype=np.float64) * 1e6
    assert np.isfinite(of.values(many)).all()
    assert (value(name, data) or 0) < inf


def test_units_hold_every_double_that_is_not_tiny() -> None:
    random = Random(1)
    for _ in range(1000):
        number = random.uniform(-1, 1) * 10 ** random.uniform(-21, 100)
        assert abs(number) < 1e-22 or Fraction(in_units(number), 2**128) == Fraction(number)


def test_how_far_off_a_row_is_stands_beside_it() -> None:
    measure = metric("mae").measure
    assert measure is not None
    measured = measure(answer("2.5", "3"))
    assert measured is not None
    assert measured.scores == {"mae": 0.5}
    assert measure(answer("", "3")) is None
    assert measure(answer("3")) is None


def test_targets_are_read_as_the_config_has_them() -> None:
    of = metric("mae", scoring={"numbers": {"decimal": ","}})
    assert of.value(of.read(score("3.5", "3,5 kg")) or ()) == 0


@pytest.mark.parametrize("name", [*NAMES, "spearman"])
def test_there_are_no_options(name: str) -> None:
    with pytest.raises(UsageError, match=r"eval\.yaml:9.*it has none|no option"):
        regression.build(wanted(name, squared=True), setting("regression"))
