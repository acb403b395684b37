"""Answered examples: drawn once, rendered as rows are, and never a row of the test set."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from evalsvc.config import DatasetConfig, EvalConfig, ModelConfig, PromptConfig
from evalsvc.config.models import FewShot, PromptFile, Subsample
from evalsvc.dataset import open_dataset
from evalsvc.errors import UsageError
from evalsvc.prompt import Prompt, load_prompt

TEST = [{"id": number, "text": f"test {number}", "label": "a"} for number in range(10)]
TRAIN = [{"id": number, "text": f"train {number}", "label": "abc"[number % 3]} for number in range(30)]


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "test.jsonl", TEST)
    write(tmp_path / "train.jsonl", TRAIN)
    return tmp_path


def config_of(
    folder: Path, *, dataset: Mapping[str, Any] | None = None, prompt: Mapping[str, Any] | None = None, **few_shot: Any
) -> EvalConfig:
    return EvalConfig(
        name="x",
        dataset=DatasetConfig(**{"path": "test.jsonl", "input": "text", "target": "label", **(dataset or {})}),
        prompt=PromptConfig(**(prompt or {}), few_shot=FewShot(**{"path": "train.jsonl", "k": 3, **few_shot})),
        model=ModelConfig(name="m", base_url="http://localhost:8000/v1"),
        base_dir=folder,
    )


def loaded(folder: Path, **settings: Any) -> Prompt:
    return load_prompt(config_of(folder, **settings), where=lambda key: f"eval.yaml:7 ({key})")


def questions(folder: Path, **settings: Any) -> list[str]:
    return [message["content"] for message in loaded(folder, **settings).examples[::2]]


def answers(folder: Path, **settings: Any) -> list[str]:
    return [message["content"] for message in loaded(folder, **settings).examples[1::2]]


def refusal(folder: Path, **settings: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        loaded(folder, **settings)
    assert caught.value.message.startswith("eval.yaml:7 (prompt.few_shot): ")
    assert caught.value.hint
    return caught.value


def first_messages(folder: Path, **settings: Any) -> list[Any]:
    config = config_of(folder, **settings)
    data = open_dataset(config.dataset, folder)
    return list(load_prompt(config).messages(next(data.samples(data.survey()))))


def test_examples_stand_between_system_message_and_question_each_with_its_answer(folder: Path) -> None:
    messages = first_messages(folder, prompt={"system": "S", "user": "Q: {{ text }}"}, k=2)
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    answer_of = {f"Q: {row['text']}": row["label"] for row in TRAIN}
    assert all(answer_of[messages[at]["content"]] == messages[at + 1]["content"] for at in (1, 3))
    assert messages[-1] == {"role": "user", "content": "Q: test 0"}


def test_without_a_prompt_an_example_is_its_input(folder: Path) -> None:
    assert set(questions(folder)) <= {row["text"] for row in TRAIN}


def test_the_same_examples_are_drawn_each_time_and_others_by_another_seed(folder: Path) -> None:
    assert questions(folder) == questions(folder)
    assert len({tuple(questions(folder, seed=seed)) for seed in range(8)}) == 8


def test_the_order_of_the_file_decides_nothing(folder: Path) -> None:
    before = questions(folder, k=5)
    write(folder / "train.jsonl", TRAIN[::-1])
    assert questions(folder, k=5) == before


@pytest.mark.parametrize(("k", "of_each"), [(3, [1, 1, 1]), (7, [2, 2, 3]), (2, [1, 1])])
def test_examples_are_drawn_from_each_target_in_turn(folder: Path, k: int, of_each: list[int]) -> None:
    assert sorted(Counter(answers(folder, k=k)).values()) == of_each


def test_a_rare_target_is_drawn_too_while_k_allows_it(folder: Path) -> None:
    write(folder / "train.jsonl", [*TRAIN, {"id": 99, "text": "rare", "label": "d"}])
    assert all("d" in answers(folder, k=4, seed=seed) for seed in range(10))
    assert not all("d" in answers(folder, k=4, seed=seed, stratify=False) for seed in range(10))


def test_answers_of_one_kind_do_not_stand_in_a_block(folder: Path) -> None:
    orders = {tuple(answers(folder, k=6, seed=seed)) for seed in range(10)}
    assert len(orders) > 5


@pytest.mark.parametrize("text", ["test 3", " Test  3\n"])
def test_an_example_with_the_input_of_a_test_row_is_left_out(folder: Path, text: str) -> None:
    write(folder / "train.jsonl", [{"text": text, "label": "b"}, {"text": "train", "label": "b"}])
    assert questions(folder, k=1) == ["train"]
    assert "1 are rows of the test set" in refusal(folder, k=2).message


def test_an_example_that_is_a_test_row_but_for_id_and_target_is_left_out(folder: Path) -> None:
    write(folder / "train.jsonl", [{"id": 77, "text": "test 3", "label": "b"}, TRAIN[0]])
    settings = {"dataset": {"input": None, "id": "id"}, "prompt": {"user": "{{ row['text'] }}"}}
    assert questions(folder, k=1, **settings) == ["train 0"]


def test_without_an_input_column_the_columns_that_templates_name_tell(folder: Path) -> None:
    write(folder / "train.jsonl", [{"from": "elsewhere", "text": "test 3", "label": "b"}, TRAIN[0]])
    assert questions(folder, k=1, dataset={"input": None}, prompt={"user": "{{ text }}"}) == ["train 0"]


def test_columns_of_the_examples_may_have_names_of_their_own(folder: Path) -> None:
    write(folder / "train.jsonl", [{"frage": "test 1", "antwort": "x"}, {"frage": "neu", "antwort": "y"}])
    prompt = loaded(folder, k=1, input="frage", target="antwort")
    assert [message["content"] for message in prompt.examples] == ["neu", "y"]


@pytest.mark.parametrize("config", [{"limit": 1}, {"where": "id == 0"}, {"subsample": Subsample(n=1)}])
def test_examples_do_not_depend_on_which_test_rows_are_chosen(folder: Path, config: dict[str, Any]) -> None:
    write(folder / "train.jsonl", [*TEST[5:], *TRAIN])
    assert loaded(folder, dataset=config).fingerprint == loaded(folder).fingerprint


def test_equal_examples_are_one(folder: Path) -> None:
    write(folder / "train.jsonl", [TRAIN[0]] * 5 + [TRAIN[1]])
    assert len(set(questions(folder, k=2))) == 2
    assert "has 2:" in refusal(folder).message


def test_too_few_examples_are_refused_with_the_counts(folder: Path) -> None:
    write(folder / "train.jsonl", [TEST[0], {"text": "train", "label": ""}, {"text": "train 2", "label": None}, TRAIN[0]])
    said = "3 examples are asked for, and train.jsonl has 1: of its 4 rows, 1 are rows of the test set and 2 have no answer"
    assert said in refusal(folder).message


@pytest.mark.parametrize("path", ["test.jsonl", "../{name}/test.jsonl", "t*t.jsonl"])
def test_the_test_set_itself_is_no_source_of_examples(folder: Path, path: str) -> None:
    assert "is the test set itself" in refusal(folder, path=path.format(name=folder.name)).message


def test_examples_without_a_column_of_answers_are_refused(folder: Path) -> None:
    assert "which column holds the answers" in refusal(folder, dataset={"target": None}).message
    assert answers(folder, dataset={"target": None}, target="label")


def test_a_template_that_fails_on_an_example_is_named_with_the_file(folder: Path) -> None:
    write(folder / "train.jsonl", [{"frage": str(number), "label": "a"} for number in range(5)])
    error = refusal(folder, input="frage", prompt={"user": "{{ text }}"})
    assert "an example of train.jsonl cannot be written as a row is" in error.message
    assert "names text" in error.message


def test_a_prompt_that_does_not_end_with_the_user_takes_no_examples(folder: Path) -> None:
    turns = [{"role": "user", "content": "{{ text }}"}, {"role": "assistant", "content": "The label is"}]
    assert "does not end with a user message" in refusal(folder, prompt={"messages": turns}).message


def test_after_hand_written_examples_only_the_question_is_repeated(folder: Path) -> None:
    turns = [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "hand-written"},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "Q: {{ text }}"},
    ]
    contents = [message["content"] for message in first_messages(folder, prompt={"messages": turns}, k=1)]
    assert contents[0] == "S"
    assert contents[1].startswith("Q: train")
    assert contents[3:] == ["hand-written", "a", "Q: test 0"]


def test_examples_of_another_format_are_read_by_their_ending(folder: Path) -> None:
    (folder / "train.csv").write_text("text,label\none,a\ntwo,b\n")
    assert set(questions(folder, path="train.csv", k=2, dataset={"format": "jsonl"})) == {"one", "two"}


def test_the_fingerprint_covers_the_examples_and_not_where_they_are(folder: Path) -> None:
    before = loaded(folder).fingerprint
    write(folder / "elsewhere.jsonl", TRAIN)
    assert loaded(folder, path="elsewhere.jsonl").fingerprint == before
    write(folder / "elsewhere.jsonl", [{**row, "label": f"{row['label']}!"} for row in TRAIN])
    (folder / "u.j2").write_text("{{ text }}")
    others = [loaded(folder, path="elsewhere.jsonl"), loaded(folder, seed=1), loaded(folder, k=4), loaded(folder, prompt={"system": "S"})]
    assert len({before, *(prompt.fingerprint for prompt in others)}) == 5
    assert loaded(folder, prompt={"user": PromptFile(file="u.j2")}).examples == loaded(folder).examples


def test_conversations_are_examples_without_their_system_message(folder: Path) -> None:
    def talk(text: str, answer: str) -> dict[str, Any]:
        turns = [("system", "S"), ("user", text), ("assistant", "?"), ("user", "!"), ("assistant", answer)]
        return {"messages": [{"role": role, "content": content} for role, content in turns]}

    write(folder / "test.jsonl", [talk("test", "a")])
    write(folder / "train.jsonl", [talk("TEST", "b"), talk("train", "b")])
    messages = first_messages(folder, dataset={"input": None, "target": None, "messages": "messages"}, k=1)
    assert [message["content"] for message in messages] == ["S", "train", "?", "!", "b", "test", "?", "!"]
