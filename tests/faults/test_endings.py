"""However `evalsvc run` ends in a container: one JSON result on stdout, JSON lines on stderr, a summary where Kubernetes looks for one."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.desk import Ended, ended, environment, messages_rows, until
from tests.e2e.server import Server, free_port, serving
from tests.faults.canary import CANARY
from tests.faults.desk import KEY_VARIABLE, FaultDesk, finished, without_key
from tests.faults.promises import promise

A_BUG = "import evalsvc.cli.run as run; run.launch = lambda *_, **__: 1 / 0; from evalsvc.cli import main; main()"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server") / "calls.log") as running:
        yield running


@pytest.fixture
def desk(tmp_path: Path, server: Server) -> FaultDesk:
    (tmp_path / "termination-log").write_text("of an earlier container")
    made = FaultDesk(path=tmp_path, base_url=server.url)
    made.write_rows(messages_rows(12, "end"))
    made.write_config(dataset={"id": "id"}, gates=["accuracy >= 0.5"])
    return made


def in_container(desk: FaultDesk) -> dict[str, str]:
    return {"EVALSVC_LOG": "json", "EVALSVC_TERMINATION_LOG": str(desk.path / "termination-log"), "EVALSVC_RUN_ID": "night-1"}


def told(desk: FaultDesk, end: Ended) -> dict[str, Any]:
    """The summary for the container, once it is seen that all three tell the same."""
    (result,) = end.events
    assert (result["event"], result["exit_code"]) == ("result", end.code)
    assert all(json.loads(line).keys() >= {"at", "level", "event"} for line in end.err.splitlines()), end.err
    written = (desk.path / "termination-log").read_bytes()
    assert len(written) <= 4096
    summary: dict[str, Any] = json.loads(written)
    assert summary["exit_code"] == end.code
    assert (summary["error"] or {}).get("message") == result.get("error", {}).get("message")
    return summary


@promise("15.1")
def test_a_complete_run_and_the_same_command_once_more(desk: FaultDesk) -> None:
    first = told(desk, desk.run("run", "eval.yaml", environ=in_container(desk)))
    assert (first["status"], first["rows"]["ok"], first["durable"], first["run"]["id"]) == ("complete", 12, 12, "night-1")
    again = desk.run("run", "eval.yaml", environ=in_container(desk))
    assert told(desk, again) == first
    assert "0 requests sent" in again.err


@promise("15.1")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run"], 2, "Missing argument"),
        (["run", "eval.yaml", "--no-such-flag"], 2, "--no-such-flag"),
        (["run", "nowhere.yaml"], 2, "nowhere.yaml: no such file"),
        (["run", "eval.yaml", "--set", "scoring.labels=[spam]", "-v"], 2, "label"),
        (["--json", "run", "eval.yaml"], 2, "No such option: --json"),
        ([], 2, "no command"),
    ],
)
def test_what_was_typed_wrongly(arguments: list[str], code: int, words: str, desk: FaultDesk) -> None:
    end = desk.run(*arguments, environ=in_container(desk))
    assert end.code == code
    assert words in told(desk, end)["text"]


@promise("15.1")
def test_a_directory_in_use_and_the_two_signals_that_end_its_holder(tmp_path: Path, desk: FaultDesk) -> None:
    with serving(tmp_path / "calls.log", "--silence=1:after=4") as server:
        desk.write_config(dataset={"id": "id"}, model={"base_url": server.url}, limits={"concurrency": 4, "drain_s": 600})
        holder = desk.start("run", "eval.yaml", environ=in_container(desk))
        until(lambda: desk.journal_lines() == 4)
        refused = desk.run("run", "eval.yaml", environ=in_container(desk))
        assert refused.code == 8
        assert "in use" in told(desk, refused)["text"]
        holder.send_signal(signal.SIGTERM)
        assert holder.stderr is not None
        while "once more to leave at once" not in holder.stderr.readline():
            pass
        holder.send_signal(signal.SIGTERM)
        end = finished(holder)
    assert (end.code, end.out) == (75, ""), "the second signal waits for no reader"
    assert json.loads((desk.path / "termination-log").read_bytes())["error"]["message"] == "stopped by SIGTERM"


@promise("15.1")
def test_one_signal_leaves_the_partial_numbers(tmp_path: Path, desk: FaultDesk) -> None:
    with serving(tmp_path / "calls.log", "--latency=0.5") as server:
        desk.write_config(dataset={"id": "id"}, model={"base_url": server.url}, limits={"concurrency": 2})
        process = desk.start("run", "eval.yaml", environ=in_container(desk))
        until(lambda: desk.journal_lines() > 0)
        process.send_signal(signal.SIGTERM)
        summary = told(desk, finished(process))
    assert (summary["exit_code"], summary["status"]) == (75, "partial")
    assert summary["durable"] == len(desk.journal()) == 12 - summary["rows"]["pending"] < 12
    assert summary["next"] == "the same command carries on where it stopped"


@promise("15.1")
def test_nobody_at_the_endpoint(desk: FaultDesk) -> None:
    nobody = {"base_url": f"http://127.0.0.1:{free_port()}/v1"}
    desk.write_config(model=nobody, limits={"wait_for_endpoint_s": 0.1, "outage_budget_s": 0.1})
    end = desk.run("run", "eval.yaml", environ=in_container(desk))
    assert end.code == 6
    assert told(desk, end)["durable"] == 0


@promise("15.1")
def test_a_bug_is_told_by_its_name_and_its_traceback_is_one_line(desk: FaultDesk) -> None:
    keys = {KEY_VARIABLE: CANARY, "OPENAI_API_KEY": CANARY}
    command = [sys.executable, "-c", A_BUG, "run", "eval.yaml"]
    environ = environment({**keys, **in_container(desk)})
    process = subprocess.Popen(command, cwd=desk.path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = without_key(ended(process))
    assert end.code == 1
    assert told(desk, end)["error"]["message"] == "a bug in evalsvc: ZeroDivisionError"
    assert "lambda" in json.loads(end.err.splitlines()[-1])["traceback"]


@promise("15.2")
def test_a_job_is_configured_by_its_environment(desk: FaultDesk) -> None:
    job = {"EVALSVC_RUN_DIR": "runs/of/mine", "EVALSVC_MAX_RUNTIME": "2h", "EVALSVC_DRAIN_S": "7"}
    job |= {"EVALSVC_BUDGET__RUNTIME": "3h", "EVALSVC_LIMITS__DRAIN_S": "8", "EVALSVC_LIMITS__CONCURRENCY": "9"}
    assert desk.run("run", "eval.yaml", environ={**in_container(desk), **job}).code == 0
    kept = json.loads((desk.path / "runs/of/mine/run.json").read_bytes())
    assert (kept["id"], kept["config"]["budget"]["runtime"], kept["config"]["limits"]["drain_s"]) == ("night-1", "2h", 7)
    assert kept["config"]["limits"]["concurrency"] == 9
    for variable in ("EVALSVC_MAX_RUNTIME", "EVALSVC_DRAIN_S"):
        end = desk.run("run", "eval.yaml", environ={**in_container(desk), variable: "soon"})
        assert end.code == 2
        assert variable in told(desk, end)["text"]
