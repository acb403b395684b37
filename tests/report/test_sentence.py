"""The verdict in one sentence."""

from typing import Any

import pytest

from evalsvc.metrics.gates import Judged, evaluate_gate, parse_gate
from evalsvc.records import GateResult, Summary
from evalsvc.report.facts import Tone
from evalsvc.report.sentence import sentence
from tests.report.cases import summary


def said(of: Summary, *, passed: bool | None, positive: str | None = "spam") -> tuple[Tone, str]:
    found = sentence(of, passed=passed, positive=positive)
    return found.tone, f"{found.lead}: {found.rest}"


def judged(gate: str, **values: Any) -> GateResult:
    """As a run gives it: of a metric with this value in all of its parts."""
    metric: Any = {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n": 50, "signature": "", **values}
    parsed = parse_gate(gate)
    per_class = {"spam": {"recall": values.get("value", 0.5), "support": 9, "predicted": 9}}
    return evaluate_gate(parsed, Judged(metrics={parsed.metric: metric}, per_class=per_class))


def passing(**changes: Any) -> dict[str, Any]:
    return {"gates": [{"gate": "recall >= 0.80", "passed": True, "value": 0.9, "reason": None}], **changes}


CASES = (
    ("recall >= 0.80", {"value": 0.1234}, "recall of spam 0.123 is below 0.8"),
    ("per_class.spam.recall >= 0.8", {"value": 0.79996}, "recall of spam 0.79996 is below 0.8"),
    ("kappa >= 0.8", {"value": 0.79961234}, "kappa 0.7996 is below 0.8"),
    ("f1_macro.ci_low > 0.75", {"ci_low": 0.75}, "the lower end of f1_macro 0.750 is not above 0.75"),
    ("log_loss <= 0.2", {"value": 0.25}, "log_loss 0.250 is above 0.2"),
    ("bleu >= 25", {"value": 24.99996}, "bleu 24.99996 is below 25"),
    ("accuracy.on_parsed >= 0.9", {"on_parsed": 0.5}, "accuracy of what was parsed 0.500 is below 0.9"),
    (
        "slices.language.de.accuracy >= 0.7",
        {"slices": {"language": {"de": {"value": 0.61, "ci_low": 0.5, "ci_high": 0.7, "n": 40}}}},
        "accuracy where language is de 0.610 is below 0.7",
    ),
    ("mcc >= 0.5", {"value": None, "reason": "only one class"}, "mcc >= 0.5: only one class"),
)


@pytest.mark.parametrize(("gate", "values", "why"), CASES)
def test_a_failed_gate_is_told_in_words_and_never_by_a_number_that_would_pass(gate: str, values: dict[str, Any], why: str) -> None:
    assert said(summary(gates=[judged(gate, **values)]), passed=False) == (Tone.BAD, f"Not to be shipped: {why}.")


def test_of_several_failed_gates_the_first_is_told_and_the_others_are_counted() -> None:
    gates = [judged("mcc >= 0.1"), judged("kappa >= 0.6"), judged("mcc >= 0.9"), judged("kappa >= 0.9")]
    assert said(summary(gates=gates), passed=False)[1] == "Not to be shipped: kappa 0.500 is below 0.6, and 2 more gates failed."


def test_a_gate_that_fails_for_too_few_rows_says_so() -> None:
    gate: GateResult = {"gate": "recall >= 0.80", "passed": False, "value": 0.99, "reason": "12 rows are fewer than 200"}
    assert said(summary(gates=[gate]), passed=False)[1] == "Not to be shipped: recall >= 0.80: 12 rows are fewer than 200."


@pytest.mark.parametrize(
    ("verdict", "needed", "why"),
    [
        ("worse", None, "accuracy is worse than in spam/ab12, difference -0.034 [-0.050, -0.018] over 1,000 rows."),
        (
            "cannot tell",
            4200,
            (
                "whether accuracy is worse than in spam/ab12 cannot be told, "
                "difference -0.034 [-0.050, -0.018] over 1,000 rows; about 4,200 rows would tell."
            ),
        ),
    ],
)
def test_a_loss_against_a_baseline_is_told_with_its_interval(verdict: str, needed: int | None, why: str) -> None:
    regression: Any = {"metric": "accuracy", "baseline": "spam/ab12", "verdict": verdict, "margin": 0.01, "rows": 1000}
    regression |= {"difference": -0.034, "ci_low": -0.05, "ci_high": -0.018, "rows_needed": needed}
    gate: Any = {"gate": "accuracy no worse than latest", "passed": False, "value": -0.034, "reason": "x", "regression": regression}
    assert said(summary(gates=[gate]), passed=False)[1] == f"Not to be shipped: {why}"


def test_a_passed_run_is_told_with_its_first_number() -> None:
    assert said(summary(**passing()), passed=True) == (
        Tone.GOOD,
        "Passed: 5,574 rows, 4 of them in error, 1 of 1 gate passed. accuracy 0.985 [0.981, 0.988].",
    )
    assert said(summary(gates=[], metrics={}), passed=True) == (
        Tone.PLAIN,
        "Complete: 5,574 rows, 4 of them in error; no gates were set.",
    )


def test_the_number_that_is_told_is_that_of_the_first_gate() -> None:
    half = {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n": 9, "signature": ""}
    metrics = {"accuracy": half, "recall": {**half, "value": 0.9, "ci_high": 0.95}, "mcc": half}
    assert said(summary(**passing(metrics=metrics)), passed=True)[1].endswith("recall of spam 0.900 [0.400, 0.950].")
    assert said(summary(**passing(metrics=metrics)), passed=True, positive=None)[1].endswith("recall 0.900 [0.400, 0.950].")
    assert said(summary(gates=[], metrics=metrics), passed=True)[1].endswith("accuracy 0.500 [0.400, 0.600].")


def test_a_gate_that_passed_without_being_able_to_tell_is_counted() -> None:
    gates = [*passing()["gates"], {**passing()["gates"][0], "regression": {"verdict": "cannot tell"}}]
    assert "2 of 2 gates passed, 1 of them unable to tell." in said(summary(gates=gates), passed=True)[1]


def test_too_many_errors_are_no_verdict_on_the_model() -> None:
    errors = {"expected": 500, "ok": 440, "error": 60, "pending": 0}
    assert said(summary(**passing(rows=errors)), passed=False)[1] == (
        "Not to be relied on: 60 of 500 rows are in error (12.0 %), more than was to be accepted."
    )
    hopeless = {"expected": 500, "ok": 500, "error": 0, "pending": 0}
    assert said(summary(**passing(rows=hopeless)), passed=False)[1] == (
        "Not to be relied on: too many of 500 rows brought no usable answer."
    )


def test_a_partial_run_says_how_far_it_is() -> None:
    rows = {"expected": 200, "ok": 50, "error": 0, "pending": 150}
    assert said(summary(status="partial", rows=rows), passed=None) == (
        Tone.WARN,
        "No verdict yet: 50 of 200 rows answered (25.0 %); the same command carries on.",
    )
