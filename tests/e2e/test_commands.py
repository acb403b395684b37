"""The commands as they are typed: what they print where, what they cost, and how they exit."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.desk import COMMAND, PATIENCE_S, Desk, Ended, environment, messages_rows, summary_of
from tests.e2e.server import Server, faults, serving
from tests.faults.promises import promise

CANARY = "sk-canary-5f1e9c"
HELP_AND_MODULES = """
import json, sys
from evalsvc.cli import main
sys.argv = ["evalsvc", "--help"]
try:
    main()
finally:
    print(json.dumps(sorted({"sklearn", "openai", "aiohttp", "jinja2", "numpy", "pydantic"} & set(sys.modules))), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, shared_server: Server) -> tuple[Desk, Ended]:
    """A complete run whose gate failed, to be looked at only."""
    desk = Desk(path=tmp_path_factory.mktemp("finished"), base_url=shared_server.url)
    desk.write_rows(messages_rows(21, "seen"))
    desk.write_config(dataset={"id": "id"}, gates=["recall >= 0.99"])
    return desk, desk.run("run", "eval.yaml")


def test_a_failed_gate_is_exit_3_and_the_table_names_it(finished: tuple[Desk, Ended]) -> None:
    desk, end = finished
    assert end.code == 3, end.err
    assert "recall >= 0.99" in end.out
    assert "accuracy" in end.out
    assert "first exchange" in end.err
    assert (desk.run_dir.parent / "latest").resolve() == desk.run_dir
    assert len((desk.run_dir / "scored.jsonl").read_bytes().splitlines()) == 21


def test_the_same_command_on_a_complete_run_asks_nothing_and_exits_as_it_did(finished: tuple[Desk, Ended], server: Server) -> None:
    desk, first = finished
    again = desk.run("run", "eval.yaml")
    assert (again.code, again.out) == (first.code, first.out)
    assert "complete since 20" in again.err
    assert "0 requests sent" in again.err
    assert server.calls() == []


def test_a_run_that_was_killed_over_its_summary_is_complete_since_its_last_answer(desk: Desk, server: Server) -> None:
    desk.write_rows(messages_rows(3, "cut"))
    desk.write_config()
    assert desk.run("run", "eval.yaml").code == 0
    (desk.run_dir / "summary.json").unlink()
    manifest = json.loads((desk.run_dir / "run.json").read_bytes())
    del manifest["launches"][-1]["ended_at"]
    (desk.run_dir / "run.json").write_text(json.dumps(manifest))
    server.calls()

    again = desk.run("run", "eval.yaml")
    assert again.code == 0, again.err
    assert "complete since 20" in again.err
    assert desk.summary["rows"]["ok"] == 3
    assert server.calls() == []


@promise("11.3")
def test_a_gate_that_changed_is_judged_without_a_request(finished: tuple[Desk, Ended], server: Server) -> None:
    desk, first = finished
    assert desk.run("run", "eval.yaml", '--set=gates=["recall >= 0.5"]').code == 0
    assert desk.run("run", "eval.yaml").code == first.code
    assert server.calls() == []


def test_show_methods_prints_the_paragraph_of_a_paper_whatever_the_gates_said(finished: tuple[Desk, Ended]) -> None:
    desk, _ = finished
    shown = desk.run("show", "--methods", environ={"COLUMNS": "70"})
    assert shown.code == 0, shown.err
    assert f"data.jsonl (SHA-256 {desk.summary['run']['dataset_sha256']})" in " ".join(shown.out.split())
    assert "f1_macro = 0." in shown.out
    assert max(len(line) for line in shown.out.splitlines() if " " in line.strip()) <= 70
    said = json.loads(desk.run("show", "--methods", "--json").out)
    assert " ".join([said["methods"], *said["metrics"]]) == " ".join(shown.out.split())


def test_show_prints_the_result_again_and_exits_alike(finished: tuple[Desk, Ended]) -> None:
    desk, first = finished
    for named in ((), ("spam",)):
        shown = desk.run("show", *named)
        assert shown.code == first.code, shown.err
        assert "recall >= 0.99" in shown.out


def test_show_as_json_is_the_summary(finished: tuple[Desk, Ended]) -> None:
    desk, _ = finished
    (result,) = desk.run("show", "--json").events
    assert result["event"] == "result"
    assert result["exit_code"] == 3
    assert {key: result[key] for key in desk.summary} == desk.summary


def test_list_has_a_line_for_each_run(finished: tuple[Desk, Ended]) -> None:
    desk, _ = finished
    assert desk.run_dir.name in desk.run("list").out
    (listed,) = desk.run("list", "--json").events
    assert listed["summary"]["name"] == "spam"
    assert "no run of 'ham'" in desk.run("list", "ham").out


def test_doctor_finds_a_clean_journal_healthy(finished: tuple[Desk, Ended]) -> None:
    desk, _ = finished
    diagnosed = desk.run("doctor")
    assert diagnosed.code == 0
    assert "21 records of 21 rows" in diagnosed.out
    (told,) = desk.run("doctor", "--json").events
    assert told["healthy"] is True


def test_a_run_that_is_not_there_is_exit_2_and_those_there_are_named(finished: tuple[Desk, Ended]) -> None:
    desk, _ = finished
    end = desk.run("show", "nothere")
    assert end.code == 2
    assert desk.run_dir.name in end.err


def test_failed_rows_are_left_alone_until_retry_failed_asks_them_again(desk: Desk, server: Server, tag: str) -> None:
    desk.write_rows([*messages_rows(8, tag), {"id": "torn", "text": f"{tag} (torn) spam", "label": "spam"}])
    desk.write_config(dataset={"id": "id"}, model=faults("status=422:times=1:match=(torn)"))
    first = desk.run("run", "eval.yaml")
    assert first.code == 4, first.err
    assert "run eval.yaml --retry-failed" in first.out
    server.calls()

    again = desk.run("run", "eval.yaml")
    assert again.code == 4
    assert "run eval.yaml --retry-failed" in again.out
    assert server.calls() == []

    retried = desk.run("run", "eval.yaml", "--retry-failed")
    assert retried.code == 0, retried.err
    assert len(server.calls()) == 1
    assert desk.summary["rows"] == {"expected": 9, "ok": 9, "error": 0, "pending": 0}
    assert desk.summary["calls"]["superseded"] == 1


def test_runs_go_where_they_are_told(desk: Desk, tag: str) -> None:
    desk.write_rows(messages_rows(3, tag))
    desk.write_config()
    assert desk.run("run", "eval.yaml", "--run-id=monday").code == 0
    assert desk.run("run", "eval.yaml", environ={"EVALSVC_RUN_ID": "tuesday"}).code == 0
    assert desk.run("run", "eval.yaml", "--run-dir=elsewhere").code == 0
    assert [path.name for path in desk.run_dirs] == ["monday", "tuesday"]
    assert (desk.path / "runs/spam/latest").resolve().name == "tuesday"
    assert summary_of(desk.path / "elsewhere")["status"] == "complete"


def test_json_is_events_on_stdout_and_the_last_is_the_result(desk: Desk, tag: str) -> None:
    desk.write_rows(messages_rows(6, tag))
    desk.write_config()
    end = desk.run("run", "eval.yaml", "--json", "--set=limits.concurrency=3")
    events = end.events
    assert end.code == 0, end.err
    assert end.err == ""
    assert {"start", "first_exchange", "progress"} <= {event["event"] for event in events}
    assert events[0]["ceiling"] == 3
    assert events[-1]["event"] == "result"
    assert events[-1]["rows"]["ok"] == 6


def test_quiet_prints_the_result_only(desk: Desk, tag: str) -> None:
    desk.write_rows(messages_rows(6, tag))
    desk.write_config()
    end = desk.run("run", "eval.yaml", "--quiet")
    assert (end.code, end.err) == (0, "")
    assert "accuracy" in end.out


@promise("8.3")
@pytest.mark.parametrize("redirected", ["| head -n 1", "2>&1 | head -n 1", "<&- >&- 2>&-"])
def test_a_reader_that_went_away_ends_no_run_and_changes_no_exit_code(redirected: str, desk: Desk, tag: str) -> None:
    desk.write_rows(messages_rows(6, tag))
    desk.write_config(gates=["accuracy >= 0.99"])
    script = f"set -o pipefail; {shlex.join(COMMAND)} run eval.yaml {redirected}"
    done = subprocess.run(["bash", "-c", script], cwd=desk.path, env=environment(), capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 3, done.stderr
    assert b"Traceback" not in done.stderr
    assert desk.summary["status"] == "complete"


@promise("11.3")
def test_score_takes_labels_and_gates_from_the_edited_config_without_a_request(desk: Desk, server: Server, tag: str) -> None:
    desk.write_rows({**row, "text": row["text"].replace("spam", "junk")} for row in messages_rows(12, tag))
    desk.write_config(max_error_rate=1, stop_if=None)
    assert desk.run("run", "eval.yaml").code == 0
    unparsed = desk.summary["outcomes"]["unparsed"]
    assert unparsed > 0
    server.calls()

    desk.write_config(max_error_rate=1, stop_if=None, scoring={"aliases": {"spam": ["junk"]}}, gates=["parse_rate >= 1"])
    scored = desk.run("score")
    assert scored.code == 0, scored.err
    assert "parse_rate >= 1" in scored.out
    assert desk.summary["outcomes"]["unparsed"] == 0
    assert desk.run("score", '--set=gates=["parse_rate >= 1", "recall >= 0.999"]').code == 3
    kept = desk.run_dir.joinpath("run.json").read_bytes()
    refused = desk.run("score", "--set=metrics=[f1_makro]")
    assert refused.code == 2
    assert "did you mean `f1_macro`" in refused.err
    assert desk.run_dir.joinpath("run.json").read_bytes() == kept  # what cannot be scored is not what the run is scored by
    assert server.calls() == []


def test_the_api_key_reaches_the_endpoint_and_nothing_else(tmp_path: Path) -> None:
    with serving(tmp_path / "calls.log", f"--require-key={CANARY}", "--revoked-after=6") as server:
        desk = Desk(path=tmp_path, base_url=server.url)
        desk.write_rows(messages_rows(12, "secret"))
        desk.write_config(model={"api_key_env": "OUR_KEY"}, limits={"concurrency": 1})
        end = desk.run("run", "eval.yaml", "--json", "--verbose", environ={"OUR_KEY": CANARY})
    assert len(desk.journal()) == 6, end.err
    assert CANARY not in end.out + end.err
    assert [path for path in tmp_path.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()] == []


def test_version_is_one_line(tmp_path: Path) -> None:
    end = Desk(path=tmp_path, base_url="").run("--version")
    assert end.code == 0
    assert end.out.startswith("evalsvc 0.")


def test_help_names_every_command_and_loads_no_heavy_library(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELP_AND_MODULES], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert json.loads(done.stderr) == []
    for command in ("run", "score", "show", "list", "doctor", "sandbox"):
        assert f" {command} " in done.stdout
    assert "..." not in done.stdout.partition("Commands:")[2]  # which is where a sentence was cut


def test_an_unknown_command_or_option_is_exit_2(tmp_path: Path) -> None:
    desk = Desk(path=tmp_path, base_url="")
    assert desk.run("walk").code == 2
    assert desk.run("run", "eval.yaml", "--nothere").code == 2
