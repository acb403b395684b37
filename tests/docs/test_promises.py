import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.promises import HEADINGS, PROMISES, promise

CHECKOUT = Path(__file__).parents[2]


def test_the_page_of_promises_is_what_the_tests_are_marked_with() -> None:
    script = CHECKOUT / "scripts" / "gen-promises"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_tests_of_a_file_that_is_long_are_told_to_be() -> None:
    proofs = re.findall(r"`([^`\s]+)::\w+`( \*long\*)?", (CHECKOUT / "docs" / "promises.md").read_text(encoding="utf-8"))
    long_files = {
        name for name, _ in proofs if "\npytestmark = pytest.mark.long\n" in (CHECKOUT / "tests" / name).read_text(encoding="utf-8")
    }
    assert "e2e/test_budgets.py" in long_files
    assert [name for name, told in proofs if name in long_files and not told] == []


def test_every_promise_stands_below_a_heading() -> None:
    assert {int(line.split(".")[0]) for line in PROMISES} == set(HEADINGS)


def test_a_mark_with_a_line_that_is_not_there_is_no_mark() -> None:
    with pytest.raises(KeyError):
        promise("99.1")
