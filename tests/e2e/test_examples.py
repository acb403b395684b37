"""Every data set that comes along is an evaluation that runs, without key or network, and gets through its own gates."""

import json
import math
from pathlib import Path

import pytest

from evalsvc.config import load_config
from tests.e2e.desk import Desk, summary_of

DATASETS = Path(__file__).parents[2] / "datasets"
CONFIGS = sorted(file.parent.name for file in DATASETS.glob("*/eval.yaml"))
# Those that ask about rows of their own.
OF_ROWS = [name for name in CONFIGS if name != "judge"]
NOWHERE = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}
TASKS = {"classification", "generation", "judge", "perplexity", "qa", "regression", "summarization", "translation"}


def config_of(name: str) -> Path:
    return DATASETS / name / "eval.yaml"


def test_there_is_one_for_every_task() -> None:
    assert {load_config(config_of(name), environ={}).config.task for name in CONFIGS} == TASKS


@pytest.mark.parametrize("name", CONFIGS)
def test_an_example_says_in_its_first_line_what_it_is_and_has_gates(name: str) -> None:
    text = config_of(name).read_text()
    assert text.startswith("# ")
    assert load_config(config_of(name), environ={}).config.gates


@pytest.mark.long
@pytest.mark.parametrize("name", OF_ROWS)
def test_an_example_runs_gets_through_its_gates_and_has_every_number(desk: Desk, name: str) -> None:
    end = desk.run("run", str(config_of(name)), environ=NOWHERE)
    assert end.code == 0, end.err
    summary = summary_of(desk.run_dir)
    assert summary["status"] == "complete"
    assert summary["gates"]
    assert all(gate["passed"] for gate in summary["gates"])
    numbers = {metric: found["value"] for metric, found in summary["metrics"].items()}
    assert all(value is not None and math.isfinite(value) for value in numbers.values()), numbers
    assert all(found["ci_low"] is not None for metric, found in summary["metrics"].items() if not metric.startswith("ext.")), numbers


@pytest.mark.long
def test_an_answered_run_can_be_judged(desk: Desk) -> None:
    assert desk.run("run", str(config_of("summarization")), environ=NOWHERE).code == 0
    end = desk.run("run", str(config_of("judge")), environ=NOWHERE)
    assert end.code == 0, end.err
    (judged,) = [run for run in desk.run_dirs if run.parent.name == "judge"]
    score = summary_of(judged)["metrics"]["judge_score"]
    assert score["n"] == summary_of(judged)["rows"]["expected"] == 150
    assert 1 < score["value"] < 5


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in OF_ROWS if name not in ("perplexity", "breast_cancer", "support_messages", "wine")])
def test_what_init_makes_of_an_example_is_the_same_task_and_runs(desk: Desk, name: str) -> None:
    began = desk.run("init", str(DATASETS / name / "test.jsonl"), environ=NOWHERE)
    assert began.code == 0, began.err
    config = load_config(desk.path / "eval.yaml", environ={}).config
    assert config.task == load_config(config_of(name), environ={}).config.task
    end = desk.run("run", "eval.yaml", "--json", environ=NOWHERE)
    assert end.code == 0, end.err
    assert json.loads(end.out.splitlines()[-1])["exit_code"] == 0
