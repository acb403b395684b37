"""Two runs held against each other: what counts is what holds in both orders."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from evalsvc.jsonio import dumps, loads
from evalsvc.metrics.families.pairs import PairTally
from evalsvc.metrics.intervals import wilson
from evalsvc.records import Outcome, Score

VERDICTS = ("win", "tie", "loss")


def score(id_: str, verdict: str | None, people: str | None = None, *, rule: str = "verdict_line", repeat: int = 0) -> Score:
    outcome = Outcome.UNPARSED if verdict is None else Outcome.SCORED
    return Score(id=id_, repeat=repeat, target=people, prediction=verdict, outcome=outcome, rule=rule)


def both(name: str, verdicts: tuple[str | None, str | None], people: str | None = None, *, rule: str = "verdict_line") -> list[Score]:
    return [score(f"{name}#{order}", verdict, people, rule=rule) for order, verdict in zip(("ab", "ba"), verdicts, strict=True)]


def tally(rows: list[Score], clusters: dict[str, int] | None = None) -> PairTally:
    made = PairTally.empty()
    for row in rows:
        made.update(row, cluster=(clusters or {}).get(row.id.partition("#")[0], 0))
    return made


def numbers(rows: list[Score]) -> dict[str, float | None]:
    return {name: metric["value"] for name, metric in tally(rows).value().items()}


@pytest.mark.parametrize(
    ("verdicts", "win_rate", "tie_rate", "agrees"),
    [
        (("win", "win"), 1.0, 0.0, 1.0),
        (("loss", "loss"), 0.0, 0.0, 1.0),
        (("tie", "tie"), 0.5, 1.0, 1.0),
        (("win", "loss"), 0.5, 1.0, 0.0),
        (("loss", "win"), 0.5, 1.0, 0.0),
        (("win", "tie"), 0.5, 1.0, 0.0),
        (("tie", "loss"), 0.5, 1.0, 0.0),
        (("win", None), None, None, None),
        ((None, None), None, None, None),
    ],
)
def test_a_pair_is_won_only_in_both_orders(
    verdicts: tuple[str | None, str | None], win_rate: float | None, tie_rate: float | None, agrees: float | None
) -> None:
    found = numbers(both("p", verdicts))
    assert (found["win_rate"], found["tie_rate"], found["judge_consistency"]) == (win_rate, tie_rate, agrees)


def test_half_a_pair_is_no_pair_and_n_says_so() -> None:
    value = tally([*both("p", ("win", "win")), score("q#ab", "loss")]).value()
    assert (value["win_rate"]["value"], value["win_rate"]["n"]) == (1.0, 1)
    assert value["judge_first_rate"]["n"] == 3, "a verdict is a verdict where the other order is missing"


def test_what_was_never_asked_is_won_or_lost_and_says_nothing_of_the_judge() -> None:
    value = tally([*both("p", ("loss", "loss"), "win", rule="no_answer"), *both("q", ("win", "win"), "win")]).value()
    assert value["win_rate"]["value"] == 0.5
    assert [value[name]["n"] for name in ("win_rate", "judge_consistency", "judge_first_rate", "judge_kappa")] == [2, 1, 2, 1]


def test_a_judge_that_always_takes_the_first_wins_nothing_for_anyone() -> None:
    found = numbers([row for index in range(5) for row in both(str(index), ("win", "loss"))])
    assert (found["win_rate"], found["tie_rate"], found["judge_consistency"], found["judge_first_rate"]) == (0.5, 1.0, 0.0, 1.0)


def test_repeats_of_the_judge_and_repeats_of_the_run_are_pairs_of_their_own() -> None:
    rows = [score(f"{name}#{order}", "win", repeat=repeat) for name in ("p#0", "p#1") for repeat in (0, 1) for order in ("ab", "ba")]
    assert tally(rows).value()["win_rate"]["n"] == 4


@given(st.lists(st.tuples(st.sampled_from(VERDICTS), st.sampled_from(VERDICTS)), min_size=2, max_size=60))
def test_kappa_is_scikit_learn_s(pairs: list[tuple[str, str]]) -> None:
    found = numbers([row for index, (judge, people) in enumerate(pairs) for row in both(str(index), (judge, judge), people)])["judge_kappa"]
    if len({label for pair in pairs for label in pair}) == 1:
        assert found is None
        return
    assert found == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True), labels=VERDICTS), abs=1e-12)


ROWS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["ab", "ba"])), unique=True, max_size=12).flatmap(
    lambda keys: st.tuples(
        st.just(keys),
        st.lists(st.sampled_from([*VERDICTS, None]), min_size=len(keys), max_size=len(keys)),
        st.integers(0, len(keys)),
        st.randoms(),
    )
)


@given(ROWS)
def test_any_order_and_any_split_give_the_same_tally(
    drawn: tuple[list[tuple[int, str]], list[str | None], int, Random],
) -> None:
    keys, verdicts, cut, random = drawn
    rows = [score(f"{name}#{order}", verdict, VERDICTS[name % 3]) for (name, order), verdict in zip(keys, verdicts, strict=True)]
    groups = {str(name): name % 2 for name in range(6)}
    whole = tally(rows, groups)
    shuffled = rows[:]
    random.shuffle(shuffled)
    left, right = tally(shuffled[:cut], groups), tally(shuffled[cut:], groups)
    assert left.merge(right) == right.merge(left) == whole
    assert whole.merge(PairTally.empty()) == whole
    assert PairTally.from_state(loads(dumps(whole.state()))) == whole
    assert dumps(left.merge(right).value()) == dumps(whole.value())


def test_pairs_of_one_group_count_for_as_much_as_they_differ() -> None:
    rows = [row for index in range(40) for row in both(str(index), ("win", "win") if index < 20 else ("loss", "loss"))]
    alone = tally(rows).value()["win_rate"]
    alike = tally(rows, {str(index): 1 + index // 10 for index in range(40)}).value()["win_rate"]
    assert (alone["value"], alike["value"]) == (0.5, 0.5)
    assert (alone["ci_low"], alone["ci_high"]) == pytest.approx(wilson(20 * 39 / 40, 39), abs=0.002), "as of so many coins"
    assert alike["ci_low"] is not None
    assert alone["ci_low"] is not None
    assert alike["ci_low"] < alone["ci_low"] - 0.1, "four groups that agree within say less than forty pairs"
    assert "clusters:group" in alike["signature"]


def test_where_all_pairs_agree_the_interval_is_that_of_so_many_draws() -> None:
    value = tally([row for index in range(10) for row in both(str(index), ("win", "win"))]).value()["win_rate"]
    assert (value["ci_low"], value["ci_high"]) == wilson(10, 10)


def test_a_judge_that_agrees_by_chance_has_an_interval_around_nothing() -> None:
    random = Random(0)
    rows = [row for index in range(300) for row in both(str(index), (random.choice(VERDICTS),) * 2, random.choice(VERDICTS))]
    kappa = tally(rows).value()["judge_kappa"]
    assert kappa["ci_low"] is not None
    assert kappa["ci_high"] is not None
    assert kappa["ci_low"] < 0 < kappa["ci_high"]
    assert kappa == tally(rows[::-1]).value()["judge_kappa"]
