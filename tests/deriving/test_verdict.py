"""Exit codes and next steps of a finished run."""

from pathlib import Path
from typing import Any

import pytest

from evalsvc.config import EvalConfig
from evalsvc.deriving.verdict import exit_code, next_steps
from evalsvc.records import Outcome, Summary


def summary_with(*, error: int = 0, filtered: int = 0, wrong: int = 0, pending: int = 0, gates: tuple[bool | None, ...] = ()) -> Summary:
    """A summary of 100 rows, as far as a verdict reads it."""
    outcomes = {str(outcome): 0 for outcome in Outcome} | {"error": error, "filtered": filtered, "wrong": wrong}
    values: Any = {
        "rows": {"expected": 100, "ok": 100 - error - filtered - pending, "error": error + filtered, "pending": pending},
        "outcomes": outcomes,
        "gates": [{"gate": "accuracy >= 0.5", "passed": passed, "value": None, "reason": None} for passed in gates],
    }
    summary: Summary = values
    return summary


def config_with(max_error_rate: float = 0.01) -> EvalConfig:
    return EvalConfig.model_validate(
        {"name": "n", "dataset": {"path": "d.jsonl"}, "model": {"name": "m"}, "max_error_rate": max_error_rate, "base_dir": Path()}
    )


@pytest.mark.parametrize(
    ("summary", "code"),
    [
        (summary_with(), 0),
        (summary_with(gates=(True, True)), 0),
        (summary_with(gates=(True, False)), 3),
        (summary_with(gates=(None,)), 0),
        (summary_with(error=1), 0),
        (summary_with(error=2), 4),
        (summary_with(error=2, gates=(False,)), 4),
        (summary_with(filtered=50), 0),
        (summary_with(filtered=50, gates=(False,)), 3),
    ],
)
def test_too_many_errors_come_before_a_failed_gate_and_filtered_rows_are_no_errors(summary: Summary, code: int) -> None:
    assert exit_code(summary, config_with()) == code


def test_no_error_at_all_may_be_asked_for() -> None:
    assert exit_code(summary_with(error=1), config_with(max_error_rate=0.0)) == 4


def test_a_flawless_run_leaves_nothing_to_do() -> None:
    assert next_steps(summary_with(), "runs/n/1", "evalsvc run e.yaml") == []


def test_a_folder_with_a_blank_is_one_word_of_what_to_type_next() -> None:
    (step,) = next_steps(summary_with(wrong=2), "runs/my run/1", "evalsvc run e.yaml")
    assert "'runs/my run/1'/scored.jsonl" in step


def test_pending_failed_and_wrong_rows_each_have_a_next_step_the_most_useful_first() -> None:
    steps = next_steps(summary_with(pending=5, error=3, wrong=2), "runs/n/1", "evalsvc run e.yaml")
    assert steps[0].startswith("evalsvc run e.yaml ")
    assert steps[1].startswith("evalsvc run e.yaml --retry-failed ")
    assert "the 3 failed rows" in steps[1]
    assert steps[-1] == "jq -c 'select(.outcome==\"wrong\")' runs/n/1/scored.jsonl | head"


def test_replies_that_could_not_be_read_are_there_to_be_looked_at() -> None:
    summary = summary_with()
    summary["outcomes"][Outcome.UNPARSED] = 3
    (step,) = next_steps(summary, "runs/n/1", "evalsvc run eval.yaml")
    assert step.startswith("jq -c .output runs/n/1/predictions.jsonl | sort")
