"""Whatever carries the questions, the answers are the same; over TLS, with a private authority."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.e2e.desk import Desk, fixed_parts, messages_rows, summary_of
from tests.e2e.server import serving
from tests.faults.promises import promise

pytestmark = pytest.mark.long

# config keys under `model`, one row a way
WAYS: dict[str, dict[str, Any]] = {
    "http": {},
    "http-streamed": {"stream": True},
    "sdk": {"client": "sdk"},
    "sdk-streamed": {"client": "sdk", "stream": True},
}


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Desk]:
    """A desk whose server is vouched for by ca.pem there, and by nobody else."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    with serving(tmp_path / "calls.jsonl", f"--tls-cert={tmp_path / 'server.pem'}") as server:
        yield Desk(path=tmp_path, base_url=server.url)


def test_every_transport_brings_the_same_numbers_over_tls(private: Desk) -> None:
    private.write_rows(messages_rows(60, "over tls"))
    summaries = []
    for name, model in WAYS.items():
        private.write_config(model={"ca_file": "ca.pem", **model})
        done = private.run("run", "eval.yaml", "--run-dir", name)
        assert done.code == 0, done.err
        summaries.append(fixed_parts(summary_of(private.path / name)))
    assert all(summary == summaries[0] for summary in summaries)


@promise("6.5")
@pytest.mark.parametrize("client", ["http", "sdk"])
def test_an_authority_that_nobody_named_stops_the_run_at_once(private: Desk, client: str) -> None:
    """Rather than after wait_for_endpoint_s and outage_budget_s, for waiting changes no certificate."""
    private.write_rows(messages_rows(20, "over tls"))
    private.write_config(model={"client": client}, limits={"wait_for_endpoint_s": 600})
    done = private.run("run", "eval.yaml")
    assert done.code == 2, done.err
    assert "certificate is refused" in done.err
    assert "model.ca_file" in done.err
