"""The workflow that gates a pull request: valid, safe, in step with the command line, and its shell does what it says."""

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from evalsvc import __version__
from evalsvc.cli import app
from evalsvc.report.verdict import EXIT_MEANS

FILE = Path(__file__).parents[2] / "deploy" / "github-actions.yaml"
WORKFLOW: Mapping[str, Any] = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))
JOBS: Mapping[str, Any] = WORKFLOW["jobs"]
STEPS = [step for job in JOBS.values() for step in job["steps"]]
SCRIPTS = {step["name"]: step["run"] for step in STEPS if "run" in step}
ERROR = {"kind": "CredentialsRefused", "message": "the key\n::error::was 100%0A refused", "hint": "renew it"}
RESULT = json.dumps({"event": "start"}) + "\n" + json.dumps({"event": "result", "exit_code": 5, "error": ERROR}) + "\n"


def bash(script: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """As GitHub runs a step without `shell`, with what a runner has."""
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    outputs = {name: str(folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env={"PATH": path, **outputs, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_a_workflow_by_the_official_schema() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", FILE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_can_read_the_repository_and_no_more() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert [job.get("permissions", {}) for job in JOBS.values()] == [{}, {}]


def test_a_forks_code_never_meets_a_secret() -> None:
    assert set(WORKFLOW["on"]) == {"pull_request", "push"}
    assert "secrets." not in str(JOBS["fork"])


def test_one_of_the_two_jobs_runs_for_every_pull_request() -> None:
    same = "github.event.pull_request.head.repo.full_name == github.repository"
    assert JOBS["evaluate"]["if"] == f"github.event_name == 'push' || {same}"
    assert JOBS["fork"]["if"] == f"github.event_name == 'pull_request' && {same.replace('==', '!=')}"


def test_nothing_that_a_pull_request_is_called_is_pasted_into_a_script() -> None:
    """Titles and branch names are of the author's choosing: scripts take values from their environment."""
    assert [name for name, script in SCRIPTS.items() if "${{" in script] == []


def test_secrets_are_there_for_one_step_alone() -> None:
    assert [step["name"] for step in STEPS if "secrets." in str(step)] == ["Evaluate"]


def test_every_job_ends_and_superseded_pushes_are_cancelled() -> None:
    assert all(0 < job["timeout-minutes"] <= 60 for job in JOBS.values())
    assert "pull_request" in WORKFLOW["concurrency"]["group"]
    assert WORKFLOW["concurrency"]["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"


def test_the_run_ends_by_itself_before_the_job_is_ended() -> None:
    [minutes] = re.findall(r"--max-runtime (\d+)m", SCRIPTS["Evaluate"])
    assert int(minutes) < JOBS["evaluate"]["timeout-minutes"]


def test_actions_are_named_by_a_version() -> None:
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert len(used) == 6
    assert [name for name in used if not re.fullmatch(r"actions/[\w/-]+@v\d+", name)] == []


def test_the_version_that_is_installed_is_this_one() -> None:
    assert SCRIPTS["Install"].strip() == f'pip install "evalsvc=={__version__}"'


def test_answers_are_kept_and_files_uploaded_whatever_happened() -> None:
    save, upload = (
        next(step for step in STEPS if step.get("uses", "").startswith(name)) for name in ("actions/cache/save", "actions/upload")
    )
    restore = next(step for step in STEPS if step.get("uses", "").startswith("actions/cache/restore"))
    assert (save["if"], upload["if"]) == ("always()", "always()")
    assert (save["with"]["key"], save["with"]["path"]) == (restore["with"]["key"], restore["with"]["path"])
    assert [Path(line).name for line in upload["with"]["path"].splitlines()] == ["report.html", "junit.xml", "summary.json"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_is_bash(name: str) -> None:
    done = subprocess.run(["bash", "-n"], input=SCRIPTS[name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def commands() -> list[list[str]]:
    """Each call of evalsvc in the scripts, as words; what an array adds to one is a call too."""
    text = "\n".join(SCRIPTS.values())
    found = re.findall(r"^\s*(?:\w+=\"\" )?evalsvc ([^|;&>\n]*)", text, re.MULTILINE)
    added = re.findall(r"reuse=\((--.*)\)$", text, re.MULTILINE)
    return [shlex.split(words) for words in (*found, *(f"run {words}" for words in added))]


def test_every_command_and_option_is_there() -> None:
    for words in commands():
        command: Any = typer.main.get_command(app)
        while words and words[0] in getattr(command, "commands", ()):
            command = command.commands[words.pop(0)]
        assert not hasattr(command, "commands"), words
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= options
    assert len(commands()) == 5


def test_the_table_of_exit_codes_is_that_of_the_house() -> None:
    arms = dict(re.findall(r"^\s*(\d+)\) (.*);;$", SCRIPTS["Verdict"], re.MULTILINE))
    assert {int(code) for code in arms} == set(EXIT_MEANS)
    for code, meaning in EXIT_MEANS.items():
        assert meaning in arms[str(code)]


@pytest.mark.parametrize("code", EXIT_MEANS)
def test_the_verdict_step_ends_as_the_run_did(code: int, tmp_path: Path) -> None:
    (tmp_path / "evalsvc.jsonl").write_text('{"event":"result","exit_code":0}\n')
    done = bash(SCRIPTS["Verdict"], tmp_path, CODE=str(code))
    assert done.returncode == code
    assert EXIT_MEANS[code] in done.stdout
    assert done.stdout.startswith("::error title=") == (code != 0)


def titles(folder: Path) -> dict[int, str]:
    found = {}
    for code in EXIT_MEANS:
        done = bash(SCRIPTS["Verdict"], folder, CODE=str(code))
        found[code] = done.stdout.removeprefix("::error title=").partition("::")[0].strip()
    return found


def test_a_failed_gate_is_told_from_trouble_with_the_service(tmp_path: Path) -> None:
    found = titles(tmp_path)
    assert found[3] == "The model does not pass"
    assert [code for code, title in found.items() if title == found[3]] == [3]
    assert {found[code] for code in (4, 5, 6, 75)} == {"The endpoint failed, which says nothing of the change"}


@pytest.mark.parametrize(("code", "again"), [(0, False), (3, False), (4, False), (5, True), (6, True), (75, True)])
def test_who_is_to_run_it_again_is_told(code: int, again: bool, tmp_path: Path) -> None:
    assert ("re-run the job" in bash(SCRIPTS["Verdict"], tmp_path, CODE=str(code)).stdout) == again


@pytest.mark.skipif(shutil.which("jq") is None, reason="runners have jq, and it is not here")
def test_what_the_run_said_is_in_the_verdict_and_on_one_line(tmp_path: Path) -> None:
    """A line of a provider's that begins with :: would be a command of the workflow's."""
    (tmp_path / "evalsvc.jsonl").write_text(RESULT)
    done = bash(SCRIPTS["Verdict"], tmp_path, CODE="5")
    assert done.stdout.count("\n") == 1
    assert done.stdout.endswith("(the key ::error::was 100%250A refused; renew it)\n")


def evalsvc(folder: Path, body: str) -> None:
    """A command of that name that notes how it was called."""
    (folder / "bin").mkdir()
    tool = folder / "bin" / "evalsvc"
    tool.write_text(f'#!/bin/bash\necho "$*" >> {folder}/calls\n{body}\n')
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)


def evaluated(folder: Path) -> tuple[str, list[str]]:
    done = bash(SCRIPTS["Evaluate"], folder, NAME="my-eval", RUN_ID="pr-7-abc")
    assert (done.returncode, done.stderr) == (0, "")
    return (folder / "GITHUB_OUTPUT").read_text(), (folder / "calls").read_text().splitlines()


@pytest.mark.parametrize("code", [0, 3, 4, 5, 6, 75])
def test_the_run_step_hands_its_exit_code_on(code: int, tmp_path: Path) -> None:
    evalsvc(tmp_path, f"exit {code}")
    output, calls = evaluated(tmp_path)
    assert output == f"code={code}\n"
    assert calls == ["run eval.yaml --run-id pr-7-abc --max-runtime 50m --json"]


def runs(folder: Path, *ids: str) -> None:
    for run_id in ids:
        (folder / "runs" / "my-eval" / run_id).mkdir(parents=True)
    (folder / "runs" / "my-eval" / "latest").symlink_to(ids[-1])


def test_answers_of_the_run_before_are_taken_over(tmp_path: Path) -> None:
    evalsvc(tmp_path, "exit 0")
    runs(tmp_path, "main-1")
    _, calls = evaluated(tmp_path)
    assert calls == ["run eval.yaml --run-id pr-7-abc --max-runtime 50m --reuse my-eval/main-1 --json"]


def test_a_run_that_was_interrupted_carries_on_with_its_own(tmp_path: Path) -> None:
    evalsvc(tmp_path, "exit 0")
    runs(tmp_path, "main-1", "pr-7-abc")
    assert evaluated(tmp_path)[1] == ["run eval.yaml --run-id pr-7-abc --max-runtime 50m --json"]


def test_where_nothing_can_be_taken_over_all_is_asked(tmp_path: Path) -> None:
    evalsvc(tmp_path, '[[ "$*" == *--reuse* ]] && exit 2; exit 3')
    runs(tmp_path, "main-1")
    output, calls = evaluated(tmp_path)
    assert output == "code=3\n"
    assert calls[1:] == ["run eval.yaml --run-id pr-7-abc --max-runtime 50m --json"]


def test_the_result_is_shown_without_a_second_summary(tmp_path: Path) -> None:
    evalsvc(
        tmp_path, 'mkdir -p runs/my-eval/pr-7-abc; touch runs/my-eval/pr-7-abc/summary.json; echo "[$GITHUB_STEP_SUMMARY]" >> summaries'
    )
    _, calls = evaluated(tmp_path)
    assert calls[1:] == ["show my-eval/pr-7-abc"]
    assert (tmp_path / "summaries").read_text().splitlines() == [f"[{tmp_path}/GITHUB_STEP_SUMMARY]", "[]"]


def test_what_an_endpoint_says_is_no_command_of_the_workflows(tmp_path: Path) -> None:
    evalsvc(tmp_path, 'echo "::error::no" >&2; mkdir -p runs/my-eval/pr-7-abc; touch runs/my-eval/pr-7-abc/summary.json')
    done = bash(SCRIPTS["Evaluate"], tmp_path, NAME="my-eval", RUN_ID="pr-7-abc")
    first, *_, last = done.stdout.splitlines()
    assert re.fullmatch(r"::stop-commands::[0-9a-f-]{36}", first)
    assert last == f"::{first.removeprefix('::stop-commands::')}::"


def test_a_forks_author_reads_why_nothing_was_evaluated(tmp_path: Path) -> None:
    done = bash(SCRIPTS["Say why nothing was evaluated"], tmp_path)
    assert done.returncode == 0
    assert "a fork has no secrets" in (tmp_path / "GITHUB_STEP_SUMMARY").read_text()
    assert done.stdout.startswith("::notice title=Not evaluated::")
