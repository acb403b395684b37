"""Servers that the tests here share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from evalsvc.sandbox.embed import Sandbox, start_sandbox
from tests.sandbox.client import TRAINING


@pytest.fixture(scope="session")
def echo() -> Iterator[Sandbox]:
    """A sandbox without a classifier or any fault of its own."""
    with start_sandbox([]) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox with a classifier of three labels, one of them of two tokens, that also answers to the name `tuned`."""
    train = tmp_path_factory.mktemp("training") / "train.tsv"
    train.write_text("text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in TRAINING))
    with start_sandbox([f"--train={train}", "--model-name=tuned"]) as sandbox:
        yield sandbox


@pytest.fixture
def call_log(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"
