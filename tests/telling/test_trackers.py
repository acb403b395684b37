"""Experiment trackers: what they are told of a run, how often, and what becomes of one that fails."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalsvc.errors import Stopped, UsageError
from evalsvc.journal.events import read_events
from evalsvc.jsonio import dumps, loads
from evalsvc.pipeline.stop import StopSwitch
from evalsvc.pipeline.tracking import tell_trackers
from evalsvc.rundir import Manifest, RunDir
from evalsvc.telling.entry import Entry, entry_of
from evalsvc.telling.mlflow_tracker import named
from evalsvc.telling.trackers import Telling, Told, check_trackers, untold
from tests.compare.runs import labels_but, make_run, rows_of
from tests.telling.wandb_file import read

SECRET = "hunter2hunter2"
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    """A complete run with its report, three of thirty rows wrong."""
    made = make_run(tmp_path, "n01", rows_of(30), labels_but("r1", "r2", "r3"), gates=["accuracy >= 0.95"])
    made.report.write_text("<!doctype html>")
    return made


def environ(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "WANDB_"))}
    return {**kept, **QUIET, **more}


def entry(run: RunDir) -> Entry:
    manifest = Manifest.read(run)
    assert manifest is not None
    return entry_of(run, manifest)


def told(run: RunDir, tracker: str, variables: Mapping[str, str], *, within_s: float = 60.0) -> Told:
    with Telling(run, [tracker], variables, within_s=within_s) as telling:
        (one,) = telling.wait()
        return one


def changed(run: RunDir, **fields: Any) -> None:
    manifest = Manifest.read(run)
    assert manifest is not None
    replace(manifest, **fields).write(run)


def rescored(run: RunDir, **changes: Any) -> None:
    run.summary.write_bytes(dumps({**loads(run.summary.read_bytes()), **changes}))


def test_a_run_is_told_as_flat_settings_and_numbers(run: RunDir) -> None:
    changed(run, identity={"model": "m", "revision": None, "endpoint": "e", "params": {"seed": 7, "stop": ["a"]}, "prompt": "abcd"})
    one = entry(run)
    assert (one.name, one.title, one.is_complete) == ("made", "made/n01", True)
    assert one.params["params.seed"] == "7"
    assert one.params["params.stop"] == '["a"]'
    assert one.params["dataset.path"] == "data.jsonl"
    assert len(one.params["dataset.sha256"]) == 64
    assert "revision" not in one.params
    summary = loads(run.summary.read_bytes())["metrics"]["accuracy"]
    assert [one.metrics[f"accuracy{part}"] for part in ("", ".ci_low", ".ci_high")] == [
        summary[key] for key in ("value", "ci_low", "ci_high")
    ]
    assert (one.metrics["outcomes.correct"], one.metrics["gates.failed"], one.metrics["rows.ok"]) == (0.9, 1.0, 30.0)
    assert one.metrics["latency_s.p50"] == pytest.approx(0.25, rel=0.05)
    assert one.metrics["per_class.ham.recall"] == 0.9
    assert one.tags["evalsvc.gates"] == "failed"
    assert [path.name for path in one.files] == ["summary.json", "report.html"]
    assert one.started_ms == 1_795_140_000_000
    assert all(isinstance(value, float) for value in one.metrics.values())


def test_its_key_is_that_of_the_measurement(run: RunDir, tmp_path: Path) -> None:
    key = entry(run).key
    rescored(run, status="partial")
    manifest = Manifest.read(run)
    assert manifest is not None
    manifest.launched(started_at="2026-12-01T00:00:00Z").write(run)
    assert entry(run).key == key
    assert not entry(run).is_complete
    changed(run, identity={"model": "other"})
    assert entry(run).key != key
    again = make_run(tmp_path / "again", "n01", rows_of(3), labels_but(), began="2026-11-21T02:00:00Z")
    assert entry(again).key != key


def test_a_library_that_is_not_there_is_refused_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_trackers(["mlflow", "wandb"])
    # a folder of that name is no library
    (tmp_path / "nobodys_tracker").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    for missing in ("nobodys_tracker", "really_nobodys"):
        with pytest.raises(UsageError, match=f"report_to: {missing} is not installed") as refused:
            check_trackers([missing])
        assert refused.value.hint == f"pip install 'evalsvc[{missing}]'"
    assert "mlflow" not in sys.modules


@pytest.mark.parametrize(
    ("name", "as_mlflow_has_it"),
    [("accuracy.ci_low", "accuracy.ci_low"), ("per_class.größe.f1", "per_class.größe.f1"), ("per_class.C++/D.f1", "per_class.C___D.f1-")],
)
def test_names_become_such_as_mlflow_takes(name: str, as_mlflow_has_it: str) -> None:
    assert named(name).startswith(as_mlflow_has_it)
    assert len(named("x" * 300)) == 250
    assert len({named("a+b"), named("a*b"), named("a_b"), named("x" * 300), named("x" * 301)}) == 5


def test_offline_wandb_has_the_whole_run_and_nothing_is_written_elsewhere(run: RunDir, tmp_path: Path) -> None:
    folder = tmp_path / "offline"
    folder.mkdir()
    places = {name: str(folder) for name in ("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR")}
    one = told(run, "wandb", environ(WANDB_MODE="offline", WANDB_PROJECT="of-mine", **places))
    assert one.failure is None, one
    assert one.where is not None
    assert one.where.endswith(", for wandb sync")
    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    assert one.where.startswith(str(file.parent))
    found, expected = read(file), entry(run)
    assert (found["id"], found["project"], found["name"], found["exit"]) == (expected.key, "of-mine", "made/n01", 0)
    assert {key: value for key, value in found["config"].items() if key != "_wandb"} == {**expected.params, **expected.tags}
    assert {key: value for key, value in found["summary"].items() if isinstance(key, str) and key[0] != "_"} == dict(expected.metrics)
    assert sorted(found["files"]) == ["report.html", "summary.json"]


def test_a_tracker_that_is_not_there_is_a_failure_that_shows_no_secret(run: RunDir) -> None:
    uri = f"http://me:{SECRET}@127.0.0.1:9/{SECRET}token"
    one = told(run, "mlflow", environ(MLFLOW_TRACKING_URI=uri, MLFLOW_TRACKING_TOKEN=f"{SECRET}token", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0"))
    assert one.where is None
    assert "refused" in (one.failure or "")
    assert SECRET not in str(one)
    assert "\n" not in (one.failure or "")


@pytest.fixture
def silent() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_tracker_that_hangs_is_given_up(run: RunDir, silent: str) -> None:
    with Telling(run, ["mlflow"], environ(MLFLOW_TRACKING_URI=silent), within_s=0.3) as telling:
        assert telling.wait() == [Told(tracker="mlflow", failure="no end of it within 0.3 s")]


def test_a_run_that_is_to_stop_does_not_wait_for_its_trackers(run: RunDir, silent: str) -> None:
    notes: list[str] = []

    async def stopped_meanwhile() -> None:
        stop = StopSwitch()
        telling = asyncio.ensure_future(tell_trackers(run, ["mlflow"], environ(MLFLOW_TRACKING_URI=silent), note=notes.append, stop=stop))
        await asyncio.sleep(0)
        stop.pull(Stopped("stopped by SIGTERM"))
        await asyncio.wait_for(telling, 20)

    asyncio.run(stopped_meanwhile())
    assert len(notes) == 1
    assert notes[0].startswith("mlflow: not told of this run: it was ended before it was done")
    assert untold(run, ["mlflow"]) == ["mlflow"]


def test_a_run_that_was_stopped_tells_nobody(run: RunDir) -> None:
    async def stopped() -> None:
        stop = StopSwitch()
        stop.pull(Stopped("stopped by SIGTERM"))
        await tell_trackers(run, ["mlflow"], environ(), note=pytest.fail, stop=stop)

    asyncio.run(stopped())
    assert list(read_events(run.events)) == []


def tell(run: RunDir, variables: Mapping[str, str], *trackers: str) -> list[str]:
    """What is said of it."""
    notes: list[str] = []

    async def telling() -> None:
        await tell_trackers(run, trackers or ("mlflow",), variables, note=notes.append, stop=StopSwitch())

    asyncio.run(telling())
    return notes


def test_a_failure_is_a_note_and_an_event_and_is_tried_again(run: RunDir, tmp_path: Path) -> None:
    variables = environ(WANDB_MODE="online", HOME=str(tmp_path), WANDB_DIR=str(tmp_path), WANDB_CONFIG_DIR=str(tmp_path))
    for times in (1, 2):
        (note,) = tell(run, variables, "wandb")
        assert note.startswith("wandb: not told of this run: ")
        assert "API key" in note
        assert note.endswith("the run is whole without it, and the same command tells it again")
        events = list(read_events(run.events))
        assert [(event["event"], event["tracker"], event["told"]) for event in events] == [("tracker", "wandb", None)] * times
        assert "API key" in events[-1]["reason"]


def test_what_goes_wrong_on_our_side_is_a_note_too(run: RunDir) -> None:
    run.events.mkdir()
    (note,) = tell(run, environ())
    assert note.startswith("mlflow: not told of this run: ")


def test_only_new_numbers_are_told(run: RunDir) -> None:
    assert untold(run, []) == []
    assert untold(run, ["mlflow", "wandb"]) == ["mlflow", "wandb"]
    from evalsvc.telling.trackers import state_of

    run.events.write_bytes(dumps({"event": "tracker", "tracker": "wandb", "told": state_of(run)}) + b"\n")
    assert untold(run, ["mlflow", "wandb"]) == ["mlflow"]
    rescored(run, status="partial")
    assert untold(run, ["mlflow", "wandb"]) == ["mlflow", "wandb"]
    run.summary.unlink()
    assert untold(run, ["mlflow", "wandb"]) == []


@pytest.fixture(scope="module")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MLflow's own, which takes ten seconds to start."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    stores = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "artifacts")]
    command = [sys.executable, "-m", "mlflow", "server", *stores, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (folder / "log").open("wb") as log:
        variables = environ(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=variables, start_new_session=True)
        try:
            _wait_for(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while True:
        assert process.poll() is None, "the server died"
        assert time.monotonic() < until, "the server did not start"
        try:
            urllib.request.urlopen(f"{url}/health", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return


def asked(url: str, path: str, **body: Any) -> dict[str, Any]:
    """The server's own word, over its REST API."""
    method = "POST" if body else "GET"
    request = urllib.request.Request(
        f"{url}/api/2.0/mlflow/{path}", data=dumps(body) or None, headers={"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        values: dict[str, Any] = loads(answer.read())
        return values


def runs_there(url: str, experiment: str) -> list[dict[str, Any]]:
    found = asked(url, f"experiments/get-by-name?experiment_name={experiment}")["experiment"]["experiment_id"]
    return list(asked(url, "runs/search", experiment_ids=[found]).get("runs", []))


def pairs(values: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["key"]: one["value"] for one in values}


@pytest.mark.long
def test_a_real_server_has_the_run_once_with_all_that_it_was_told(run: RunDir, mlflow_server: str) -> None:
    variables = environ(MLFLOW_TRACKING_URI=mlflow_server)
    (note,) = tell(run, variables)
    (there,) = runs_there(mlflow_server, "made")
    run_id = there["info"]["run_id"]
    assert note == f"mlflow: {mlflow_server}/#/experiments/{there['info']['experiment_id']}/runs/{run_id}"
    expected = entry(run)
    assert pairs(there["data"]["params"]) == dict(expected.params)
    assert pairs(there["data"]["metrics"]) == pytest.approx(dict(expected.metrics))
    tags = pairs(there["data"]["tags"])
    assert {**expected.tags, "evalsvc.key": expected.key, "mlflow.runName": "made/n01"}.items() <= tags.items()
    assert (there["info"]["status"], int(there["info"]["start_time"])) == ("FINISHED", expected.started_ms)
    files = asked(mlflow_server, f"artifacts/list?run_id={run_id}")["files"]
    assert {file["path"]: int(file["file_size"]) for file in files} == {path.name: path.stat().st_size for path in expected.files}

    # a launch that changes nothing tells nothing
    assert tell(run, variables) == []
    # scored again: the same run there, with the new numbers; so it is where nobody remembers
    for accuracy in (0.5, 0.25):
        summary = loads(run.summary.read_bytes())
        summary["metrics"]["accuracy"]["value"] = accuracy
        run.summary.write_bytes(dumps(summary))
        changed(run, dataset={"sha256": "f" * 64, "rows": 30})
        run.events.unlink()
        assert len(tell(run, variables)) == 1
        (there,) = runs_there(mlflow_server, "made")
        assert there["info"]["run_id"] == run_id
        assert pairs(there["data"]["metrics"])["accuracy"] == accuracy
        assert pairs(there["data"]["tags"])["evalsvc.dataset_sha256"] == "f" * 64
        assert pairs(there["data"]["params"])["dataset.sha256"] == expected.params["dataset.sha256"]


@pytest.mark.long
def test_a_real_server_is_told_where_the_environment_says_and_of_odd_labels_and_many_numbers(
    tmp_path: Path, run: RunDir, mlflow_server: str
) -> None:
    summary = loads(run.summary.read_bytes())
    odd = {"precision": 0.5, "recall": None, "f1": 0.25, "support": 1, "predicted": 1}
    summary["per_class"] = {"a/../b": odd, "C++": odd, "größe": odd, "x" * 300: odd}
    summary["metrics"] |= {f"ext.m{number}": summary["metrics"]["accuracy"] for number in range(1500)}
    run.summary.write_bytes(dumps({**summary, "status": "partial"}))
    changed(run, identity={"model": "m" * 9000, "params": {f"p{number}": number for number in range(150)}})
    one = told(run, "mlflow", environ(MLFLOW_TRACKING_URI=mlflow_server, MLFLOW_EXPERIMENT_NAME="nightly"))
    assert one.failure is None, one
    (there,) = runs_there(mlflow_server, "nightly")
    metrics = pairs(there["data"]["metrics"])
    assert {named(name) for name in entry(run).metrics} == metrics.keys()
    assert metrics[named("per_class.C++.f1")] == 0.25
    assert len(there["data"]["params"]) == len(entry(run).params) > 150
    assert there["info"]["status"] == "KILLED"
