"""The file that GitHub shows under a job."""

from pathlib import Path

import pytest

from evalsvc.report.step_summary import BYTES_AT_MOST, append_run, append_step_summary, fitting
from tests.report.cases import summary


def test_what_is_there_stays(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    append_step_summary("after – é\n", {"GITHUB_STEP_SUMMARY": str(file)})
    assert file.read_text(encoding="utf-8") == "before\nafter – é\n"


@pytest.mark.parametrize("environ", [{}, {"GITHUB_STEP_SUMMARY": ""}])
def test_elsewhere_nothing_happens(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    append_step_summary("text", environ)
    append_run(summary(), "runs/a", environ, exit_code=0)
    assert capsys.readouterr() == ("", "")


def test_a_run_is_told_in_full(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    append_run(summary(), "runs/spam/pr-12", {"GITHUB_STEP_SUMMARY": str(file)}, exit_code=3)
    assert file.read_text(encoding="utf-8").startswith("### spam-ft-v3: Not to be shipped\n")


def test_a_file_that_cannot_be_written_is_a_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    append_step_summary("text", {"GITHUB_STEP_SUMMARY": str(tmp_path)})
    assert capsys.readouterr().err == f"note: no summary for GitHub: {tmp_path}: Is a directory\n"


def test_too_much_is_cut_at_a_line_end_with_a_note(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    append_step_summary("line – of text\n" * 100_000, {"GITHUB_STEP_SUMMARY": str(file)})
    written = file.read_bytes()
    assert BYTES_AT_MOST - 100 < len(written) <= BYTES_AT_MOST
    *lines, _, _, note = written.decode().splitlines()
    assert set(lines) == {"line – of text"}
    assert note == "… the rest is cut: GitHub shows no more than 1 MiB of a step"


def test_what_is_there_counts(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    for _ in range(3):
        append_step_summary("line\n" * 100_000, {"GITHUB_STEP_SUMMARY": str(file)})
    assert file.stat().st_size <= BYTES_AT_MOST


@pytest.mark.parametrize("room", range(60, 90))
def test_never_more_than_there_is_room_for(room: int) -> None:
    assert len(fitting("é" * 200, room)) <= room


def test_half_a_character_is_never_written() -> None:
    assert fitting("a\n" + "é" * 200, 100).decode().startswith("a\n")


def test_a_lone_surrogate_is_spelt_out() -> None:
    assert fitting("\ud800", 100) == b"\\ud800"
