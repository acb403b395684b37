"""What a config asks for and cannot get is refused before anybody is asked anything."""

from pathlib import Path
from typing import Any

import pytest

from evalsvc.config import EvalConfig
from evalsvc.deriving.derive import derive_run
from evalsvc.errors import UsageError
from evalsvc.pipeline.prepare import RunOptions, check_numbers, prepare
from tests.faults.promises import promise
from tests.pipeline.answering import prepared
from tests.pipeline.test_planning import config
from tests.reduce.extensions import answer, make_run, rows_of

TEXTS = ("generation", "translation", "summarization", "qa", "regression")


def asking_for(task: str, **changes: Any) -> EvalConfig:
    return config(task=task, scoring={"labels": ["spam", "ham"], **changes.pop("scoring", {})}, **changes)


@pytest.mark.parametrize("task", TEXTS)
def test_one_label_is_not_the_positive_one_where_answers_are_no_labels(task: str) -> None:
    with pytest.raises(UsageError, match=rf"scoring\.positive: it names a label, and with `task: {task}` there are none"):
        check_numbers(asking_for(task, scoring={"positive": "spam"}), str)


@pytest.mark.parametrize("task", TEXTS)
def test_a_metric_of_labels_is_not_one_of_answers_that_are_no_labels(task: str) -> None:
    with pytest.raises(UsageError, match="f1_macro needs labels, and there are none"):
        check_numbers(asking_for(task, metrics=["f1_macro"]), str)


def test_what_was_paid_for_with_one_has_its_numbers(tmp_path: Path) -> None:
    """It was accepted once, and the run could not be scored."""
    rows = rows_of(["spam", "ham"])
    run = make_run(tmp_path, rows, task="qa", scoring={"positive": "spam"})
    answer(run, {"r0": "spam", "r1": "spam"}, {row["id"]: row["label"] for row in rows})
    summary = derive_run(run)
    assert summary["metrics"]["exact_match"]["value"] == 0.5
    assert "precision" not in summary["metrics"]


@promise("15.2")
@pytest.mark.parametrize("run_id", ["a/b", ".a", "é" * 101, "latest"])
def test_a_run_id_that_cannot_name_a_folder_of_its_own_is_refused_with_the_places_that_it_is_from(run_id: str, tmp_path: Path) -> None:
    loaded = prepared(tmp_path, [{"id": "1", "text": "a", "label": "spam"}], "night").loaded
    with pytest.raises(UsageError, match=r"--run-id, EVALSVC_RUN_ID"):
        prepare(loaded, RunOptions(run_id=run_id))


@promise("15.2")
def test_a_file_is_no_run_directory(tmp_path: Path) -> None:
    loaded = prepared(tmp_path, [{"id": "1", "text": "a", "label": "spam"}], "night").loaded
    (tmp_path / "taken").touch()
    with pytest.raises(UsageError, match=r"--run-dir, EVALSVC_RUN_DIR.*it is a file"):
        prepare(loaded, RunOptions(run_dir=tmp_path / "taken"))
