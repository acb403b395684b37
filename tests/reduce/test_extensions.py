"""Reductions with a scorer and a metric of the user's own."""

from pathlib import Path
from typing import Any

import pytest

from evalsvc.deriving.derive import derive_run, is_up_to_date
from evalsvc.errors import UsageError
from evalsvc.jsonio import loads
from evalsvc.records import Summary
from evalsvc.reduce.run import plan_of
from evalsvc.rundir import RunDir
from tests.reduce.extensions import answer, make_run, rows_of

LABELS = ["spam", "ham", "spam", "ham", "spam", "ham"]
ROWS = rows_of(LABELS)
LABEL_OF = {row["id"]: row["label"] for row in ROWS}
SCORER = {"scorer": "mine.py:mine"}
METRIC = ["accuracy", "metric.py:Outputs"]


def calls(path: Path) -> int:
    """How often the scorer was called."""
    return len((path / "calls").read_text()) if (path / "calls").exists() else 0


def scored(run: RunDir) -> dict[str, dict[str, Any]]:
    return {line["id"]: line for line in map(loads, run.scored.read_bytes().splitlines())}


def seen(run: RunDir) -> list[list[Any]]:
    """What the metric was given."""
    rows: list[list[Any]] = loads(loads(run.state.read_bytes())["custom"]["ext.Outputs"]["state"])["seen"]
    return rows


def test_a_scorer_decides_what_is_correct_and_its_scores_are_reported(tmp_path: Path) -> None:
    run = make_run(tmp_path, ROWS, scoring=SCORER, gates=["accuracy >= 0.6", "ext.length.ci_low >= 10"])
    answer(run, {"r0": "spam", "r1": "ham", "r2": "ham", "r3": "raise", "r4": None, "r5": "ham"}, LABEL_OF)
    summary = derive_run(run)
    assert summary["outcomes"] | {"correct": 3, "wrong": 1, "error": 2} == summary["outcomes"]
    assert summary["rows"] == {"expected": 6, "ok": 5, "error": 1, "pending": 0}
    assert summary["metrics"]["accuracy"]["value"] == 0.5
    length = summary["metrics"]["ext.length"]
    assert length["value"] == pytest.approx(13 / 4)
    assert length["n"] == 4
    assert length["slices"]["target"]["spam"]["n"] == 2
    assert (summary["confusion_matrix"], summary["per_class"]) == (None, {})
    assert [gate["passed"] for gate in summary["gates"]] == [False, False]
    assert scored(run)["r3"]["error"] == {"kind": "scorer", "message": "ValueError: told to (mine.py:9)"}
    assert scored(run)["r0"]["scores"] == {"length": 4.0}
    kinds = {warning["kind"]: warning for warning in summary["warnings"]}
    assert kinds["scorer"]["evidence"] == {"rows": 1, "id": "r3", "message": "ValueError: told to (mine.py:9)"}
    assert kinds["error"]["evidence"]["rows"] == 1


def test_with_labels_the_confusion_is_that_of_the_scorers_predictions(tmp_path: Path) -> None:
    run = make_run(tmp_path, ROWS, scoring={**SCORER, "labels": ["spam", "ham"]}, gates=["f1_macro >= 0.1"])
    answer(run, {"r0": "spam", "r1": "spam", "r2": "who knows", "r3": "raise"}, LABEL_OF)
    summary = derive_run(run)
    confusion = summary["confusion_matrix"]
    assert confusion is not None
    assert [line[:3] for line in confusion["counts"]] == [[1, 0, 1], [1, 0, 0]]
    assert confusion["counts"][1][-1] == 1
    assert summary["metrics"]["f1_macro"]["value"] is not None


def test_targets_that_are_texts_are_no_labels_and_no_error(tmp_path: Path) -> None:
    rows = rows_of([f"text {number}" for number in range(1200)])
    run = make_run(tmp_path, rows, scoring=SCORER)
    answer(run, {"r7": "text 7", "r8": "text 7"}, {row["id"]: row["label"] for row in rows})
    summary = derive_run(run)
    assert summary["metrics"]["accuracy"]["value"] == 0.5
    assert summary["confusion_matrix"] is None
    assert list(summary["metrics"]) == ["accuracy", "parse_rate", "coverage", "ext.length"]


def test_positive_without_labels_is_refused_with_a_scorer(tmp_path: Path) -> None:
    run = make_run(tmp_path, ROWS, scoring={**SCORER, "positive": "spam"})
    with pytest.raises(UsageError, match=r"scoring\.positive: with a scorer of your own there are labels only"):
        derive_run(run)


def test_a_row_is_scored_once_however_often_a_run_is_reduced(tmp_path: Path) -> None:
    run = make_run(tmp_path, ROWS, scoring=SCORER)
    answer(run, {"r0": "spam", "r1": "ham"}, LABEL_OF)
    derive_run(run)
    derive_run(run)
    assert calls(tmp_path) == 2
    answer(run, {"r2": "ham"}, LABEL_OF)
    assert not is_up_to_date(run, plan_of(run))
    derive_run(run)
    assert calls(tmp_path) == 3
    assert is_up_to_date(run, plan_of(run))


def test_an_edited_scorer_scores_every_row_again(tmp_path: Path) -> None:
    run = make_run(tmp_path, ROWS, scoring=SCORER)
    answer(run, {"r0": "spam", "r1": "ham"}, LABEL_OF)
    assert derive_run(run)["metrics"]["accuracy"]["value"] == 1.0
    script = tmp_path / "mine.py"
    script.write_text(script.read_text().replace("row.output == row.target", "False"), encoding="utf-8")
    assert not is_up_to_date(run, plan_of(run))
    assert derive_run(run)["metrics"]["accuracy"]["value"] == 0.0


def test_a_row_that_was_asked_again_counts_once_as_it_was_scored_last(tmp_path: Path) -> None:
    many, once = make_run(_folder(tmp_path, "many"), ROWS, scoring=SCORER), make_run(_folder(tmp_path, "once"), ROWS, scoring=SCORER)
    answer(many, {"r0": "raise", "r1": "spam", "r2": None}, LABEL_OF)
    derive_run(many)
    last = {"r0": "spam", "r1": "ham", "r2": "raise"}
    answer(many, last, LABEL_OF)
    answer(once, last, LABEL_OF)
    assert _fixed(derive_run(many)) == _fixed(derive_run(once))
    assert scored(many) == scored(once)


def _folder(path: Path, name: str) -> Path:
    (path / name).mkdir()
    return path / name


def _fixed(summary: Summary) -> dict[str, Any]:
    return {part: value for part, value in summary.items() if part not in {"calls", "latency_s", "timing", "timeline"}}


def test_a_metric_sees_every_row_once_with_what_the_scorer_said(tmp_path: Path) -> None:
    run = make_run(tmp_path, ROWS, scoring=SCORER, metrics=METRIC)
    answer(run, {"r0": "spam", "r1": "raise", "r2": None}, LABEL_OF)
    summary = derive_run(run)
    assert list(summary["metrics"]) == ["accuracy", "ext.length", "ext.Outputs"]
    assert (summary["metrics"]["ext.Outputs"]["value"], summary["metrics"]["ext.Outputs"]["n"]) == (3.0, 3)
    assert seen(run) == [
        ["r0", 0, "spam", "spam", "correct", {"length": 4.0}],
        ["r1", 0, "ham", "raise", "error", {}],
        ["r2", 0, "spam", "", "error", {}],
    ]


def test_a_metric_goes_on_where_it_stopped_and_begins_anew_where_a_row_was_asked_again(tmp_path: Path) -> None:
    run = make_run(tmp_path, ROWS, metrics=METRIC)
    answer(run, {"r0": "spam", "r1": "spam"}, LABEL_OF)
    derive_run(run)
    answer(run, {"r2": "ham"}, LABEL_OF)
    derive_run(run)
    assert [row[0] for row in seen(run)] == ["r0", "r1", "r2"]
    answer(run, {"r0": "ham", "r3": "ham"}, LABEL_OF)
    assert derive_run(run)["metrics"]["ext.Outputs"]["value"] == 4.0
    assert [(row[0], row[3]) for row in seen(run)] == [("r1", "spam"), ("r2", "ham"), ("r0", "ham"), ("r3", "ham")]


def test_a_metric_is_counted_without_scoring_anything_again(tmp_path: Path) -> None:
    run = make_run(tmp_path, ROWS, scoring=SCORER)
    answer(run, {"r0": "spam", "r1": "ham"}, LABEL_OF)
    derive_run(run)
    run = make_run(tmp_path, ROWS, scoring=SCORER, metrics=METRIC)
    assert derive_run(run)["metrics"]["ext.Outputs"]["value"] == 2.0
    assert calls(tmp_path) == 2


def test_a_scorer_that_is_gone_is_told_with_its_file(tmp_path: Path) -> None:
    run = make_run(tmp_path, ROWS, scoring=SCORER)
    answer(run, {"r0": "spam"}, LABEL_OF)
    (tmp_path / "mine.py").unlink()
    with pytest.raises(UsageError, match=r"there is no file .*mine\.py"):
        derive_run(run)


def test_repeats_of_a_row_are_one_cluster_of_its_scores(tmp_path: Path) -> None:
    run = make_run(tmp_path, ROWS, scoring=SCORER, repeats=2)
    for repeat in range(2):
        answer(run, {row["id"]: "x" * (3 + number) for number, row in enumerate(ROWS)}, LABEL_OF, repeat=repeat)
    length = derive_run(run)["metrics"]["ext.length"]
    assert (length["n"], length["value"]) == (12, 5.5)
    assert "clusters:id|n-clusters:6" in length["signature"]
