"""Slices: each metric by the values of a column, and whether they differ from the rest by more than chance."""

from dataclasses import replace
from random import Random

import pytest

from evalsvc.metrics.families.metric import mean_of
from evalsvc.metrics.kept import MOST_SLICES, Buckets, Shape, SlicedKept
from evalsvc.metrics.measured import Sampling, measured_metrics, slices_of
from evalsvc.metrics.slices import holm, p_value
from evalsvc.metrics.sums import JACKKNIFE_BUCKETS, Resampling
from evalsvc.records import Outcome, Score

LABELS = ("ham", "spam")
QUALITY = mean_of("quality", signature="v:1", measure=None)
SAMPLING = Sampling(resampling=Resampling.BY_ID)


def labelled(target: str, prediction: str, quality: float) -> Score:
    outcome = Outcome.CORRECT if target == prediction else Outcome.WRONG
    return Score(id="1", repeat=0, target=target, prediction=prediction, outcome=outcome, rule="exact", scores={"quality": quality})


def kept(shape: Shape, *, difference: float, seed: int, rows: int = 1500) -> SlicedKept:
    """Rows in three languages, one of them answered worse by `difference`."""
    random, sliced = Random(seed), SlicedKept.empty(shape)
    for number in range(rows):
        language = ("de", "en", "fr")[number % 3]
        target = LABELS[random.random() < 0.5]
        is_right = random.random() < 0.8 - difference * (language == "fr")
        prediction = target if is_right else LABELS[target == "ham"]
        score = labelled(target, prediction, min(1.0, max(0.0, random.gauss(0.7 - difference * (language == "fr"), 0.1))))
        sliced.update(score, [("language", language)], Buckets(number, number % JACKKNIFE_BUCKETS))
    return sliced


@pytest.mark.parametrize("labels", [LABELS, ()])
def test_a_slice_that_is_worse_is_told_from_the_rest(labels: tuple[str, ...]) -> None:
    found = slices_of(kept(Shape(labels=labels, metrics=(QUALITY,)), difference=0.15, seed=1), ["language"], SAMPLING)
    for name in ("accuracy", "quality") if labels else ("quality",):
        french = found[name]["language"]["fr"]
        assert french["p_holm"] < 0.01
        assert french["n"] == 500


def test_slices_that_are_alike_are_seldom_told_apart() -> None:
    """Holm's correction: in at most about one of twenty runs any slice is called different."""
    shape, rejected = Shape(labels=LABELS, metrics=(QUALITY,)), dict.fromkeys(("accuracy", "quality"), 0)
    for seed in range(60):
        found = slices_of(kept(shape, difference=0.0, seed=seed, rows=600), ["language"], SAMPLING)
        for name in rejected:
            rejected[name] += min(number["p_holm"] for number in found[name]["language"].values()) < 0.05
    assert all(count <= 9 for count in rejected.values())
    assert any(count > 0 for count in rejected.values())


def test_a_slice_has_the_number_that_its_rows_alone_would_have() -> None:
    sliced = kept(Shape(labels=LABELS, metrics=(QUALITY,)), difference=0.1, seed=3)
    found = slices_of(sliced, ["language"], SAMPLING)
    part = sliced.slices["language"]["de"]
    assert found["quality"]["language"]["de"]["value"] == part.sums.value()["quality"]
    outcomes = part.outcomes().value()
    assert found["accuracy"]["language"]["de"]["value"] == outcomes["correct"] / part.rows


def test_parts_of_the_rows_add_up_to_what_all_of_them_give() -> None:
    shape = Shape(labels=LABELS, metrics=(QUALITY,))
    whole = kept(shape, difference=0.1, seed=4)
    half, other = SlicedKept.empty(shape), SlicedKept.empty(shape)
    random = Random(4)
    for number in range(1500):
        language, target = ("de", "en", "fr")[number % 3], LABELS[random.random() < 0.5]
        prediction = target if random.random() < 0.8 - 0.1 * (language == "fr") else LABELS[target == "ham"]
        quality = min(1.0, max(0.0, random.gauss(0.7 - 0.1 * (language == "fr"), 0.1)))
        part = half if number % 2 else other
        part.update(labelled(target, prediction, quality), [("language", language)], Buckets(number, number % JACKKNIFE_BUCKETS))
    merged = other.merge(SlicedKept.from_state(half.state(), shape))
    assert merged.state() == whole.state()


def test_a_column_with_a_value_for_each_row_is_no_slicing() -> None:
    sliced = SlicedKept.empty(Shape(labels=LABELS))
    for number in range(MOST_SLICES + 5):
        sliced.update(labelled("ham", "ham", 1.0), [("text", str(number))], Buckets(number, number % JACKKNIFE_BUCKETS))
    assert sliced.shown(["text"]) == {}


def test_a_mean_over_the_groups_of_a_column_with_too_many_values_is_none() -> None:
    """Those that are kept of too many are the ones that came first."""
    by_text = replace(mean_of("rougeL", signature="v:1", measure=None), by="text")
    sliced = SlicedKept.empty(Shape(metrics=(by_text,)))
    for number in range(MOST_SLICES + 5):
        score = Score(id="1", repeat=0, target="a", prediction="a", outcome=Outcome.SCORED, rule=None, scores={"rougeL": number / 1000})
        sliced.update(score, [("text", str(number))], Buckets(number, number % JACKKNIFE_BUCKETS))
    found = measured_metrics(sliced, SAMPLING)["rougeL"]
    assert (found["value"], found["ci_low"], found["n"]) == (None, None, 0)
    assert found["reason"].startswith("'text' has more than 200 different values")


def test_holm_never_calls_a_harder_one_easier() -> None:
    corrected = holm({"a": 0.04, "b": 0.03, "c": 0.5})
    assert list(corrected) == ["b", "a", "c"]
    assert sorted(corrected.values()) == list(corrected.values())


def test_without_spread_there_is_no_p_value() -> None:
    assert p_value(0.1, [0.1] * 50, degrees=49) is None
    assert p_value(0.1, [0.1, float("nan")], degrees=49) is None


@pytest.mark.parametrize("labels", [pytest.param(LABELS, marks=pytest.mark.long), ()])
def test_small_slices_that_are_all_right_are_not_called_different(labels: tuple[str, ...]) -> None:
    """They scatter by nothing themselves, and twenty others like them would scatter by as much as all rows do."""
    shape, rejected = Shape(labels=labels, metrics=(QUALITY,)), dict.fromkeys(("accuracy", "quality"), 0)
    for seed in range(30):
        random, sliced = Random(seed), SlicedKept.empty(shape)
        for number in range(600):
            target, is_right = LABELS[random.random() < 0.5], random.random() < 0.95
            score = labelled(target, target if is_right else LABELS[target == "ham"], float(is_right))
            sliced.update(score, [("kind", str(number % 30))], Buckets(number, number % JACKKNIFE_BUCKETS))
        found = slices_of(sliced, ["kind"], SAMPLING)
        assert any(number["value"] == 1.0 and "p_holm" in number for number in found["accuracy"]["kind"].values())
        for name in rejected:
            rejected[name] += min(number["p_holm"] for number in found[name]["kind"].values()) < 0.05
    assert all(count <= 4 for count in rejected.values())


def test_a_small_slice_that_is_much_worse_is_told_from_the_rest() -> None:
    sliced = SlicedKept.empty(Shape(labels=LABELS))
    for number in range(600):
        is_right = number % 20 != 0 if number >= 20 else number % 2 == 0
        sliced.update(labelled("ham", "ham" if is_right else "spam", 1.0), [("kind", str(number // 20))], Buckets(number, number % 256))
    found = slices_of(sliced, ["kind"], SAMPLING)["accuracy"]["kind"]
    assert found["0"]["p_holm"] < 0.05
    assert all(number["p_holm"] == 1.0 for kind, number in found.items() if kind != "0")


def test_of_a_handful_of_rows_nobody_can_tell_whether_they_differ() -> None:
    sliced = SlicedKept.empty(Shape(metrics=(QUALITY,)))
    for number in range(300):
        rare = number < 5
        sliced.update(labelled("ham", "ham", 0.1 if rare else 0.9), [("kind", "rare" if rare else "usual")], Buckets(number, number % 256))
    assert all("p_holm" not in number for number in slices_of(sliced, ["kind"], SAMPLING)["quality"]["kind"].values())


def test_an_interval_of_ratings_stays_on_their_scale() -> None:
    rating = replace(mean_of("judge_score", signature="v:1", measure=None), ends=(1.0, 5.0))
    sliced = SlicedKept.empty(Shape(metrics=(rating,)))
    for number, value in enumerate((1.0, 5.0)):
        score = Score(id="1", repeat=0, target=None, prediction="1", outcome=Outcome.SCORED, rule=None, scores={"judge_score": value})
        sliced.update(score, [], Buckets(number, number))
    found = measured_metrics(sliced, SAMPLING)["judge_score"]
    assert (found["ci_low"], found["value"], found["ci_high"]) == (1.0, 3.0, 5.0)


def test_an_interval_around_few_rows_is_wide_and_stays_in_the_range_of_its_metric() -> None:
    exact = mean_of("rougeL", signature="v:1", measure=None)
    sliced = SlicedKept.empty(Shape(metrics=(exact,)))
    for number, value in enumerate((0.9, 1.0, 0.8)):
        score = Score(id="1", repeat=0, target="a", prediction="a", outcome=Outcome.SCORED, rule=None, scores={"rougeL": value})
        sliced.update(score, [], Buckets(number, number))
    found = measured_metrics(sliced, SAMPLING)["rougeL"]
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((0.9 - 0.2484, 1.0), abs=1e-3)  # Student's t with two degrees of freedom
    assert "ci:jackknife3" in found["signature"]


def test_an_interval_holds_a_value_that_rounding_put_beyond_the_range() -> None:
    bleu = replace(mean_of("bleu", signature="v:1", measure=None), value=lambda _: 100.00000000000004)
    sliced = SlicedKept.empty(Shape(metrics=(bleu,)))
    for number in range(3):
        score = Score(id="1", repeat=0, target="a", prediction="a", outcome=Outcome.SCORED, rule=None, scores={"bleu": 1.0})
        sliced.update(score, [], Buckets(number, number))
    found = measured_metrics(sliced, SAMPLING)["bleu"]
    assert found["ci_high"] == found["value"] == 100.00000000000004
