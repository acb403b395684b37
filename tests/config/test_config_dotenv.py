"""The .env file: strict lines, and never a value in a message."""

from pathlib import Path

import pytest

from evalsvc.config.dotenv import parse_dotenv, read_dotenv
from evalsvc.errors import UsageError


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("export A=b", "b"),
        ("  A = b c  ", "b c"),
        ("A=", ""),
        ("A=b # comment", "b"),
        ("A=b#c", "b#c"),
        ("A= # only a comment", ""),
        ("A='b # c'", "b # c"),
        ('A="b # c" # comment', "b # c"),
        ('A="two\\nlines \\"quoted\\" \\\\ \\d"', 'two\nlines "quoted" \\ \\d'),
        ("A='as \\n written'", "as \\n written"),
        ("A=$HOME=x", "$HOME=x"),
        ("A=b\r", "b"),
    ],
)
def test_a_line_gives_its_value(line: str, value: str) -> None:
    assert parse_dotenv(line, file=".env") == {"A": value}


def test_blank_lines_and_comments_are_skipped_and_the_last_value_wins() -> None:
    assert parse_dotenv("\n# A=0\nA=1\n\nA=2\n", file=".env") == {"A": "2"}


@pytest.mark.parametrize("line", ["sk-secret", "1A=sk-secret", "A B=sk-secret", 'A="sk-secret', "A='sk-secret' x"])
def test_a_wrong_line_is_named_without_its_content(line: str) -> None:
    with pytest.raises(UsageError, match=r"\.env:2: ") as caught:
        parse_dotenv(f"# first\n{line}\n", file=".env")
    assert "sk-secret" not in caught.value.message


def test_no_file_means_no_variables(tmp_path: Path) -> None:
    assert read_dotenv(tmp_path / ".env") == {}
