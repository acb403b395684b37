"""Metrics of users: found, checked, and harmless."""

from pathlib import Path
from typing import Any

import pytest

from evalsvc.config.models import EvalConfig
from evalsvc.errors import UsageError
from evalsvc.extending import JudgedRow
from evalsvc.metrics.custom import Guarded, check_custom_metrics, custom_metrics

METRICS = """
class Counts:
    def __init__(self, options, rows=0):
        self.options, self.rows = options, rows
    @classmethod
    def empty(cls, options):
        if options.get("fails") == "empty": raise RuntimeError("no")
        return cls(options)
    def update(self, row):
        if self.options.get("fails") == "update" and row.id == "3": raise RuntimeError("no")
        self.rows += 1
    def merge(self, other): return Counts(self.options, self.rows + other.rows)
    def state(self): return {"options": self.options, "rows": object() if self.options.get("fails") == "state" else self.rows}
    @classmethod
    def from_state(cls, state): return cls(state["options"], state["rows"])
    def value(self): return self.options.get("value", self.rows)

print("loaded")

class Loud(Counts):
    def update(self, row):
        print("row", row.id)
    def value(self):
        print("value")
        raise SystemExit(9)

class Half:
    def update(self, row): pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "metrics.py").write_text(METRICS, encoding="utf-8")
    return tmp_path


def config(folder: Path, *metrics: Any) -> EvalConfig:
    fields = {"name": "n", "dataset": {"path": "d"}, "model": {"name": "m"}, "metrics": list(metrics), "base_dir": folder}
    return EvalConfig.model_validate(fields)


def counted(folder: Path, options: dict[str, Any]) -> Guarded:
    [metric] = custom_metrics(config(folder, "accuracy", {"metrics.py:Counts": options}))
    guarded = Guarded.of(metric)
    guarded.update(JudgedRow(id=str(number)) for number in range(5))
    return guarded


def test_a_metric_of_a_file_is_named_after_its_class_and_counts(folder: Path) -> None:
    [metric] = custom_metrics(config(folder, "accuracy", "metrics.py:Counts"))
    assert metric.name == "ext.Counts"
    reported = counted(folder, {}).metric(5)
    assert (reported["value"], reported["n"], reported["ci_low"]) == (5.0, 5, None)


def test_a_value_may_bring_its_interval(folder: Path) -> None:
    reported = counted(folder, {"value": {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n": 3}}).metric(5)
    assert (reported["value"], reported["ci_low"], reported["ci_high"], reported["n"]) == (0.5, 0.4, 0.6, 3)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"fails": "update"}, "update failed on row '3': RuntimeError: no"),
        ({"value": float("nan")}, "value failed: ValueError: nan is not a finite number"),
        ({"value": "high"}, "value failed: ValueError"),
        ({"value": {"ci_low": 1}}, "value failed: ValueError: it gave"),
        ({"value": None}, "it gave no value"),
    ],
)
def test_whatever_a_metric_raises_is_the_reason_for_no_value(folder: Path, options: dict[str, Any], why: str) -> None:
    reported = counted(folder, options).metric(5)
    assert reported["value"] is None
    assert reported["reason"].startswith(why)


def test_what_a_metric_prints_is_not_among_the_results_and_its_exit_is_no_exit_of_ours(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [metric] = custom_metrics(config(folder, "metrics.py:Loud"))
    guarded = Guarded.of(metric)
    guarded.update([JudgedRow(id="7")])
    reported = guarded.metric(1)
    assert (reported["value"], reported["reason"]) == (None, "value failed: SystemExit: 9")
    assert capsys.readouterr() == ("", "loaded\nrow 7\nvalue\n")


def test_a_metric_without_a_state_has_its_value_still(folder: Path) -> None:
    guarded = counted(folder, {"fails": "state"})
    assert guarded.state() is None
    assert guarded.metric(5)["value"] == 5.0


def test_a_metric_goes_on_from_its_state(folder: Path) -> None:
    [metric] = custom_metrics(config(folder, "metrics.py:Counts"))
    again = Guarded.of(metric, counted(folder, {}).state())
    again.update([JudgedRow(id="9")])
    assert again.metric(6)["value"] == 6.0


def test_the_signature_changes_with_the_code_and_the_options(folder: Path) -> None:
    before = counted(folder, {}).metric(5)["signature"]
    assert counted(folder, {"a": 1}).metric(5)["signature"] != before
    (folder / "metrics.py").write_text(METRICS + "# edited\n", encoding="utf-8")
    assert counted(folder, {}).metric(5)["signature"] != before


@pytest.mark.parametrize(
    ("metrics", "why"),
    [
        (["metrics.py:Cuonts"], r"at metrics\[0\]: .*has no 'Cuonts'"),
        (
            ["accuracy", "metrics.py:Half"],
            r"at metrics\[1\]: metrics.py:Half is no metric: it has no empty, merge, state, from_state, value",
        ),
        ([{"metrics.py:Counts": {"fails": "empty"}}], r"at metrics\[0\]: metrics.py:Counts: empty failed: RuntimeError: no"),
        (["metrics.py:Counts", {"metrics.py:Counts": {}}], "two metrics would be ext.Counts"),
        ([{"metrics.py:Counts": {}, "accuracy": {}}], "names 2 metrics"),
    ],
)
def test_a_metric_that_cannot_be_had_is_told_before_any_row(folder: Path, metrics: list[Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        check_custom_metrics(config(folder, *metrics), lambda key: f"at {key}")


def test_a_name_that_nobody_has_is_left_to_those_who_know_the_nearest(folder: Path) -> None:
    assert custom_metrics(config(folder, "acuracy")) == ()
