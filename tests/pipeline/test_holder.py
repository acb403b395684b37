"""What the lock file of a run tells about who holds it."""

import pytest

from evalsvc.pipeline.launch import holder


def test_the_lock_file_tells_the_command_and_none_of_the_secrets_in_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "sys.argv", ["evalsvc", "run", "eval.yaml", "--set", "model.headers={X-Api-Key: hunter2}", "--base-url=https://u:hunter2@host"]
    )
    assert holder()["command"] == "evalsvc run eval.yaml"


def test_the_lock_file_tells_no_address_of_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["evalsvc", "run", "https://someone:hunter2@host/data.csv?sig=hunter2", "--model", "m"])
    assert holder()["command"] == "evalsvc run"
