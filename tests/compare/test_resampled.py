"""Functions of sums: the same draws on both sides, and as wide an interval as the rows ask for."""

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_rel

from evalsvc.compare import evidence as evidence_module
from evalsvc.compare.differences import differences
from evalsvc.compare.evidence import CommonRows
from evalsvc.compare.nouns import Difference
from evalsvc.compare.proportions import tango
from evalsvc.compare.resampled import error_of, jackknifed_error
from evalsvc.metrics.families.metric import SumMetric, mean_of
from evalsvc.metrics.families.registry import build_metrics
from evalsvc.metrics.kept import Shape
from evalsvc.records import Outcome, Score
from tests.compare.evidences import answered, common, evidence_of, numbered, shape_of
from tests.metrics.families.answers import config

MEAN = Shape(metrics=(mean_of("quality", signature="v:1", measure=None),))


def ratio_of(score: Score) -> Sequence[int] | None:
    return None if score.stats is None else score.stats.get("ratio")


RATIO = SumMetric(name="ratio", signature="v:1", width=2, read=ratio_of, value=lambda sums: sums[0] / sums[1] if sums[1] else None)


def ratios(values: Sequence[tuple[int, int]]) -> list[Score]:
    return [
        Score(id=str(row), repeat=0, target="x", prediction="y", outcome=Outcome.SCORED, rule=None, stats={"ratio": value})
        for row, value in enumerate(values)
    ]


def drawn(count: int, seed: int = 1, shift: float = 0.05) -> tuple[list[float], list[float]]:
    random = Random(seed)
    a = [random.random() for _ in range(count)]
    return a, [min(1.0, max(0.0, value + random.gauss(shift, 0.2))) for value in a]


def of_means(a: Sequence[float | None], b: Sequence[float | None], rows: CommonRows | None = None) -> Difference:
    return differences(evidence_of(numbered(a), MEAN, rows), evidence_of(numbered(b), MEAN, rows), ["quality"])["quality"]


def test_the_bootstrap_of_a_mean_is_the_paired_t_test() -> None:
    a, b = drawn(300)
    found, expected = of_means(a, b), ttest_rel(b, a)
    assert found.se == pytest.approx(np.std(np.subtract(b, a), ddof=1) / 300**0.5, rel=0.06)
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(expected.confidence_interval()), abs=0.003)
    assert found.signature == "ci:paired-bootstrap1000-t95-seed0|clusters:id|p:t"
    assert found.n == 300


def test_what_both_sides_have_in_common_falls_out() -> None:
    """The two means scatter far more than their difference."""
    a, _ = drawn(200)
    found = of_means(a, [value + (0.01 if row % 2 else 0.0) for row, value in enumerate(a)])
    assert found.se == pytest.approx(0.005 / 200**0.5, rel=0.06)


def test_few_rows_have_the_scatter_that_replicates_of_few_rows_lack() -> None:
    a, b = [0.1, 0.5, 0.9, 0.3], [0.2, 0.9, 0.8, 0.6]
    found = of_means(a, b)
    assert found.se == pytest.approx(np.std(np.subtract(b, a), ddof=1) / 2, rel=0.06)


def test_rows_without_the_metric_are_no_draws() -> None:
    a, b = drawn(20)
    found = of_means([*a, *[None] * 80], [*b, *[None] * 80])
    assert found.n == 20
    assert found.se == pytest.approx(np.std(np.subtract(b, a), ddof=1) / 20**0.5, rel=0.2)


def test_repeats_of_rows_say_no_more_than_one_of_them() -> None:
    a, b = drawn(100)
    once, thrice = of_means(a, b), of_means(np.repeat(a, 3).tolist(), np.repeat(b, 3).tolist(), common(300, repeats=3))
    assert thrice.se == pytest.approx(once.se, rel=0.1)
    assert thrice.n == 300


def test_groups_are_drawn_whole() -> None:
    a, b = drawn(40)
    groups = [row // 10 for row in range(400)]
    found = of_means(np.repeat(a, 10).tolist(), np.repeat(b, 10).tolist(), common(400, groups=groups))
    once = of_means(a, b)
    assert found.se == pytest.approx(once.se, rel=0.1)
    assert "clusters:group" in found.signature


def test_above_twenty_thousand_rows_the_jackknife_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = drawn(4000)
    by_row = of_means(a, b)
    monkeypatch.setattr(evidence_module, "MOST_CLUSTERS", 3999)
    by_bucket = of_means(a, b)
    assert by_bucket.signature == "ci:paired-jackknife256-t95|p:t"
    assert by_bucket.se == pytest.approx(by_row.se, rel=0.1)
    assert (by_bucket.a, by_bucket.b, by_bucket.n) == (by_row.a, by_row.b, by_row.n)
    rows = common(12_000, repeats=3)
    thrice = of_means(np.repeat(a, 3).tolist(), np.repeat(b, 3).tolist(), rows)
    assert thrice.se == pytest.approx(by_row.se, rel=0.1)
    assert of_means(a, a).ci_high == tango(0, 0, 4000)[1]
    same = np.repeat(a, 3).tolist()
    assert of_means(same, same, rows).ci_high == tango(0, 0, 4000)[1]


def test_ratios_of_sums_are_measured_on_each_draw() -> None:
    random = np.random.default_rng(2)
    sizes = random.integers(1, 50, 400)
    shape = Shape(metrics=(RATIO,))
    sides = [list(zip(random.binomial(sizes, share).tolist(), sizes.tolist(), strict=True)) for share in (0.5, 0.6)]
    of_a, of_b = (evidence_of(ratios(side), shape) for side in sides)
    found = differences(of_a, of_b, ["ratio"])["ratio"]
    a, b = (np.array(side) for side in sides)
    influence = (b[:, 0] - found.b * b[:, 1]) / b[:, 1].sum() - (a[:, 0] - found.a * a[:, 1]) / a[:, 1].sum()
    assert found.se == pytest.approx(float(np.sqrt((influence**2).sum())), rel=0.06)


def test_a_mean_over_groups_is_one_on_each_draw() -> None:
    shape = shape_of("translation", metrics=[{"ter": {"by": "language"}}])
    texts = [["the cat sat on the mat"], ["un chat noir"]] * 30
    a = ["the cat sat on mat", "un chat noir"] * 30
    b = [text if row % 4 else "a dog" for row, text in enumerate(a)]
    rows = common(60, parts={"language": np.array([0, 1] * 30, dtype=np.int32)})
    sides = [evidence_of(answered(shape, side, texts), shape, rows) for side in (a, b)]
    found = differences(sides[0], sides[1], ["ter"])["ter"]
    for side, value in ((a, found.a), (b, found.b)):
        alone = [evidence_of(answered(plain, side[start::2], texts[start::2]), plain) for start in (0, 1)]
        assert value == pytest.approx(np.mean([differences(one, one, ["ter"])["ter"].a for one in alone]))
    assert "paired-bootstrap" in found.signature
    assert found.se is not None
    assert found.se > 0


plain = shape_of("translation", metrics=["ter"])


def test_a_row_without_a_value_in_the_column_is_in_no_group() -> None:
    shape = shape_of("translation", metrics=[{"ter": {"by": "language"}}])
    texts, answers = [["a b c d"]] * 3, ["a b c d", "a b c x", "x x x x"]
    rows = common(3, parts={"language": np.array([0, 1, -1], dtype=np.int32)})
    side = evidence_of(answered(shape, answers, texts), shape, rows)
    found = differences(side, side, ["ter"])["ter"]
    assert (found.a, found.n) == (12.5, 2)


def test_without_knowing_the_groups_a_mean_over_them_has_no_difference() -> None:
    shape = shape_of("translation", metrics=[{"ter": {"by": "language"}}])
    side = evidence_of(answered(shape, ["a"], [["b"]]), shape)
    reason = differences(side, side, ["ter"])["ter"].reason
    assert reason is not None
    assert "'language'" in reason


def test_metrics_of_two_definitions_are_not_held_against_each_other() -> None:
    shapes = [shape_of("translation", metrics=[{"chrf": {"char_order": order}}]) for order in (6, 4)]
    a, b = (evidence_of(answered(shape, ["a b"], [["b"]]), shape) for shape in shapes)
    found = differences(a, b, ["chrf"])["chrf"]
    assert found.difference is None
    assert "measured in another way" in (found.reason or "")


def test_errors_are_those_of_what_is_there() -> None:
    values = np.array([1.0, 3.0, np.nan, 2.0])
    assert error_of(values, 10) == pytest.approx((10 / 9) ** 0.5)
    assert error_of(np.array([np.nan, 1.0]), 10) == 0.0
    assert jackknifed_error([(1.0, 2.0), (None, 1.0), (1.0, 4.0)]) == pytest.approx((1.0, 2))
    assert jackknifed_error([(1.0, 2.0)]) == (0.0, 1)


def perplexities(random: "np.random.Generator", count: int) -> list[list[tuple[int, int]]]:
    """Tokens and their negative log-likelihood, lognormal by row, on both sides."""
    tokens = 1 + random.negative_binomial(2, 0.02, count)
    nll = random.lognormal(0.7, 0.6, count) * (1 + 5 / tokens) * tokens
    return [
        list(zip((nll * np.exp(random.normal(0, 0.15, count)) * 1000).astype(int).tolist(), tokens.tolist(), strict=True)) for _ in "ab"
    ]


@pytest.mark.parametrize("kind", ["scores", "ratio"])
def test_intervals_hold_a_difference_of_0_nineteen_times_out_of_twenty(kind: str) -> None:
    """And so the tests call one change in twenty a difference that is none."""
    random, rows, told = np.random.default_rng(11), common(60), []
    for _ in range(250):
        if kind == "scores":
            a = random.choice([0.0, 0.5, 1.0], 60)
            b = np.where(random.random(60) < 0.3, random.choice([0.0, 0.5, 1.0], 60), a)
            found = of_means(a.tolist(), b.tolist(), rows)
        else:
            sides = [evidence_of(ratios(side), Shape(metrics=(RATIO,)), rows) for side in perplexities(random, 60)]
            found = differences(sides[0], sides[1], ["ratio"])["ratio"]
        told.append(found.is_told)
    assert 0.01 < np.mean(told) < 0.085


@pytest.mark.parametrize("task", ["generation", "translation", "summarization", "qa", "regression"])
def test_every_metric_of_texts_and_numbers_has_a_difference(task: str) -> None:
    random = Random(4)
    texts = [[f"{random.randint(1, 50)}"] for _ in range(40)] if task == "regression" else [[f"the {random.randint(1, 9)} cats"]] * 40
    shape = Shape(metrics=build_metrics(config(task)))
    sides: list[Any] = []
    for seed in (1, 2):
        random.seed(seed)
        answers = [str(random.randint(1, 50)) if task == "regression" else f"the {random.randint(1, 9)} cats" for _ in texts]
        scores = answered(shape, answers, texts)
        sides.append([Score(**{**as_fields(one), "target": text[0]}) for one, text in zip(scores, texts, strict=True)])
    a, b = (evidence_of(side, shape) for side in sides)
    names = [name for metric in shape.metrics for name in ([metric.name] if isinstance(metric, SumMetric) else metric.names)]
    for name, one in differences(a, b, names).items():
        assert one.reason is None, name
        assert None not in (one.difference, one.ci_low, one.ci_high, one.lower, one.upper, one.p, one.p_below, one.p_above, one.se), name
        assert one.ci_low <= one.lower <= one.difference <= one.upper <= one.ci_high, name  # type: ignore[operator]


def as_fields(score: Score) -> dict[str, Any]:
    return {name: getattr(score, name) for name in score.__dataclass_fields__}
