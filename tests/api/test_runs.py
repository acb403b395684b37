"""A run as programs and notebooks see it."""

import builtins
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import evalsvc
from evalsvc.errors import UsageError
from tests.api.conftest import ROWS
from tests.e2e.desk import Desk, messages_rows
from tests.report.html.pages import Reader


def test_rows_are_records_joined_with_their_scores(desk: Desk) -> None:
    run = evalsvc.evaluate("eval.yaml")
    rows = list(run.rows())
    assert len(rows) == ROWS
    assert Counter(row.outcome.value for row in rows) == +Counter(run.summary["outcomes"])
    asked = {row["id"]: row for row in desk.journal()}
    for row in rows:
        assert row.messages == asked[row.id]["messages"]
        assert row.output == asked[row.id]["output"]
        assert (row.outcome is evalsvc.Outcome.CORRECT) == (row.prediction == row.target)


def test_rows_are_those_that_count_after_the_data_changed(desk: Desk) -> None:
    desk.write_config(dataset={"id": "id"})
    evalsvc.evaluate("eval.yaml")
    changed = messages_rows(ROWS, "api")[2:]
    changed[0] = {**changed[0], "text": "new spam"}
    changed[1] = {**changed[1], "label": "relabelled", "text": changed[1]["text"]}
    desk.write_rows(changed)
    run = evalsvc.evaluate("eval.yaml", overrides={"scoring": {"labels": ["spam", "ham", "relabelled"]}, "gates": []})
    rows = {row.id: row for row in run.rows()}
    assert set(rows) == {row["id"] for row in changed}
    assert rows[changed[0]["id"]].output == "new spam"
    assert rows[changed[1]["id"]].target == "relabelled"


def test_repeats_are_rows(desk: Desk) -> None:
    run = evalsvc.evaluate("eval.yaml", overrides={"repeats": 2})
    assert Counter(row.repeat for row in run.rows()) == {0: ROWS, 1: ROWS}


def test_a_table_has_a_line_a_row_and_numbers_as_numbers(desk: Desk) -> None:
    run = evalsvc.evaluate("eval.yaml")
    table = run.to_pandas()
    assert len(table) == ROWS
    assert (table["outcome"] == "correct").mean() == run.summary["metrics"]["accuracy"]["value"]
    assert str(table["input_tokens"].dtype) == "Int64"
    assert table["latency_s"].notna().all()
    assert "messages" not in table
    assert run.to_pandas(messages=True)["messages"][0][0]["role"] == "user"


def test_without_pandas_the_extra_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run = evalsvc.evaluate("eval.yaml")
    real = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name.startswith("pandas"):
            raise ImportError("No module named 'pandas'", name="pandas")
        return real(name, *args, **more)

    monkeypatch.delitem(sys.modules, "evalsvc.library.table", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match="pandas") as refused:
        run.to_pandas()
    assert refused.value.hint == "pip install 'evalsvc[pandas]'"


@pytest.mark.parametrize("named", ["spam", "spam/one", "runs/spam/one"])
def test_a_run_is_loaded_by_name_by_name_and_id_and_by_directory(desk: Desk, named: str) -> None:
    run = evalsvc.evaluate("eval.yaml", run_id="one")
    loaded = evalsvc.load_run(named)
    assert (loaded.path, loaded.id, loaded.name, loaded.summary) == (run.path, "one", "spam", run.summary)
    assert evalsvc.load_run(Path(named)).path == run.path


def test_one_that_was_killed_before_its_summary_is_reduced_when_it_is_loaded(desk: Desk) -> None:
    run = evalsvc.evaluate("eval.yaml")
    (run.path / "summary.json").unlink()
    assert evalsvc.load_run(run.path).summary["metrics"] == run.summary["metrics"]


def test_what_is_no_run_is_refused(desk: Desk) -> None:
    with pytest.raises(UsageError, match="no run"):
        evalsvc.load_run("nothing")


def test_in_words_it_says_the_first_number_and_the_verdict(desk: Desk) -> None:
    run = evalsvc.evaluate("eval.yaml", run_id="one")
    assert re.fullmatch(r"Run\('runs/spam/one': complete, accuracy 0\.\d{4} \[0\.\d{4}, 0\.\d{4}\], passed\)", repr(run))
    failed = evalsvc.evaluate("eval.yaml", run_id="one", overrides={"gates": ["accuracy >= 0.99"]})
    assert repr(failed).endswith("not passed)")


def test_a_notebook_shows_the_verdict_gates_metrics_and_labels_and_loads_nothing(desk: Desk) -> None:
    run = evalsvc.evaluate("eval.yaml")
    shown = Reader(run._repr_html_())
    for words in ("Passed: ", "accuracy", "f1_macro", "accuracy >= 0.5", "spam", "correct", "95 % interval", str(run.path)):
        assert words in shown.text
    assert {"script", "img", "link", "iframe"}.isdisjoint(shown.tags)


def test_importing_evalsvc_loads_nothing_heavy_and_lists_everything() -> None:
    code = (
        "import sys, evalsvc; heavy = {'sklearn', 'openai', 'aiohttp', 'jinja2', 'numpy', 'pydantic', 'pandas', 'typer', 'rich'};"
        "print(sorted(heavy & set(sys.modules)), set(evalsvc.__all__) <= set(dir(evalsvc)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "[] True\n"
    assert all(hasattr(evalsvc, name) for name in evalsvc.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'evaluat'"):
        _ = evalsvc.evaluat  # type: ignore[attr-defined]


def test_the_types_are_shipped() -> None:
    assert (Path(evalsvc.__file__).parent / "py.typed").exists()
