"""The result: verdict first, every number there, nothing wrapped badly."""

import io
import json
from typing import Any

import pytest

from evalsvc.errors import Stopped
from evalsvc.records import Summary
from evalsvc.report import print_result, print_result_event, result_table
from tests.report.cases import Screen, drawn, summary


def seen(whole: Summary, *, width: int = 80, **options: Any) -> str:
    return drawn(result_table(whole, width=width, **options), width=width)


@pytest.mark.parametrize("width", [80, 120])
def test_every_fact_is_there_and_no_line_is_too_wide(width: int) -> None:
    text = seen(summary(), width=width, exit_code=3)
    for words in (
        "accuracy  0.9849  [0.9813, 0.9878]  5,574       0.9872",
        "correct 5,490 (98.5 %) · wrong 71 (1.3 %) · unparsed 9 (0.2 %)",
        "spam      0.9570  0.9304  0.9435      747        726",
        "spam              695     40           9        3",
        "gate passed  recall >= 0.80    0.9304",
        "gate FAILED  f1_macro >= 0.98  0.979996 is below 0.98",
        "1 warning\n  - 'spam' has 747 of 5,574 rows",
        "model     ft:abc123 at https://api.openai.com/v1 · revision r7",
        "tokens    172,794 in, 3,000 of them cached · 5,574 out · $0.08",
        "calls     5,590 · 12 rate-limited · 16 retried · 4 rows failed",
        "latency   p50 0.24 s · p90 0.37 s · p95 0.41 s · p99 0.70 s · max 2.3 s",
        "time      3 min 20 s · 2 launches · 812 rows/s",
    ):
        assert words in text
    assert max(map(len, text.splitlines())) <= width


def test_no_line_ends_in_blanks() -> None:
    text = seen(summary(), exit_code=3)
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_the_verdict_comes_first() -> None:
    assert seen(summary(), exit_code=3, width=120).startswith(
        "spam-ft-v3 · complete, 5,574 rows · 1 of 2 gates failed · exit 3: a quality gate failed\n"
    )


def test_a_verdict_that_does_not_fit_puts_the_exit_code_on_a_second_line() -> None:
    first, second, *_ = seen(summary(), exit_code=3).splitlines()
    assert (first, second) == ("spam-ft-v3 · complete, 5,574 rows · 1 of 2 gates failed", "  exit 3: a quality gate failed")


def test_a_partial_run_says_how_far_it_is_and_that_its_gates_are_open() -> None:
    gates = [{"gate": "recall >= 0.80", "passed": None, "value": 0.5, "reason": None}]
    rows = {"expected": 5574, "ok": 3000, "error": 12, "pending": 2562}
    text = seen(summary(status="partial", rows=rows, gates=gates), exit_code=75, width=120)
    assert text.startswith(
        "spam-ft-v3 · partial, 3,012 of 5,574 rows · 1 gate not judged yet · exit 75: stopped, the same command carries on\n"
    )
    assert "gate open  recall >= 0.80" in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_long_reason_of_a_gate_stands_below_it_and_no_word_of_it_is_cut(width: int) -> None:
    why = "no baseline: there is no baseline.jsonl.gz; next: evalsvc baseline save runs/spam-ft-v3/main-2026-11-21"
    gates = [
        {"gate": "recall >= 0.80", "passed": True, "value": 0.93, "reason": None},
        {"gate": "f1 >= 0.9", "passed": False, "value": 0.5, "reason": "0.5 is below 0.9"},
        {"gate": "accuracy no worse than latest, margin 0.01", "passed": False, "value": None, "reason": why},
    ]
    text = seen(summary(gates=gates), width=width)
    told = text[text.index("  gate passed") : text.index("\n\n  1 warning")].splitlines()
    assert told[:3] == [
        "  gate passed  recall >= 0.80  0.93",
        "  gate FAILED  f1 >= 0.9       0.5 is below 0.9",
        "  gate FAILED  accuracy no worse than latest, margin 0.01",
    ]
    assert all(line.startswith(" " * 15) for line in told[3:])
    assert " ".join(told[3:]).split() == why.split()


def test_a_good_run_is_green_and_a_failed_one_red() -> None:
    passed = [{"gate": "recall >= 0.80", "passed": True, "value": 0.93, "reason": None}]
    assert "\x1b[32m1 gate passed" in drawn(result_table(summary(gates=passed), width=80, exit_code=0), colour=True)
    assert "\x1b[31m1 of 2 gates failed" in drawn(result_table(summary(), width=80, exit_code=3), colour=True)


def test_a_metric_that_cannot_be_had_says_why() -> None:
    text = seen(summary())
    assert "mcc            –                        0\n  mcc: only one class\n" in text


def test_undefined_class_values_are_no_zeros() -> None:
    assert "ham            –  0.9934  0.9914    4,827      4,835" in seen(summary())


def test_even_one_row_of_an_outcome_can_be_seen_in_the_bar() -> None:
    text = drawn(result_table(summary(outcomes={"correct": 199_998, "wrong": 1, "unparsed": 1}), width=80), colour=True)
    assert "\x1b[31m━\x1b[0m\x1b[33m━" in text


def test_sections_without_data_are_left_out() -> None:
    bare = summary(
        metrics={},
        per_class={},
        confusion_matrix=None,
        gates=[],
        warnings=[],
        outcomes={},
        usage={},
        calls={},
        latency_s={},
        timing={},
        run={},
    )
    assert seen(bare) == "spam-ft-v3 · complete, 5,574 rows · no gates\n"


def test_of_very_many_classes_the_worst_are_shown() -> None:
    many = {f"intent {n:02d}": {"precision": 0.5, "recall": 0.5, "f1": n / 100, "support": 40, "predicted": 40} for n in range(77)}
    text = seen(summary(per_class=many, confusion_matrix=None))
    assert text.index("intent 00") < text.index("intent 19")
    assert "intent 20" not in text
    assert "lowest F1 first; 57 more classes in summary.json" in text


def test_labels_and_warnings_from_outside_are_text() -> None:
    per_class = {"[red]x[/]\x1b[31m": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1, "predicted": 1}}
    warnings = [{"kind": "k", "message": "the server said \x1b]0;owned\x07[bold]", "evidence": {}}]
    text = seen(summary(per_class=per_class, warnings=warnings))
    assert "[red]x[/] " in text
    assert "the server said [bold]\n" in text
    assert "\x1b" not in text


def test_files_and_next_steps_end_the_result_and_are_never_folded() -> None:
    out = io.StringIO()
    step = "jq 'select(.outcome == \"wrong\")' runs/spam-ft-v3/1a2b3c4d/scored.jsonl | " + "less " * 20
    print_result(summary(), "runs/x/", stdout=out, environ={"COLUMNS": "40"}, next_steps=["evalsvc show runs/x", step])
    assert out.getvalue().splitlines()[-6:] == [
        "  files     runs/x/predictions.jsonl",
        "            runs/x/scored.jsonl",
        "            runs/x/summary.json",
        "            runs/x/report.html",
        "  next      evalsvc show runs/x",
        f"            {step}",
    ]


def test_a_result_into_a_pipe_has_no_escapes() -> None:
    out = io.StringIO()
    print_result(summary(), "runs/x", stdout=out, environ={"TERM": "xterm-256color"}, exit_code=3)
    assert "\x1b" not in out.getvalue()
    assert out.getvalue().startswith("spam-ft-v3")


class HungUp(Screen):
    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_a_reader_that_went_away_or_never_was_is_no_error() -> None:
    for stdout in (HungUp(), None):
        print_result(summary(), "runs/x", stdout=stdout, environ={})
        print_result_event(summary(), "runs/x", stdout=stdout, exit_code=0)


def test_the_result_event_is_the_whole_summary_and_the_exit_code() -> None:
    out = io.StringIO()
    print_result_event(summary(), "runs/x", stdout=out, exit_code=3)
    event = json.loads(out.getvalue())
    assert (event.pop("event"), event.pop("run_dir"), event.pop("exit_code")) == ("result", "runs/x", 3)
    assert event == summary()


def test_the_result_event_of_a_run_that_was_stopped_tells_by_what() -> None:
    out = io.StringIO()
    print_result_event(summary(), "runs/x", stdout=out, exit_code=75, error=Stopped("stopped by SIGTERM", hint="go on"))
    assert json.loads(out.getvalue())["error"] == {"kind": "Stopped", "message": "stopped by SIGTERM", "hint": "go on"}


def averages(*names: str) -> dict[str, Any]:
    return {name: {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n": 9} for name in names}


def test_averages_that_repeat_accuracy_are_left_to_the_file_unless_they_were_chosen() -> None:
    each = [f"{metric}_{average}" for average in ("macro", "micro", "weighted") for metric in ("precision", "recall", "f1")]
    text = seen(summary(metrics=averages("accuracy", *each)))
    assert "f1_macro" in text
    assert "f1_micro" not in text
    assert "the micro and weighted averages are in summary.json" in text
    assert "f1_micro" in seen(summary(metrics=averages("accuracy", "f1_macro", "f1_micro")))


def test_one_reason_for_several_metrics_is_told_once() -> None:
    nothing = {"value": None, "ci_low": None, "ci_high": None, "n": 0, "reason": "no row was answered"}
    text = seen(summary(metrics={"accuracy": nothing, "mcc": nothing}))
    assert "accuracy, mcc: no row was answered" in text


def test_a_row_without_a_right_answer_is_called_so() -> None:
    assert "without a target 3 (1.5 %)" in seen(summary(outcomes={"correct": 197, "scored": 3}))
    assert "scored 3 (1.5 %)" in seen(summary(outcomes={"correct": 197, "scored": 3}, confusion_matrix=None))


def test_streamed_answers_show_how_soon_they_began_and_others_do_not() -> None:
    unknown = dict.fromkeys(("p50", "p90", "p95", "p99", "max"))
    streamed = drawn(result_table(summary(ttft_s={**unknown, "p50": 0.12}, itl_s={**unknown, "p50": 0.008}), width=80))
    assert "  1st token p50 0.12 s\n  per piece p50 8 ms\n" in streamed
    assert "1st token" not in drawn(result_table(summary(ttft_s=unknown, itl_s=unknown), width=80))
    assert "1st token" not in drawn(result_table(summary(), width=80))  # a summary of old


def test_on_a_narrow_screen_columns_go_before_a_number_is_cut() -> None:
    metrics = {
        name: {"value": 0.98493, "ci_low": 0.9813, "ci_high": 0.9878, "n": 5574, "on_parsed": 0.98723, "signature": "s"}
        for name in ("accuracy", "balanced_accuracy")
    }
    text = seen(summary(metrics=metrics), width=60)
    assert "  balanced_accuracy  0.9849  [0.9813, 0.9878]  5,574\n" in text
    assert "  parsed only: in summary.json, or on a wider screen\n" in text
    assert "0.9872" in seen(summary(metrics=metrics), width=80)


def test_a_label_is_cut_where_there_is_no_room_and_numbers_never() -> None:
    per_class = {"a label of many words": {"precision": 0.957, "recall": 0.9304, "f1": 0.9435, "support": 747, "predicted": 726}}
    text = seen(summary(per_class=per_class, confusion_matrix=None), width=55)
    assert "  a lab…     0.9570  0.9304  0.9435      747        726\n" in text
