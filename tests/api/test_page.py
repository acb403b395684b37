"""docs/python-api.md, run as it stands."""

import doctest
import shutil
from pathlib import Path

import pytest

import evalsvc

pytestmark = pytest.mark.long

CHECKOUT = Path(__file__).parents[2]
PAGE = CHECKOUT / "docs" / "python-api.md"


def test_every_example_of_the_page_gives_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(CHECKOUT / "datasets", tmp_path / "datasets")
    monkeypatch.chdir(tmp_path)
    done = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert done.attempted > 15
    assert done.failed == 0


def test_every_public_name_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in evalsvc.__all__ if name not in text and not name.startswith("__")] == []
