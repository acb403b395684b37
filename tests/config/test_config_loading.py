"""Loading: file, environment and --set become one checked tree, and every message says where."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from evalsvc.config import EvalConfig, LoadedConfig, load_config
from evalsvc.config.models import PromptFile
from evalsvc.errors import UsageError

EVAL_YAML = """\
name: spam-ft-v3
dataset: {path: data/test.jsonl, input: text, target: label}
prompt:
  system: "Answer with one word."
  user: "{{ text }}"
model:
  name: my-adapter
  base_url: http://localhost:8000/v1
  params:
    logprobs: true
    Top_K: 5
scoring: {labels: [yes, no], positive: yes}
gates: ["recall >= 0.80"]
"""

Load = Callable[..., LoadedConfig]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.chdir(tmp_path)

    def write_and_load(text: str = EVAL_YAML, *, environ: Mapping[str, str] | None = None, overrides: Sequence[str] = ()) -> LoadedConfig:
        Path("eval.yaml").write_text(text, encoding="utf-8")
        return load_config(Path("eval.yaml"), environ=environ or {}, overrides=overrides)

    return write_and_load


def refusal(load: Load, *args: Any, **kwargs: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        load(*args, **kwargs)
    assert caught.value.exit_code == 2
    return caught.value


def test_a_file_becomes_a_frozen_tree_with_the_designs_defaults(load: Load) -> None:
    config = load().config
    assert config.scoring.labels == ("yes", "no")
    assert config.model.params == {"logprobs": True, "Top_K": 5}
    assert config.limits.concurrency == 1000
    assert config.base_dir == Path()


@pytest.mark.parametrize(
    ("written", "labels"),
    [
        ("[yes, no]", ("yes", "no")),
        ("[0, 1]", ("0", "1")),
        ("[true, false]", ("true", "false")),
        ("[007, 008]", ("007", "008")),
        ("[2026-11-20, 2026-11-21]", ("2026-11-20", "2026-11-21")),
        ("['1', 2.5]", ("1", "2.5")),
    ],
)
def test_labels_are_text_whatever_yaml_makes_of_them(load: Load, written: str, labels: tuple[str, ...]) -> None:
    text = EVAL_YAML.replace("[yes, no], positive: yes", written)
    assert load(text).config.scoring.labels == labels


def test_aliases_may_be_keyed_by_labels_that_look_like_numbers(load: Load) -> None:
    text = EVAL_YAML.replace("[yes, no], positive: yes", "[0, 1], aliases: {1: [one, 1st]}")
    assert load(text).config.scoring.aliases == {"1": ("one", "1st")}


def test_a_template_may_be_a_file(load: Load) -> None:
    assert load(EVAL_YAML.replace('"{{ text }}"', "{file: p.j2}")).config.prompt.user == PromptFile(file="p.j2")


@pytest.mark.parametrize(
    ("key_path", "place"),
    [
        ("model.params.Top_K", "eval.yaml:11 (model.params.Top_K)"),
        ("model.params.seed", "eval.yaml:9 (model.params.seed)"),
        ("model.revision", "eval.yaml:6 (model.revision)"),
        ("limits.concurrency", "eval.yaml:1 (limits.concurrency)"),
        ("gates[0]", "eval.yaml:13 (gates[0])"),
    ],
)
def test_a_key_is_where_it_or_its_nearest_parent_was_written(load: Load, key_path: str, place: str) -> None:
    assert load().where(key_path) == place


def test_set_wins_over_the_environment_which_wins_over_the_file(load: Load) -> None:
    environ = {"EVALSVC_MODEL__NAME": "from-env", "EVALSVC_LIMITS__CONCURRENCY": "8"}
    loaded = load(environ=environ, overrides=["model.name=from-flag"])
    assert (loaded.config.model.name, loaded.config.limits.concurrency) == ("from-flag", 8)
    assert loaded.where("model.name") == "--set model.name=…"
    assert loaded.where("limits.concurrency") == "EVALSVC_LIMITS__CONCURRENCY"


def test_what_lies_inside_an_override_comes_from_it(load: Load) -> None:
    loaded = load(overrides=["model.params={seed: 1}"])
    assert loaded.config.model.params == {"seed": 1}
    assert loaded.where("model.params.seed") == "--set model.params=… (model.params.seed)"


def test_what_lies_inside_an_override_has_no_line_of_the_file(load: Load) -> None:
    assert load(overrides=["gates=[accuracy >= 0.5]"]).where("gates[0]") == "--set gates=… (gates[0])"


def test_a_variable_may_be_lower_case_and_takes_the_spelling_of_the_file_below_open_keys(load: Load) -> None:
    environ = {"evalsvc_model__params__TOP_K": "9", "EVALSVC_MODEL__PARAMS__TEMPERATURE": "0.5"}
    assert load(environ=environ).config.model.params == {"logprobs": True, "Top_K": 9, "temperature": 0.5}


def test_a_top_level_key_needs_no_level_in_its_variable(load: Load) -> None:
    environ = {"EVALSVC_NAME": "other", "EVALSVC_GATES": "[]"}
    config = load(environ=environ).config
    assert (config.name, config.gates) == ("other", ())


def test_variables_that_are_no_settings_are_left_alone(load: Load) -> None:
    environ = {"EVALSVC_RUN_ID": "n1", "EVALSVC_LOG": "json", "EVALSVC_PORT": "tcp://10.0.0.1:80", "MODEL__NAME": "x"}
    assert load(environ=environ).config == load().config


@pytest.mark.parametrize(
    ("assignment", "key_path", "value"),
    [
        ("prompt.user={{ text }}: really? #1", "prompt.user", "{{ text }}: really? #1"),
        ("prompt.system=Answer: yes or no", "prompt.system", "Answer: yes or no"),
        ("model.name=ft:gpt-4.1-mini:acme::abc123", "model.name", "ft:gpt-4.1-mini:acme::abc123"),
        ("prompt.user={file: p.j2}", "prompt.user", PromptFile(file="p.j2")),
        ("prompt.user.file=p.j2", "prompt.user", PromptFile(file="p.j2")),
        ("model.revision='007'", "model.revision", "007"),
        ("prompt.system=", "prompt.system", None),
        ("stop_if=null", "stop_if", None),
        ("scoring.labels=[yes, maybe, no]", "scoring.labels", ("yes", "maybe", "no")),
    ],
)
def test_set_takes_a_yaml_value_and_leaves_plain_text_whole(load: Load, assignment: str, key_path: str, value: object) -> None:
    found: Any = load(overrides=[assignment]).config
    for step in key_path.split("."):
        found = getattr(found, step)
    assert found == value


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("limits.concurrency", "--set: expected KEY=VALUE"),
        ("=4", "expected KEY=VALUE"),
        ("limits.concurency=4", "there is no key limits.concurency; did you mean limits.concurrency?"),
        ("concurrency=4", "there is no key concurrency; did you mean limits.concurrency?"),
        ("limits..x=4", "empty level"),
        ("gates[0]=x", "there is no key gates[0]"),
        ("gates.0=x", "gates is a list, so nothing can be set inside it"),
        ("model.name.x=1", "model.name is a single value, so nothing can be set inside it"),
        ("scoring.labels=[a", "--set scoring.labels=…: not valid YAML"),
        ("limits.concurrency=many", "--set limits.concurrency=…: expected a whole number, found text 'many'"),
    ],
)
def test_a_wrong_set_is_refused_by_name(load: Load, assignment: str, said: str) -> None:
    assert said in refusal(load, overrides=[assignment]).message


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("EVALSVC_MODEL__NMAE", "x", "EVALSVC_MODEL__NMAE: there is no key model.nmae; did you mean model.name?"),
        ("EVALSVC_MODLE__NAME", "x", "did you mean model?"),
        ("EVALSVC_MODEL__", "x", "empty level"),
        ("EVALSVC_MODEL", "gpt", "EVALSVC_MODEL: expected a mapping, found text"),
        ("EVALSVC_LIMITS__MAX_RETRIES", "1.5", "EVALSVC_LIMITS__MAX_RETRIES: expected a whole number, found the number 1.5"),
    ],
)
def test_a_wrong_variable_is_refused_by_name(load: Load, name: str, value: str, said: str) -> None:
    assert said in refusal(load, environ={name: value}).message


def test_dotenv_beside_the_file_is_read_and_the_environment_wins_over_it(load: Load) -> None:
    Path(".env").write_text("export KEY_A=file\nKEY_B=file\nEVALSVC_NAME=from-dotenv\n", encoding="utf-8")
    loaded = load(environ={"KEY_B": "process"})
    assert (loaded.environ["KEY_A"], loaded.environ["KEY_B"]) == ("file", "process")
    assert loaded.config.name == "from-dotenv"
    assert loaded.where("name") == "EVALSVC_NAME in .env"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "eval.yaml: the file is empty"),
        ("# nothing yet\n", "eval.yaml: the file is empty"),
        ("- a\n- b\n", "eval.yaml:1: a config is a mapping"),
        ("name: [a\nmodel: x\n", "eval.yaml:2:6: not valid YAML"),
        ("name: a\n\tmodel: x\n", "eval.yaml:2:1: not valid YAML"),
        ("name: a\nname: b\n", "eval.yaml:2:1: name is given twice, first in line 1"),
        ("model:\n  params: {a: 1, a: 2}\n", "eval.yaml:2:18: model.params.a is given twice"),
        ("name: {{ x }}\n", "eval.yaml:1:8: a key must be text"),
        ("name: !env A\n", "eval.yaml:1:7: the tag !env means nothing here"),
        ("a: &a {b: 1}\nc:\n  <<: *a\n", "eval.yaml:3:3: merge keys"),
        ("a: &a [*a]\n", "nested too deep"),
        ("name: a\n---\nname: b\n", "not valid YAML"),
        ("name: \x01\n", "eval.yaml: not valid YAML"),
    ],
)
def test_what_is_no_yaml_mapping_is_refused_with_its_place(load: Load, text: str, said: str) -> None:
    assert said in refusal(load, text).message


@pytest.mark.parametrize(("path", "said"), [("nope.yaml", "nope.yaml: no such file"), (".", "a directory, not a config file")])
def test_a_file_that_is_not_there_is_said_so(tmp_path: Path, path: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        load_config(tmp_path / path, environ={})
    assert caught.value.hint


def test_a_file_that_is_not_utf_8_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "eval.yaml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(UsageError, match="not UTF-8 at byte 9"):
        load_config(tmp_path / "eval.yaml", environ={})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("input: text", "inptu: text", "eval.yaml:2 (dataset.inptu): unknown key inptu; did you mean dataset.input?"),
        ("gates:", "concurrency: 4\ngates:", "eval.yaml:13 (concurrency): unknown key concurrency; did you mean limits.concurrency?"),
        ("gates:", "base_dir: /\ngates:", "eval.yaml:13 (base_dir): unknown key base_dir"),
        ("  name: my-adapter\n", "", "eval.yaml:6 (model.name): required, but missing"),
        ('"{{ text }}"', "5", "eval.yaml:5 (prompt.user): expected text or a mapping, found the number 5"),
        ('"{{ text }}"', "{fiel: x}", "eval.yaml:5 (prompt.user.fiel): unknown key fiel; did you mean prompt.user.file?"),
        ("[yes, no]", "[yes, [no]]", "eval.yaml:12 (scoring.labels[1]): expected text, found a list"),
        ("[yes, no]", "yes", "eval.yaml:12 (scoring.labels): expected a list, found text 'yes'"),
        ("positive: yes", "positive: maybe", "eval.yaml:12 (scoring): `positive: maybe` is not one of the labels"),
        ("gates:", "task: sorting\ngates:", "eval.yaml:13 (task): expected one of 'classification'"),
        ("gates:", "limits: {concurrency: 0}\ngates:", "eval.yaml:13 (limits.concurrency): expected at least 1, found the number 0"),
        ("gates:", "limits: null\ngates:", "eval.yaml:13 (limits): expected a mapping, found nothing"),
        ("spam-ft-v3", "'a b'", "eval.yaml:1 (name): expected letters, digits"),
        ("params:", "headers: {Authorization: 12345}\n  params:", "(model.headers.Authorization): expected text, found a number"),
        ("params:", "api_key_env: sk-12345\n  params:", "eval.yaml:9 (model.api_key_env): expected the NAME of an environment variable"),
    ],
)
def test_a_wrong_key_or_value_is_refused_with_its_place(load: Load, old: str, new: str, said: str) -> None:
    message = refusal(load, EVAL_YAML.replace(old, new)).message
    assert said in message
    assert "12345" not in message


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("{regression: accuracy, margn: 1}", "(gates[0].margn): unknown key margn; did you mean gates[0].margin?"),
        ("{regresion: accuracy, margin: 1}", "(gates[0].regresion): unknown key regresion; did you mean gates[0].regression?"),
        ("{gaet: recall >= 1}", "(gates[0].gaet): unknown key gaet; did you mean gates[0].gate?"),
        ("{gate: recall >= 1, min_row: 3}", "(gates[0].min_row): unknown key min_row; did you mean gates[0].min_rows?"),
        (
            "{regression: accuracy, gate: recall >= 1}",
            "(gates[0]): expected `metric >= number`, or a mapping with either `gate` or `regression`",
        ),
        ("{}", "(gates[0]): expected `metric >= number`, or a mapping with either"),
        ("3", "(gates[0]): expected `metric >= number`, or a mapping with either `gate` or `regression`, found the number 3"),
        ("{regression: accuracy, margin: -0.01}", "(gates[0].margin): expected at least 0, found the number -0.01"),
        ("{regression: accuracy, margin: 1 %}", "(gates[0].margin): expected a number, found text '1 %'"),
        ("{regression: accuracy, baseline: ''}", "(gates[0].baseline): expected text that is not empty"),
    ],
)
def test_a_gate_that_is_none_is_refused_with_the_nearest_that_is_one(load: Load, gate: str, said: str) -> None:
    message = refusal(load, EVAL_YAML.replace('["recall >= 0.80"]', f"[{gate}]")).message
    assert "eval.yaml:13 (gates[0]" in message
    assert said in message


def test_everything_that_is_wrong_is_listed_one_line_each(load: Load) -> None:
    text = EVAL_YAML.replace("input: text", "inptu: text") + "limits: {drain_s: soon}\nprompt_: 1\n"
    first, *lines = refusal(load, text).message.splitlines()
    assert first == "3 problems in eval.yaml:"
    assert len(lines) == 3


def test_defaults_may_be_written_out(load: Load) -> None:
    text = EVAL_YAML + "repeats: 1\ntask: classification\nbudget: {usd: null, tokens: null, runtime: null}\n"
    assert isinstance(load(text).config, EvalConfig)
