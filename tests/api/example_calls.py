"""Calls as users write them, for the type checkers: mypy in strict mode and pyright read this file, nothing runs it."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, assert_type

import evalsvc
from evalsvc import EvalConfig, EvalsvcError, Outcome, Progress, Row, Run, RunWarning, Summary, aevaluate, evaluate, load_run


def from_a_file() -> Run:
    run = evaluate("eval.yaml")
    assert_type(run, Run)
    assert_type(evaluate(Path("eval.yaml"), run_id="2026-11-20", run_dir=Path("runs/mine")), Run)
    assert_type(evaluate("eval.yaml", overrides={"model.params.temperature": 0, "gates": []}, environ={}), Run)
    assert_type(evaluate("eval.yaml", retry_failed=True, on_drift="rerun"), Run)
    return run


def from_a_mapping(settings: Mapping[str, Any]) -> Run:
    assert_type(evaluate(EvalConfig.model_validate(settings)), Run)
    return evaluate({"name": "spam", "dataset": {"path": "data.csv"}, "model": {"name": "m"}})


def watching(lines: list[str]) -> Run:
    def show(progress: Progress) -> None:
        assert_type(progress.done, int)
        assert_type(progress.eta_s, float | None)
        lines.append(f"{progress.done} of {progress.expected}, {progress.usage.input} tokens")

    evaluate("eval.yaml", on_progress=lambda progress: lines.append(str(progress.accuracy)))
    return evaluate("eval.yaml", on_progress=show)


async def awaited() -> Run:
    run = await aevaluate("eval.yaml", on_progress=lambda progress: None)
    assert_type(run, Run)
    return run


def reading(run: Run) -> float | None:
    assert_type(run.path, Path)
    assert_type(run.passed, bool | None)
    assert_type(run.exit_code, int | None)
    assert_type(run.config, EvalConfig)
    assert_type(run.summary, Summary)
    assert_type(run.summary["metrics"]["accuracy"]["ci_low"], float | None)
    assert_type(run.summary["warnings"], list[RunWarning])
    assert_type(run.summary["rows"]["expected"], int)
    return run.summary["metrics"]["accuracy"]["value"]


def rows(run: Run) -> list[str]:
    assert_type(run.rows(), Iterator[Row])
    wrong = [row for row in run.rows() if row.outcome is Outcome.WRONG]
    for row in wrong:
        assert_type(row.id, str)
        assert_type(row.target, str | None)
        assert_type(row.messages, list[dict[str, Any]] | None)
        assert_type(row.latency_s, float | None)
    return [row.output for row in wrong if row.output is not None]


def table(run: Run) -> int:
    return len(run.to_pandas(messages=True))


def stopped() -> Run | None:
    try:
        return evaluate("eval.yaml")
    except EvalsvcError as error:
        assert_type(error.hint, str | None)
        assert_type(error.exit_code, int)
        return None if error.run_dir is None else load_run(error.run_dir)


def loaded() -> str:
    assert_type(load_run("spam"), Run)
    return evalsvc.load_run(Path("runs/spam/latest")).status + evalsvc.__version__


def misspelt() -> None:
    """Whatever is not there is an error to both checkers, and they say so when it is no longer one."""
    evalsvc.evaluat("eval.yaml")  # type: ignore[attr-defined]
    evaluate("eval.yaml", on_drift="again")  # type: ignore[arg-type]
    evaluate(42)  # type: ignore[arg-type]
