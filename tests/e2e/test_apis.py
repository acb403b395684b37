"""Whichever API the endpoint is asked by, in one piece or as a stream, the answers and the numbers are the same."""

from typing import Any

import pytest

from tests.e2e.desk import Desk, messages_rows, summary_of
from tests.e2e.server import Server

pytestmark = pytest.mark.long

# config keys under `model`, one row a way
WAYS: dict[str, dict[str, Any]] = {
    "chat": {},
    "chat-streamed": {"stream": True},
    "responses": {"api": "responses"},
    "responses-streamed": {"api": "responses", "stream": True},
    "completions": {"api": "completions"},
}


def test_every_api_brings_the_same_numbers(desk: Desk, tag: str) -> None:
    desk.write_rows(messages_rows(60, tag))
    for name, model in WAYS.items():
        desk.write_config(model=model)
        done = desk.run("run", "eval.yaml", "--run-dir", name)
        assert done.code == 0, done.err
    summaries = [summary_of(desk.path / name) for name in WAYS]
    for part in ("rows", "outcomes", "metrics", "per_class"):
        assert all(summary[part] == summaries[0][part] for summary in summaries), part


def test_a_stream_tells_its_times_and_is_no_other_measurement(desk: Desk, server: Server, tag: str) -> None:
    desk.write_rows(messages_rows(12, tag))
    desk.write_config(model={"stream": True})
    assert desk.run("run", "eval.yaml").code == 0
    assert all(0 < record["ttft_s"] <= record["latency_s"] for record in desk.journal())
    desk.write_config(model={"stream": False})
    server.calls()
    again = desk.run("run", "eval.yaml")
    assert (again.code, "complete since" in again.err, server.calls()) == (0, True, [])


def test_an_echoed_prompt_is_kept_apart_from_the_answer(desk: Desk, tag: str) -> None:
    desk.write_rows(messages_rows(3, tag))
    desk.write_config(model={"api": "completions", "params": {"echo": True, "logprobs": 2}})
    assert desk.run("run", "eval.yaml").code == 0
    for record in desk.journal():
        asked = record["messages"][0]["content"]
        assert "".join(token["t"] for token in record["prompt_tokens"]) == asked
        assert record["prompt_tokens"][0]["lp"] is None
        assert "".join(token["t"] for token in record["tokens"]) == record["output"]


def test_a_conversation_is_refused_before_anything_is_asked(desk: Desk, server: Server, tag: str) -> None:
    desk.write_rows(messages_rows(3, tag))
    desk.write_config(model={"api": "completions"}, prompt={"system": "Be brief.", "user": "{{ text }}"})
    server.calls()
    refused = desk.run("run", "eval.yaml")
    assert (refused.code, server.calls()) == (2, [])
    assert "prompt.system" in refused.err
    assert "api: chat" in refused.err
