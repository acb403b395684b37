"""Answers that exist already: a file becomes a run, and a changed file costs its changed rows."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from evalsvc.deriving.derive import derive_run
from evalsvc.errors import IdentityDiffers, UsageError
from evalsvc.pipeline.importing import Answers, Imported, load_scoring, take_in
from evalsvc.rundir import Manifest

NOW = datetime(2026, 11, 20, 2, 13, 44, tzinfo=UTC)
ROWS = [{"id": f"r{number}", "gold": ("spam", "ham")[number % 2], "said": ("Spam.", "no idea")[number % 3 == 0]} for number in range(12)]

Row = Mapping[str, Any]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(rows: Iterable[Row], name: str = "answers.jsonl") -> Path:
    path = Path(name)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def answers(**changes: Any) -> Answers:
    return Answers(**{"file": Path("answers.jsonl"), "output": "said", "target": "gold", "id": "id", **changes})


def taken(given: Answers | None = None, **settings: Any) -> Imported:
    given = given or answers()
    return asyncio.run(take_in(given, load_scoring(given, environ={}, overrides=settings), NOW))


def records(imported: Imported) -> list[dict[str, Any]]:
    return [json.loads(line) for line in imported.run.journal.read_bytes().splitlines()]


def test_every_answer_becomes_a_record_that_nobody_was_asked_for() -> None:
    write(ROWS)
    imported = taken()
    assert (imported.rows, imported.added, imported.since) == (12, 12, None)
    assert [(record["id"], record["output"]) for record in records(imported)] == [(row["id"], row["said"]) for row in ROWS]
    assert {(record["attempts"], record["latency_s"], record["usage"]) for record in records(imported)} == {(0, None, None)}
    summary = derive_run(imported.run)
    assert summary["outcomes"]["correct"] == sum(row["gold"] == "spam" and row["said"] == "Spam." for row in ROWS)
    assert summary["latency_s"] == dict.fromkeys(("p50", "p90", "p95", "p99", "max"))
    assert (summary["status"], summary["calls"]["attempts"], summary["cost_usd"]) == ("complete", 0, None)


def test_the_same_file_again_adds_nothing_and_says_since_when() -> None:
    write(ROWS)
    first = taken()
    again = taken()
    assert (again.run, again.added, again.since) == (first.run, 0, "2026-11-20T02:13:44.000Z")
    assert len(records(again)) == 12


def test_of_a_changed_file_only_what_changed_is_added() -> None:
    write(ROWS)
    taken()
    relabelled, changed, _gone, *rest = ROWS
    write([{**relabelled, "gold": "ham"}, {**changed, "said": "ham"}, *rest, {"id": "new", "gold": "ham", "said": "ham"}])
    imported = taken()
    resume = imported.resume
    assert (imported.added, resume.new, resume.changed, resume.vanished, resume.relabelled) == (2, 1, 1, 1, 1)
    assert derive_run(imported.run)["rows"] == {"expected": 12, "ok": 12, "error": 0, "pending": 0}
    fresh = taken(answers(run_dir=Path("fresh")))
    assert derive_run(imported.run)["confusion_matrix"] == derive_run(fresh.run)["confusion_matrix"]


def test_broken_off_in_the_middle_the_next_call_takes_in_the_rest() -> None:
    write(ROWS)
    imported = taken()
    whole = imported.run.journal.read_bytes()
    imported.run.journal.write_bytes(b"".join(whole.splitlines(keepends=True)[:5])[:-20])
    again = taken()
    assert again.added == 8
    assert sorted(record["id"] for record in records(again)) == sorted(row["id"] for row in ROWS)


def test_scoring_metrics_and_gates_come_from_a_config_whose_model_is_not_looked_at() -> None:
    write(ROWS)
    Path("eval.yaml").write_text(
        "name: nightly\ndataset: {path: nowhere.csv}\nmodel: {name: other, base_url: 'http://nowhere/v1'}\n"
        "scoring: {labels: [spam, ham], aliases: {ham: [no idea]}}\nmetrics: [accuracy]\ngates: ['accuracy >= 0.1']\n"
    )
    summary = derive_run(taken(answers(config=Path("eval.yaml"))).run)
    assert (summary["name"], summary["run"]["model"]) == ("nightly", "answers.jsonl")
    assert list(summary["metrics"]) == ["accuracy"]
    assert (summary["outcomes"]["unparsed"], summary["gates"][0]["passed"]) == (0, True)


def test_labels_name_and_settings_can_be_given_without_a_config() -> None:
    write(ROWS)
    imported = taken(answers(labels=("spam", "ham", "other"), name="mine"), gates=["accuracy >= 0.99"])
    manifest = Manifest.read(imported.run)
    assert manifest is not None
    assert manifest.config["scoring"]["labels"] == ["spam", "ham", "other"]
    assert imported.run.path.parent == Path("runs/mine")
    assert derive_run(imported.run)["gates"][0]["passed"] is False


def test_answers_without_targets_are_predictions_only() -> None:
    write({"id": row["id"], "said": row["said"]} for row in ROWS)
    imported = taken(answers(target=None, labels=("spam", "ham")))
    assert derive_run(imported.run)["outcomes"]["scored"] == sum(row["said"] == "Spam." for row in ROWS)


def test_null_and_nested_answers_are_text_as_everywhere() -> None:
    write([{"id": "1", "gold": "a", "said": None}, {"id": "2", "gold": "b", "said": {"label": "b"}}])
    assert [record["output"] for record in records(taken())] == [None, '{"label":"b"}']


def test_a_named_directory_that_holds_something_else_is_refused() -> None:
    write(ROWS)
    write(ROWS, "other.jsonl")
    taken(answers(run_dir=Path("here")))
    with pytest.raises(IdentityDiffers, match="answers"):
        taken(answers(run_dir=Path("here"), file=Path("other.jsonl")))


def test_a_column_that_is_not_there_or_is_the_target_is_refused() -> None:
    write(ROWS)
    with pytest.raises(UsageError, match="no column 'sad'"):
        taken(answers(output="sad"))
    with pytest.raises(UsageError, match="--output gold"):
        taken(answers(output="gold"))


def test_a_gate_that_does_not_exist_is_refused_before_anything_is_written() -> None:
    write(ROWS)
    with pytest.raises(UsageError, match="acuracy"):
        taken(gates=["acuracy >= 0.1"])
    assert not Path("runs").exists()
