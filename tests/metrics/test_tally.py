from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc import jsonio
from evalsvc.errors import UsageError
from evalsvc.metrics import ConfusionTally, LatencySketch, OutcomeTally, ServedTally
from evalsvc.records import Outcome, Score
from tests.metrics.laws import EXAMPLES, Example

every_tally = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())


def thirty(example: Example, seed: int) -> list[object]:
    random = Random(seed)
    return [example.item(random) for _ in range(30)]


@every_tally
def test_merging_is_associative_and_commutative(example: Example) -> None:
    a, b, c = (example.of(thirty(example, seed)) for seed in (1, 2, 3))
    assert a.merge(b).merge(c) == a.merge(b.merge(c)) == c.merge(a).merge(b)


@every_tally
def test_an_empty_tally_changes_nothing(example: Example) -> None:
    tally = example.of(thirty(example, 1))
    assert tally.merge(example.empty()) == tally == example.empty().merge(tally)


@every_tally
def test_shards_and_order_do_not_matter(example: Example) -> None:
    items = thirty(example, 1)
    assert example.of(items[:7]).merge(example.of(items[7:])) == example.of(items[::-1])


@every_tally
def test_merging_leaves_both_as_they_were(example: Example) -> None:
    a, b = example.of(thirty(example, 1)), example.of(thirty(example, 2))
    before = a.state(), b.state()
    a.merge(b).update(example.item(Random(3)))
    assert (a.state(), b.state()) == before


@every_tally
def test_the_state_goes_through_json_and_back(example: Example) -> None:
    for tally in (example.empty(), example.of(thirty(example, 1))):
        again = example.from_state(jsonio.loads(jsonio.dumps(tally.state())))
        assert again == tally
        assert again.value() == tally.value()


@every_tally
def test_equal_tallies_have_equal_states_byte_for_byte(example: Example) -> None:
    items = thirty(example, 1)
    assert jsonio.dumps(example.of(items).state()) == jsonio.dumps(example.of(items[::-1]).state())


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "latency"])
def test_an_update_can_be_taken_back(name: str) -> None:
    example = EXAMPLES[name]
    items = thirty(example, 1)
    tally = example.of(items)
    for item in items[10:]:
        tally.update(item, -1)
    assert tally == example.of(items[:10])


@every_tally
def test_an_empty_tally_can_be_asked_for_its_value(example: Example) -> None:
    assert example.empty().value() == example.from_state(example.empty().state()).value()


def test_outcomes_are_counted_alike_by_both_tallies() -> None:
    items = [item for item in thirty(EXAMPLES["outcomes"], 5) if isinstance(item, Score)]
    confusion, outcomes = EXAMPLES["confusion"].of(list(items)), EXAMPLES["outcomes"].of(list(items))
    assert isinstance(confusion, ConfusionTally)
    assert isinstance(outcomes, OutcomeTally)
    assert confusion.value() == outcomes.value()
    assert confusion.cut == outcomes.cut
    assert sum(confusion.value().values()) == len(items)


def test_a_target_that_is_no_label_is_refused_by_name() -> None:
    score = Score(id="9", repeat=0, target="junk", prediction="spam", outcome=Outcome.WRONG, rule="exact")
    with pytest.raises(UsageError, match="row '9': 'junk' is not one of the labels"):
        ConfusionTally.empty(("spam", "ham")).update(score)


def test_tallies_over_different_labels_are_not_merged() -> None:
    with pytest.raises(ValueError, match="different labels"):
        ConfusionTally.empty(("a", "b")).merge(ConfusionTally.empty(("b", "a")))


@given(st.lists(st.floats(min_value=1e-6, max_value=1e5), min_size=1), st.floats(min_value=0, max_value=1))
def test_quantiles_are_within_one_percent_of_the_exact_ones(durations_s: list[float], q: float) -> None:
    sketch = LatencySketch.empty()
    for seconds in durations_s:
        sketch.update(seconds)
    exact = sorted(durations_s)[int(q * (len(durations_s) - 1))]
    assert sketch.quantile(q) == pytest.approx(exact, rel=0.0101)
    assert sketch.max_s == max(durations_s)


def test_the_name_that_most_answers_came_under_stands_first() -> None:
    tally = ServedTally.empty()
    for name in ("b", "c", "a", "c", None):
        tally.update(name)
    assert list(tally.value().items()) == [("c", 2), ("a", 1), ("b", 1)]
    assert tally.unnamed == 1


def test_a_duration_of_zero_is_counted() -> None:
    sketch = LatencySketch.empty()
    sketch.update(0.0)
    assert sketch.value() == {"p50": 0.0, "p90": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}


def test_no_durations_have_no_quantiles() -> None:
    assert set(LatencySketch.empty().value().values()) == {None}
