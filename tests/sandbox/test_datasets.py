"""The data sets that come along are what their README says, and no model gets them all right."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from evalsvc.sandbox import classifier, training
from evalsvc.sandbox.training import Examples

DATASETS = Path(__file__).parents[2] / "datasets"
SETS = {
    "breast_cancer": ("csv", None, "diagnosis"),
    "support_messages": ("jsonl", None, "category"),
    "wine": ("tsv", ("cultivar", "text"), "cultivar"),
}


def examples(name: str, part: str) -> Examples:
    ending, columns, target = SETS[name]
    return training.read_examples(DATASETS / name / f"{part}.{ending}", columns=columns, text_column="text", label_column=target)


def listed() -> dict[str, tuple[int, str]]:
    """File, rows and SHA-256, as the README's table has them."""
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in (DATASETS / "README.md").read_text().splitlines()]
    return {row[0]: (int(row[1]), row[2]) for row in cells if len(row) == 3 and "/" in row[0]}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("part", ["train", "test"])
def test_the_readme_lists_every_file_as_it_is(name: str, part: str) -> None:
    file = f"{name}/{part}.{SETS[name][0]}"
    assert listed()[file] == (len(examples(name, part).texts), sha256((DATASETS / file).read_bytes()).hexdigest())


@pytest.mark.parametrize("name", SETS)
def test_a_classifier_learns_much_but_not_all(name: str) -> None:
    train, test = examples(name, "train"), examples(name, "test")
    fitted = classifier.Classifier(classifier.fit(train))
    right = sum(fitted.answer(text).content == label for text, label in zip(test.texts, test.labels, strict=True))
    assert set(test.labels) == set(train.labels)
    assert 0.85 < right / len(test.texts) < 0.97


def test_making_them_again_makes_the_same(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DATASETS / "make.py", tmp_path], check=True, capture_output=True)
    for file, (_, digest) in listed().items():
        assert sha256((tmp_path / file).read_bytes()).hexdigest() == digest, file
