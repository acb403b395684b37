"""Which rows are asked, and in whose words: a changed selection, a fine-tuning file, examples from another file."""

from typing import Any

import pytest

from tests.e2e.desk import Desk, fixed_parts, messages_rows, summary_of
from tests.e2e.server import Server

pytestmark = pytest.mark.long


def test_another_selection_asks_only_the_rows_that_came_and_counts_only_those_that_are_left(desk: Desk, server: Server, tag: str) -> None:
    desk.write_rows({**row, "n": number} for number, row in enumerate(messages_rows(30, tag)))
    desk.write_config(dataset={"where": "n < 20"})
    assert desk.run("run", "eval.yaml").code == 0
    server.calls()

    moved = desk.run("run", "eval.yaml", "--set", "dataset.where=n >= 15")
    assert moved.code == 0, moved.err
    assert len(server.calls()) == 10
    assert "15 of 30 rows are chosen" in moved.err

    fresh = desk.run("run", "eval.yaml", "--set", "dataset.where=n >= 15", "--run-dir", "fresh")
    assert fresh.code == 0, fresh.err
    assert fixed_parts(desk.summary) == fixed_parts(summary_of(desk.path / "fresh"))


def test_a_run_without_its_subsample_keeps_the_answers_to_it(desk: Desk, server: Server, tag: str) -> None:
    desk.write_rows(messages_rows(30, tag))
    desk.write_config(dataset={"subsample": {"n": 10, "stratify": "label"}})
    assert desk.run("run", "eval.yaml").code == 0
    assert len(server.calls()) == 10
    assert desk.run("run", "eval.yaml", "--set", "dataset.subsample=null").code == 0
    assert len(server.calls()) == 20
    assert desk.summary["rows"]["ok"] == 30


def test_a_fine_tuning_file_is_asked_in_its_own_words_without_its_answers(desk: Desk, tag: str) -> None:
    def talk(row: dict[str, str]) -> dict[str, Any]:
        turns = [("system", "One word."), ("user", row["text"]), ("assistant", row["label"])]
        return {"messages": [{"role": role, "content": content} for role, content in turns]}

    rows = messages_rows(20, tag)
    desk.write_rows(map(talk, rows))
    desk.write_config(dataset={"input": None, "target": None, "messages": "messages"})
    ended = desk.run("run", "eval.yaml")
    assert ended.code == 0, ended.err
    sent = [[message["role"] for message in record["messages"]] for record in desk.journal()]
    assert sent == [["system", "user"]] * 20
    assert desk.summary["outcomes"]["correct"] == sum(row["label"] in row["text"] for row in rows)


def test_a_conversation_that_nothing_names_is_suggested(desk: Desk) -> None:
    desk.write_rows([{"messages": [{"role": "user", "content": "hi"}]}])
    desk.write_config(dataset={"input": None, "target": None})
    ended = desk.run("run", "eval.yaml")
    assert ended.code == 2
    assert "dataset: {messages: messages}" in ended.err


def test_examples_go_with_every_row_and_other_examples_are_another_run(desk: Desk, tag: str) -> None:
    desk.write_rows(messages_rows(5, tag))
    desk.write_rows([{"text": f"{tag} example {number}", "label": "ham"} for number in range(9)], "train.jsonl")
    desk.write_config(prompt={"few_shot": {"path": "train.jsonl", "k": 2}})
    assert desk.run("run", "eval.yaml").code == 0
    openings = {str(record["messages"][:4]) for record in desk.journal()}
    assert len(openings) == 1
    assert [message["role"] for message in desk.journal()[0]["messages"]] == ["user", "assistant"] * 2 + ["user"]
    assert desk.run("run", "eval.yaml", "--set", "prompt.few_shot.seed=1").code == 0
    assert len(desk.run_dirs) == 2
