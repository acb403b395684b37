"""Many runs of one name: their order, their numbers, and what is said to have changed."""

from collections.abc import Collection
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import norm

import evalsvc.compare.history as history_module
from evalsvc.compare.comparing import compare
from evalsvc.compare.history import PAIRED, UNPAIRED, Change, History, Point, Series, history
from evalsvc.compare.nouns import as_json
from evalsvc.compare.side import open_side
from evalsvc.errors import UsageError
from evalsvc.jsonio import dumps, loads
from evalsvc.metrics.slices import holm
from evalsvc.rundir import Manifest, RunDir
from tests.compare.runs import Answer, labels_but, make_run, rows_of

ROWS = rows_of(120)


def wrong(*numbers: int) -> Answer:
    return labels_but(*(f"r{number}" for number in numbers))


def night(folder: Path, number: int, answer: Answer, **more: Any) -> RunDir:
    """The run of that day of November."""
    given = {"rows": ROWS, "gates": ["accuracy >= 0.5"], **more}
    return make_run(folder, f"n{number:02d}", answer=answer, began=f"2026-11-{number:02d}T02:00:00.000Z", **given)


def changed(run: RunDir, **fields: Any) -> None:
    manifest = Manifest.read(run)
    assert manifest is not None
    replace(manifest, **fields).write(run)


def of(folder: Path, *metrics: str, **more: Any) -> History:
    return history("made", metrics=metrics, root=folder / "runs", **more)


def only(found: History) -> Series:
    (series,) = found.series
    return series


def changes(series: Series) -> dict[str, Change | None]:
    return {point.run: point.change for point in series.points}


def told(found: History) -> Collection[str]:
    return {run for run, change in changes(only(found)).items() if change is not None and change.is_told}


def test_runs_stand_in_the_order_in_which_they_were_first_launched(tmp_path: Path) -> None:
    for number in (3, 1, 2):
        night(tmp_path, number, wrong(number))
    late = Manifest.read(RunDir(tmp_path / "runs/made/n01"))
    assert late is not None
    # scored again, or resumed, long after the others
    late.launched(started_at="2026-12-24T00:00:00.000Z").write(RunDir(tmp_path / "runs/made/n01"))
    found = of(tmp_path)
    assert [one.id for one in found.runs] == ["n01", "n02", "n03"]
    assert [one.started_at[:10] for one in found.runs] == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert [point.run for point in only(found).points] == ["n01", "n02", "n03"]
    assert found.name == "made"


def test_the_last_ones_are_shown_and_the_others_counted(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        night(tmp_path, number, wrong())
    found = of(tmp_path, last=2)
    assert [one.id for one in found.runs] == ["n02", "n03"]
    assert found.left_out == 1
    assert changes(only(found))["n02"] is None


def test_the_numbers_are_those_that_the_newest_runs_gates_name(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong(1), gates=["mcc >= 0.1"])
    gates = [
        "recall >= 0.1",
        {"gate": "f1_macro.ci_low >= 0.1", "min_rows": 2},
        {"regression": "kappa", "margin": 0.1},
        "per_class.ham.recall >= 0.1",
        "recall.ci_low >= 0.05",
    ]
    night(tmp_path, 2, wrong(1, 2), gates=gates)
    found = of(tmp_path)
    assert [series.name for series in found.series] == ["recall", "f1_macro", "kappa", "per_class.ham.recall"]
    assert [series.metric for series in found.series] == ["recall", "f1_macro", "kappa", "recall"]
    summary = loads(RunDir(tmp_path / "runs/made/n02").summary.read_bytes())
    last = found.series[0].points[-1]
    assert (last.value, last.ci_low, last.n) == tuple(summary["metrics"]["recall"][part] for part in ("value", "ci_low", "n"))
    assert found.series[3].points[0].value == 1 - 0 / 40
    assert found.series[3].points[0].n == 40


def test_without_gates_it_is_the_first_metric_and_any_can_be_asked_for(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong(1), gates=[])
    assert only(of(tmp_path)).name == "accuracy"
    asked = of(tmp_path, "f1_macro", "per_class.spam.precision", "f1_macro")
    assert [series.name for series in asked.series] == ["f1_macro", "per_class.spam.precision"]
    with pytest.raises(UsageError, match="no run here has a metric 'f1_micor'") as refused:
        of(tmp_path, "f1_micor")
    assert "f1_micro" in (refused.value.hint or "")
    with pytest.raises(UsageError) as refused:
        of(tmp_path, "zzz")
    assert "accuracy, " in (refused.value.hint or "")


def test_slices_are_followed_too(tmp_path: Path) -> None:
    rows = [{**row, "lang": "de" if number % 2 else "fr"} for number, row in enumerate(ROWS)]
    for number in (1, 2):
        night(tmp_path, number, wrong(1, 3), rows=rows, slices=["lang"], gates=["slices.lang.de.accuracy >= 0.1"])
    series = only(of(tmp_path))
    assert (series.name, series.metric) == ("slices.lang.de.accuracy", "accuracy")
    assert [point.value for point in series.points] == [58 / 60, 58 / 60]
    change = series.points[1].change
    assert change is not None
    assert change.how == UNPAIRED  # rows are compared one by one over all of them alone


def test_a_change_is_that_of_the_paired_comparison_and_p_values_are_corrected_together(tmp_path: Path) -> None:
    steps: list[Answer] = [wrong(1), wrong(2), wrong(*range(15)), wrong(*range(16))]
    runs = [night(tmp_path, number, answer) for number, answer in enumerate(steps, start=1)]
    pairs = [(0, 1), (1, 2), (2, 3), (0, 3)]
    expected = {pair: compare(open_side(runs[pair[0]].path), open_side(runs[pair[1]].path), examples=0) for pair in pairs}
    differences = {pair: one.differences["accuracy"] for pair, one in expected.items()}
    corrected = holm({str(pair): difference.p or 0.0 for pair, difference in differences.items()})

    found = of(tmp_path)
    series = only(found)
    held = {(place - 1, place): series.points[place].change for place in (1, 2, 3)} | {(0, 3): series.overall}
    for pair, change in held.items():
        assert change is not None
        assert (change.difference, change.ci_low, change.ci_high, change.p) == tuple(
            getattr(differences[pair], part) for part in ("difference", "ci_low", "ci_high", "p")
        )
        assert change.p_holm == corrected[str(pair)]
        assert (change.how, change.rows, change.since) == (PAIRED, 120, f"n{pair[0] + 1:02d}")
    assert series.points[0].change is None
    assert told(found) == {"n03"}
    assert series.overall is not None
    assert series.overall.is_told
    assert any(change is not None and change.p_holm > change.p for change in held.values())


def test_what_one_look_would_have_called_a_change_is_none_among_many(tmp_path: Path) -> None:
    steps = [wrong(), wrong(*range(6)), *[wrong(*range(6))] * 8]
    for number, answer in enumerate(steps, start=1):
        night(tmp_path, number, answer)
    change = changes(only(of(tmp_path)))["n02"]
    assert change is not None
    assert change.p < 0.05
    assert not change.is_told


def test_two_runs_have_one_change_and_no_whole(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong())
    night(tmp_path, 2, wrong(*range(6)))
    series = only(of(tmp_path))
    assert series.overall is None
    change = series.points[1].change
    assert change is not None
    assert change.p_holm == change.p
    assert change.is_told


def test_a_partial_run_is_there_and_nothing_is_held_against_it(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong())
    changed(night(tmp_path, 2, wrong(*range(60)), keep=70), identity={"model": "other"})
    night(tmp_path, 3, wrong(*range(10)))
    found = of(tmp_path)
    assert [one.changed for one in found.runs] == [(), (), ()]
    assert [one.status for one in found.runs] == ["complete", "partial", "complete"]
    assert found.runs[1].gates_passed is None
    assert found.runs[1].rows == 70
    points = only(found).points
    assert points[1].value is not None
    assert (points[1].change, points[1].reason) == (None, "the run is not complete")
    assert points[2].change is not None
    assert points[2].change.since == "n01"


def test_a_run_without_a_summary_is_partial_and_has_no_number(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong())
    night(tmp_path, 2, wrong()).summary.unlink()
    found = of(tmp_path)
    assert found.runs[1].status == "partial"
    assert only(found).points[1] == Point(run="n02", value=None, ci_low=None, ci_high=None, n=0, reason="the run is not complete")


def test_runs_with_too_many_rows_are_compared_by_their_intervals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night(tmp_path, 1, wrong())
    night(tmp_path, 2, wrong(*range(12)))
    monkeypatch.setattr(history_module, "PAIRED_AT_MOST", 119)
    change = changes(only(of(tmp_path)))["n02"]
    before, now = (loads(RunDir(tmp_path / f"runs/made/n0{n}").summary.read_bytes())["metrics"]["accuracy"] for n in (1, 2))
    halves = [(one["ci_high"] - one["ci_low"]) / 2 / norm.ppf(0.975) for one in (before, now)]
    error = sqrt(halves[0] ** 2 + halves[1] ** 2)
    assert change is not None
    assert (change.how, change.rows) == (UNPAIRED, None)
    assert change.difference == pytest.approx(-0.1)
    assert change.p == pytest.approx(2 * norm.sf(0.1 / error), rel=1e-9)
    assert (change.ci_low, change.ci_high) == pytest.approx((-0.1 - norm.ppf(0.975) * error, -0.1 + norm.ppf(0.975) * error))
    monkeypatch.setattr(history_module, "PAIRED_AT_MOST", 120)
    assert changes(only(of(tmp_path)))["n02"] != change


def test_other_data_are_marked_and_compared_over_the_rows_that_both_have(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong())
    night(tmp_path, 2, wrong(*range(12)), rows=rows_of(100, start=40), data="newer.jsonl")
    found = of(tmp_path)
    assert found.runs[1].changed == ("data",)
    change = changes(only(found))["n02"]
    assert change is not None
    assert (change.how, change.rows, change.difference) == (PAIRED, 80, 0.0)


def test_other_data_without_a_common_row_are_not_compared_by_their_intervals(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong())
    night(tmp_path, 2, labels_but(*(f"r{n}" for n in range(200, 300))), rows=rows_of(100, start=200), data="newer.jsonl")
    point = only(of(tmp_path)).points[1]
    assert point.change is None
    assert point.reason == "other data than before, and not compared row by row"


def test_a_metric_that_was_redefined_is_not_compared(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong())
    night(tmp_path, 2, wrong(*range(30)), scoring={"labels": ["spam", "ham", "other"]}, gates=["f1_macro >= 0"])
    found = of(tmp_path)
    assert found.runs[1].changed == ("metrics",)
    point = only(found).points[1]
    assert (point.change, point.reason) == (None, "the metric is defined otherwise than before")


def test_a_metric_without_an_interval_is_followed_and_not_compared(tmp_path: Path) -> None:
    for number in (1, 2):
        night(tmp_path, number, wrong(number))
    assert only(of(tmp_path, "per_class.ham.f1")).points[1].reason == "it has no interval"


def test_what_else_changed_with_the_numbers_is_named(tmp_path: Path) -> None:
    identity = {"model": "m", "revision": "1", "endpoint": "e", "prompt": "aaaa", "params": {"seed": 1, "top_p": 1}}
    for number, run in enumerate([night(tmp_path, 1, wrong()), night(tmp_path, 2, wrong())]):
        changed(run, identity={**identity, "revision": str(number), "prompt": str(number), "params": {"seed": number}})
    first, second = of(tmp_path).runs
    assert first.changed == ()
    assert sorted(second.changed) == ["params", "prompt", "revision"]
    assert (second.model, second.revision) == ("m", "1")


def test_a_run_that_cannot_be_read_is_left_out_and_said_to_be(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong())
    night(tmp_path, 2, wrong()).manifest.write_text("{")
    found = of(tmp_path)
    assert [one.id for one in found.runs] == ["n01"]
    assert len(found.notes) == 1
    assert "n02/run.json is not JSON" in found.notes[0]


def test_a_name_without_a_latest_a_folder_and_a_run_all_mean_the_runs_beside_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        night(tmp_path, number, wrong())
    monkeypatch.chdir(tmp_path)
    for named in ("made", "runs/made", "made/n01", "runs/made/n02", None):
        assert [one.id for one in history(named).runs] == ["n01", "n02"]
    RunDir(Path("runs/made/n02")).point_latest()
    assert [one.id for one in history(None).runs] == ["n01", "n02"]
    with pytest.raises(UsageError, match="nothing is no run directory"):
        history("nothing")


def test_runs_of_another_name_in_the_same_folder_are_not_among_them(tmp_path: Path) -> None:
    night(tmp_path, 1, wrong())
    changed(night(tmp_path, 2, wrong()), name="other")
    assert [one.id for one in history(str(tmp_path / "runs/made/n01")).runs] == ["n01"]


def test_a_history_is_json(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        night(tmp_path, number, wrong(number))
    values = loads(dumps(as_json(of(tmp_path))))
    assert [point["run"] for point in values["series"][0]["points"]] == ["n01", "n02", "n03"]
