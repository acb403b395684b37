"""The first screen: what whoever decides has to see."""

from typing import Any

import pytest

from evalsvc.records import Summary
from tests.report.cases import summary
from tests.report.html.pages import Reader, manifest, read, rendered

HALF: Any = {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n": 50, "signature": ""}


def gates(*of: dict[str, Any], **changes: Any) -> list[list[str]]:
    return read(summary(gates=list(of), **changes)).table("What must hold").rows[1:]


def metrics(**of: Any) -> Summary:
    return summary(metrics=of)


def test_the_verdict_comes_first_and_names_the_positive_label() -> None:
    failed = {"gate": "recall >= 0.80", "passed": False, "value": 0.12, "reason": "0.12 is below 0.8"}
    text = read(summary(gates=[failed])).text
    assert text.index("✗ Not to be shipped: recall of spam 0.120 is below 0.8.") < text.index("Gates")
    unnamed = read(summary(gates=[failed]), about=manifest({"scoring": {"labels": ["spam", "ham"]}, "gates": []})).text
    assert "✗ Not to be shipped: recall 0.120 is below 0.8." in unnamed


def test_whoever_is_sent_the_page_sees_what_was_measured_on_what_and_when() -> None:
    told = "spam-ft-v3 ft:abc123 · revision r7 · at https://api.openai.com/v1 · run 1a2b3c4d · test.jsonl · 2026-11-21"
    assert told in read().text


def test_of_a_judge_it_says_whose_answers_they_were() -> None:
    judge = manifest(identity={**manifest().identity, "judged": ["summaries/eacaf430", "summaries/1d880bc4"]})
    assert " · answers of summaries/eacaf430, summaries/1d880bc4 · 2026-11-21" in read(about=judge).text


def test_a_gate_has_its_value_interval_and_reason() -> None:
    passed = {"gate": "accuracy.ci_low >= 0.98", "passed": True, "value": 0.9813, "reason": None}
    failed = {"gate": "per_class.spam.recall >= 0.95", "passed": False, "value": 0.9304, "reason": "0.9304 is below 0.95"}
    opened = {"gate": "mcc >= 0.5", "passed": None, "value": None, "reason": "the run is not complete"}
    metrics = {"accuracy": {**HALF, "ci_low": 0.9813, "ci_high": 0.9878}, "recall": HALF}
    assert gates(passed, failed, opened, metrics=metrics) == [
        ["accuracy.ci_low >= 0.98", "✓ passed", "0.981", "[0.9813, 0.9878]"],
        ["per_class.spam.recall >= 0.95 0.9304 is below 0.95", "✗ failed", "0.930", ""],
        ["mcc >= 0.5 the run is not complete", "? open", "–", ""],
    ]


def test_a_gate_that_was_not_judged_has_no_interval_either() -> None:
    gate = {"gate": "accuracy >= 0.5", "passed": None, "value": None, "reason": "the run is not complete"}
    assert gates(gate, metrics={"accuracy": HALF})[0][2:] == ["–", ""]


def test_a_gate_on_a_slice_has_the_interval_of_the_slice() -> None:
    gate = {"gate": "slices.v1.0.yes.accuracy >= 0.3", "passed": True, "value": 0.5, "reason": None}
    sliced = {**HALF, "slices": {"v1.0": {"yes": {"value": 0.5, "ci_low": 0.31, "ci_high": 0.69, "n": 9}}}}
    assert gates(gate, metrics={"accuracy": sliced})[0][3] == "[0.3100, 0.6900]"
    assert gates(gate, metrics={"accuracy": HALF})[0][3] == ""


def test_a_gate_against_a_baseline_shows_difference_margin_verdict_and_how_many_rows_would_tell() -> None:
    named = "accuracy no worse than latest, margin 0.01"
    regression = {"metric": "accuracy", "baseline": "spam/ab12", "verdict": "cannot tell", "margin": 0.01, "rows": 1000}
    regression |= {"difference": -0.0042, "ci_low": -0.012, "ci_high": 0.0036, "rows_needed": 4200}
    gate = {"gate": named, "passed": True, "value": -0.0042, "reason": None, "regression": regression}
    assert gates(gate) == [
        [
            f"{named} cannot tell: difference to spam/ab12 over 1,000 rows, margin 0.01; about 4,200 rows would tell",
            "✓ passed",
            "-0.0042",
            "[-0.0120, 0.0036]",
        ]
    ]


def test_numbers_have_their_intervals_and_say_what_is_missing() -> None:
    reader = read()
    assert reader.table("Metrics").rows == [
        ["metric", "value", "95 % interval", "drawn", "rows", "parsed only"],
        ["accuracy", "0.9849", "[0.9813, 0.9878]", "", "5,574", "0.9872"],
        ["mcc", "–", "", "", "0", ""],
    ]
    assert "mcc: only one class" in reader.text


def test_what_was_parsed_has_a_column_only_where_it_says_something_else() -> None:
    assert "parsed only" not in read(metrics(accuracy={**HALF, "on_parsed": 0.5})).text
    assert "parsed only" in read(metrics(accuracy={**HALF, "on_parsed": 0.6})).text


def test_of_many_metrics_those_with_a_gate_and_the_first_are_seen_at_once() -> None:
    gate = {"gate": "ext.m14 >= 0.1", "passed": True, "value": 0.5, "reason": None}
    reader = read(summary(metrics={f"ext.m{number}": HALF for number in range(15)}, gates=[gate]))
    assert [row[0] for row in reader.table("Metrics").rows[1:]] == [*(f"ext.m{number}" for number in range(9)), "ext.m14"]
    assert [row[0] for row in reader.table("Further metrics").rows[1:]] == [f"ext.m{number}" for number in range(9, 14)]
    assert "5 more metrics" in reader.text


def test_only_what_has_two_ends_is_drawn_between_them() -> None:
    assert 'class="scale"' not in rendered(metrics(mae=HALF))
    assert 'class="scale"' not in rendered(metrics(accuracy={**HALF, "ci_low": None}))
    assert 'class="scale"' not in rendered(metrics(accuracy={**HALF, "value": 0.7}))
    drawn = rendered(metrics(mcc={**HALF, "value": 0.5, "ci_low": 0.0, "ci_high": 1.0}))
    assert '<i style="left:50.0%;width:50.0%"></i><b style="left:75.0%"></b>' in drawn


def test_what_is_better_when_lower_is_marked() -> None:
    reader = read(metrics(mae=HALF, accuracy=HALF))
    assert [row[0] for row in reader.table("Metrics").rows[1:]] == ["mae ↓", "accuracy"]
    assert "↓: lower is better" in reader.text
    assert "lower is better" not in read().text


def test_outcomes_are_a_bar_with_words_and_shades_that_differ() -> None:
    html = rendered(summary(outcomes={"correct": 90, "wrong": 5, "error": 3, "unparsed": 1, "refused": 1, "filtered": 0}))
    assert "correct 90 (90.0 %) wrong 5 (5.0 %) error 3 (3.0 %) unparsed 1 (1.0 %) refused 1 (1.0 %)" in Reader(html).text
    bar = html.split('class="shares"')[1].split("</div>")[0]
    fills = [part.split('"')[0] for part in bar.split('<i class="')[1:]]
    assert len(fills) == len(set(fills)) == 5
    assert 'style="flex:90"' in bar


MATRIX = {"rows": ["a"], "columns": ["a"], "counts": [[1]]}


@pytest.mark.parametrize(("matrix", "words"), [(MATRIX, "without a target 3"), (None, "scored 3")])
def test_rows_that_are_neither_right_nor_wrong_are_called_by_what_they_are(matrix: Any, words: str) -> None:
    assert words in read(summary(outcomes={"scored": 3}, confusion_matrix=matrix)).text


def test_the_most_harmful_warnings_are_open_and_the_others_a_click_away() -> None:
    warnings = [{"kind": "k", "message": f"warning number {number}", "evidence": {}} for number in range(5)]
    html = rendered(summary(warnings=warnings))
    opened, _, folded = html.partition("2 more warnings")
    assert "warning number 2" in opened
    assert "warning number 3" not in opened
    assert "warning number 4" in folded
    assert "more warning" not in rendered(summary(warnings=warnings[:3]))
