"""Numbers in bins: the laws of tallies, and bins that anybody else would count alike."""

from collections.abc import Callable
from math import ceil, log
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc import jsonio
from evalsvc.metrics import LatencySketch
from evalsvc.metrics.histogram import BINS_SHOWN, HistogramTally

DRAWS: dict[str, Callable[[Random], float]] = {
    "few": lambda random: random.choice((0.0, 0.5, 0.8, 1.0)),
    "shares": lambda random: random.random(),
    "both signs": lambda random: random.gauss(0, 40),
    "long tail": lambda random: random.lognormvariate(0, 3),
    "huge and tiny": lambda random: random.choice((-1, 1)) * 10 ** random.uniform(-12, 300),
}
every_draw = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS.keys())


def drawn(draw: Callable[[Random], float], n: int = 400, seed: int = 1) -> list[float]:
    random = Random(seed)
    return [draw(random) for _ in range(n)]


def of(numbers: list[float], most: int = 60) -> HistogramTally:
    tally = HistogramTally(most=most)
    for number in numbers:
        tally.update(number)
    return tally


@every_draw
def test_merging_is_associative_and_commutative_and_leaves_both_as_they_were(draw: Callable[[Random], float]) -> None:
    a, b, c = (of(drawn(draw, 50, seed)) for seed in (1, 2, 3))
    before = a.state(), b.state()
    assert a.merge(b).merge(c) == a.merge(b.merge(c)) == c.merge(a).merge(b)
    assert (a.state(), b.state()) == before
    assert a.merge(of([])) == a == of([]).merge(a)


@every_draw
def test_shards_and_order_do_not_matter(draw: Callable[[Random], float]) -> None:
    numbers = drawn(draw)
    whole = of(numbers)
    assert whole == of(numbers[::-1]) == of(numbers[:7]).merge(of(numbers[7:])) == of(numbers[7:]).merge(of(numbers[:7]))
    assert jsonio.dumps(whole.state()) == jsonio.dumps(of(sorted(numbers)).state())
    assert len(whole.cells) <= 60


@every_draw
def test_the_state_goes_through_json_and_back(draw: Callable[[Random], float]) -> None:
    for tally in (of([]), of(drawn(draw))):
        again = HistogramTally.from_state(jsonio.loads(jsonio.dumps(tally.state())))
        assert (again, again.value()) == (tally, tally.value())


@every_draw
def test_no_row_is_lost_and_the_bins_are_few_and_equally_wide(draw: Callable[[Random], float]) -> None:
    numbers = drawn(draw)
    shown = of(numbers, most=2000).value()
    assert shown is not None
    assert sum(shown["counts"]) + shown["below"] + shown["above"] == len(numbers)
    assert len(shown["edges"]) == len(shown["counts"]) + 1 <= BINS_SHOWN + 1
    assert np.diff(shown["edges"]) == pytest.approx(shown["edges"][1] - shown["edges"][0], rel=1e-6)


@pytest.mark.parametrize("name", ["shares", "both signs"])
def test_bins_are_those_of_numpy(name: str) -> None:
    numbers = drawn(DRAWS[name])
    shown = of(numbers, most=2000).value()
    assert shown is not None
    assert (shown["below"], shown["above"]) == (0, 0)
    assert len(shown["counts"]) >= BINS_SHOWN / 3
    # numpy's last bin holds its upper end too, and here nothing lies there
    assert shown["counts"] == np.histogram(numbers, np.array(shown["edges"]))[0].tolist()


@settings(deadline=None)
@given(st.lists(st.integers(0, 1000).map(lambda number: number / 1000), min_size=1, max_size=80))
def test_a_number_on_an_edge_is_in_the_bin_above_it_and_the_last_one_holds_its_end(numbers: list[float]) -> None:
    shown = of(numbers, most=2000).between(0, 1)
    assert shown is not None
    thousandths = [min(round(number * 1000), 999) for number in numbers]
    assert shown["counts"] == [sum(50 * place <= one < 50 * place + 50 for one in thousandths) for place in range(20)]
    assert (shown["edges"][1], shown["edges"][-1], shown["below"], shown["above"]) == (0.05, 1.0, 0, 0)


def test_a_few_rows_far_out_do_not_flatten_all_others() -> None:
    numbers = [*drawn(DRAWS["shares"], 2000), 1e6, 2e6, -5e5]
    shown = of(numbers, most=2000).value()
    assert shown is not None
    assert -0.1 <= shown["edges"][0] <= shown["edges"][-1] <= 1.2
    # of 2,003 rows ten at each side are left to the open ends, and those in the same bin with the eleventh are not
    assert 2 <= shown["above"] <= 10
    assert 1 <= shown["below"] <= 10


def test_numbers_that_are_nearly_all_the_same_are_shown_with_the_others() -> None:
    shown = of([0.0] * 999 + [5.0]).value()
    assert shown is not None
    assert (shown["below"], shown["above"]) == (0, 0)
    assert (shown["counts"][0], shown["counts"][-1]) == (999, 1)


def test_nothing_has_no_bins() -> None:
    assert of([]).value() is of([]).between(0, 1) is None


def test_where_twenty_bins_do_not_fit_others_are_taken() -> None:
    tally = of([float(number) for number in range(7)], most=3)
    assert tally.width > 10**9
    assert tally.between(0, 7) == tally.value()


def test_rows_of_one_number_are_told_while_they_can_be() -> None:
    tally = of([1, 2, 2, 4.1])  # 4.1 · 1e9 is a little less than a whole number of units
    assert [tally.at(rating) for rating in (1, 2, 3, 4.1)] == [1, 2, 0, 1]


# latencies -------------------------------------------------------------------------------------------------------


def sketched(seconds: list[float]) -> LatencySketch:
    sketch = LatencySketch.empty()
    for one in seconds:
        sketch.update(one)
    return sketch


@settings(deadline=None)
@given(st.lists(st.floats(1e-6, 1e5), min_size=1, max_size=50), st.integers(2, 60))
def test_latencies_are_counted_in_few_bins_that_hold_them(seconds: list[float], most: int) -> None:
    shown = sketched(seconds).histogram(most)
    assert shown is not None
    edges, counts = shown["edges_s"], shown["counts"]
    assert len(edges) == len(counts) + 1 <= most + 1
    assert sum(counts) == len(seconds)
    assert counts[0] > 0 < counts[-1]
    # two of a hundred is how wide a bucket of the sketch is
    assert edges[0] <= min(seconds) * 1.0001
    assert max(seconds) <= edges[-1] * 1.0001
    assert np.diff(np.log(edges)) == pytest.approx(log(edges[1] / edges[0]), rel=1e-6)


def test_each_latency_is_between_the_edges_of_its_bin() -> None:
    seconds = drawn(lambda random: random.lognormvariate(-1, 1), 3000)
    shown = sketched(seconds).histogram()
    assert shown is not None
    expected = np.histogram(seconds, np.array(shown["edges_s"]))[0]
    assert np.abs(expected - np.array(shown["counts"])).sum() <= 2
    assert ceil(log(max(seconds) / min(seconds)) / 0.02) / 60 > 1  # they had to be thrown together


def test_no_latency_has_no_histogram() -> None:
    assert LatencySketch.empty().histogram() is None
