from collections.abc import Mapping

import pytest

from evalsvc.config.models import MetricGate, RegressionGate
from evalsvc.errors import UsageError
from evalsvc.metrics import check_gates, check_metrics, classification_metrics, evaluate_gate, parse_gate, per_class, undecided
from evalsvc.metrics.gates import Against, Gate, Judged, available_metrics, least_coverage
from evalsvc.metrics.names import CLASSIFICATION
from evalsvc.records import GateResult, MetricValue
from tests.metrics.confusions import tally_of

READ: Mapping[str, tuple[str, str, str | None, str, float]] = {
    "recall >= 0.80": ("recall", "value", None, ">=", 0.8),
    "f1_macro.ci_low>=.75": ("f1_macro", "ci_low", None, ">=", 0.75),
    " accuracy.on_parsed  <  1 ": ("accuracy", "on_parsed", None, "<", 1.0),
    "mcc == -1": ("mcc", "value", None, "==", -1.0),
    "per_class.spam.recall > 8e-1": ("recall", "value", "spam", ">", 0.8),
    "per_class.not spam, v1.0.f1 <= 0.5": ("f1", "value", "not spam, v1.0", "<=", 0.5),
    "per_class.a<=b.precision >= 0.5": ("precision", "value", "a<=b", ">=", 0.5),
}


@pytest.mark.parametrize("text", READ)
def test_a_gate_is_read(text: str) -> None:
    gate = parse_gate(text)
    assert (gate.metric, gate.part, gate.label, gate.op, gate.threshold) == READ[text]
    assert gate.text == text


REFUSED: Mapping[str, str] = {
    "accuracy": "is no gate",
    "accuracy = 0.9": "is no gate",
    ">= 0.9": "is no gate",
    "accuracy >= high": "'high' is not a number",
    "accuracy >= nan": "'nan' is not a number",
    "accuracy >= 80%": "'80%' is not a number",
    "accuracy >= 80": "lies between 0 and 1",
    "mcc >= -2": "lies between -1 and 1",
    "acuracy >= 0.9": "no metric 'acuracy'",
    "accuracy.ci_lo >= 0.9": "accuracy has no 'ci_lo'",
    "parse_rate.on_parsed >= 0.9": "no on_parsed",
    "recall >= 0.9": "plain recall is that of one label",
    "per_class.spam.recal >= 0.9": "per_class has no 'recal'",
    "per_class.junk.recall >= 0.9": "'junk' is not one of the labels",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_gate_that_could_never_be_met_is_refused_before_the_run(text: str) -> None:
    with pytest.raises(UsageError, match=REFUSED[text]) as refused:
        check_gates([text], labels=("spam", "ham"))
    assert refused.value.hint
    assert text in refused.value.message


def test_refusals_name_what_to_write_instead() -> None:
    hints = {}
    for text in ("acuracy >= 0.9", "recall >= 0.9", "accuracy >= 80", "accuracy >= 80%"):
        with pytest.raises(UsageError) as refused:
            check_gates([text])
        hints[text] = refused.value.hint or ""
    assert "`accuracy`" in hints["acuracy >= 0.9"]
    assert "`recall_macro`" in hints["recall >= 0.9"]
    assert "80 % is 0.8" in hints["accuracy >= 80"]
    assert "0.80" in hints["accuracy >= 80%"]


def test_a_baseline_in_place_of_a_number_is_answered_with_the_gate_that_compares_rows() -> None:
    with pytest.raises(UsageError, match="a baseline is no number") as refused:
        check_gates(["accuracy >= baseline - 0.01"])
    assert "{regression: accuracy, margin: 0.01, baseline: latest}" in (refused.value.hint or "")


def test_with_a_positive_label_plain_names_are_gates() -> None:
    assert [gate.metric for gate in check_gates(["recall >= 0.9", "f1 > 0"], positive="spam")] == ["recall", "f1"]


def test_a_label_that_is_not_known_yet_is_not_refused() -> None:
    [gate] = check_gates(["per_class.junk.recall >= 0.9"])
    assert isinstance(gate, Gate)
    assert gate.label == "junk"


def decided(text: str) -> GateResult:
    tally = tally_of(("spam", "ham", "new"), {("spam", "spam"): 8, ("spam", "ham"): 2, ("ham", "ham"): 90})
    metrics = classification_metrics(tally, ok=100, expected=100, positive="new")
    return evaluate_gate(parse_gate(text), Judged(metrics=metrics, per_class=per_class(tally)))


RESULTS: Mapping[str, tuple[bool, float | None, str | None]] = {
    "accuracy >= 0.98": (True, 0.98, None),
    "accuracy > 0.98": (False, 0.98, "0.98 is not above 0.98"),
    "accuracy >= 0.99": (False, 0.98, "0.98 is below 0.99"),
    "accuracy <= 0.9": (False, 0.98, "0.98 is above 0.9"),
    "accuracy == 0.98": (True, 0.98, None),
    "per_class.spam.recall >= 0.8": (True, 0.8, None),
    "per_class.new.recall >= 0.8": (False, None, "recall of 'new' is 0/0: 0 rows, 0 replies"),
    "per_class.old.recall >= 0.8": (False, None, "'old' is not one of the labels"),
    "recall >= 0.8": (False, None, "no row has the positive label"),
    "bleu >= 0.8": (False, None, "this run has no bleu"),
}


@pytest.mark.parametrize("text", RESULTS)
def test_a_gate_is_decided_with_its_reason(text: str) -> None:
    passed, value, reason = RESULTS[text]
    assert decided(text) == {"gate": text, "passed": passed, "value": value, "reason": reason}


def test_a_gate_on_the_lower_end_is_harder_to_pass() -> None:
    assert decided("accuracy >= 0.95")["passed"]
    assert not decided("accuracy.ci_low >= 0.95")["passed"]


def test_a_partial_run_decides_no_gate() -> None:
    assert undecided(parse_gate("accuracy >= 0.9"))["passed"] is None


def test_no_metrics_key_means_all_of_them() -> None:
    assert check_metrics([]) == CLASSIFICATION
    assert check_metrics([], positive="spam") == (*CLASSIFICATION, "precision", "recall", "f1")


def test_named_metrics_come_in_the_order_of_the_reports() -> None:
    assert check_metrics(["mcc", "accuracy"]) == ("accuracy", "mcc")


def test_a_metric_that_cannot_be_had_is_refused() -> None:
    for metric, told in (
        ("recall", "scoring.positive"),
        ("bleu", "not measured beside a scorer of your own"),
        ("acc", "no metric"),
        ({"mcc": {"x": 1}}, "no options"),
    ):
        with pytest.raises(UsageError, match=f"metrics: .*{told}"):
            check_metrics([metric])
    with pytest.raises(UsageError, match="of the tasks generation"):
        check_metrics(["bleu"], available=available_metrics("classification", has_labels=True))


def test_a_group_of_metrics_stands_for_each_of_them() -> None:
    available = available_metrics("summarization", has_labels=False)
    assert check_metrics([{"rouge": {"stemmer": True}}], available=available) == ("rouge1", "rouge2", "rougeL", "rougeLsum")


def test_what_is_shown_without_a_choice_are_the_outcomes_and_the_tasks_own() -> None:
    available = available_metrics("translation", has_labels=False)
    assert check_metrics([], available=available, shown=("bleu", "ter")) == ("accuracy", "bleu", "ter", "parse_rate", "coverage")


def test_a_threshold_lies_in_the_range_of_its_metric() -> None:
    available = available_metrics("translation", has_labels=False)
    for gate in ("bleu >= 27.5", "ter <= 180", "generated_perplexity < 12"):
        assert len(check_gates([gate], available=available)) == 1
    for gate in ("bleu >= 101", "ter >= -1", "generated_perplexity < 0.5", "token_f1 >= 80"):
        with pytest.raises(UsageError, match="gates: "):
            check_gates([gate], available=available)


@pytest.mark.parametrize(
    ("text", "metric", "part"),
    [
        ("ext.comet >= 80", "ext.comet", "value"),
        ("ext.comet.ci_low > -3", "ext.comet", "ci_low"),
        ("ext.rouge.l <= 1", "ext.rouge.l", "value"),
        ("ext.rouge.l.ci_high <= 1", "ext.rouge.l", "ci_high"),
    ],
)
def test_an_extension_may_be_gated_at_any_number_and_on_its_interval(text: str, metric: str, part: str) -> None:
    [gate] = check_gates([text])
    assert isinstance(gate, Gate)
    assert (gate.metric, gate.part) == (metric, part)


def test_a_gate_on_an_extension_that_did_not_come_about_fails_and_says_which_did() -> None:
    [gate] = check_gates(["ext.commet >= 80"])
    metric: MetricValue = {"value": 1.0, "ci_low": None, "ci_high": None, "n": 1, "signature": ""}
    assert isinstance(gate, Gate)
    result = evaluate_gate(gate, Judged(metrics={"accuracy": metric, "ext.comet": metric}, per_class={}))
    assert (result["passed"], result["reason"]) == (False, "this run has no ext.commet; it has ext.comet")


def test_without_labels_a_metric_that_needs_them_is_refused_with_what_there_is() -> None:
    available = available_metrics(has_labels=False, own_scorer=True)
    assert check_metrics([], available=available) == ("accuracy", "parse_rate", "coverage")
    for name in ("f1_macro", "recall"):
        with pytest.raises(UsageError, match=f"{name} needs labels"):
            check_gates([f"{name} >= 0.5"], available=available)


def test_metrics_of_the_users_own_are_passed_over() -> None:
    assert check_metrics(["accuracy", "m.py:A", {"m.py:B": {"x": 1}}], custom=["m.py:A", "m.py:B"]) == ("accuracy",)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("BLEU", "bleu"), ("rougel", "rougeL"), ("chrF++", "chrf_pp"), ("acc", "accuracy"), ("em", "exact_match"), ("pass@k", "pass_at_k")],
)
def test_names_from_elsewhere_are_understood_well_enough_to_be_put_right(written: str, meant: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_metrics([written], available=available_metrics("translation", has_labels=False))
    assert refused.value.hint == f"did you mean `{meant}`?"


def test_where_there_are_no_labels_none_of_their_metrics_is_proposed() -> None:
    with pytest.raises(UsageError) as refused:
        check_metrics(["comet"], available=available_metrics("translation", has_labels=False))
    assert "recall" not in (refused.value.hint or "")


@pytest.mark.parametrize(("gate", "meant"), [("bleu >= 0.3", "bleu >= 30"), ("chrf.ci_low > 0.5", "chrf.ci_low > 50")])
def test_a_share_of_what_goes_to_a_hundred_is_refused_with_the_number_meant(gate: str, meant: str) -> None:
    with pytest.raises(UsageError, match="goes from 0 to 100") as refused:
        check_gates([gate], available=available_metrics("translation", has_labels=False))
    assert (refused.value.hint or "").startswith(f"write `{meant}` ")


def test_an_operator_the_wrong_way_round_is_told_from_a_metric() -> None:
    with pytest.raises(UsageError, match=r"`accuracy => 0\.9` is no gate"):
        check_gates(["accuracy => 0.9"])


OF_SLICES: Mapping[str, tuple[str, str, str]] = {
    "slices.language.de.accuracy >= 0.8": ("accuracy", "value", "language.de"),
    "slices.language.de.accuracy.ci_low >= 0.8": ("accuracy", "ci_low", "language.de"),
    "slices.version.v1.0.f1_macro >= 0.8": ("f1_macro", "value", "version.v1.0"),
    "slices.language.de.ext.comet >= 80": ("ext.comet", "value", "language.de"),
}


@pytest.mark.parametrize("text", OF_SLICES)
def test_a_gate_on_a_slice_names_column_value_metric_and_part(text: str) -> None:
    [gate] = check_gates([text], slices=("language", "version"))
    assert isinstance(gate, Gate)
    assert (gate.metric, gate.part, gate.slice) == OF_SLICES[text]


@pytest.mark.parametrize(
    ("text", "slices", "told"),
    [
        ("slices.country.de.accuracy >= 0.8", ("language",), "not sliced by 'country'"),
        ("slices.country.de.accuracy >= 0.8", (), "not sliced by 'country'"),
        ("slices.language.de.parse_rate >= 0.8", ("language",), "of the run, not of slices"),
        ("slices.language.de.acuracy >= 0.8", ("language",), "no metric 'acuracy'"),
        ("slices.language.de.accuracy >= 8", ("language",), "lies between 0 and 1"),
    ],
)
def test_a_gate_on_a_slice_that_there_will_not_be_is_refused(text: str, slices: tuple[str, ...], told: str) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        check_gates([text], slices=slices)
    assert refused.value.hint


def judged(text: str | MetricGate, *, coverage: float = 1.0, least_coverage: float = 0.9, value: float | None = 0.9) -> GateResult:
    metric: MetricValue = {
        "value": value,
        "ci_low": 0.85,
        "ci_high": 0.95,
        "n": 40,
        "signature": "",
        "slices": {"language": {"de": {"value": 0.7, "ci_low": None, "ci_high": 0.8, "n": 7}}},
    }
    rows: MetricValue = {"value": coverage, "ci_low": None, "ci_high": None, "n": 40, "signature": ""}
    [gate] = check_gates([text], slices=("language",))
    assert isinstance(gate, Gate)
    return evaluate_gate(gate, Judged(metrics={"accuracy": metric, "coverage": rows}, per_class={}, least_coverage=least_coverage))


def test_a_gate_on_a_slice_is_held_against_the_number_of_those_rows() -> None:
    assert judged("slices.language.de.accuracy >= 0.6")["passed"]
    assert judged("slices.language.de.accuracy >= 0.8")["reason"] == "0.7 is below 0.8"
    assert "accuracy has no slice language.fr; it has language.de" in (judged("slices.language.fr.accuracy >= 0.6")["reason"] or "")
    assert "too few rows" in (judged("slices.language.de.accuracy.ci_low >= 0.6")["reason"] or "")


def test_a_number_over_too_few_rows_fails_and_says_how_many_there_are() -> None:
    assert judged(MetricGate(gate="accuracy >= 0.8", min_rows=40))["passed"]
    assert judged(MetricGate(gate="accuracy >= 0.8", min_rows=41))["reason"] == "40 rows are fewer than 41"
    assert judged(MetricGate(gate="slices.language.de.accuracy >= 0.6", min_rows=8))["reason"] == "7 rows are fewer than 8"


def test_a_number_of_a_run_that_was_answered_in_part_fails() -> None:
    assert judged("accuracy >= 0.8", coverage=0.9)["passed"]
    assert judged("accuracy >= 0.8", coverage=0.89)["reason"] == "only 89 % of the rows have an answer, and 90 % must (min_coverage)"
    assert judged(MetricGate(gate="accuracy >= 0.8", min_coverage=0.5), coverage=0.6)["passed"]
    assert not judged(MetricGate(gate="accuracy >= 0.8", min_coverage=0.99), coverage=0.98)["passed"]
    assert judged("accuracy >= 0.8", coverage=0.75, least_coverage=least_coverage(0.3))["passed"]


def test_a_gate_on_coverage_says_itself_what_coverage_must_be() -> None:
    assert judged("coverage >= 0.5", coverage=0.6)["passed"]


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_what_is_no_number_passes_no_gate(value: float | None) -> None:
    result = judged("accuracy >= 0.0", value=value)
    assert (result["passed"], result["value"]) == (False, None)
    assert result["reason"]


def test_a_gate_against_a_baseline_is_read_with_its_margin() -> None:
    [gate] = check_gates([RegressionGate(regression="accuracy", margin=0.02, baseline="b.jsonl.gz", on_inconclusive="fail")])
    assert gate == Against(metric="accuracy", margin=0.02, baseline="b.jsonl.gz", passes_if_open=False)
    assert gate.text == "accuracy no worse than b.jsonl.gz, margin 0.02"


def test_a_margin_that_is_not_written_is_a_hundredth_of_the_range() -> None:
    available = available_metrics("translation", has_labels=False)
    [accuracy, bleu] = check_gates([RegressionGate(regression="accuracy"), RegressionGate(regression="bleu")], available=available)
    assert isinstance(accuracy, Against)
    assert isinstance(bleu, Against)
    assert (accuracy.margin, bleu.margin) == (0.01, 1.0)


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        (RegressionGate(regression="acuracy"), "no metric 'acuracy'"),
        (RegressionGate(regression="ter"), "needs a `margin`"),
        (RegressionGate(regression="ext.comet"), "needs a `margin`"),
        (RegressionGate(regression="exact_match", margin=5.0), "it could never fail"),
        (RegressionGate(regression="bleu", margin=100.0), "it could never fail"),
    ],
)
def test_a_gate_against_a_baseline_that_nobody_can_judge_is_refused(gate: RegressionGate, told: str) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        check_gates([gate], available=available_metrics("translation", has_labels=False))
    assert refused.value.hint
