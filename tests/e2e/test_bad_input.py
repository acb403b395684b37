"""What cannot work is refused before a request is sent: what is wrong, where, and what to do."""

from pathlib import Path

import pytest

from evalsvc.journal.lock import RunLock
from tests.e2e.desk import Desk, Ended, messages_rows
from tests.e2e.server import Server
from tests.faults.promises import promise

USAGE, OTHER_IDENTITY, IN_USE, STORAGE, DAMAGED = 2, 7, 8, 9, 10

GOOD = """\
name: spam
dataset:
  path: data.jsonl
  input: text
  target: label
model:
  name: echo
  base_url: BASE_URL
scoring:
  labels: [spam, ham]
"""

# what is wrong -> (what stands in eval.yaml, what replaces it), words that the message must hold
BAD_CONFIGS: dict[str, tuple[tuple[str, str], tuple[str, ...]]] = {
    "no data file": (("data.jsonl", "nothere.jsonl"), ("nothere.jsonl",)),
    "a column that is not there": (("input: text", "input: txet"), ("txet", "text")),
    "a target column that is not there": (("target: label", "target: lable"), ("lable", "label")),
    "an unknown key": (("  input: text", "  inputt: text"), ("eval.yaml:4", "inputt", "dataset.input?")),
    "a template that does not parse": (("model:", 'prompt: {user: "{{ text "}\nmodel:'), ("prompt.user", "eval.yaml:6")),
    "a template with an unknown name": (("model:", 'prompt: {user: "{{ txt }}"}\nmodel:'), ("txt",)),
    "a template that names the target": (("model:", 'prompt: {user: "{{ label }}"}\nmodel:'), ("label", "target")),
    "a metric of another task": (("model:", "metrics: [bleu]\nmodel:"), ("metrics", "bleu is not a metric of this task", "eval.yaml:6")),
    "a budget in dollars without a price": (("model:", "budget: {usd: 5}\nmodel:"), ("budget.usd", "model.price", "eval.yaml:6")),
    "a metric that does not exist": (("model:", 'gates: ["acuracy >= 0.5"]\nmodel:'), ("eval.yaml:", "(gates[0])", "acuracy", "accuracy")),
    "plain recall without positive": (("model:", 'gates: ["recall >= 0.5"]\nmodel:'), ("recall", "recall_macro", "scoring.positive")),
    "a target that is no label": (("[spam, ham]", "[spam, eggs]"), ("ham", "scoring.labels")),
    "a slice of a column that no row has": (("model:", "slices: [txt]\nmodel:"), ("eval.yaml:6", "slices[0]", "'txt'", "'text'")),
    "an accuracy that nothing tells": (
        ("model:", 'task: generation\ngates: ["accuracy >= 0.5"]\nmodel:'),
        ("eval.yaml:7", "gates[0]", "scoring: {correct: exact_match}"),
    ),
    "a wrong type": (("model:", "limits: {concurrency: many}\nmodel:"), ("limits.concurrency", "eval.yaml:6")),
}


# what is wrong -> the data file, words that the message must hold
BAD_DATA: dict[str, tuple[str, tuple[str, ...]]] = {
    "empty": ("", ("data.jsonl", "no rows")),
    "not JSON": ('{"text": "a", "label": "spam"}\n{"text": \n', ("data.jsonl", "2")),
    "a row that is no object": ('{"text": "a", "label": "spam"}\n[1]\n', ("data.jsonl", "2")),
    "ids twice": (
        '{"id": 7, "text": "a", "label": "spam"}\n{"id": 7, "text": "b", "label": "ham"}\n',
        ("7", "data.jsonl:1", "data.jsonl:2", "dataset.id"),
    ),
}


@pytest.fixture
def at_desk(desk: Desk, server: Server) -> Desk:
    """Sensible data and config, each with one mistake to be made in it."""
    desk.write_rows(messages_rows(4, "bad"))
    (desk.path / "eval.yaml").write_text(GOOD.replace("BASE_URL", server.url))
    return desk


@pytest.mark.parametrize("what", BAD_CONFIGS)
def test_a_config_that_cannot_work_is_exit_2_and_the_message_says_where(what: str, at_desk: Desk, server: Server) -> None:
    (good, bad), words = BAD_CONFIGS[what]
    config = at_desk.path / "eval.yaml"
    config.write_text(config.read_text().replace(good, bad, 1))
    _refused(at_desk.run("run", "eval.yaml"), USAGE, *words)
    assert server.calls() == []


@pytest.mark.parametrize("what", BAD_DATA)
def test_a_data_set_that_cannot_work_is_exit_2_and_the_message_says_where(what: str, at_desk: Desk, server: Server) -> None:
    data, words = BAD_DATA[what]
    (at_desk.path / "data.jsonl").write_text(data)
    _refused(at_desk.run("run", "eval.yaml", *(("--set=dataset.id=id",) if "id" in data else ())), USAGE, *words)
    assert server.calls() == []


def test_a_config_that_is_not_there_is_exit_2(at_desk: Desk) -> None:
    _refused(at_desk.run("run", "nothere.yaml"), USAGE, "nothere.yaml")


@pytest.mark.parametrize("where", ["eval.yaml/run", "/proc/nowhere/run"])
def test_a_run_directory_that_cannot_be_written_is_exit_9(where: str, at_desk: Desk, server: Server) -> None:
    _refused(at_desk.run("run", "eval.yaml", f"--run-dir={where}"), STORAGE, where)
    assert server.calls() == []


def test_the_last_line_of_json_is_a_result_when_nothing_could_be_asked_too(at_desk: Desk, server: Server) -> None:
    end = at_desk.run("run", "eval.yaml", "--json", "--set=dataset.path=nothere.jsonl")
    (result,) = end.events
    assert (result["event"], result["exit_code"], result["error"]["kind"]) == ("result", USAGE, "UsageError")
    assert server.calls() == []


def test_verbose_adds_a_traceback_and_changes_no_exit_code(at_desk: Desk) -> None:
    end = at_desk.run("run", "nothere.yaml", "--verbose")
    assert end.code == USAGE
    assert "Traceback" in end.err
    assert "error: nothere.yaml: no such file" in end.err


def test_a_directory_with_another_measurement_is_exit_7_and_the_differences_are_listed(at_desk: Desk, server: Server) -> None:
    assert at_desk.run("run", "eval.yaml", "--run-id=night").code == 0
    server.calls()
    config = at_desk.path / "eval.yaml"
    config.write_text(config.read_text() + 'prompt: {system: "Answer."}\n')
    end = at_desk.run("run", "eval.yaml", "--run-id=night", "--set=model.params.temperature=0")
    _refused(end, OTHER_IDENTITY, "night", "prompt", "temperature", "--run-id")
    assert server.calls() == []


def test_a_run_directory_in_use_is_exit_8_and_names_who_uses_it(at_desk: Desk, server: Server) -> None:
    (at_desk.path / "mine").mkdir()
    with RunLock.acquire(at_desk.path / "mine/run.lock", holder={"host": "node-3", "pid": 71}):
        _refused(at_desk.run("run", "eval.yaml", "--run-dir=mine"), IN_USE, "mine", "process 71 on host node-3")
    assert server.calls() == []


@promise("4.2", "4.3")
def test_a_damaged_journal_is_exit_10_until_doctor_has_repaired_it_and_then_that_row_is_asked_again(at_desk: Desk, server: Server) -> None:
    assert at_desk.run("run", "eval.yaml").code == 0
    _damage_line(at_desk.run_dir / "predictions.jsonl", 2)
    server.calls()

    _refused(at_desk.run("run", "eval.yaml"), DAMAGED, "line 2", "evalsvc doctor", "--repair")
    diagnosed = at_desk.run("doctor")
    assert diagnosed.code == DAMAGED
    assert "line 2" in diagnosed.out
    assert server.calls() == []

    assert at_desk.run("doctor", "--repair").code == 0
    again = at_desk.run("run", "eval.yaml")
    assert again.code == 0, again.err
    assert len(server.calls()) == 1
    assert len(at_desk.journal()) == 4
    assert at_desk.summary["rows"]["ok"] == 4


def _damage_line(path: Path, number: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines[number - 1] = lines[number - 1].replace(b'"status":"ok"', b'"status":"ko"')
    path.write_bytes(b"".join(lines))


def _refused(end: Ended, code: int, *words: str) -> None:
    assert end.code == code, end.err
    assert end.err.startswith("error: ")
    assert "Traceback" not in end.err
    assert [word for word in words if word not in end.err] == [], end.err
