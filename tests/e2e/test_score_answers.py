"""`evalsvc score FILE`, as it is typed."""

import csv
from pathlib import Path

import pytest

from tests.e2e.desk import Desk

pytestmark = pytest.mark.long

COLUMNS = ("--id=id", "--target=gold", "--output=said")


@pytest.fixture
def answers(tmp_path: Path) -> Desk:
    """A desk with answers.csv and nothing else; nobody can be asked."""
    with (tmp_path / "answers.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "gold", "said"])
        rows.writerows((number, "spam" if number % 2 else "ham", "spam") for number in range(10))
    return Desk(path=tmp_path, base_url="http://127.0.0.1:9/v1")


def test_a_file_of_answers_becomes_a_run_that_every_command_knows(answers: Desk) -> None:
    end = answers.run("score", "answers.csv", *COLUMNS)
    assert (end.code, end.err) == (0, "10 answers in answers.csv, 10 of them taken in\n")
    assert "answers · complete, 10 rows" in end.out
    again = answers.run("score", "answers.csv", *COLUMNS)
    assert "nothing new in answers.csv" in again.err
    for command in ("show", "score", "list"):
        shown = answers.run(command)
        assert shown.code == 0, shown.err
        assert "answers" in shown.out


def test_gates_decide_the_exit_code(answers: Desk) -> None:
    assert answers.run("score", "answers.csv", *COLUMNS, "--set", "gates=[accuracy >= 0.9]").code == 3


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("answers.csv",), "name it with --output"),
        (("nowhere.csv", "--output=said"), "there is no file nowhere.csv"),
        (("answers.csv", "--output=sad"), "Set --output to a column that is there"),
        (("answers.csv", "--output=said"), "name another column under --target"),
    ],
)
def test_what_is_missing_is_said_in_the_words_of_the_command_line(answers: Desk, typed: tuple[str, ...], said: str) -> None:
    end = answers.run("score", *typed)
    assert end.code == 2
    assert said in end.err


def test_with_json_the_last_line_is_a_result_for_a_file_that_cannot_be_used_and_a_run_that_is_not_there(answers: Desk) -> None:
    for typed in (("answers.csv", "--output=sad"), ("nowhere",)):
        end = answers.run("score", *typed, "--json")
        assert (end.events[-1]["event"], end.events[-1]["exit_code"], end.code) == ("result", 2, 2)
