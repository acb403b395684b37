"""The identity of a run: what is in it, what is not, and how a difference reads."""

from pathlib import Path
from typing import Any

import pytest

from evalsvc.config import DatasetConfig, EvalConfig, ModelConfig
from evalsvc.config.identity import differences, identity, identity_digest
from tests.faults.promises import promise

URL = "http://localhost:8000/v1"


def config(*, model: dict[str, Any] | None = None, **rest: Any) -> EvalConfig:
    values: dict[str, Any] = {"name": "x", "dataset": DatasetConfig(path="a.csv"), **rest}
    return EvalConfig(model=ModelConfig(**{"name": "m", "params": {"seed": 1, "top_p": 0.5}, **(model or {})}), **values)


def digest(config: EvalConfig, url: str = URL, prompt: str = "p1") -> str:
    return identity_digest(identity(config, url, prompt))


@promise("11.1")
@pytest.mark.parametrize(
    "other",
    [
        config(model={"name": "n"}),
        config(model={"revision": "r2"}),
        config(model={"endpoint_id": "cluster"}),
        config(model={"max_output_tokens": 3}),
        config(model={"params": {"seed": 2, "top_p": 0.5}}),
        config(model={"api": "responses"}),
        config(repeats=2),
    ],
)
def test_what_changes_the_questions_changes_the_identity(other: EvalConfig) -> None:
    assert digest(other) != digest(config())


@promise("11.1")
def test_another_server_or_prompt_is_another_identity() -> None:
    assert len({digest(config()), digest(config(), url="http://other/v1"), digest(config(), prompt="p2")}) == 3


@promise("11.1")
@pytest.mark.parametrize(
    "other",
    [
        config(name="y"),
        config(dataset=DatasetConfig(path="b.csv", limit=5)),
        config(limits={"concurrency": 4}),
        config(scoring={"labels": ("a", "b")}),
        config(gates=("accuracy >= 0.5",)),
        config(metrics=("f1_macro",)),
        config(slices=("lang",)),
        config(budget={"usd": 1.0, "tokens": 5, "runtime": "6h"}),
        config(max_error_rate=0.5),
        config(stop_if=None),
        config(journal={"prompts": False}),
        config(base_dir=Path("/elsewhere")),
        config(model={"headers": {"x-team": "a"}, "api_key_env": "TEAM_KEY"}),
        config(model={"price": {"input": 1.0, "output": 2.0}}),
        config(model={"params": {"top_p": 0.5, "seed": 1}}),
    ],
)
def test_what_does_not_change_the_questions_is_not_in_it(other: EvalConfig) -> None:
    assert digest(other) == digest(config())


def test_a_digest_is_eight_hex_digits() -> None:
    assert len(digest(config())) == 8
    int(digest(config()), 16)


def test_differences_read_as_one_line_each() -> None:
    old = identity(config(), URL, "p1")
    new = identity(config(model={"revision": "r2", "params": {"seed": 2, "stop": ["\n"]}}), URL, "p2")
    assert differences(old, new) == [
        'revision: not given → "r2"',
        "params.seed: 1 → 2",
        'params.stop: not given → ["\\n"]',
        "params.top_p: 0.5 → not given",
        'prompt: the templates changed ("p1" → "p2")',
    ]


def test_an_identity_does_not_differ_from_itself() -> None:
    assert differences(identity(config(), URL, "p"), identity(config(), URL, "p")) == []


def test_true_and_one_are_different_parameters() -> None:
    assert differences({"params": {"a": 1}}, {"params": {"a": True}}) == ["params.a: 1 → true"]


def test_a_credential_among_the_parameters_is_not_in_the_identity_and_may_be_renewed() -> None:
    old, new = (identity(config(model={"params": {"seed": 1, "api_key": key}}), URL, "p1") for key in ("k-old", "k-new"))
    assert old == new
    assert "k-old" not in str(old)


def test_an_api_in_a_file_is_what_the_file_says_and_not_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for place, text in (("a.py", "x = 1"), ("sub/a.py", "x = 1"), ("sub/b.py", "x = 2")):
        (tmp_path / place).write_text(text)
    digests = [digest(config(model={"api": f"{place}:x"}, base_dir=tmp_path)) for place in ("a.py", "sub/a.py", "sub/b.py")]
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]
