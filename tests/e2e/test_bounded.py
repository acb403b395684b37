"""What bounded a run, as the result of a real one says it."""

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.desk import Desk, ended, messages_rows, until
from tests.e2e.server import serving

CASES: dict[str, tuple[tuple[str, ...], dict[str, Any], int, str]] = {
    "requests_per_minute": ((), {"requests_per_minute": 1200}, 80, "by limits.requests_per_minute: waiting for it"),
    "server": (("--slots=16", "--latency=0.2"), {"concurrency": 400}, 600, "by the server: "),
    "rate_limit": (("--rps=30", "--burst=10"), {"concurrency": 100}, 150, "by the server's rate limit: "),
}


@pytest.mark.long
@pytest.mark.parametrize("cause", CASES)
def test_the_result_of_a_run_names_what_held_it_back(cause: str, tmp_path: Path) -> None:
    server_options, limits, rows, words = CASES[cause]
    with serving(tmp_path / "calls.jsonl", *server_options) as server:
        desk = Desk(path=tmp_path, base_url=server.url)
        desk.write_rows(messages_rows(rows, f"bounded {cause}"))
        desk.write_config(limits=limits)
        done = desk.run("run", "eval.yaml", "--quiet", environ={"COLUMNS": "300"})
    assert done.code == 0, done.err
    assert f"  bounded   {words}" in done.out
    assert desk.summary["timing"]["bounded_by"]["cause"] == cause


def test_a_run_that_is_stopped_says_it_too_and_one_of_a_moment_that_it_cannot_tell(tmp_path: Path) -> None:
    with serving(tmp_path / "calls.jsonl", "--latency=0.1") as server:
        desk = Desk(path=tmp_path, base_url=server.url)
        desk.write_rows(messages_rows(500, "stopped"))
        desk.write_config(limits={"concurrency": 2})
        process = desk.start("run", "eval.yaml", environ={"COLUMNS": "300"})
        until(lambda: desk.journal_lines() >= 70)
        process.send_signal(signal.SIGTERM)
        stopped = ended(process)
        short = desk.run("run", "eval.yaml", "--run-id=short", "--limit=10", "--set", "limits.concurrency=10", "--json")
    assert stopped.code == 75, stopped.err
    assert "  bounded   by limits.concurrency: all 2 in flight" in stopped.out
    assert "; try limits.concurrency: 4" in stopped.out
    assert short.events[-1]["timing"]["bounded_by"]["message"] == "too short to tell"
