"""Which task a data set is for: each guess with data that leads to it, and the nearest that do not."""

import json
from pathlib import Path
from typing import Any

import pytest

from evalsvc.config import EvalConfig, load_config
from evalsvc.starting.column import Column
from evalsvc.starting.direct import Direct, document
from evalsvc.starting.first_config import first_config
from evalsvc.starting.languages import LANGUAGES
from evalsvc.starting.tasks import FIRST, Clue, task_of

Row = dict[str, Any]
TEXT = "a longer text about the number {} of them"


def rows_of(many: int = 30, **columns: Any) -> list[Row]:
    """Rows whose values are texts with their number in it, or what a function makes of the number."""
    return [{name: make(n) if callable(make) else str(make).format(n) for name, make in columns.items()} for n in range(many)]


CASES: dict[str, tuple[str, list[Row]]] = {
    "labels": ("classification", rows_of(text=TEXT, label=lambda n: "good" if n % 3 else "bad")),
    "stars from 1 to 5 are classes": ("classification", rows_of(text=TEXT, label=lambda n: 1 + n % 5)),
    "numbered classes, many of them": ("classification", rows_of(60, text=TEXT, label=lambda n: n % 20)),
    "many numbers with gaps are measured": ("regression", rows_of(60, text=TEXT, label=lambda n: 7 * (n % 20))),
    "numbers with a decimal point are measured": ("regression", rows_of(text=TEXT, label=lambda n: 0.5 * (n % 5))),
    "numbers that never come again": ("regression", rows_of(text=TEXT, score=lambda n: 1000 + 3 * n)),
    "numbers as text": ("regression", rows_of(text=TEXT, price=lambda n: f"{3 * n}.25")),
    "a number beside a single text": ("regression", rows_of(patient=TEXT, progression=lambda n: 100 + 3 * n)),
    "solutions of questions are no measures": ("generation", rows_of(question=TEXT, answer=lambda n: 17 * n)),
    "a summary": ("summarization", rows_of(article=TEXT, summary="short {}, and no more")),
    "highlights of a document": ("summarization", rows_of(document=TEXT, highlights="short {}, and no more")),
    "an article with another answer": ("summarization", rows_of(article=TEXT, target="short {}, and no more")),
    "a translation": ("translation", rows_of(source=TEXT, translation="etwas über {}")),
    "several translations": ("translation", rows_of(source=TEXT, translations=lambda n: [f"eins {n}", f"zwei {n}"])),
    "columns called after languages": ("translation", rows_of(en=TEXT, de="etwas über {}")),
    "a language to translate into": ("translation", rows_of(source=TEXT, target="etwas {}", target_lang=lambda n: "de" if n % 2 else "fr")),
    "a source that is no translation": ("generation", rows_of(source=TEXT, target="print({})")),
    "a question and its answer": ("qa", rows_of(question=TEXT, answer="number {} it is")),
    "a question with a text and several answers": ("qa", rows_of(context=TEXT, question="which {}?", answers=lambda n: [f"{n}.", f"={n}"])),
    "q and a": ("qa", rows_of(q=TEXT, a="number {} it is")),
    "references without more words": ("generation", rows_of(prompt=TEXT, refs=lambda n: [f"so {n}", f"or {n}"])),
    "an opening and its continuation": ("generation", rows_of(opening=TEXT, continuation=" and so on with {}")),
    "a prompt and what should come": ("generation", rows_of(prompt=TEXT, completion="and so on with {}")),
}  # fmt: skip


def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[Row]) -> EvalConfig:
    monkeypatch.chdir(tmp_path)
    Path("data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    first_config("data.jsonl", Path("eval.yaml"), force=True, environ={}, fetch=lambda url, key: None)
    return load_config(Path("eval.yaml"), environ={}).config


@pytest.mark.parametrize("case", CASES)
def test_init_guesses_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    task, rows = CASES[case]
    config = started(tmp_path, monkeypatch, rows)
    assert config.task == task
    assert (config.scoring.labels is not None) == (task == "classification")


@pytest.mark.parametrize("case", CASES)
def test_a_run_without_a_config_guesses_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    task, rows = CASES[case]
    config = started(tmp_path, monkeypatch, rows)
    direct = Direct(input=config.dataset.input, prompt=config.prompt.user, target=config.dataset.target, model="m")  # type: ignore[arg-type]
    assert document("data.jsonl", direct, []).values.get("task", "classification") == task


def test_one_can_say_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started(tmp_path, monkeypatch, CASES["a question and its answer"][1])
    direct = Direct(input="question", target="answer", model="m")
    assert document("data.jsonl", direct, []).values["prompt"] == {"system": FIRST["qa"].system}
    other = document("data.jsonl", direct, ["task=summarization"]).values
    assert (other["task"], other["prompt"]) == ("summarization", {"system": FIRST["summarization"].system})
    labels = document("data.jsonl", direct, ["task=classification"]).values
    assert labels["task"] == "classification"
    assert labels["scoring"]["labels"]


def test_a_few_rows_of_a_column_called_label_are_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started(tmp_path, monkeypatch, rows_of(3, text=TEXT, label=lambda n: ("spam", "ham", "eggs")[n]))
    values = document("data.jsonl", Direct(input="text", target="label", model="m"), []).values
    assert values["scoring"]["labels"] == ["eggs", "ham", "spam"]


def test_the_text_beside_a_question_is_shown_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = started(tmp_path, monkeypatch, CASES["a question with a text and several answers"][1])
    assert config.prompt.user == "context: {{ context }}\nquestion: {{ question }}"
    assert config.model.name == "reader"


def test_numbers_that_answer_questions_are_compared_as_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert started(tmp_path, monkeypatch, CASES["solutions of questions are no measures"][1]).scoring.correct == "numeric_match"


def test_a_translation_is_asked_for_in_the_language_of_its_row_and_shown_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = started(tmp_path, monkeypatch, CASES["a language to translate into"][1])
    assert config.slices == ("target_lang",)
    assert "{{ target_lang }}" in str(config.prompt.system)
    named = started(tmp_path, monkeypatch, CASES["columns called after languages"][1])
    assert named.prompt.system == "Translate the text into German. Answer with the translation alone."


def test_every_task_with_a_first_config_has_a_gate_that_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from evalsvc.pipeline.prepare import check_names

    for _, rows in CASES.values():
        started(tmp_path, monkeypatch, rows)
        commented = Path("eval.yaml").read_text().replace("# gates:", "gates:")
        Path("gated.yaml").write_text(commented)
        loaded = load_config(Path("gated.yaml"), environ={})
        assert loaded.config.gates
        check_names(loaded.config, loaded.where)


def test_a_language_is_known_by_its_code_and_by_its_name() -> None:
    for code, name in LANGUAGES.items():
        for column in (code, name, f"{name}_text"):
            answers = Column(name=column)
            for n in range(9):
                answers.add(f"text {n}")
            assert task_of(Clue(columns=("en", column), inputs=("english",), answers=answers)) == "translation"
