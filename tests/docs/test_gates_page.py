"""docs/gates.md, done as it says."""

import shutil
from pathlib import Path

import pytest

from evalsvc.report.verdict import EXIT_MEANS
from tests.docs.readme import Command, missing, steps, typed

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs" / "gates.md").read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.skipif(shutil.which("jq") is None, reason="the page has commands of jq's, and it is not here")
def test_every_command_of_the_page_works_as_the_page_says(tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / "datasets", tmp_path / "datasets")
    for step in steps(PAGE):
        assert isinstance(step, Command)
        done = typed(step, tmp_path)
        assert done.returncode == step.exit_code, f"$ {step.text}\n{done.stdout}"
        assert missing(step.shown, done.stdout) == [], f"$ {step.text}\n{done.stdout}"


def test_the_page_has_a_line_for_every_exit_code() -> None:
    told = set[int]()
    for line in PAGE.split("| exit | title | so |")[1].split("\n\n")[0].splitlines():
        for word in line.strip("| ").partition(" |")[0].split(", "):
            first, _, last = word.partition(" to ")
            told |= set(range(int(first), int(last or first) + 1)) if first.isdigit() else set()
    assert told == set(EXIT_MEANS)
