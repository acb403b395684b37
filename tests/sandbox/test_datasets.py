"""The data sets that come along are what their README says, and no model gets them all right."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from evalsvc.sandbox import classifier, models, training
from evalsvc.sandbox.language import Language
from evalsvc.sandbox.training import Examples

DATASETS = Path(__file__).parents[2] / "datasets"
SETS = {
    "breast_cancer": ("csv", None, "diagnosis"),
    "support_messages": ("jsonl", None, "category"),
    "wine": ("tsv", ("cultivar", "text"), "cultivar"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """A set whose answers are no labels: how its model reads it, and between which shares of it are right to the letter."""

    model: str
    input: str
    target: str
    right: tuple[float, float]
    tag: str | None = None


TEXTS = {
    "generation": Texts(model="nearest", input="order", target="expected", right=(0.1, 0.5)),
    "regression": Texts(model="regressor", input="patient", target="progression", right=(0.0, 0.1)),
    "translation": Texts(model="translator", input="source", target="translations", tag="target_lang", right=(0.0, 0.3)),
}


def examples(name: str, part: str) -> Examples:
    ending, columns, target = SETS[name]
    return training.read_examples(DATASETS / name / f"{part}.{ending}", columns=columns, text_column="text", label_column=target)


def listed() -> dict[str, tuple[int, str]]:
    """File, rows and SHA-256, as the README's table has them."""
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in (DATASETS / "README.md").read_text().splitlines()]
    return {row[0]: (int(row[1]), row[2]) for row in cells if len(row) == 3 and "/" in row[0] and row[1].isdigit()}


def files() -> list[str]:
    return sorted(str(file.relative_to(DATASETS)) for part in ("train", "test") for file in DATASETS.glob(f"*/{part}.*"))


def test_the_readme_lists_every_file() -> None:
    assert sorted(listed()) == files()


@pytest.mark.parametrize("file", files())
def test_the_readme_lists_a_file_as_it_is(file: str) -> None:
    content = (DATASETS / file).read_bytes()
    header = file.endswith(".csv")
    assert listed()[file] == (content.count(b"\n") - header, sha256(content).hexdigest())
    assert len(content) < 200_000


@pytest.mark.parametrize("file", [file for file in files() if file.endswith(".jsonl")])
def test_no_row_of_a_test_file_is_a_row_of_its_train_file(file: str) -> None:
    """But for the id; a text may come again with another answer."""

    def rows(part: str) -> Sequence[str]:
        lines = (DATASETS / file).with_name(f"{part}.jsonl").read_text().splitlines()
        return [json.dumps({key: value for key, value in json.loads(line).items() if key != "id"}) for line in lines]

    assert not set(rows("train")) & set(rows("test"))


@pytest.mark.parametrize("name", SETS)
def test_a_classifier_learns_much_but_not_all(name: str) -> None:
    train, test = examples(name, "train"), examples(name, "test")
    fitted = classifier.Classifier(classifier.fit(train))
    right = sum(fitted.answer(text).content == label for text, label in zip(test.texts, test.labels, strict=True))
    assert set(test.labels) == set(train.labels)
    assert 0.85 < right / len(test.texts) < 0.97


@pytest.mark.parametrize("name", TEXTS)
def test_a_model_of_texts_answers_and_is_often_wrong(name: str) -> None:
    case = TEXTS[name]
    read: Callable[[str], Examples] = lambda part: training.read_examples(  # noqa: E731
        DATASETS / name / f"{part}.jsonl", columns=None, text_column=case.input, label_column=case.target, tag_column=case.tag
    )
    train, test = read("train"), read("test")
    fitted = models.FITTED[case.model](train, Language(train.texts))
    said = [fitted.answer(text).content for text in test.texts]
    right = sum(answer == label for answer, label in zip(said, test.labels, strict=True)) / len(said)
    assert case.right[0] <= right < case.right[1]
    assert sum(not answer for answer in said) < 0.05 * len(said)


def test_a_language_model_foresees_what_is_like_its_texts_and_not_what_is_strange() -> None:
    read = [json.loads(line) for line in (DATASETS / "perplexity" / "test.jsonl").read_text().splitlines()]
    train = [json.loads(line)["text"] for line in (DATASETS / "perplexity" / "train.jsonl").read_text().splitlines()]
    language = Language(train, order=3)

    def nats_per_token(rows: Sequence[dict[str, str]]) -> float:
        scored = [token.logprob for row in rows for token in language.read(row["opening"] + row["continuation"])]
        return -sum(scored) / len(scored)

    assert nats_per_token(read[:-8]) < 1
    assert nats_per_token(read[-8:]) > 10


def test_making_them_again_makes_the_same(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DATASETS / "make.py", tmp_path], check=True, capture_output=True)
    for file, (_, digest) in listed().items():
        assert sha256((tmp_path / file).read_bytes()).hexdigest() == digest, file
