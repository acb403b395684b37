"""What stands along an axis is round, in order, and has room."""

from math import exp
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.report.html.svg.axes import Axis, counts, linear, log_odds, logarithmic, ticks, time, within
from evalsvc.report.html.svg.picture import WIDTH, stacked
from tests.report.html.drawings import check_layout


def check_axis(axis: Axis) -> None:
    """Labels are different, in order, within the axis, and have room."""
    values = [value for value, _ in axis.ticks]
    assert values == sorted(set(values))
    assert len({label for _, label in axis.ticks}) == len(values)
    assert all(-1e-9 <= (value - axis.low) / (axis.high - axis.low) <= 1 + 1e-9 for value in values)
    [panel], height = stacked(axis, (within(0, 1, "y"), 100.0))
    check_layout(ElementTree.fromstring(f'<svg viewBox="0 0 {WIDTH} {height}">{panel.frame()}</svg>'))


numbers = st.floats(-1e8, 1e8).map(lambda number: float(f"{number:.6g}"))


@settings(deadline=None)
@given(numbers, numbers)
def test_a_linear_axis_holds_what_it_is_given_between_round_ends(a: float, b: float) -> None:
    low, high = sorted((a, b))
    axis = linear(low, high, "x", most=4)
    # what is too little to be seen does not move an end
    assert axis.low <= low + (axis.high - axis.low) * 1e-9
    assert axis.high >= high - (axis.high - axis.low) * 1e-9
    assert (axis.low, axis.high) == (axis.ticks[0][0], axis.ticks[-1][0])
    assert 2 <= len(axis.ticks) <= 7


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.3, 1), (-2.5, 90), (0, 7e8), (1e-7, 9e-7), (-1e6, 2e6), (0, 1e12)])
def test_numbers_along_an_axis_have_room(low: float, high: float) -> None:
    check_axis(within(low, high, "x"))
    check_axis(linear(low, high, "x"))
    assert 2 <= len(ticks(low, high)) <= 7


@pytest.mark.parametrize("highest", [0, 1, 2, 3, 5, 9, 120, 10**6, 0.3])
def test_counts_are_whole_numbers_unless_they_are_rates_below_one(highest: float) -> None:
    axis = counts(highest, "rows")
    assert (axis.low, axis.high >= highest) == (0, True)
    assert len(axis.ticks) >= 2
    assert highest == 0.3 or all(value == int(value) for value, _ in axis.ticks)


@settings(deadline=None)
@given(st.floats(-5, 4), st.floats(0.02, 9))
def test_an_axis_of_durations_says_where_one_is(power: float, decades: float) -> None:
    low = 10**power
    axis = logarithmic(low, low * 10**decades, "time")
    assert len(axis.ticks) >= 2
    check_axis(axis)


@pytest.mark.parametrize("half", [1.0, 2.5, 5.0, 7.5, 9.0, 12.0, 15.0, 18.0])
def test_an_axis_of_log_odds_is_written_as_probabilities(half: float) -> None:
    axis = log_odds(half, "probability")
    check_axis(axis)
    assert (0.0, "0.5") in axis.ticks
    for value, label in axis.ticks:
        assert 1 / (1 + exp(-value)) == pytest.approx(float(label), rel=1e-6)
    assert [-value for value, _ in reversed(axis.ticks)] == pytest.approx([value for value, _ in axis.ticks])


@pytest.mark.parametrize("length_s", [0.4, 3, 59, 119, 121, 3_000, 8_000, 40_000, 400_000])
def test_a_time_is_told_in_the_unit_that_fits(length_s: float) -> None:
    axis, unit_s = time(length_s, "of asking")
    assert axis.high * unit_s == pytest.approx(length_s)
    assert len(axis.ticks) >= 2
    check_axis(axis)
