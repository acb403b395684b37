"""Areas under curves, rank correlation, calibration, pass@k, verdicts: errors from leaving out one bucket of rows after the other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

from evalsvc.compare import own
from evalsvc.compare.differences import differences
from evalsvc.compare.evidence import Evidence
from evalsvc.compare.nouns import Difference
from evalsvc.compare.proportions import tango
from evalsvc.metrics.kept import Shape
from evalsvc.records import Outcome, Score
from tests.compare.evidences import common, evidence_of, shape_of

LABELS = ("no", "yes")
PROBABILITIES = shape_of(
    labels=LABELS, metrics=["roc_auc", "average_precision", "ece"], scoring={"positive": "yes", "labels": list(LABELS)}
)
RANKS = shape_of("regression", metrics=["spearman"])
PASSES = shape_of("qa", metrics=[{"pass_at_k": {"k": 2}}], scoring={"correct": "exact_match"}, repeats=4)
PAIRS = shape_of("judge", dataset={"path": "runs/a/1", "against": "runs/b/1"}, judge={"rubric": "x"})


def forecasts(truth: Sequence[bool], chances: Sequence[float]) -> list[Score]:
    return [_forecast(str(row), *pair) for row, pair in enumerate(zip(truth, chances, strict=True))]


def _forecast(id_: str, yes: bool, chance: float) -> Score:
    chance = float(chance)  # plain numbers, as a run has them
    target, prediction = LABELS[int(yes)], LABELS[chance > 0.5]
    outcome = Outcome.CORRECT if target == prediction else Outcome.WRONG
    probs = {"no": 1 - chance, "yes": chance}
    return Score(id=id_, repeat=0, target=target, prediction=prediction, outcome=outcome, rule=None, probs=probs)


def of_forecasts(count: int, seed: int, *, better: float = 0.0) -> tuple[Any, list[Any]]:
    """Which rows are yes, and what two models think: the same, with some noise of each one's own."""
    random = np.random.default_rng(seed)
    truth = random.random(count) < 0.4
    shared = random.normal(0, 1, count) + truth
    return truth, [1 / (1 + np.exp(-(shared + random.normal(0, 0.7, count) + extra * truth))) for extra in (0.0, better)]


def between(shape: Shape, a: Sequence[Score], b: Sequence[Score], names: Sequence[str], **more: Any) -> dict[str, Difference]:
    rows = common(len(a), **more)
    sides = [evidence_of(side, shape, rows, positive="yes") for side in (a, b)]
    return differences(sides[0], sides[1], names)


@pytest.mark.parametrize(("name", "reference"), [("roc_auc", roc_auc_score), ("average_precision", average_precision_score)])
def test_areas_under_curves_have_the_error_of_a_bootstrap_of_rows(name: str, reference: Any) -> None:
    truth, (a, b) = of_forecasts(500, 1, better=0.4)
    found = between(PROBABILITIES, forecasts(truth, a), forecasts(truth, b), [name])[name]
    assert (found.a, found.b) == pytest.approx((reference(truth, a), reference(truth, b)))
    random, drawn = np.random.default_rng(2), []
    for _ in range(400):
        rows = random.integers(500, size=500)
        drawn.append(reference(truth[rows], b[rows]) - reference(truth[rows], a[rows]))
    assert found.se == pytest.approx(np.std(drawn), rel=0.25)
    assert found.signature == "ci:paired-jackknife64-t95|p:t"
    assert found.is_told


def test_without_each_bucket_is_what_all_others_say() -> None:
    """The quick ways against merging tallies and asking them."""
    truth, (a, _) = of_forecasts(300, 3)
    for shape, scores, names in (
        (PROBABILITIES, forecasts(truth, np.round(a, 1).clip(0.05, 0.95)), ("roc_auc", "average_precision")),
        (RANKS, numbers(a), ("spearman",)),
        (PASSES, passes([3, 0, 2, 4, 1] * 20), ("pass_at_k",)),
        (PAIRS, verdicts("wltw" * 20, "wwtl" * 20), ("win_rate", "tie_rate", "judge_consistency", "judge_first_rate")),
    ):
        evidence = evidence_of(scores, shape)
        for metric, tallies in zip(shape.own, evidence.own, strict=True):
            parts = [tallies[bucket] for bucket in sorted(tallies)]
            wanted = [name for name in metric.names if name in names]
            found, expected = own.without_each(wanted, metric, parts), own.of_merged(wanted, metric, parts)
            for name in wanted:
                # curves are in bins of 1/16 nat
                assert found[name] == pytest.approx(expected[name], abs=2e-3 if shape is PROBABILITIES else 1e-12), name


def numbers(values: Sequence[float]) -> list[Score]:
    random = np.random.default_rng(1)
    targets = np.round(np.asarray(values) * 10 + random.normal(0, 1, len(values)), 1)
    return [
        Score(id=str(row), repeat=0, target=f"{target}", prediction=f"{round(10 * value, 1)}", outcome=Outcome.SCORED, rule=None)
        for row, (target, value) in enumerate(zip(targets.tolist(), values, strict=True))
    ]


def test_rank_correlation_has_the_error_of_a_bootstrap_of_rows() -> None:
    random = np.random.default_rng(6)
    targets = random.normal(0, 1, 400)
    sides = [targets + random.normal(0, noise, 400) for noise in (0.8, 1.0)]
    scores = [
        [
            Score(id=str(row), repeat=0, target=f"{target:.6f}", prediction=f"{value:.6f}", outcome=Outcome.SCORED, rule=None)
            for row, (target, value) in enumerate(zip(targets, side, strict=True))
        ]
        for side in sides
    ]
    found = between(RANKS, scores[0], scores[1], ["spearman"])["spearman"]
    assert (found.a, found.b) == pytest.approx(tuple(spearmanr(targets, side).statistic for side in sides))
    drawn = []
    for _ in range(400):
        rows = random.integers(400, size=400)
        drawn.append(spearmanr(targets[rows], sides[1][rows]).statistic - spearmanr(targets[rows], sides[0][rows]).statistic)
    assert found.se == pytest.approx(np.std(drawn), rel=0.25)


def passes(right: Sequence[int], answers: int = 4) -> list[Score]:
    """Of each question so many `right` ones of its answers."""
    return [
        Score(id=str(question), repeat=repeat, target="x", prediction="y", outcome=outcome, rule=None)
        for question, hits in enumerate(right)
        for repeat in range(answers)
        for outcome in [Outcome.CORRECT if repeat < hits else Outcome.WRONG]
    ]


def test_pass_at_k_has_the_error_of_a_mean_over_questions() -> None:
    random = np.random.default_rng(8)
    a = random.integers(0, 5, 300)
    b = np.clip(a + random.integers(-1, 3, 300), 0, 4)
    found = between(PASSES, passes(a.tolist()), passes(b.tolist()), ["pass_at_k"], repeats=4)["pass_at_k"]
    worth = np.array([0, 1 / 2, 5 / 6, 1, 1])
    assert (found.a, found.b, found.n) == pytest.approx((worth[a].mean(), worth[b].mean(), 300))
    assert found.se == pytest.approx(np.std(worth[b] - worth[a]) / 300**0.5, rel=0.25)


def verdicts(first: str, second: str) -> list[Score]:
    """What a judge says of each pair in either order: win, loss, tie."""
    words: Mapping[str, str] = {"w": "win", "l": "loss", "t": "tie"}
    return [
        Score(
            id=f"{pair}#0#{order}", repeat=0, target="tie" if pair % 3 else "win", prediction=words[said], outcome=Outcome.SCORED, rule=None
        )
        for pair, both in enumerate(zip(first, second, strict=True))
        for order, said in zip(("ab", "ba"), both, strict=True)
    ]


def test_verdicts_on_pairs_are_held_against_each_other_pair_by_pair() -> None:
    names = ["win_rate", "tie_rate", "judge_consistency", "judge_first_rate", "judge_kappa"]
    found = between(PAIRS, verdicts("wltw" * 25, "wltw" * 25), verdicts("wttl" * 25, "wltl" * 25), names)
    assert (found["win_rate"].a, found["win_rate"].b, found["win_rate"].n) == (0.625, 0.5, 100)
    for name in names:
        assert found[name].reason is None, name
        assert found[name].ci_low is not None, name


def test_calibration_has_an_interval_too() -> None:
    truth, (a, b) = of_forecasts(400, 4)
    found = between(PROBABILITIES, forecasts(truth, a), forecasts(truth, 1 / (1 + ((1 - b) / b) ** 5)), ["ece"])["ece"]
    assert found.is_told
    assert (found.difference or 0) > 0


def test_equal_sides_are_no_difference() -> None:
    truth, (a, _) = of_forecasts(100, 4)
    for one in between(PROBABILITIES, forecasts(truth, a), forecasts(truth, a), ["ece", "roc_auc"]).values():
        assert (one.difference, one.p) == (0, 1.0)
        assert one.ci_high == tango(0, 0, 100)[1]
        assert "no-draw-differs" in one.signature


def test_without_probabilities_on_one_side_there_is_the_reason() -> None:
    truth, (a, _) = of_forecasts(50, 4)
    plain = [Score(**{**{name: getattr(one, name) for name in one.__dataclass_fields__}, "probs": None}) for one in forecasts(truth, a)]
    found = between(PROBABILITIES, forecasts(truth, a), plain, ["roc_auc"])["roc_auc"]
    assert found.a is not None
    assert (found.b, found.difference) == (None, None)
    assert "no row has class probabilities" in (found.reason or "")


def test_other_bins_are_another_metric() -> None:
    truth, (a, _) = of_forecasts(50, 4)
    other = shape_of(labels=LABELS, metrics=[{"ece": {"bins": 5}}], scoring={"positive": "yes", "labels": list(LABELS)})
    rows = common(50)
    sides: list[Evidence] = [evidence_of(forecasts(truth, a), shape, rows) for shape in (PROBABILITIES, other)]
    assert "measured in another way" in (differences(sides[0], sides[1], ["ece"])["ece"].reason or "")
