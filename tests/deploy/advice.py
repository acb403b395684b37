"""What the README tells a scheduler to do after each exit code: the recipes of all schedulers are held against it."""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).parents[2]
DEPLOY: Final = CHECKOUT / "deploy"


class Advice(StrEnum):
    DONE = "done"
    FAIL = "fail"  # the same command would end the same way
    RETRY = "retry"  # a bounded number of times
    REQUEUE = "requeue"  # however often


def _advice(words: str) -> Advice:
    return Advice.RETRY if words == "count" else Advice(re.split(r"[^a-z]", words)[0])


def _table(page: str, heading: str) -> list[list[str]]:
    section = (CHECKOUT / page).read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if re.match(r"\| \d", line)]
    assert rows, f"{page} has no table under {heading}"
    return rows


def _by_code(page: str, heading: str) -> dict[int, Advice]:
    return {int(row[0]): _advice(row[2]) for row in _table(page, heading)}


ADVICE: Final[Mapping[int, Advice]] = _by_code("README.md", "Exit codes")
OPERATIONS: Final[Mapping[int, Advice]] = _by_code("docs/operations.md", "Exit codes, and what to do")
