"""`report_to`, as a user has it: told once, told again when scored again, and never in the way."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.desk import Desk, messages_rows


@pytest.fixture
def offline(tmp_path: Path) -> Mapping[str, str]:
    """Weights & Biases on this disk."""
    folders = ("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR")
    (tmp_path / "kept").mkdir()
    return {"WANDB_MODE": "offline", **dict.fromkeys(folders, str(tmp_path / "kept"))}


def told(desk: Desk) -> int:
    return len(list(desk.path.glob("kept/wandb/offline-run-*")))


def test_a_run_is_told_once_and_again_when_its_numbers_are_others(desk: Desk, tag: str, offline: Mapping[str, str]) -> None:
    desk.write_rows(messages_rows(6, tag))
    desk.write_config(report_to=["wandb"])
    assert desk.run("plan", "eval.yaml", "--ask", "2", environ=offline).code == 0
    assert told(desk) == 0
    first = desk.run("run", "eval.yaml", environ=offline)
    assert first.code == 0, first.err
    assert "note: wandb: " in first.err
    assert told(desk) == 1
    assert desk.run("run", "eval.yaml", environ=offline).code == 0
    assert told(desk) == 1
    again = desk.run("score", "--set", 'gates=["accuracy >= 0"]', environ=offline)
    assert "note: wandb: " in again.err
    assert told(desk) == 2
    # both are one run there
    assert len({path.name.rpartition("-")[2] for path in desk.path.glob("kept/wandb/offline-run-*")}) == 1


def test_a_tracker_that_fails_changes_nothing_but_a_note(desk: Desk, tag: str, tmp_path: Path) -> None:
    desk.write_rows(messages_rows(6, tag))
    desk.write_config(report_to=["mlflow"], gates=["recall >= 0.99", "accuracy <= 0.01"])
    end = desk.run("run", "eval.yaml", environ={"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"})
    assert end.code == 3, end.err
    assert "note: mlflow: not told of this run" in end.err
    assert "accuracy" in end.out
    assert desk.summary["status"] == "complete"
