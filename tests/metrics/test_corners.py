"""A line through few points that runs as if it went through all."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.metrics.corners import corners

within_one = st.floats(0, 1).map(lambda number: round(number, 3))


@settings(deadline=None)
@given(st.lists(st.tuples(within_one, within_one), min_size=1, max_size=60), st.sampled_from((0.001, 0.02, 0.2)))
def test_no_point_is_farther_from_the_line_than_allowed(points: list[tuple[float, float]], within: float) -> None:
    kept = corners(np.array([x for x, _ in points]), np.array([y for _, y in points]), within)
    assert kept == sorted(set(kept))
    assert (kept[0], kept[-1]) == (0, len(points) - 1)
    for start, stop in pairwise(kept):
        assert all(distance(points[place], points[start], points[stop]) <= within * (1 + 1e-9) + 1e-12 for place in range(start, stop))


def distance(point: tuple[float, float], start: tuple[float, float], stop: tuple[float, float]) -> float:
    """From the nearest place between `start` and `stop`."""
    (x, y), (x1, y1), (x2, y2) = point, start, stop
    length = (x2 - x1) ** 2 + (y2 - y1) ** 2
    along = 0.0 if length == 0 else min(1.0, max(0.0, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length))
    return float(((x - x1 - along * (x2 - x1)) ** 2 + (y - y1 - along * (y2 - y1)) ** 2) ** 0.5)


def test_a_straight_line_needs_its_ends_alone() -> None:
    x = np.linspace(0, 1, 1000)
    assert corners(x, 3 * x, 1e-6) == [0, 999]


def test_steps_keep_their_corners() -> None:
    x, y = np.array([0, 0, 0, 0.5, 0.5, 1.0]), np.array([0, 0.2, 0.4, 0.4, 0.9, 0.9])
    assert corners(x, y, 0.001) == [0, 2, 3, 4, 5]


@pytest.mark.parametrize("within", [0.002, 0.01])
def test_a_bow_needs_few_points(within: float) -> None:
    x = np.linspace(0, 1, 20_000)
    assert len(corners(x, np.sqrt(x), within)) <= 1.5 / within**0.5
