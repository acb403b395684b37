import shutil
from pathlib import Path

import pytest

from tests.docs.readme import Command, Write, blocks, missing, steps, typed

CHECKOUT = Path(__file__).parents[2]
PAGES = {name: (CHECKOUT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/quickstart.md")}
KNOWN_MARKS = ("run", "run by .ci/run", "file", "shown")


def _exit_code(returned: int) -> int:
    """As a shell tells it: 128 and the signal's number for what was killed."""
    return 128 - returned if returned < 0 else returned


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_does_what_the_page_says(page: str, tmp_path: Path) -> None:
    folder = tmp_path / "a checkout"
    shutil.copytree(CHECKOUT / "datasets", folder / "datasets")
    for step in steps(PAGES[page]):
        match step:
            case Write(name=name, text=text):
                (folder / name).write_text(text, encoding="utf-8")
            case Command():
                done = typed(step, folder)
                assert _exit_code(done.returncode) == step.exit_code, f"$ {step.text}\n{done.stdout}"
                assert missing(step.shown, done.stdout) == [], f"$ {step.text}\n{done.stdout}"


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_a_page_says_whether_it_is_run(page: str) -> None:
    unmarked = [block.body for block in blocks(PAGES[page]) if (block.mark or "").partition(": ")[0] not in KNOWN_MARKS]
    assert unmarked == []
    assert PAGES[page].count("\n```") == 2 * len(blocks(PAGES[page]))
