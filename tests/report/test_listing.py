"""Runs beside each other, in any width."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evalsvc.cli.listing import row_of
from evalsvc.report import RunRow, list_table, print_list
from tests.compare.runs import make_run, rows_of
from tests.report.cases import drawn

DONE = RunRow(
    name="spam-ft-v3",
    run_id="1a2b3c4d",
    status="complete",
    done=5574,
    expected=5574,
    metric="accuracy",
    value=0.98493,
    gates_passed=True,
    model="ft:gpt-4.1-mini:acme::abc123",
    when="Nov 20 02:13",
)
HALF = replace(
    DONE, name="banking77-nightly-lora-adapter", run_id="0badcafe", status="partial", done=120_000, expected=200_000, gates_passed=None
)
FAILED = replace(DONE, run_id="deadbeef", gates_passed=False, value=0.5)


def seen(*rows: RunRow, width: int = 80) -> list[str]:
    return drawn(list_table(rows, width=width), width=width).splitlines()


def test_a_wide_screen_shows_everything() -> None:
    header, done, half, failed = seen(DONE, HALF, FAILED, width=160)
    assert header.split() == ["name", "run", "status", "rows", "metric", "gates", "model", "when"]
    assert done.split() == ["spam-ft-v3", "1a2b3c4d", "complete", "5,574", "accuracy", "0.9849", "passed", DONE.model, *DONE.when.split()]
    assert "120,000/200,000" in half
    assert "FAILED" in failed


@pytest.mark.parametrize("width", [72, 80, 100, 120])
def test_ids_status_and_verdicts_are_never_cut(width: int) -> None:
    lines = seen(DONE, HALF, FAILED, width=width)
    assert len(lines) == 4
    assert max(map(len, lines)) <= width
    for row, line in zip((DONE, HALF, FAILED), lines[1:], strict=True):
        assert row.run_id in line
        assert row.status in line
    assert "60.0 %" in lines[2] or "120,000/200,000" in lines[2]


def test_eighty_columns_are_enough_for_name_and_time() -> None:
    line = seen(DONE, HALF, FAILED)[1]
    assert line.startswith("spam-ft-v3")
    assert line.endswith("Nov 20 02:13")


def test_a_pipe_gets_whole_lines() -> None:
    out = io.StringIO()
    print_list([replace(HALF, model="m" * 30)], stdout=out, environ={})
    line = out.getvalue().splitlines()[1]
    assert "m" * 30 in line
    assert line == line.rstrip()


def test_without_runs_there_is_a_sentence() -> None:
    assert seen() == ["no runs here yet"]


def test_a_model_name_is_text() -> None:
    assert "[bold]m[/]" in seen(replace(DONE, model="[bold]m[/]\x1b[31m"), width=120)[1]


def test_a_run_of_any_task_shows_the_first_of_its_numbers(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", rows_of(3), lambda sample, _: str(sample.target), task="translation", scoring={}, metrics=["chrf"])
    row = row_of(run, datetime(2026, 11, 20, tzinfo=UTC))
    assert row.metric == "chrf"
    assert row.value == pytest.approx(100.0)
