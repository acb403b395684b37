"""After each test here: the key that its runs were given is in nothing that they made."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.canary import leaks


@pytest.fixture(autouse=True)
def no_key_left_anywhere(tmp_path: Path) -> Iterator[None]:
    yield
    assert [str(path) for path in leaks(tmp_path)] == []
