"""Task perplexity against the sandbox's language model: the numbers are its own, and a server that cannot tell them stops the run."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from evalsvc.sandbox import tokens
from evalsvc.sandbox.language import Language
from tests.e2e.desk import Desk, summary_of
from tests.e2e.server import Server, asked_texts, serving

pytestmark = pytest.mark.long

LEARNED = ["the cat sat on the mat", "the dog sat on the log", "a bird sang in the tree", "le café est fermé"]
METRICS = ("target_nll", "perplexity", "bits_per_byte", "word_perplexity")


def rows(count: int, tag: str) -> list[dict[str, str]]:
    return [{"id": f"r{number}", "text": f"{tag} {number}:", "answer": f" {LEARNED[number % 4]}"} for number in range(count)]


def write_config(desk: Desk, **changes: Any) -> None:
    config: dict[str, Any] = {
        "name": "likely",
        "task": "perplexity",
        "dataset": {"path": "data.jsonl", "id": "id", "input": "text", "target": "answer"},
        "limits": {"concurrency": 16, "wait_for_endpoint_s": 20},
        **changes,
        "model": {"name": "echo", "base_url": desk.base_url, "api": "completions", **changes.get("model", {})},
    }
    (desk.path / "eval.yaml").write_text(json.dumps(config))


def expected(language: Language, asked: list[dict[str, str]]) -> dict[str, float]:
    """The metrics by their definitions, of what the language model says of each target behind its text."""
    nll, count = 0.0, {"tokens": 0, "bytes": 0, "words": 0}
    for row in asked:
        before = len(tokens.split(row["text"]))
        read = language.read(row["text"] + row["answer"])[before:]
        nll -= sum(token.logprob for token in read)
        count["tokens"] += len(read)
        count["bytes"] += len(row["answer"].encode())
        count["words"] += len(row["answer"].split())
    mean = nll / count["tokens"]
    bits, words = nll / count["bytes"] / math.log(2), nll / count["words"]
    return {"target_nll": mean, "perplexity": math.exp(mean), "bits_per_byte": bits, "word_perplexity": math.exp(words)}


def values(desk: Desk) -> dict[str, float]:
    return {name: desk.summary["metrics"][name]["value"] for name in METRICS}


def test_the_numbers_are_those_of_the_model(desk: Desk, tag: str) -> None:
    asked = rows(40, tag)
    desk.write_rows(asked)
    desk.write_rows([{"text": text, "label": "-"} for text in LEARNED], "train.jsonl")
    sandbox = {"train": "train.jsonl", "fit": "ngram"}
    write_config(desk, model={"name": "ngram", "base_url": "sandbox", "sandbox": sandbox}, gates=["perplexity < 1e12"])
    done = desk.run("run", "eval.yaml")
    assert done.code == 0, done.err
    assert values(desk) == pytest.approx(expected(Language(LEARNED), asked), rel=1e-9)
    assert desk.summary["outcomes"]["scored"] == 40
    perplexity = desk.summary["metrics"]["perplexity"]
    assert perplexity["ci_low"] < perplexity["value"] < perplexity["ci_high"]
    before = desk.summary["metrics"]
    assert desk.run("score").code == 0
    assert desk.summary["metrics"] == before


@pytest.mark.parametrize("params", [{}, {"max_tokens": 0}, {"prompt_logprobs": 0}])
def test_every_way_to_ask_brings_the_same_numbers(params: dict[str, Any], desk: Desk, tag: str) -> None:
    asked = rows(8, tag)
    desk.write_rows(asked)
    write_config(desk, model={"params": params})
    done = desk.run("run", "eval.yaml")
    assert done.code == 0, done.err
    assert values(desk) == pytest.approx(expected(Language(), asked), rel=1e-9)


def test_chat_scores_what_the_assistant_would_have_said(desk: Desk, tag: str) -> None:
    asked = rows(8, tag)
    desk.write_rows(asked)
    write_config(desk, model={"api": "chat"})
    done = desk.run("run", "eval.yaml")
    assert done.code == 0, done.err
    # the model that was taught nothing finds all tokens of one length equally likely, whatever stands before them
    assert values(desk) == pytest.approx(expected(Language(), asked), rel=1e-9)


@pytest.mark.parametrize("api", ["completions", "chat"])
def test_a_server_that_takes_no_notice_of_what_is_asked_stops_the_run_at_once(api: str, desk: Desk, tag: str, tmp_path: Path) -> None:
    desk.write_rows(rows(200, tag))
    with serving(tmp_path / "calls.jsonl", "--quirks=llama-server") as server:
        write_config(desk, model={"api": api, "base_url": server.url})
        refused = desk.run("run", "eval.yaml")
        assert len(server.calls()) <= 16
    assert refused.code == 2
    assert "tells no logprobs of the prompt" in refused.err
    assert "vLLM" in refused.err
    assert desk.journal() == []
    assert not (desk.run_dir / "summary.json").exists()


def test_a_changed_target_is_asked_again_and_nothing_else(desk: Desk, server: Server, tag: str) -> None:
    asked = rows(12, tag)
    desk.write_rows(asked)
    write_config(desk)
    assert desk.run("run", "eval.yaml").code == 0
    server.calls()

    changed = [{**row, "answer": f"{row['answer']} again"} if row["id"] in {"r1", "r2"} else row for row in asked]
    desk.write_rows(changed)
    assert "2 to ask" in desk.run("plan", "eval.yaml").err + desk.run("plan", "eval.yaml").out
    done = desk.run("run", "eval.yaml")
    assert done.code == 0, done.err
    assert "2 changed, asked again" in done.err
    assert asked_texts(server.calls()) == 2
    assert values(desk) == pytest.approx(expected(Language(), changed), rel=1e-9)

    # and back: the old answers were to this very question, but the last record of a row is its answer
    desk.write_rows(asked)
    assert desk.run("run", "eval.yaml").code == 0
    assert values(desk) == pytest.approx(expected(Language(), asked), rel=1e-9)
    assert {warning["kind"] for warning in desk.summary["warnings"]} <= {"few_rows"}
    assert desk.run("run", "eval.yaml").err.count("complete since") == 1
    assert server.calls() != []


def test_a_row_without_a_target_is_refused_before_anything_is_sent(desk: Desk, server: Server, tag: str) -> None:
    desk.write_rows([*rows(3, tag), {"id": "x", "text": tag, "answer": ""}])
    write_config(desk)
    server.calls()
    refused = desk.run("run", "eval.yaml")
    assert (refused.code, server.calls()) == (2, [])
    assert "1 of 4 rows have no target" in refused.err


def test_what_a_model_said_itself_has_a_likelihood_of_its_own(desk: Desk, tag: str) -> None:
    desk.write_rows(rows(6, tag))
    write_config(
        desk, task="generation", metrics=["generated_nll", "generated_perplexity"], model={"api": "chat", "params": {"logprobs": True}}
    )
    done = desk.run("run", "eval.yaml")
    assert done.code == 0, done.err
    metrics = summary_of(desk.run_dir)["metrics"]
    assert (metrics["generated_nll"]["value"], metrics["generated_perplexity"]["value"]) == (0.0, 1.0)  # the echo is certain
    assert set(METRICS).isdisjoint(metrics)
