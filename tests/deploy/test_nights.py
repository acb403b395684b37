"""The CronJob's nights, played with plain processes: what its recipe makes of kills, stops, second pods and failures."""

import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.deploy.cluster import DISRUPTED, Job, Kubelet, job_specs, shell_code, the
from tests.e2e.desk import fixed_parts, messages_rows, summary_of, until
from tests.e2e.server import Server, serving
from tests.faults.canary import CANARY, leaks
from tests.faults.desk import FaultDesk, finished
from tests.faults.promises import promise

ROWS = 60
CONCURRENCY = 4
# An answer is in flight until it is written, at most 50 ms after it came; a slot brings ten answers a second at most.
LOST_BY_A_KILL = CONCURRENCY + CONCURRENCY * 10 * 50 // 1000
SPEC = job_specs()["CronJob"]
SECRET = {"/run/secrets/evalsvc/api-key": "api-key.secret"}


@pytest.fixture(autouse=True)
def no_key_left_anywhere(tmp_path: Path) -> Iterator[None]:
    yield
    assert [str(path) for path in leaks(tmp_path)] == []


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "calls.log", "--latency=0.1", f"--require-key={CANARY}") as server:
        yield server


@pytest.fixture
def kubelet(tmp_path: Path, server: Server) -> Kubelet:
    """/eval as the recipe mounts it: the config of the ConfigMap, data, and the key as a file. Only whom it asks is another."""
    desk = FaultDesk(path=tmp_path, base_url=server.url)
    (tmp_path / "data").mkdir()
    desk.write_rows(messages_rows(ROWS, "night"), name="data/test.jsonl")
    (tmp_path / "eval.yaml").write_text(the("ConfigMap")["data"]["eval.yaml"])
    (tmp_path / "api-key.secret").write_text(f"{CANARY}\n")
    more = {
        "EVALSVC_MODEL__BASE_URL": server.url,
        "EVALSVC_MODEL__NAME": "echo",
        "EVALSVC_MODEL__MAX_OUTPUT_TOKENS": "16",
        "EVALSVC_LIMITS__CONCURRENCY": str(CONCURRENCY),
    }
    return Kubelet(desk=desk, secrets=SECRET, more=more)


@promise("1.3", "5.1")
def test_a_night_of_kills_is_one_measurement_and_the_next_night_another(kubelet: Kubelet, server: Server) -> None:
    desk, night = kubelet.desk, Job(name="evalsvc-nightly-29731740", spec=SPEC)

    with running(kubelet, night) as killed:
        answered(desk, 5, killed)
        killed.send_signal(signal.SIGKILL)
        assert night.pod_ended(shell_code(killed)) == "active"
    assert night.counted == 1

    before = desk.journal_lines()
    with running(kubelet, night) as stopped:
        answered(desk, before + 5, stopped)
        stopped.send_signal(signal.SIGSTOP)  # as on a node that was lost and comes back
        second = finished(kubelet.pod(night))
        assert second.code == 8, second.err
        stopped.send_signal(signal.SIGCONT)
        stopped.send_signal(signal.SIGTERM)
        assert night.pod_ended(finished(stopped).code) == "active"
    assert night.counted == 1, "a stop is not counted"

    last = finished(kubelet.pod(night))
    assert night.pod_ended(last.code) == "complete", last.err
    assert [(event["event"], event["exit_code"]) for event in last.events] == [("result", 0)]
    calls = len(server.calls())
    assert ROWS <= calls <= ROWS + LOST_BY_A_KILL
    assert Counter(record["id"] for record in desk.journal()) == dict.fromkeys((row["id"] for row in messages_rows(ROWS, "")), 1)

    tomorrow = Job(name="evalsvc-nightly-29733180", spec=SPEC)
    assert tomorrow.pod_ended(finished(kubelet.pod(tomorrow)).code) == "complete"
    assert len(server.calls()) == ROWS, "every row is asked anew"
    assert [path.name for path in desk.run_dirs] == [night.name, tomorrow.name]
    assert fixed_parts(summary_of(desk.run_dirs[0])) == fixed_parts(summary_of(desk.run_dirs[1]))


@pytest.mark.parametrize(
    ("code", "environ"),
    [(3, {"EVALSVC_GATES": '["recall >= 0.99"]'}), (2, {"EVALSVC_TASK": "classify"}), (5, {"MODEL_API_KEY_FILE": "wrong.secret"})],
)
def test_what_would_end_the_same_way_again_gets_no_second_pod(code: int, environ: dict[str, str], kubelet: Kubelet) -> None:
    (kubelet.desk.path / "wrong.secret").write_text("sk-of-someone-else")
    night = Job(name="evalsvc-nightly-29731740", spec=SPEC)
    ended = finished(replace(kubelet, more={**kubelet.more, **environ}).pod(night))
    assert ended.code == code, ended.err
    assert night.pod_ended(ended.code) == "failed"


def test_a_pod_that_was_evicted_is_replaced_without_being_counted(kubelet: Kubelet) -> None:
    """SIGKILL, as when a grace period was too short: the condition tells whose fault it was."""
    night = Job(name="evalsvc-nightly-29731740", spec=SPEC)
    with running(kubelet, night) as evicted:
        answered(kubelet.desk, 1, evicted)
        evicted.send_signal(signal.SIGKILL)
        assert night.pod_ended(shell_code(evicted), DISRUPTED) == "active"
    assert night.counted == 0


def answered(desk: FaultDesk, rows: int, process: "subprocess.Popen[str]") -> None:
    until(lambda: desk.journal_lines() >= rows or process.poll() is not None)
    assert process.poll() is None, "it ended too soon"


@contextmanager
def running(kubelet: Kubelet, job: Job) -> "Iterator[subprocess.Popen[str]]":
    """A pod that is gone when the block is over."""
    process = kubelet.pod(job)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
