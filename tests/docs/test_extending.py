"""docs/extending.md, done as it says."""

import shutil
from pathlib import Path

import pytest

from tests.docs.readme import Command, Write, blocks, missing, steps, typed

pytestmark = pytest.mark.long

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs" / "extending.md").read_text(encoding="utf-8")


def test_every_example_of_the_page_works_as_the_page_says(tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / "datasets", tmp_path / "datasets")
    for step in steps(PAGE):
        match step:
            case Write(name=name, text=text):
                (tmp_path / name).write_text(text, encoding="utf-8")
            case Command():
                done = typed(step, tmp_path)
                assert done.returncode == step.exit_code, f"$ {step.text}\n{done.stdout}"
                assert missing(step.shown, done.stdout) == [], f"$ {step.text}\n{done.stdout}"


def test_every_block_of_the_page_is_used() -> None:
    assert [block.body for block in blocks(PAGE) if (block.mark or "").partition(": ")[0] not in ("run", "file")] == []
    assert PAGE.count("\n```") == 2 * len(blocks(PAGE))
