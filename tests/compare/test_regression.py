"""Gates against a baseline: what they are held against, what they say, and what becomes of a run that has none."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalsvc.compare.baseline import save_baseline
from evalsvc.compare.regression import NO_BASELINE, fingerprint
from evalsvc.deriving.derive import derive_run, derived_key
from evalsvc.records import GateResult
from evalsvc.reduce.run import plan_of
from evalsvc.rundir import Manifest, RunDir
from tests.compare.runs import Answer, labels_but, make_run, rows_of

ROWS = rows_of(600)


def wrong(count: int, *, start: int = 0) -> Answer:
    return labels_but(*(f"r{number}" for number in range(start, start + count)))


def night(folder: Path, number: int, answer: Answer, gates: Sequence[Any] = (), **config: Any) -> RunDir:
    run = make_run(folder, f"night{number}", ROWS, answer, began=f"2026-11-{number:02}T02:00:00Z", gates=list(gates), **config)
    derive_run(run)
    return run


def gates_of(run: RunDir) -> list[GateResult]:
    return derive_run(run)["gates"]


def regression(**more: Any) -> dict[str, Any]:
    return {"regression": "accuracy", "margin": 0.01, **more}


def test_a_loss_beyond_noise_and_margin_fails(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong(30))
    [gate] = gates_of(night(tmp_path, 2, wrong(60), [regression()]))
    found = gate["regression"]
    assert (gate["passed"], found["verdict"], found["baseline"]) == (False, "worse", "made/night1")
    assert gate["value"] == pytest.approx(-0.05)
    assert (found["to_right"], found["to_wrong"], found["rows"]) == (0, 30, 600)
    assert found["worst"] is not None
    assert found["best"] is not None
    assert found["worst"] < -0.05 < found["best"] < 0
    assert len(found["flipped"]) == 20
    assert {int(id_[1:]) for id_ in found["flipped"]} <= set(range(30, 60))
    assert gate["reason"] is not None
    assert "-0.05" in gate["reason"]
    assert "made/night1 over 600 rows: worse" in gate["reason"]


def test_a_loss_that_is_certain_and_less_than_the_margin_does_not_fail(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong(0))
    [gate] = gates_of(night(tmp_path, 2, wrong(12), [regression(margin=0.05)]))
    assert (gate["passed"], gate["regression"]["verdict"]) == (True, "no worse")


def test_the_same_answers_are_no_worse_where_there_are_rows_enough(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong(60))
    [gate] = gates_of(night(tmp_path, 2, wrong(60), [regression()]))
    assert (gate["passed"], gate["regression"]["verdict"]) == (True, "no worse")


@pytest.mark.parametrize(("written", "passed"), [("pass", True), ("fail", False)])
def test_what_cannot_be_told_counts_as_the_gate_says_and_names_the_rows_that_would(tmp_path: Path, written: str, passed: bool) -> None:
    night(tmp_path, 1, wrong(30))
    [gate] = gates_of(night(tmp_path, 2, wrong(33, start=3), [regression(on_inconclusive=written)]))
    found = gate["regression"]
    assert (gate["passed"], found["verdict"]) == (passed, "cannot tell")
    assert found["rows_needed"] is not None
    assert found["rows_needed"] > 600
    assert f"about {found['rows_needed']:,} rows would" in (gate["reason"] or "")


def test_a_margin_of_nothing_promises_no_number_of_rows(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong(30))
    [gate] = gates_of(night(tmp_path, 2, wrong(30), [regression(margin=0)]))
    assert (gate["regression"]["verdict"], gate["regression"]["rows_needed"]) == ("cannot tell", None)


def test_a_gate_says_of_how_many_rows_it_speaks_where_some_are_new_or_asked_otherwise(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong(30))
    rows = [*ROWS[:590], *({**row, "text": "asked otherwise"} for row in ROWS[590:]), *rows_of(5, start=600)]
    run = make_run(tmp_path, "night2", rows, wrong(30), data="edited.jsonl", began="2026-11-02T02:00:00Z", gates=[regression()])
    [gate] = gates_of(run)
    assert "made/night1 over 590 of 605 rows: no worse" in (gate["reason"] or "")


def test_several_gates_are_corrected_for_each_other(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong(30))
    answer = labels_but(*(f"r{number}" for number in (*range(3, 30), *range(100, 112))))
    [alone] = gates_of(night(tmp_path, 2, answer, [regression()]))
    together = gates_of(night(tmp_path, 3, answer, [regression(), regression(), regression(), regression(), regression()]))
    assert alone["regression"]["p_holm"] == alone["regression"]["p_worse"] < 0.05
    assert together[0]["regression"]["p_holm"] == pytest.approx(5 * alone["regression"]["p_worse"])
    assert (alone["regression"]["verdict"], together[0]["regression"]["verdict"]) == ("worse", "cannot tell")


def test_a_run_without_a_baseline_fails_with_the_command_that_makes_one(tmp_path: Path) -> None:
    [gate] = gates_of(run := night(tmp_path, 1, wrong(3), [regression()]))
    assert (gate["passed"], gate["value"]) == (False, None)
    assert gate["reason"] is not None
    assert gate["reason"].startswith(NO_BASELINE)
    assert f"evalsvc baseline save {run.path} -o baseline.jsonl.gz" in gate["reason"]
    [gate] = gates_of(night(tmp_path, 2, wrong(3), [regression(baseline="kept/baseline.jsonl.gz")]))
    assert f"-o {tmp_path}/kept/baseline.jsonl.gz" in (gate["reason"] or "")


def test_the_first_night_becomes_the_baseline_of_the_second_though_it_had_none_itself(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong(30), [regression()])
    [gate] = gates_of(night(tmp_path, 2, wrong(30), [regression()]))
    assert gate["regression"]["baseline"] == "made/night1"


def test_a_night_that_a_gate_failed_is_never_what_the_next_one_is_held_against(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong(30))
    night(tmp_path, 2, wrong(60), [regression()])
    [gate] = gates_of(night(tmp_path, 3, wrong(60), [regression()]))
    assert (gate["regression"]["baseline"], gate["regression"]["verdict"]) == ("made/night1", "worse")


def test_only_runs_that_began_earlier_and_are_complete_are_the_latest(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong(30))
    make_run(tmp_path, "part", ROWS, wrong(30), keep=500, began="2026-11-02T02:00:00Z")
    run = night(tmp_path, 3, wrong(30), [regression()])
    night(tmp_path, 4, wrong(0))
    assert gates_of(run)[0]["regression"]["baseline"] == "made/night1"


def test_a_partial_run_is_held_against_nothing(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong(30))
    run = make_run(tmp_path, "part", ROWS, wrong(30), keep=500, gates=[regression()])
    [gate] = gates_of(run)
    assert (gate["passed"], gate["reason"]) == (None, "the run is not complete")


def test_a_baseline_file_is_held_against_as_its_run_was(tmp_path: Path) -> None:
    save_baseline(night(tmp_path, 1, wrong(30)), tmp_path / "baseline.jsonl.gz")
    named, kept = gates_of(night(tmp_path, 2, wrong(60), [regression(), regression(baseline="baseline.jsonl.gz")]))
    for key in ("difference", "ci_low", "ci_high", "p_worse", "to_wrong", "verdict", "flipped"):
        assert named["regression"][key] == kept["regression"][key]
    assert kept["regression"]["baseline"].endswith("baseline.jsonl.gz")


def test_a_run_may_be_named_by_where_it_lies(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong(30))
    night(tmp_path, 2, wrong(0))
    [gate] = gates_of(night(tmp_path, 3, wrong(30), [regression(baseline="runs/made/night1")]))
    assert gate["regression"]["baseline"] == "made/night1"


def test_a_metric_that_the_baseline_defines_in_another_way_is_no_proof(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong(30))
    gates = [{"regression": "f1_macro", "margin": 0.01}]
    run = night(tmp_path, 2, wrong(30), gates, scoring={"labels": ["spam", "ham", "other"], "positive": "spam"})
    [gate] = gates_of(run)
    assert gate["passed"] is False
    assert "f1_macro cannot be compared with made/night1" in (gate["reason"] or "")


def test_a_baseline_that_changes_makes_the_derived_files_old(tmp_path: Path) -> None:
    first = night(tmp_path, 1, wrong(30))
    run = night(tmp_path, 2, wrong(30), [regression()])
    before = derived_key(plan_of(run))
    assert derived_key(plan_of(run)) == before
    night(tmp_path, 3, wrong(30))
    assert derived_key(plan_of(run)) == before, "a later run is not its baseline"
    first.summary.write_bytes(first.summary.read_bytes() + b"\n")
    assert derived_key(plan_of(run)) != before


def test_a_neighbour_that_nobody_can_read_is_no_baseline_and_no_accident(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong(30))
    broken = night(tmp_path, 2, wrong(30))
    broken.manifest.write_text("{")
    run = night(tmp_path, 3, wrong(30), [regression()])
    assert gates_of(run)[0]["regression"]["baseline"] == "made/night1"


@pytest.mark.parametrize("name", ["predictions.jsonl", "scored.jsonl", "reduce.json"])
def test_a_baseline_that_is_not_whole_fails_its_gate_and_not_the_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = night(tmp_path, 1, wrong(30))
    (first.path / name).unlink()
    monkeypatch.chdir(tmp_path)
    latest, named = gates_of(night(tmp_path, 2, wrong(30), [regression(), regression(baseline="made/night1"), "accuracy >= 0.9"]))[:2]
    for gate in (latest, named):
        assert (gate["passed"], gate["value"]) == (False, None)
        assert gate["reason"] is not None
        assert "night1" in gate["reason"]
        assert not gate["reason"].startswith(NO_BASELINE), "it is there, and not as it should be"


def test_a_baseline_that_is_gone_has_no_fingerprint(tmp_path: Path) -> None:
    run = night(tmp_path, 1, wrong(30))
    assert fingerprint("latest", run, tmp_path) is None
    assert fingerprint("gone.jsonl.gz", run, tmp_path) is None


def test_a_run_with_too_many_rows_in_error_is_no_baseline(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong(30))
    make = wrong(30)
    derive_run(
        make_run(tmp_path, "night2", ROWS, lambda sample, repeat: None if sample.id == "r599" else make(sample, repeat), began="2026-11-02")
    )
    bad = RunDir(tmp_path / "runs" / "made" / "night2")
    manifest = Manifest.read(bad)
    assert manifest is not None
    run = night(tmp_path, 3, wrong(30), [regression()])
    assert gates_of(run)[0]["regression"]["baseline"] == "made/night2", "one row in 600 may fail"
    replace(manifest, config={**manifest.config, "max_error_rate": 0.001}).write(bad)
    assert gates_of(run)[0]["regression"]["baseline"] == "made/night1"
    summary = json.loads(bad.summary.read_bytes())
    bad.summary.write_text(json.dumps({**summary, "outcomes": {**summary["outcomes"], "error": 0, "filtered": 1}}))
    assert gates_of(run)[0]["regression"]["baseline"] == "made/night2", "what the filter stopped is no error, as for the exit code"
