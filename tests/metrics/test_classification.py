import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.metrics import classification_metrics, confusion_matrix, per_class
from evalsvc.metrics.bootstrap import margins, percentile_intervals, table_values
from evalsvc.metrics.intervals import wilson
from evalsvc.metrics.names import CLASSIFICATION
from evalsvc.metrics.tally import ConfusionTally
from evalsvc.records import WITHOUT_LABEL, MetricValue, Outcome, Score
from tests.metrics.confusions import tally_of

LABELS = ("a", "b", "c", "d")
NO_LABEL = "<none>"

rows_of = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from((*LABELS, *WITHOUT_LABEL))), min_size=1, max_size=60)


def counted(labels: tuple[str, ...], rows: Sequence[tuple[str, str]]) -> ConfusionTally:
    return tally_of(labels, {row: rows.count(row) for row in set(rows)})


def measured(tally: ConfusionTally, positive: str | None = None) -> dict[str, MetricValue]:
    rows = sum(tally.value().values())
    return classification_metrics(tally, ok=rows - tally.value()["error"], expected=rows, positive=positive)


def by_scikit_learn(labels: Sequence[str], rows: Sequence[tuple[str, str]], positive: str) -> dict[str, float]:
    """Every metric from the expanded rows, with the library's own named functions."""
    true = [target for target, _ in rows]
    predicted = [came_back if came_back in labels else NO_LABEL for _, came_back in rows]
    given: dict[str, Any] = {"labels": list(labels), "zero_division": 0}
    values = {"accuracy": reference.accuracy_score(true, predicted)}
    for average in ("macro", "micro", "weighted"):
        values[f"precision_{average}"] = reference.precision_score(true, predicted, average=average, **given)
        values[f"recall_{average}"] = reference.recall_score(true, predicted, average=average, **given)
        values[f"f1_{average}"] = reference.f1_score(true, predicted, average=average, **given)
    if len({*true, *predicted}) > 1:
        values["kappa"] = reference.cohen_kappa_score(true, predicted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # classes that are missing on one side are what is being tested
        values["mcc"] = reference.matthews_corrcoef(true, predicted)
        values["balanced_accuracy"] = reference.balanced_accuracy_score(true, predicted)
    one: dict[str, Any] = {"labels": [positive], "average": "macro", "zero_division": np.nan}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, function in (("precision", reference.precision_score), ("recall", reference.recall_score), ("f1", reference.f1_score)):
            values[name] = function(true, predicted, **one)
    return {name: float(value) for name, value in values.items()}


@settings(max_examples=80, deadline=None)
@given(rows_of, st.sampled_from(LABELS))
def test_numbers_equal_scikit_learns_on_the_expanded_rows(rows: list[tuple[str, str]], positive: str) -> None:
    metrics = measured(counted(LABELS, rows), positive)
    for name, value in by_scikit_learn(LABELS, rows, positive).items():
        expected = None if np.isnan(value) else pytest.approx(value, abs=1e-12)
        assert metrics[name]["value"] == expected, name


@settings(max_examples=40, deadline=None)
@given(rows_of)
def test_on_parsed_is_the_same_number_over_the_rows_with_a_label(rows: list[tuple[str, str]]) -> None:
    parsed = [row for row in rows if row[1] in LABELS]
    metrics = measured(counted(LABELS, rows))
    expected = by_scikit_learn(LABELS, parsed, "a") if parsed else {}
    for name in ("accuracy", "f1_macro", "recall_weighted", "mcc"):
        assert metrics[name].get("on_parsed") == (pytest.approx(expected[name], abs=1e-12) if parsed else None), name


@settings(max_examples=40, deadline=None)
@given(rows_of)
def test_each_label_has_scikit_learns_numbers_and_none_for_zero_by_zero(rows: list[tuple[str, str]]) -> None:
    true, predicted = [row[0] for row in rows], [row[1] if row[1] in LABELS else NO_LABEL for row in rows]
    expected = reference.precision_recall_fscore_support(true, predicted, labels=list(LABELS), zero_division=0)
    for index, (label, of_class) in enumerate(per_class(counted(LABELS, rows)).items()):
        assert of_class["support"] == true.count(label)
        assert of_class["predicted"] == predicted.count(label)
        for name, values in zip(("precision", "recall", "f1"), expected, strict=False):
            has_rows = {"precision": label in predicted, "recall": label in true, "f1": label in {*true, *predicted}}[name]
            assert of_class[name] == (pytest.approx(values[index]) if has_rows else None)


@settings(max_examples=60, deadline=None)
@given(rows_of)
def test_the_bootstraps_formulas_are_scikit_learns(rows: list[tuple[str, str]]) -> None:
    cells = counted(LABELS, rows).triples()
    tables = np.array([[count for *_, count in cells]])
    expected = by_scikit_learn(LABELS, rows, "b")
    for name, values in table_values(margins(tables, cells, len(LABELS)), LABELS.index("b")).items():
        if name == "f1" and np.isnan(expected["f1"]):
            continue
        assert values[0] == pytest.approx(expected.get(name, np.nan), abs=1e-12, nan_ok=True), name


def test_a_reply_without_a_label_is_not_a_class_of_its_own() -> None:
    """The known trap: handed to scikit-learn without `labels=`, it lowers every macro average."""
    metrics = measured(tally_of(("a", "b"), {("a", "a"): 45, ("b", "b"): 45, ("a", "unparsed"): 5, ("b", "refused"): 5}))
    assert metrics["precision_macro"]["value"] == 1.0
    assert metrics["recall_macro"]["value"] == pytest.approx(0.9)
    assert metrics["accuracy"]["value"] == pytest.approx(0.9)
    assert metrics["accuracy"].get("on_parsed") == 1.0


COUNTS: Mapping[tuple[str | None, str], int] = {
    ("spam", "spam"): 40,
    ("spam", "ham"): 10,
    ("ham", "ham"): 140,
    ("ham", "spam"): 5,
    ("ham", "unparsed"): 3,
    ("spam", "error"): 2,
    (None, "spam"): 7,
    (None, "unparsed"): 3,
}


def test_rows_without_a_target_are_in_no_metric_but_the_shares_of_rows() -> None:
    tally = tally_of(("spam", "ham"), COUNTS)
    metrics = classification_metrics(tally, ok=208, expected=220, positive="spam")
    with_target = classification_metrics(
        tally_of(("spam", "ham"), {key: rows for key, rows in COUNTS.items() if key[0]}), ok=208, expected=220, positive="spam"
    )
    assert metrics["parse_rate"]["value"] == (40 + 10 + 140 + 5 + 7) / 208
    assert metrics["coverage"]["value"] == 208 / 220
    assert {name: metrics[name] for name in metrics if name != "parse_rate"} == {
        name: with_target[name] for name in metrics if name != "parse_rate"
    }


def test_every_metric_of_the_design_is_there_and_plain_ones_only_with_a_positive() -> None:
    tally = tally_of(("spam", "ham"), COUNTS)
    assert tuple(measured(tally)) == CLASSIFICATION
    assert tuple(measured(tally, "spam")) == (*CLASSIFICATION, "precision", "recall", "f1")


def test_every_value_lies_in_its_interval_and_says_how_it_came_about() -> None:
    for name, metric in measured(tally_of(("spam", "ham"), COUNTS), "spam").items():
        low, value, high = metric["ci_low"], metric["value"], metric["ci_high"]
        assert low is not None
        assert value is not None
        assert high is not None
        assert low < value < high, name
        assert metric["signature"].endswith("|v:1")


def test_an_interval_holds_its_value_even_where_labels_have_one_row_each() -> None:
    labels = tuple(map(str, range(50)))
    metric = measured(tally_of(labels, {(label, label): 1 for label in labels}))["f1_macro"]
    assert (metric["value"], metric["ci_high"]) == (1.0, 1.0)


def test_shares_count_their_own_rows() -> None:
    metrics = measured(tally_of(("spam", "ham"), COUNTS), "spam")
    counts = {name: metrics[name]["n"] for name in ("accuracy", "precision", "recall", "precision_micro", "f1_macro")}
    assert counts == {"accuracy": 200, "precision": 45, "recall": 52, "precision_micro": 195, "f1_macro": 200}


def test_a_signature_is_readable() -> None:
    metrics = measured(tally_of(("spam", "ham"), COUNTS), "spam")
    assert metrics["f1_macro"]["signature"] == "avg:macro|zero_division:0|labels:2|unparsed:wrong|ci:bootstrap2000-seed0|v:1"
    assert metrics["accuracy"]["signature"] == "labels:2|unparsed:wrong|ci:wilson95|v:1"
    assert metrics["recall"]["signature"] == "positive:spam|labels:2|unparsed:wrong|ci:wilson95|v:1"


def test_without_rows_every_value_is_none_with_its_reason() -> None:
    for metric in classification_metrics(ConfusionTally.empty(("a", "b")), ok=0, expected=0, positive="a").values():
        assert (metric["value"], metric["ci_low"], metric["ci_high"], metric["n"]) == (None, None, None, 0)
        assert metric["reason"]


def test_zero_by_zero_is_none_with_its_reason() -> None:
    metrics = measured(tally_of(("a", "b"), {("b", "b"): 5}), "a")
    assert {name: metric["reason"] for name, metric in metrics.items() if metric["value"] is None} == {
        "kappa": "0/0: one label is all there is, in the targets and in the replies",
        "precision": "no reply means the positive label",
        "recall": "no row has the positive label",
        "f1": "neither a row nor a reply has the positive label",
    }


def test_numbers_do_not_depend_on_the_order_of_the_rows() -> None:
    forwards, backwards = tally_of(("spam", "ham"), COUNTS), tally_of(("spam", "ham"), dict(reversed(list(COUNTS.items()))))
    assert measured(forwards) == measured(backwards)


def test_repeats_of_a_row_count_as_one_in_the_intervals() -> None:
    once = tally_of(("a", "b"), {("a", "a"): 30, ("b", "b"): 30, ("a", "b"): 10})
    thrice = once.merge(once).merge(once)
    alone = classification_metrics(once, ok=70, expected=70)
    repeated = classification_metrics(thrice, ok=210, expected=210, repeats=3)
    for name in ("accuracy", "f1_macro", "coverage"):
        assert repeated[name]["value"] == alone[name]["value"]
        assert repeated[name]["ci_low"] == pytest.approx(alone[name]["ci_low"])
        assert "repeats:3-as-one" in repeated[name]["signature"]


def test_the_bootstrap_gives_the_interval_of_resampled_rows() -> None:
    rows = [("a", "a")] * 80 + [("a", "b")] * 20 + [("b", "b")] * 30 + [("b", "a")] * 10
    codes = np.array([LABELS.index(true) * 4 + LABELS.index(predicted) for true, predicted in rows])
    random = np.random.default_rng(1)
    drawn = [codes[random.integers(0, len(codes), len(codes))] for _ in range(2000)]
    f1 = [np.mean([2 * np.sum(d == k * 5) / (np.sum(d // 4 == k) + np.sum(d % 4 == k)) for k in (0, 1)]) for d in drawn]
    interval = percentile_intervals(counted(("a", "b"), rows).triples(), 2)["f1_macro"]
    assert interval == pytest.approx(np.quantile(f1, (0.025, 0.975)), abs=0.01)


def test_a_thousand_labels_fit() -> None:
    labels = tuple(f"l{number}" for number in range(1000))
    counts: dict[tuple[str | None, str], int] = {
        (label, labels[(index * step) % 1000]): 1 for index, label in enumerate(labels) for step in (1, 7, 3)
    }
    metrics = measured(tally_of(labels, counts))
    assert metrics["f1_macro"]["ci_low"] is not None
    assert metrics["accuracy"]["n"] == len(counts)


def test_the_matrix_has_a_column_for_every_way_to_have_no_label() -> None:
    assert confusion_matrix(tally_of(("spam", "ham"), COUNTS)) == {
        "rows": ["spam", "ham"],
        "columns": ["spam", "ham", "unparsed", "ambiguous", "refused", "truncated", "filtered", "error"],
        "counts": [[40, 10, 0, 0, 0, 0, 0, 2], [5, 140, 3, 0, 0, 0, 0, 0]],
    }


def test_every_outcome_has_its_row_in_the_counts() -> None:
    assert tally_of(("spam", "ham"), COUNTS).value() == {
        **dict.fromkeys(map(str, Outcome), 0),
        "correct": 180,
        "wrong": 15,
        "scored": 7,
        "unparsed": 6,
        "error": 2,
    }


def test_a_flawless_table_leaves_room_for_the_mistakes_that_so_few_rows_cannot_show() -> None:
    """90 and 10 rows, all right: the ten say little of their label, and so the macro average says little."""
    tally = ConfusionTally.empty(("ham", "spam"))
    for target in ["ham"] * 90 + ["spam"] * 10:
        tally.update(Score(id="1", repeat=0, target=target, prediction=target, outcome=Outcome.CORRECT, rule="exact"))
    metrics = classification_metrics(tally, ok=100, expected=100, positive="spam")
    of_few, of_many = wilson(10, 10)[0], wilson(90, 90)[0]
    assert metrics["f1_macro"]["ci_low"] == pytest.approx((of_few + of_many) / 2)
    assert metrics["f1"]["ci_low"] == pytest.approx(of_few)
    assert metrics["mcc"]["ci_low"] == pytest.approx(of_few + of_many - 1)
    assert metrics["f1_weighted"]["ci_low"] == pytest.approx(wilson(100, 100)[0])
    assert {metrics[name]["ci_high"] for name in ("f1_macro", "f1", "mcc", "kappa")} == {1.0}
