from pathlib import Path

import pytest

from evalsvc.errors import UsageError
from evalsvc.plugins import Kind, fingerprint, load


def loaded(base_dir: Path, name: str) -> object:
    return load(Kind.SCORER, name, base_dir, place="eval.yaml:3 (scoring.scorer)")


def test_an_object_in_a_file_is_found_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("answer = 42\n")
    assert loaded(tmp_path, "mine.py:answer") == 42


def test_a_file_that_was_edited_is_loaded_again_and_has_another_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("answer = 1\n")
    before = loaded(tmp_path, "mine.py:answer"), fingerprint(Kind.SCORER, "mine.py:answer", tmp_path)
    (tmp_path / "mine.py").write_text("answer = 2\n")
    after = loaded(tmp_path, "mine.py:answer"), fingerprint(Kind.SCORER, "mine.py:answer", tmp_path)
    assert (before[0], after[0]) == (1, 2)
    assert before[1] != after[1]


def test_a_file_can_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "neighbour_of_a_plugin.py").write_text("answer = 7\n")
    (tmp_path / "mine.py").write_text("from neighbour_of_a_plugin import answer\n")
    assert loaded(tmp_path, "mine.py:answer") == 7


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (None, "mine.py:answer", "there is no file"),
        ("answr = 1\n", "mine.py:answer", "has no 'answer'"),
        ("\n\n1 / 0\n", "mine.py:answer", "mine.py:3 fails when loaded: ZeroDivisionError"),
        ("x = 1\ndef (:\n", "mine.py:answer", "mine.py:2 fails when loaded: SyntaxError"),
        ("raise SystemExit(3)\n", "mine.py:answer", "mine.py:1 fails when loaded: SystemExit"),
        ("answer = 1\n", "nowhere", "there is no 'nowhere' among evalsvc.scorers"),
    ],
)
def test_what_cannot_be_loaded_is_told_with_its_place(content: str | None, name: str, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "mine.py").write_text(content)
    with pytest.raises(UsageError, match=r"^eval\.yaml:3 \(scoring\.scorer\): ") as error:
        loaded(tmp_path, name)
    assert message in error.value.message
