import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import evalsvc
from evalsvc.config import EvalConfig
from evalsvc.records import MetricValue, RunWarning
from evalsvc.report.methods import methods, print_methods
from evalsvc.rundir import Manifest
from tests.report.cases import summary

SHA = "5" * 64
BASE: Mapping[str, Any] = {
    "name": "spam",
    "dataset": {"path": "data/test.jsonl", "input": "text", "target": "label"},
    "model": {"name": "m", "max_output_tokens": 3, "params": {"temperature": 0, "logprobs": True}},
    "scoring": {"labels": ["spam", "ham"], "positive": "spam"},
}


def manifest(config: Mapping[str, Any] | None = None, **changes: Any) -> Manifest:
    values: dict[str, Any] = {
        "id": "1a2b3c4d",
        "name": "spam",
        "identity": {"model": "m", "revision": None, "endpoint": "https://api.test/v1", "api": "chat", "prompt": "22824cf41873347b"},
        "config": EvalConfig.model_validate({**BASE, **(config or {})}).model_dump(mode="json"),
        "config_file": None,
        "base_dir": "/here",
        "dataset": {"sha256": SHA, "rows": 5574, "without_target": 0, "labels": {}, "labels_complete": True},
        "versions": {"evalsvc": "0.1.0", "python": "3.11.7", "scikit-learn": "1.9.1", "uvloop": "0.22"},
        "launches": ({"started_at": "2026-11-20T22:00:00.000Z", "ended_at": "2026-11-21T02:00:00.000Z"},),
    }
    return Manifest(**{**values, **changes})


def text(about: Manifest, **changes: Any) -> str:
    return methods(summary(**{"warnings": [], **changes}), about)[0]


def test_a_whole_paragraph() -> None:
    assert text(manifest(), run={"served": {"m-2026-08": 5570}, "evalsvc": "0.1.0"}) == (
        f"The test set is test.jsonl (SHA-256 {SHA}): 5,574 rows. The model m was asked at https://api.test/v1 through the chat API "
        "between 2026-11-20 and 2026-11-21 (UTC). The server gave the model's name as m-2026-08. Each row was asked once, with at most 3 "
        "output tokens, logprobs = true and temperature = 0; all other parameters are the endpoint's defaults. The prompt's fingerprint is "
        "22824cf41873347b; its text is in run.json. Each reply was read as one of 2 labels (spam and ham; spam is the positive one), with "
        "thinking cut away; one that names none, or several, has no label. Every row with a target and a final answer is in the "
        "denominators; failed, filtered, refused and unreadable ones count as wrong. Of 5,574 answers asked for, 5,490 were right, 71 "
        "wrong, 9 without a readable answer and 4 in error. Computed by evalsvc 0.1.0, Python 3.11.7 and scikit-learn 1.9.1."
    )


EMPTY_ANSWERS = "failed, filtered, refused and unreadable ones are measured as empty answers."
SAID: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "a part drawn at random": (
        {"dataset": {"path": "t.csv", "subsample": {"n": 50, "seed": 7, "stratify": "label"}}},
        "5,574 rows, drawn at random (seed 7, stratified by `label`).",
    ),
    "a condition": ({"dataset": {"path": "t.csv", "where": "lang == 'de'"}}, "those for which `lang == 'de'` holds"),
    "the first rows": ({"dataset": {"path": "t.csv", "limit": 5574}}, "5,574 rows, the first of all."),
    "groups": ({"dataset": {"path": "t.csv", "group": "user"}}, "Rows with the same `user` are treated as one group"),
    "conversations": ({"dataset": {"path": "t.jsonl", "messages": "chat"}}, "brings a conversation of its own (column `chat`)"),
    "nothing sent": (
        {"model": {"name": "m"}},
        "without any decoding parameter; temperature and all other parameters are the endpoint's defaults",
    ),
    "a temperature further in": (
        {"model": {"name": "m", "params": {"extra": {"temperature": 1}}}},
        'with extra = {"temperature":1}; all other parameters are',
    ),
    "repeats": ({"repeats": 3}, "Each row was asked 3 times"),
    "few-shot": (
        {"prompt": {"few_shot": {"path": "shots/train.jsonl", "k": 4, "seed": 2}}},
        "The prompt holds 4 answered examples from train.jsonl, drawn label by label with seed 2, the same for every row.",
    ),
    "extraction": ({"scoring": {"extract": {"json": "a.b"}}}, "of it what the json a.b finds"),
    "aliases": ({"scoring": {"labels": ["a", "b"], "aliases": {"a": ["A!"]}}}, "Other spellings were accepted for a."),
    "labels of the data": ({"scoring": {}}, "one of the labels that occur as targets"),
    "texts": ({"task": "summarization", "scoring": {}}, EMPTY_ANSWERS),
    "right answers": ({"task": "generation", "scoring": {"correct": "exact_match"}}, "An answer is right where its exact_match is 1."),
    "numbers": (
        {"task": "regression", "scoring": {}},
        "A number was read from each reply, with thinking cut away. Rows without an answer are in no average",
    ),
    "perplexity": ({"task": "perplexity", "scoring": {}}, "No answer was sampled: the log-probabilities"),
}


@pytest.mark.parametrize(("config", "said"), SAID.values(), ids=SAID)
def test_what_is_said_and_only_where_it_is_so(config: Mapping[str, Any], said: str) -> None:
    assert said in text(manifest(config))
    assert said not in text(manifest())


@pytest.mark.parametrize("config", [config for config, _ in SAID.values()], ids=SAID)
def test_it_reads_as_sentences(config: Mapping[str, Any]) -> None:
    said = text(manifest(config))
    assert not any(broken in said for broken in ("None", "..", "  ", " ,", " .", "()", "[]", "True", "False"))
    assert said.endswith(".")


def test_answers_from_a_file_say_nothing_of_how_they_were_made() -> None:
    identity = {"model": "out.csv", "revision": None, "endpoint": None, "answers": {"file": "/x/out.csv", "output": "o", "id": None}}
    said = text(manifest(identity=identity))
    assert "taken from the file out.csv; how they were made is not known." in said
    assert not any(word in said for word in ("asked at", "endpoint", "temperature", "fingerprint"))


def test_answers_taken_over_from_another_run_are_confessed() -> None:
    launches = (
        {"started_at": "2026-11-20T22:00:00.000Z", "reused": {"run": "spam/main", "rows": 5000}},
        {"reused": {"run": "spam/x", "rows": 0}},
    )
    said = text(manifest(launches=launches))
    assert "5,000 answers were taken over from the run spam/main." in said
    assert "spam/x" not in said


def test_a_judge_is_said_to_have_judged_runs_and_not_a_file() -> None:
    data = {"rows": 5, "sha256": "ab" * 32, "without_target": 5, "runs": [{"name": "ft", "id": "1a"}, {"name": "base", "id": "2b"}]}
    said = text(manifest({"task": "judge", "dataset": {"path": "/runs/ft/1a", "against": "/runs/base/2b"}}, dataset=data))
    assert said.startswith("The test set is the answers of the run ft/1a and the answers of the run base/2b (SHA-256")
    assert "no target" not in said
    people = text(manifest({"task": "judge", "dataset": {"path": "/runs/ft/1a", "target": "human"}}, dataset=data))
    assert "5 rows have no target: judge_kappa does not see them." in people


def test_the_revision_the_servers_own_words_and_a_single_day_are_told() -> None:
    identity = {"model": "m", "revision": "r7", "endpoint": "sandbox", "api": "completions"}
    launches = ({"started_at": "2026-11-20T22:00:00.000Z"},)
    said = text(manifest(identity=identity, launches=launches, server={"root": "meta/llama", "parent": None}))
    assert (
        "The model m (revision r7) was asked at evalsvc's built-in sandbox server through the completions API on 2026-11-20 (UTC)." in said
    )
    assert "The server said that these weights are meta/llama." in said


def test_a_run_that_is_not_complete_and_its_warnings_are_confessed() -> None:
    warnings: list[RunWarning] = [{"kind": kind, "message": "", "evidence": {}} for kind in ("hidden_class", "few_rows", "few_rows")]
    said = text(manifest(), status="partial", outcomes={"correct": 1, "pending": 9}, warnings=warnings)
    assert "Of 10 answers asked for, 1 was right and 9 not asked yet." in said
    assert "not complete, so these numbers are not final" in said
    assert "evalsvc warned of hidden_class and few_rows." in said


@pytest.mark.parametrize(
    ("signature", "words"),
    [
        ("ci:wilson95", "Wilson's score interval"),
        ("ci:bootstrap2000-seed0", "the percentile bootstrap over rows (2,000 seeded replicates)"),
        ("ci:bootstrap1000-seed0|clusters:id", "the percentile bootstrap over rows, repeats together (1,000 seeded replicates)"),
        ("ci:bootstrap1000-seed0|clusters:group", "the percentile bootstrap over whole groups of rows (1,000 seeded replicates)"),
        ("ci:cluster-bootstrap2000-seed0|clusters:40", "the percentile bootstrap over whole groups of rows (2,000 seeded replicates)"),
        ("ci:jackknife256", "the delete-one-bucket jackknife over 256 buckets of rows, with Student's t"),
        (
            "ci:bootstrap1000-logit-t-seed0",
            "Student's t on the logit scale, with the spread of 1,000 seeded draws of the rows",
        ),
        ("ci:influence-z95", "a normal interval from the influence of each row"),
        ("ci:t95", "Student's t over rows"),
        ("ci:cluster-t95|clusters:group", "Student's t over clusters of rows"),
    ],
)
def test_how_intervals_came_about_is_said_in_words(signature: str, words: str) -> None:
    metric: MetricValue = {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n": 10, "signature": f"case:mixed|{signature}|v:1"}
    unknown: MetricValue = {**metric, "signature": "of:tomorrow"}
    assert text(manifest(), metrics={"bleu": metric, "ter": metric, "x": unknown}).endswith(
        f"Intervals are 95 %: for bleu and ter {words}. Computed by evalsvc 0.1.0, Python 3.11.7 and scikit-learn 1.9.1."
    )


def test_there_are_words_for_every_kind_of_interval_that_the_code_knows() -> None:
    source = "".join(path.read_text() for path in (Path(evalsvc.__path__[0]) / "metrics").rglob("*.py"))
    written = {re.sub(r"{[^}]*}?", "7", kind) for kind in re.findall(r"ci:[a-z][\w{}.()-]*", source)}
    assert {"ci:wilson95", "ci:t95"} < written
    assert not re.findall(r"ci:{[^}]*'", source), "kinds are written out, so that they can be found"
    metric: MetricValue = {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n": 10, "signature": ""}
    for kind in written:
        assert "Intervals are 95 %" in text(manifest(), metrics={"x": {**metric, "signature": kind}}), kind


def test_where_probabilities_come_from_is_said_where_a_number_rests_on_them() -> None:
    metric: MetricValue = {"value": 0.5, "ci_low": None, "ci_high": None, "n": 10, "signature": "s"}
    none: MetricValue = {**metric, "value": None}
    said = text(manifest(), metrics={"accuracy": metric, "log_loss": metric, "ece": metric, "brier": none})
    assert (
        "were then made to add up to 1. A row without an answer has the same probability for every label in log_loss and is left out"
        in said
    )
    assert "brier" not in said
    assert "label_mass" not in text(manifest(), metrics={"accuracy": metric, "brier": none})


def test_a_comparison_of_slices_is_said_to_be_corrected() -> None:
    here: MetricValue = {"value": 0.5, "ci_low": None, "ci_high": None, "n": 10, "signature": "s"}
    said = text(manifest(), metrics={"accuracy": {**here, "slices": {"lang": {"de": {**here, "p_holm": 0.2}}, "src": {"a": {**here}}}}})
    assert "Rows of each `lang` were compared with all others; p-values are corrected by Holm's method" in said
    assert "src" not in said


def test_a_library_is_named_only_where_it_was_used() -> None:
    metric: MetricValue = {"value": 0.5, "ci_low": None, "ci_high": None, "n": 10, "signature": "s"}
    about = manifest(versions={"evalsvc": "0.1.0", "sacrebleu": "2.6.0"})
    assert "sacreBLEU" not in text(about, metrics={"accuracy": metric})
    assert text(about, metrics={"chrf": metric}).endswith("Computed by evalsvc 0.1.0 and sacreBLEU 2.6.0.")


def test_each_metric_with_a_value_has_a_line_with_its_signature() -> None:
    _, *lines = methods(summary(), manifest())
    assert lines == ["accuracy = 0.9849 [0.9813, 0.9878], n = 5,574 (s)"]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_is_wrapped_at_the_width_and_never_inside_a_name(width: int) -> None:
    metric: MetricValue = {"value": 0.5, "ci_low": None, "ci_high": None, "n": 10, "signature": f"tok:13a|{'x' * 90}|v:1"}
    paragraphs = methods(summary(metrics={"bleu": metric}), manifest())
    stdout = io.StringIO()
    print_methods(paragraphs, stdout=stdout, width=width)
    printed = stdout.getvalue()
    assert " ".join(printed.split()) == " ".join(" ".join(paragraphs).split())
    assert all(len(line) <= width or " " not in line.strip() for line in printed.splitlines())
    assert SHA in printed


def test_what_models_and_servers_call_themselves_moves_no_cursor() -> None:
    said = text(manifest(), run={"served": {"\x1b[2Jevil\nname": 1}})
    assert "\x1b" not in said
    assert "evil name" in said
