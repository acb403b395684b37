"""How to get the same numbers again, and how they were had."""

from collections.abc import Mapping
from typing import Any

import pytest

from evalsvc.config import EvalConfig
from evalsvc.config.document import parse_yaml
from evalsvc.config.identity import identity_digest
from evalsvc.report.html.reproduce import config_text
from evalsvc.report.methods import methods
from tests.report.cases import summary
from tests.report.html.pages import CONFIG, manifest, read, rendered

AWKWARD = ("yes", "007", "1e3", "0x1f", "null", "~", "2026-11-20", "a: b # c", "  two\n blanks ", "one\n\ntwo\n", "- x", "'", '"')


@pytest.mark.parametrize("text", AWKWARD)
def test_the_config_reads_back_as_it_was(text: str) -> None:
    whole = EvalConfig.model_validate({**CONFIG, "prompt": {"system": text}, "scoring": {"labels": [text, "ham"]}})
    written = config_text(whole.model_dump(mode="json"))
    assert EvalConfig.model_validate(parse_yaml(written)[0]) == whole


def test_the_config_is_written_as_people_write_it_and_without_defaults() -> None:
    text = config_text(EvalConfig.model_validate(CONFIG).model_dump(mode="json"))
    assert "  system: |-\n    Answer with one word:\n    spam or ham.\n" in text
    assert "concurrency" not in text


def test_the_command_is_there_and_goes_on_where_it_stopped() -> None:
    of_itself = identity_digest(manifest().identity)
    runs = f"runs/{manifest().name}"
    by_itself = f"{runs}/{of_itself}"
    assert (
        "evalsvc run 'my eval.yaml' # the same run"
        in read(about=manifest(id=of_itself, config_file="my eval.yaml"), run_dir=by_itself).text
    )
    nightly = read(about=manifest(id="nightly-7"), run_dir=f"{runs}/nightly-7").text
    assert "evalsvc run eval.yaml --run-id nightly-7 # the same run" in nightly
    elsewhere = read(about=manifest(id=of_itself), run_dir="/mnt/my run").text
    assert "evalsvc run eval.yaml --run-dir '/mnt/my run' # the same run" in elsewhere
    unsaved = read(about=manifest(id=of_itself, config_file=None), run_dir=by_itself).text
    assert "evalsvc run eval.yaml # the config below, saved under this name" in unsaved
    imported = read(about=manifest(identity={"answers": True, "model": "a.csv", "revision": None, "endpoint": "file"})).text
    assert "evalsvc run" not in imported
    assert "evalsvc score runs/spam/1a2b3c4d" in imported


def test_every_metric_is_there_with_its_signature_and_the_paragraph_for_a_paper() -> None:
    metrics: Mapping[str, Any] = {
        "f1_micro": {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n": 9, "signature": "avg:micro|labels:2|ci:wilson95|v:1"}
    }
    reader = read(summary(metrics=metrics))
    assert reader.table("Every metric").rows[1] == ["f1_micro", "0.5000", "[0.4000, 0.6000]", "9", "avg:micro|labels:2|ci:wilson95|v:1"]
    assert "avg:micro|<wbr>labels:2|<wbr>ci:wilson95" in rendered(summary(metrics=metrics))
    assert " ".join(methods(summary(metrics=metrics), manifest())[0].split()) in reader.text


def test_what_went_in_and_every_launch_is_there() -> None:
    reader = read(about=manifest(launches=({"started_at": "2026-11-20T22:00:00Z"}, {"reason": "stopped", "exit_code": 75})))
    facts = {row[0]: row[1] for row in reader.table("What went in").rows}
    assert facts["data set"] == "data/test.jsonl, 5,574 rows"
    assert facts["its SHA-256"] == "5" * 64
    assert facts["versions"] == "evalsvc 0.1.0, python 3.11.7"
    assert reader.table("Launches").rows[1:] == [
        ["1", "2026-11-20T22:00:00Z", "–", "no word of its end", "–"],
        ["2", "–", "–", "stopped", "75"],
    ]


def test_the_launch_that_wrote_the_page_ends_as_the_run_does() -> None:
    about = manifest(launches=({"started_at": "1"}, {"started_at": "2"}))
    assert read(about=about, exit_code=3).table("Launches").rows[1:] == [
        ["1", "1", "–", "no word of its end", "–"],
        ["2", "2", "–", "complete", "3"],
    ]
    unfinished = read(summary(status="partial"), about=about, exit_code=None).table("Launches")
    assert unfinished.rows[2] == ["2", "2", "–", "no word of its end", "–"]
    assert "Launches of this run" not in read(about=manifest(launches=())).text
