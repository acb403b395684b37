"""Which rows are drawn: always the same ones, whatever came first."""

from random import Random

import pytest

from evalsvc import jsonio
from evalsvc.metrics.drawn import Drawing, DrawnTally, SampleTally
from evalsvc.records import Outcome, Score


def pair_of(score: Score) -> tuple[float, float] | None:
    return None if score.prediction is None else (float(score.target or 0), float(score.prediction))


PAIRS = Drawing(name="residual", pair=pair_of)
SHARES = Drawing(name="token_f1")


def rows(n: int, seed: int = 1) -> list[tuple[Score, int]]:
    random = Random(seed)
    return [(row(random, number), random.getrandbits(64)) for number in range(n)]


def row(random: Random, number: int) -> Score:
    said = None if random.random() < 0.1 else repr(random.gauss(0, 3))
    scores = None if random.random() < 0.1 else {"token_f1": random.random()}
    return Score(id=str(number), repeat=0, target="2", prediction=said, outcome=Outcome.SCORED, rule=None, scores=scores)


def of(drawing: Drawing, items: list[tuple[Score, int]]) -> DrawnTally:
    tally = DrawnTally(drawing=drawing, sample=SampleTally(most=20))
    for score, hashed in items:
        tally.update(score, hashed)
    return tally


both = pytest.mark.parametrize("drawing", [PAIRS, SHARES], ids=["pairs", "scores"])


@both
def test_shards_and_order_do_not_matter(drawing: Drawing) -> None:
    items = rows(100)
    whole = of(drawing, items)
    assert whole == of(drawing, items[::-1]) == of(drawing, items[:7]).merge(of(drawing, items[7:]))
    assert jsonio.dumps(whole.state()) == jsonio.dumps(of(drawing, items[::-1]).state())
    assert whole.merge(of(drawing, [])) == whole == of(drawing, []).merge(whole)


@both
def test_the_state_goes_through_json_and_back(drawing: Drawing) -> None:
    for tally in (of(drawing, []), of(drawing, rows(100))):
        assert DrawnTally.from_state(jsonio.loads(jsonio.dumps(tally.state())), drawing) == tally


@both
def test_merging_leaves_both_as_they_were(drawing: Drawing) -> None:
    a, b = of(drawing, rows(30)), of(drawing, rows(30, 2))
    before = a.state(), b.state()
    a.merge(b).update(*rows(1, 3)[0])
    assert (a.state(), b.state()) == before


def test_the_rows_with_the_lowest_hashes_are_drawn() -> None:
    items = rows(100)
    tally = of(PAIRS, items)
    with_numbers = sorted((hashed, pair_of(score)) for score, hashed in items if score.prediction is not None)
    assert tally.sample.chosen == with_numbers[:20]
    assert tally.sample.rows == tally.histogram.rows == len(with_numbers)


def test_of_scores_nothing_is_drawn_but_how_they_are_spread() -> None:
    items = rows(100)
    tally = of(SHARES, items)
    assert tally.sample.chosen == []
    assert tally.histogram.rows == sum(score.scores is not None for score, _ in items)
