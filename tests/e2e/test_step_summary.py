"""What a job on GitHub shows of a run, whatever command brought it about."""

from pathlib import Path

import pytest

from tests.e2e.desk import Desk, messages_rows


def told(desk: Desk, *args: str, code: int) -> str:
    """What the command adds to the page of its step."""
    page = desk.path / "step.md"
    page.unlink(missing_ok=True)
    end = desk.run(*args, environ={"GITHUB_STEP_SUMMARY": str(page)})
    assert end.code == code, end.err
    return page.read_text(encoding="utf-8") if page.exists() else ""


@pytest.fixture
def ready(desk: Desk, tag: str) -> Desk:
    desk.write_rows(messages_rows(21, tag))
    desk.write_config(dataset={"id": "id"}, gates=["recall >= 0.99"])
    return desk


def test_a_run_is_told_and_a_complete_one_as_much(ready: Desk) -> None:
    first = told(ready, "run", "eval.yaml", "--quiet", code=3)
    assert first.startswith("### spam: Not to be shipped\n")
    assert "exit 3: a quality gate failed" in first
    assert "| **failed** | <code>recall &gt;= 0.99</code> |" in first
    assert told(ready, "run", "eval.yaml", "--quiet", "--json", code=3) == first


def test_a_gate_that_was_changed_is_told_when_it_is_scored(ready: Desk) -> None:
    told(ready, "run", "eval.yaml", "--quiet", code=3)
    assert told(ready, "score", "--set", 'gates=["coverage >= 0.5"]', code=0).startswith("### spam: Passed\n")


def test_a_run_that_cannot_begin_has_nothing_to_tell(desk: Desk) -> None:
    assert told(desk, "run", "eval.yaml", code=2) == ""


def test_a_page_that_cannot_be_written_changes_nothing(ready: Desk, tmp_path: Path) -> None:
    end = ready.run("run", "eval.yaml", "--quiet", environ={"GITHUB_STEP_SUMMARY": str(tmp_path)})
    assert end.code == 3
    assert f"note: no summary for GitHub: {tmp_path}: Is a directory" in end.err
