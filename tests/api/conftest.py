"""A folder with an evaluation in it, and a server for all tests."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.desk import Desk, messages_rows
from tests.e2e.server import Server, serving

ROWS = 30


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server") / "calls.jsonl") as found:
        yield found


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Desk:
    """The working directory of the test, with eval.yaml and thirty rows."""
    monkeypatch.chdir(tmp_path)
    desk = Desk(path=tmp_path, base_url=server.url)
    desk.write_rows(messages_rows(ROWS, "api"))
    desk.write_config(gates=["accuracy >= 0.5"])
    return desk


@pytest.fixture
def config(server: Server) -> Mapping[str, Any]:
    """The same evaluation as a mapping."""
    return {
        "name": "spam",
        "dataset": {"path": Path("data.jsonl"), "input": "text", "target": "label"},
        "model": {"name": "echo", "base_url": server.url},
        "scoring": {"labels": ("spam", "ham"), "positive": "spam"},
        "gates": ["accuracy >= 0.5"],
    }
