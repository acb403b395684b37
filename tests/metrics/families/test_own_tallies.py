"""The laws of metrics/tally.py over the tallies that metrics of their own keep."""

from collections.abc import Callable
from random import Random

import pytest

from evalsvc import jsonio
from evalsvc.metrics.families import passes, regression
from evalsvc.metrics.families.metric import OwnMetric, ScoreTally
from evalsvc.records import Outcome, Score
from tests.metrics.families.answers import score, setting, wanted

Item = tuple[Score, int]


def _answered(random: Random) -> Item:
    outcome = random.choice((Outcome.CORRECT, Outcome.WRONG, Outcome.ERROR, Outcome.SCORED))
    id_ = str(random.randrange(12))
    return score("y", outcome=outcome, id_=id_, repeat=random.randrange(9)), int(id_) % 3


def _number(random: Random) -> Item:
    prediction = random.choice((None, repr(random.gauss(0, 1)), str(random.randrange(3))))
    return score(prediction, str(random.randrange(5))), random.getrandbits(64)


GROUPED = {"dataset": {"path": "d.jsonl", "group": "g"}}
EXAMPLES: dict[str, tuple[OwnMetric, Callable[[Random], Item]]] = {}
for _name, _more in {"": {}, " by group": GROUPED}.items():
    _passes = passes.build(wanted("pass_at_k", k=2), setting("qa", repeats=9, **_more))
    _spearman = regression.build(wanted("spearman"), setting("regression", **_more))
    assert isinstance(_spearman, OwnMetric)
    EXAMPLES |= {f"pass_at_k{_name}": (_passes, _answered), f"spearman{_name}": (_spearman, _number)}

every_tally = pytest.mark.parametrize(("metric", "item"), EXAMPLES.values(), ids=EXAMPLES.keys())


def items(item: Callable[[Random], Item], seed: int = 1) -> list[Item]:
    random = Random(seed)
    return [item(random) for _ in range(60)]


def of(metric: OwnMetric, rows: list[Item]) -> ScoreTally:
    tally = metric.empty()
    for row, cluster in rows:
        tally.update(row, cluster=cluster)
    return tally


@every_tally
def test_merging_is_associative_and_commutative(metric: OwnMetric, item: Callable[[Random], Item]) -> None:
    a, b, c = (of(metric, items(item, seed)) for seed in (1, 2, 3))
    assert a.merge(b).merge(c) == a.merge(b.merge(c)) == c.merge(a).merge(b)
    assert a != b


@every_tally
def test_an_empty_tally_changes_nothing(metric: OwnMetric, item: Callable[[Random], Item]) -> None:
    tally = of(metric, items(item))
    assert tally.merge(metric.empty()) == tally == metric.empty().merge(tally)
    assert set(metric.empty().value()) == set(metric.names)


@every_tally
def test_shards_and_order_do_not_matter(metric: OwnMetric, item: Callable[[Random], Item]) -> None:
    rows = items(item)
    whole, shards = of(metric, rows), of(metric, rows[:7]).merge(of(metric, rows[7:]))
    backwards = of(metric, rows[::-1])
    assert whole == shards == backwards
    assert whole.value() == shards.value() == backwards.value()
    assert jsonio.dumps(whole.state()) == jsonio.dumps(shards.state()) == jsonio.dumps(backwards.state())


@every_tally
def test_merging_leaves_both_as_they_were(metric: OwnMetric, item: Callable[[Random], Item]) -> None:
    a, b = of(metric, items(item, 1)), of(metric, items(item, 2))
    before = a.state(), b.state()
    row, cluster = items(item, 3)[0]
    a.merge(b).update(row, cluster=cluster)
    assert (a.state(), b.state()) == before


@every_tally
def test_the_state_goes_through_json_and_back(metric: OwnMetric, item: Callable[[Random], Item]) -> None:
    for tally in (metric.empty(), of(metric, items(item))):
        again = metric.from_state(jsonio.loads(jsonio.dumps(tally.state())))
        assert again == tally
        assert again.value() == tally.value()
        row, cluster = items(item, 4)[0]
        again.update(row, cluster=cluster)
