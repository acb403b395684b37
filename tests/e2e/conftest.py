"""A server for the whole session, and a desk for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.desk import Desk
from tests.e2e.server import Server, serving


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server") / "calls.jsonl") as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Server:
    """An echo without faults of its own; its `calls` are those of the test."""
    shared_server.calls()
    return shared_server


@pytest.fixture
def desk(tmp_path: Path, server: Server) -> Desk:
    return Desk(path=tmp_path, base_url=server.url)


@pytest.fixture
def tag(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A word of this test's own, for texts that no other test asks."""
    return f"t{abs(hash((request.node.nodeid, str(tmp_path)))):x}"
