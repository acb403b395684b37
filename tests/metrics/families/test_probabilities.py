"""Metrics of class probabilities are scikit-learn's where rows have them, and strict where they have none."""

from collections.abc import Mapping, Sequence
from math import log
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from evalsvc import jsonio
from evalsvc.errors import UsageError
from evalsvc.metrics.families.metric import OwnMetric, Setting, SumMetric, Wanted
from evalsvc.metrics.families.probabilities import build
from evalsvc.metrics.ranked import NO_PROBABILITIES, SHARED_REASON
from evalsvc.records import MetricValue, Score
from tests.metrics.forecasts import THREE, drawn, forecast

TWO = ("ham", "spam")
SETTINGS = {
    "three labels": Setting(task="classification", labels=THREE),
    "two labels": Setting(task="classification", labels=TWO),
    "one is positive": Setting(task="classification", labels=TWO, positive="spam"),
}
every_setting = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS.keys())
NAMES = ("log_loss", "brier", "ece", "roc_auc", "average_precision")
BINARY = SETTINGS["one is positive"]


def of_sums(name: str, scores: Sequence[Score], setting: Setting, **options: Any) -> float | None:
    metric = build(Wanted(name=name, options=options), setting)
    assert isinstance(metric, SumMetric)
    rows = [summands for score in scores if (summands := metric.read(score)) is not None]
    sums = [sum(column) for column in zip(*rows, strict=True)] or [0] * metric.width
    value = metric.value(sums)
    if metric.values is not None and rows and value is not None:
        assert metric.values(np.array([sums], dtype=float))[0] == pytest.approx(value)
    return value


def of_own(name: str, scores: Sequence[Score], setting: Setting, **options: Any) -> MetricValue:
    metric = build(Wanted(name=name, options=options), setting)
    assert isinstance(metric, OwnMetric)
    tally = metric.empty()
    for score in scores:
        tally.update(score)
    return tally.value()[name]


def value_of(name: str, scores: Sequence[Score], setting: Setting) -> float | None:
    return of_sums(name, scores, setting) if name in {"log_loss", "brier"} else of_own(name, scores, setting)["value"]


def rows(seed: int, setting: Setting, *, n: int = 60, digits: int | None = None, without: float = 0.0) -> list[Score]:
    random = Random(seed)
    return [drawn(random, setting.labels, digits=digits, without=without) for _ in range(n)]


def arrays(scores: Sequence[Score], labels: Sequence[str]) -> tuple[list[str], Any]:
    return [str(score.target) for score in scores], np.array([[(score.probs or {})[label] for label in labels] for score in scores])


def reference(name: str, scores: Sequence[Score], setting: Setting) -> float:
    """The same by scikit-learn."""
    targets, probs = arrays(scores, setting.labels)
    order = sorted(range(len(setting.labels)), key=setting.labels.__getitem__)
    labels, probs = [setting.labels[index] for index in order], probs[:, order]
    if name == "log_loss":
        return float(log_loss(targets, probs, labels=labels))
    if name == "brier":
        return float(brier_score_loss(targets, probs, labels=labels))
    judged = [setting.positive] if setting.positive else [label for label in labels if 0 < targets.count(label) < len(targets)]
    score = roc_auc_score if name == "roc_auc" else average_precision_score
    # what differs by a rounding alone is a tie to us, and none to scikit-learn
    ranked = probs.round(12)
    values = [score([target == label for target in targets], ranked[:, labels.index(str(label))]) for label in judged]
    return float(np.mean(values))


@every_setting
@pytest.mark.parametrize("name", ["log_loss", "brier", "roc_auc", "average_precision"])
@pytest.mark.parametrize("digits", [None, 0], ids=["distinct", "ties"])
@given(seed=st.integers(0, 2**32))
def test_it_is_scikit_learns(name: str, setting: Setting, digits: int | None, seed: int) -> None:
    scores = rows(seed, setting, digits=digits)
    assert value_of(name, scores, setting) == pytest.approx(reference(name, scores, setting), rel=1e-9, abs=1e-11)


def test_a_probability_of_nothing_costs_what_scikit_learn_has_it_cost() -> None:
    scores = [forecast("spam", {"ham": 1.0, "spam": 0.0}), forecast("ham", {"ham": 1.0, "spam": 0.0})]
    assert of_sums("log_loss", scores, BINARY) == pytest.approx(reference("log_loss", scores, BINARY), rel=1e-9)


def test_brier_of_two_labels_is_halved_and_of_more_it_is_the_sum() -> None:
    wrong = [forecast("spam", {"ham": 1.0, "spam": 0.0})]
    assert of_sums("brier", wrong, BINARY) == 1.0
    assert of_sums("brier", wrong, BINARY, scale_by_half=False) == 2.0
    assert of_sums("brier", [forecast("spam", {"ham": 1.0, "spam": 0.0, "other": 0.0})], SETTINGS["three labels"]) == 2.0
    signatures = [build(Wanted(name="brier"), setting).signature for setting in (BINARY, SETTINGS["three labels"])]  # type: ignore[union-attr]
    assert ["half" in signature for signature in signatures] == [True, False]


def ece_by_hand(scores: Sequence[Score], bins: int) -> float:
    """Guo et al. 2017, equation 3."""
    held: dict[int, list[tuple[float, bool]]] = {}
    for score in scores:
        probs: Mapping[str, float] = score.probs or {}
        top = max(probs, key=probs.__getitem__)
        place = next(index for index in range(bins) if probs[top] <= (index + 1) / bins)
        held.setdefault(place, []).append((probs[top], top == score.target))
    return sum(
        abs(sum(right for _, right in rows) / len(rows) - sum(p for p, _ in rows) / len(rows)) * len(rows) for rows in held.values()
    ) / len(scores)


@every_setting
@pytest.mark.parametrize("bins", [1, 10, 15])
def test_ece_is_the_papers(setting: Setting, bins: int) -> None:
    scores = rows(3, setting, n=300)
    assert of_own("ece", scores, setting, bins=bins)["value"] == pytest.approx(ece_by_hand(scores, bins), abs=1e-9)


UNANSWERED = [forecast("spam", None, answered=False), forecast("ham", None, answered=False)]
SURE = [forecast("spam", {"ham": 0.1, "spam": 0.9}), forecast("ham", {"ham": 0.8, "spam": 0.2})]


def test_the_interval_of_ece_over_groups_is_the_same_to_the_last_digit_in_any_order() -> None:
    metric = build(Wanted(name="ece", options={}), BINARY)
    assert isinstance(metric, OwnMetric)
    for seed in range(10):
        scores, found = rows(seed, BINARY, n=200), set()
        for order in (range(200), reversed(range(200)), Random(seed).sample(range(200), 200)):
            tally = metric.empty()
            for row in order:
                tally.update(scores[row], cluster=row // 4)
            found.add((tally.value()["ece"]["ci_low"], tally.value()["ece"]["ci_high"]))
        assert len(found) == 1


def test_a_row_without_an_answer_is_measured_as_one_that_knows_nothing() -> None:
    assert of_sums("log_loss", [*SURE, *UNANSWERED], BINARY) == pytest.approx((-log(0.9) - log(0.8) + 2 * log(2)) / 4)
    assert of_sums("brier", [*SURE, *UNANSWERED], BINARY) == pytest.approx((0.01 + 0.04 + 0.25 + 0.25) / 4)


def test_pairs_with_a_row_without_an_answer_are_lost() -> None:
    metric = of_own("roc_auc", [*SURE, *UNANSWERED], BINARY)
    assert (metric["value"], metric["on_parsed"], metric["n"]) == (0.25, 1.0, 4)


def test_refusing_never_makes_the_area_larger() -> None:
    scores = rows(5, BINARY, n=40)
    whole = value_of("roc_auc", scores, BINARY) or 0.0
    for index, score in enumerate(scores):
        without = [*scores[:index], forecast(score.target, None, answered=False), *scores[index + 1 :]]
        assert (value_of("roc_auc", without, BINARY) or 0.0) <= whole


def test_a_positive_row_without_an_answer_is_never_found() -> None:
    metric = of_own("average_precision", [*SURE, *UNANSWERED], BINARY)
    assert (metric["value"], metric["on_parsed"]) == (0.5, 1.0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("more", [[forecast(None, {"ham": 1.0, "spam": 0.0})], [forecast("spam", None)]], ids=["no target", "no logprobs"])
def test_a_row_of_which_nothing_can_be_said_changes_nothing(name: str, more: list[Score]) -> None:
    scores = rows(4, BINARY)
    assert value_of(name, [*scores, *more], BINARY) == value_of(name, scores, BINARY)


@pytest.mark.parametrize("name", NAMES)
def test_without_any_probabilities_there_is_no_number(name: str) -> None:
    for scores in ([], UNANSWERED, [forecast("spam", None)]):
        assert value_of(name, scores, BINARY) is None
    if name in {"ece", "roc_auc", "average_precision"}:
        assert of_own(name, UNANSWERED, BINARY)["reason"] == NO_PROBABILITIES


@pytest.mark.parametrize("name", NAMES)
def test_labels_that_share_a_token_in_more_than_a_hundredth_of_the_rows_are_refused(name: str) -> None:
    few, many = [forecast("spam", None, shared=True)], [forecast("spam", None, shared=True)] * 2
    assert value_of(name, [*rows(4, BINARY, n=99), *few], BINARY) is not None
    assert value_of(name, [*rows(4, BINARY, n=99), *many], BINARY) is None
    if name in {"ece", "roc_auc", "average_precision"}:
        assert of_own(name, [*rows(4, BINARY, n=99), *many], BINARY)["reason"] == SHARED_REASON


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_rows_of_one_label_alone_are_ranked_nowhere(name: str) -> None:
    metric = of_own(name, [SURE[0]] * 3, BINARY)
    assert metric["value"] is None
    assert metric["reason"] == "all rows with a target are of one label"


@every_setting
@pytest.mark.parametrize("name", ["ece", "roc_auc", "average_precision"])
def test_the_interval_holds_the_value_and_says_how_it_came(name: str, setting: Setting) -> None:
    metric = of_own(name, rows(9, setting, n=200, without=0.05), setting)
    assert metric["ci_low"] is not None
    assert metric["value"] is not None
    assert metric["ci_high"] is not None
    assert 0 <= metric["ci_low"] < metric["value"] < metric["ci_high"] <= 1
    assert "ci:" in metric["signature"]


def test_a_ranking_without_a_mistake_still_has_an_interval() -> None:
    metric = of_own("roc_auc", SURE * 20, BINARY)
    assert metric["value"] == 1.0
    assert metric["ci_low"] == pytest.approx(0.8389, abs=1e-4)


@pytest.mark.parametrize("name", ["ece", "roc_auc", "average_precision"])
def test_rows_of_one_cluster_count_as_one_draw(name: str) -> None:
    metric = build(Wanted(name=name), BINARY)
    assert isinstance(metric, OwnMetric)
    alone, together = metric.empty(), metric.empty()
    for index, score in enumerate(rows(11, BINARY, n=120)):
        for _ in range(4):
            alone.update(score)
            together.update(score, cluster=index)
    wide, narrow = together.value()[name], alone.value()[name]
    assert wide["value"] == narrow["value"]
    assert "clusters:120" in wide["signature"]
    width = {id(one): (one["ci_high"] or 0) - (one["ci_low"] or 0) for one in (wide, narrow)}
    assert 1.5 < width[id(wide)] / width[id(narrow)] < 2.6


@pytest.mark.parametrize("name", ["ece", "roc_auc"])
@every_setting
def test_the_laws_of_tallies_hold(name: str, setting: Setting) -> None:
    metric = build(Wanted(name=name), setting)
    assert isinstance(metric, OwnMetric)

    def of(scores: Sequence[Score]) -> Any:
        tally = metric.empty()
        for score in scores:
            tally.update(score, cluster=len(str(score.probs)) % 3)
        return tally

    a, b, c = ([*rows(seed, setting, n=30, digits=0, without=0.2), forecast("ham", None, shared=True)] for seed in (1, 2, 3))
    assert of(a).merge(of(b)).merge(of(c)) == of(a).merge(of(b).merge(of(c))) == of(c).merge(of(a)).merge(of(b)) == of([*c, *a, *b])
    assert of(a).merge(metric.empty()) == of(a) == metric.empty().merge(of(a)) == of(a[::-1])
    assert jsonio.dumps(of(a).state()) == jsonio.dumps(of(a[::-1]).state())
    for tally in (of(a), metric.empty()):
        again = metric.from_state(jsonio.loads(jsonio.dumps(tally.state())))
        assert again == tally
        assert again.value() == tally.value()


WRONG_OPTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("log_loss", {"clip": 1}, "log_loss has no option 'clip'"),
    ("brier", {"scale_by_half": "maybe"}, "brier has no scale_by_half: 'maybe'"),
    ("ece", {"bins": 0}, "ece has no 0 bins"),
    ("ece", {"bin": 10}, "did you mean 'bins'"),
    ("roc_auc", {"average": "micro"}, "roc_auc has no option 'average'"),
]


@pytest.mark.parametrize(("name", "options", "said"), WRONG_OPTIONS)
def test_options_that_cannot_be_are_refused_with_their_place(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        build(Wanted(name=name, options=options, place="eval.yaml:9"), BINARY)
    assert refused.value.message.startswith("eval.yaml:9: ")
    assert said in refused.value.message


def test_the_label_mass_is_a_mean_over_rows_with_logprobs() -> None:
    scores = [forecast("ham", {"ham": 1.0, "spam": 0.0}), forecast("ham", None), forecast("ham", None, answered=False)]
    assert of_sums("label_mass", scores, BINARY) == 1.0
    assert of_sums("label_mass", scores[1:], BINARY) is None
