"""A row's own conversation: what is sent of it, what is the target, and what is refused with its place."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from evalsvc.dataset.questions import conversations_in
from evalsvc.errors import UsageError
from evalsvc.records import Sample
from tests.dataset.files import as_csv, as_jsonl, dataset, read, refusal

SYSTEM = {"role": "system", "content": "One word."}
USER = {"role": "user", "content": "free money"}
ANSWER = {"role": "assistant", "content": "spam"}
TOOL_CALL = {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f"}}]}
RESULT = {"role": "tool", "tool_call_id": "1", "content": "42"}


def rows(*conversations: Any, **others: Any) -> bytes:
    return as_jsonl([{"messages": conversation, **others} for conversation in conversations])


def only(folder: Path, *messages: Mapping[str, Any], target: str | None = None, **others: Any) -> Sample:
    data = dataset(folder, "t.jsonl", rows(list(messages), **others), messages="messages", target=target)
    (sample,) = read(data)[1]
    return sample


def test_an_assistant_message_at_the_end_is_the_target_and_is_not_sent(tmp_path: Path) -> None:
    sample = only(tmp_path, SYSTEM, USER, ANSWER)
    assert (sample.target, sample.fields, sample.input) == ("spam", {"messages": [SYSTEM, USER]}, "free money")


def test_without_an_answer_there_is_no_target(tmp_path: Path) -> None:
    assert only(tmp_path, USER).target is None


def test_an_answer_in_parts_is_their_text(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "sp"}, {"type": "text", "text": "am"}]
    assert only(tmp_path, USER, {"role": "assistant", "content": parts}).target == "spam"


def test_with_a_target_column_the_answer_is_dropped(tmp_path: Path) -> None:
    sample = only(tmp_path, USER, ANSWER, target="label", label="ham")
    assert (sample.target, sample.fields) == ("ham", {"messages": [USER]})


def test_with_a_target_column_a_tool_call_at_the_end_does_no_harm(tmp_path: Path) -> None:
    assert only(tmp_path, USER, TOOL_CALL, target="label", label="ham").fields == {"messages": [USER]}


def test_everything_before_the_answer_is_kept_as_it_is(tmp_path: Path) -> None:
    before: list[dict[str, Any]] = [
        {"role": "developer", "content": "x"},
        {"role": "user", "name": "Ann", "content": [{"type": "image_url", "image_url": {"url": "https://host/a.png"}}]},
        TOOL_CALL,
        RESULT,
        {"role": "user", "content": "so?"},
    ]
    sample = only(tmp_path, *before, ANSWER)
    assert sample.fields["messages"] == before
    assert sample.input == "so?"


def test_weights_and_null_keys_are_no_part_of_what_is_sent(tmp_path: Path) -> None:
    told = only(tmp_path, {**USER, "name": None}, {**ANSWER, "weight": 0}, USER, {**ANSWER, "weight": 1})
    assert told.fields["messages"] == [USER, ANSWER, USER]
    assert told.row_hash == only(tmp_path, USER, ANSWER, USER, ANSWER).row_hash


def test_another_answer_does_not_make_another_row(tmp_path: Path) -> None:
    one, other = only(tmp_path, USER, ANSWER), only(tmp_path, USER, {**ANSWER, "content": "ham"})
    assert (one.id, one.row_hash) == (other.id, other.row_hash)
    assert (one.target, other.target) == ("spam", "ham")


def test_tools_of_a_row_are_part_of_it(tmp_path: Path) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    sample = only(tmp_path, USER, ANSWER, tools=tools)
    assert sample.fields["tools"] == tools
    assert sample.row_hash != only(tmp_path, USER, ANSWER).row_hash


def test_in_csv_a_conversation_is_json_text(tmp_path: Path) -> None:
    data = as_csv([{"talk": json.dumps([USER, ANSWER])}])
    (sample,) = read(dataset(tmp_path, "t.csv", data, messages="talk"))[1]
    assert (sample.fields, sample.target) == ({"talk": [USER]}, "spam")


def test_labels_are_counted_from_the_answers(tmp_path: Path) -> None:
    data = rows([USER, ANSWER], [{"role": "user", "content": "hi"}, {**ANSWER, "content": "ham"}])
    assert dataset(tmp_path, "t.jsonl", data, messages="messages").survey().labels == {"spam": 1, "ham": 1}


REFUSED: dict[str, tuple[Sequence[Any] | Any, str]] = {
    "a text": ("hi", "the conversation in 'messages' is no list of messages"),
    "nothing": (None, "the conversation in 'messages' is missing or null"),
    "an empty list": ([], "the conversation in 'messages' is an empty list"),
    "a list of texts": (["hi"], "messages[0]: a message must be an object"),
    "no role": ([{"content": "hi"}], "messages[0]: the message has no role"),
    "ShareGPT's turns": ([{"from": "human", "value": "hi"}], "messages[0]: the message has no role"),
    "an unknown role": ([USER, {"role": "asistant", "content": "spam"}], "messages[1].role: 'asistant' is none of"),
    "no content": ([{"role": "user"}], "messages[0].content: neither a text nor a list of parts"),
    "a number for content": ([{"role": "user", "content": 5}], "messages[0].content: neither"),
    "no user": ([SYSTEM, ANSWER], "no user message in 'messages'"),
    "only an answer": ([ANSWER], "no user message in 'messages'"),
    "two answers": ([USER, ANSWER, ANSWER], "two assistant messages end the conversation"),
    "a tool call as the answer": ([USER, TOOL_CALL], "the answer at the end of 'messages' is a tool call"),
    "an answer without text": ([USER, {"role": "assistant", "content": None, "refusal": "no"}], "of 'messages' is no text"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_conversation_is_refused_with_its_place(tmp_path: Path, case: str) -> None:
    conversation, said = REFUSED[case]
    error = refusal(tmp_path, "t.jsonl", b"\n" + rows([USER, ANSWER], conversation), messages="messages")
    assert f"{tmp_path / 't.jsonl'}:3: " in str(error)
    assert said in str(error)
    assert "docs/data.md#conversations" in str(error.hint)


def test_a_role_that_is_nearly_one_gets_it_as_hint(tmp_path: Path) -> None:
    error = refusal(tmp_path, "t.jsonl", rows([USER, {"role": "asistant", "content": "x"}]), messages="messages")
    assert "Did you mean 'assistant'?" in str(error.hint)


def test_the_hint_for_a_tool_call_leaves_such_rows_out(tmp_path: Path) -> None:
    data = rows([USER, TOOL_CALL], [USER, ANSWER])
    error = refusal(tmp_path, "t.jsonl", data, messages="messages")
    where = str(error.hint).split("dataset.where: ")[1].split(". See")[0]
    _, samples = read(dataset(tmp_path, "t.jsonl", messages="messages", where=where))
    assert [sample.target for sample in samples] == ["spam"]


@pytest.mark.parametrize(
    ("row", "said", "expression"),
    [
        (
            {"input": {"messages": [USER]}, "preferred_output": [ANSWER], "non_preferred_output": [ANSWER]},
            "preference pairs",
            ".input.messages",
        ),
        ({"chosen": [USER, ANSWER], "rejected": [USER]}, "preference pairs", "{messages: .chosen}"),
        ({"conversations": [{"from": "human", "value": "hi"}]}, "ShareGPT", ".conversations[]"),
    ],
)
@pytest.mark.parametrize("column", ["messages", "input"])
def test_training_files_of_other_kinds_are_recognised(tmp_path: Path, row: dict[str, Any], said: str, expression: str, column: str) -> None:
    error = refusal(tmp_path, "t.jsonl", as_jsonl([row]), messages=column)
    assert ":1: these rows are " in str(error)
    assert said in str(error)
    assert expression in str(error.hint)


def test_a_missing_column_gets_the_nearest_one(tmp_path: Path) -> None:
    error = refusal(tmp_path, "t.jsonl", rows([USER]), messages="mesages")
    assert "no column 'mesages'" in str(error)
    assert "Did you mean 'messages'?" in str(error.hint)


def test_tools_that_are_no_list_are_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, "t.jsonl", rows([USER, ANSWER], tools="[]"), messages="messages")
    assert ":1: 'tools' must be a list" in str(error)


@pytest.mark.parametrize("role", ["input", "target"])
def test_the_conversation_is_neither_input_nor_target(tmp_path: Path, role: str) -> None:
    with pytest.raises(UsageError, match=f"`dataset.{'messages' if role == 'target' else 'input'}` and"):
        dataset(tmp_path, "t.jsonl", rows([USER]), **{"messages": "messages", role: "messages"})


def test_a_column_that_looks_like_conversations_is_found(tmp_path: Path) -> None:
    assert conversations_in(dataset(tmp_path, "t.jsonl", as_jsonl([{"n": [1], "talk": [USER]}])).layout) == "talk"
    assert conversations_in(dataset(tmp_path, "u.jsonl", as_jsonl([{"n": [1], "talk": []}])).layout) is None
    assert conversations_in(dataset(tmp_path, "v.jsonl", b"").layout) is None
