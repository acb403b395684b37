"""From a data file to a first result in two commands."""

import json
from pathlib import Path

import pytest

from tests.e2e.desk import Desk, summary_of

pytestmark = pytest.mark.long

DATASETS = Path(__file__).parents[2] / "datasets"
NOWHERE = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}
CHATS = [
    {"messages": [{"role": "user", "content": f"message {n}: {label}"}, {"role": "assistant", "content": label}]}
    for n, label in enumerate(["spam", "ham", "ham"] * 5)
]


@pytest.mark.parametrize("path", ["wine/test.tsv", "support_messages/test.jsonl", "breast_cancer/test.csv"])
def test_what_init_writes_runs_as_it_is(desk: Desk, path: str) -> None:
    began = desk.run("init", str(DATASETS / path), environ=NOWHERE)
    assert began.code == 0, began.err
    assert began.out.splitlines()[-1] == "next: evalsvc run eval.yaml"
    end = desk.run("run", "eval.yaml", environ=NOWHERE)
    assert end.code == 0, end.err
    assert desk.summary["status"] == "complete"
    assert desk.summary["outcomes"]["correct"] > 0.9 * desk.summary["rows"]["expected"]


def test_a_server_in_the_environment_is_asked_at_once(desk: Desk) -> None:
    desk.write_rows(CHATS, "chats.jsonl")
    environ = {"OPENAI_BASE_URL": desk.base_url, "OPENAI_API_KEY": ""}
    began = desk.run("init", "chats.jsonl", "-o", "first.yaml", environ=environ)
    assert began.code == 0, began.err
    assert f"at {desk.base_url}" in began.out
    end = desk.run("run", "first.yaml", environ=environ)
    assert end.code == 0, end.err
    assert desk.summary["outcomes"]["correct"] == 15  # the echo says the label that its message names
    assert all(record["messages"][-1]["role"] == "user" for record in desk.journal())


def test_answers_that_are_texts_run_as_the_task_that_init_guessed(desk: Desk) -> None:
    rows = [
        {"question": f"Is it {n} o'clock?", "answer": f"is it {n}  O'Clock?" if n % 2 else f"I would not know, {n}."} for n in range(10)
    ]
    desk.write_rows(rows, "qa.jsonl")
    assert desk.run("init", "qa.jsonl", environ=NOWHERE).code == 0
    # an echo in place of the model that is fitted on the answers
    end = desk.run("run", "eval.yaml", "--set", "model.name=echo", environ=NOWHERE)
    assert end.code == 0, end.err
    assert summary_of(desk.run_dir)["outcomes"]["correct"] == 5


def test_init_does_not_touch_what_is_there(desk: Desk) -> None:
    desk.write_rows(CHATS, "chats.jsonl")
    desk.write_config()
    before = (desk.path / "eval.yaml").read_text()
    ended = desk.run("init", "chats.jsonl", environ=NOWHERE)
    assert (ended.code, ended.out) == (2, "")
    assert "--force" in ended.err
    assert (desk.path / "eval.yaml").read_text() == before
    assert json.loads(before)["name"] == "spam"
