"""Little memory, few open files, large rows: told in words, or measured like anything else."""

import os
import resource
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.desk import COMMAND, PATIENCE_S, Ended, environment, fixed_parts, messages_rows, summary_of, until
from tests.e2e.server import Server, serving
from tests.faults.canary import CANARY
from tests.faults.desk import KEY_VARIABLE, FaultDesk, finished
from tests.faults.promises import promise

STORAGE = 9


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "calls.log", "--latency=0.02..0.04") as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path, server: Server) -> FaultDesk:
    desk = FaultDesk(path=tmp_path, base_url=server.url)
    desk.write_rows(messages_rows(12, "scarce"))
    desk.write_config(dataset={"id": "id"})
    return desk


def _under(desk: FaultDesk, limit: str, *, flags: str = "") -> Ended:
    """A run under a limit of the shell's, as "ulimit -n 64"."""
    script = f"{limit}; exec {shlex.join(COMMAND)} run eval.yaml --run-id=r {flags}"
    environ = environment({KEY_VARIABLE: CANARY, "OPENAI_API_KEY": CANARY})
    command = ["bash", "-c", script]
    process = subprocess.Popen(command, cwd=desk.path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return finished(process, PATIENCE_S * 4)


@promise("13.1")
def test_with_64_open_files_fewer_are_in_flight_and_the_start_says_so(desk: FaultDesk) -> None:
    desk.write_config(dataset={"id": "id"}, limits={"concurrency": 400})
    end = _under(desk, "ulimit -n 64")
    assert end.code == 0, end.err
    assert "limits.concurrency 400 is more than the open files allow (ulimit -n): 24" in end.err
    assert desk.summary["rows"] == {"expected": 12, "ok": 12, "error": 0, "pending": 0}


@pytest.mark.long
@promise("13.1")
def test_files_that_become_few_in_the_middle_fail_no_row(desk: FaultDesk) -> None:
    desk.write_rows(messages_rows(800, "scarce"))
    desk.write_config(dataset={"id": "id"}, limits={"concurrency": 200})
    process = desk.start("run", "eval.yaml", "--quiet")
    until(lambda: desk.journal_lines() > 20)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (26, 26))
    end = finished(process)
    assert end.code == 0, end.err
    assert desk.summary["rows"] == {"expected": 800, "ok": 800, "error": 0, "pending": 0}


@promise("13.2")
def test_too_little_memory_is_told_and_with_more_it_completes(desk: FaultDesk) -> None:
    short = _under(desk, f"ulimit -v {150 << 10}")
    assert short.code == STORAGE, short.err
    assert "give it more memory (ulimit -v, the container's limit)" in short.err
    assert "Traceback" not in short.err
    assert desk.run("run", "eval.yaml", "--quiet", "--run-id=r").code == 0


@pytest.mark.long
@promise("13.2")
def test_a_limit_that_is_enough_for_1000_rows_is_enough_for_20_times_as_many(desk: FaultDesk) -> None:
    """Both of the address space, of which the libraries and the stacks of threads take most."""
    desk.write_config(dataset={"id": "id"}, limits={"concurrency": 256})
    for rows in (1_000, 20_000):
        desk.write_rows(messages_rows(rows, "scarce"), name=f"{rows}.jsonl")
        end = _under(desk, f"ulimit -v {850 << 10}", flags=f"--run-dir=runs/spam/{rows} --set dataset.path={rows}.jsonl --quiet")
        assert end.code == 0, end.err
        assert summary_of(desk.path / f"runs/spam/{rows}")["rows"]["ok"] == rows


@promise("13.2")
def test_the_process_of_the_numbers_killed_for_its_memory_costs_no_answer(desk: FaultDesk, server: Server) -> None:
    process = desk.start("run", "eval.yaml", "--quiet")
    until(lambda: _reducers_of(process.pid) != [])
    os.kill(_reducers_of(process.pid)[0], signal.SIGKILL)
    end = finished(process)
    assert end.code == STORAGE, end.err
    assert "the process that makes the numbers was killed by SIGKILL, as the kernel does where memory runs out" in end.err
    assert len(server.calls()) == 12
    again = desk.run("run", "eval.yaml", "--quiet")
    assert (again.code, server.calls()) == (0, [])
    assert desk.summary["rows"]["ok"] == 12


def _reducers_of(pid: int) -> list[int]:
    """Its children that make the numbers."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in children if b"evalsvc.deriving" in Path(f"/proc/{child}/cmdline").read_bytes()]
    except OSError:
        return []


@pytest.mark.long
@promise("13.3")
def test_a_pattern_that_never_ends_ends_in_a_run_too(desk: FaultDesk) -> None:
    rows = [{"id": str(n), "text": f"{'a' * n} ham" + "!" * (n % 2), "label": "ham"} for n in range(30, 60)]
    desk.write_rows(rows)
    desk.write_config(dataset={"id": "id"}, scoring={"extract": {"regex": r"(?:a+)+ (\w+)$|(?:(?:a+)+)+$"}})
    end = desk.run("run", "eval.yaml", "--quiet")
    assert end.code == 0, end.err
    outcomes = desk.summary["outcomes"]
    assert (outcomes["correct"], outcomes["unparsed"]) == (15, 15)


@pytest.mark.long
@promise("13.4")
def test_large_rows_long_ids_and_a_thousand_labels_are_measured_like_any_others(desk: FaultDesk) -> None:
    labels = [f"klass{number:04d}" for number in range(1000)]
    rows = [{"id": f"{number:05d}" + "x" * 9_995, "text": f"row {number} {label}", "label": label} for number, label in enumerate(labels)]
    for number, row in enumerate(rows[:100]):
        row["text"] = f"row {number} klass0999"
    rows.append({"id": "large", "text": "w" * (10 << 20) + " klass0003", "label": "klass0003"})
    desk.write_rows(rows)
    desk.write_config(name="large", dataset={"id": "id"}, scoring={"labels": labels, "positive": None})

    assert _run(desk, "run", "eval.yaml", "--quiet", "--run-id=a", "--limit=500").code == 0
    whole = _run(desk, "run", "eval.yaml", "--quiet", "--run-id=a")
    assert whole.code == 0, whole.err
    run_dir = desk.path / "runs/large/a"
    summary = summary_of(run_dir)
    assert summary["rows"] == {"expected": 1001, "ok": 1001, "error": 0, "pending": 0}
    assert summary["metrics"]["accuracy"]["value"] == 901 / 1001
    assert summary["per_class"]["klass0999"]["predicted"] == 101
    assert (summary["per_class"]["klass0003"]["support"], summary["per_class"]["klass0003"]["predicted"]) == (2, 1)

    again = _run(desk, "run", "eval.yaml", "--quiet", "--run-id=b")
    assert again.code == 0, again.err
    assert fixed_parts(summary_of(desk.path / "runs/large/b")) == fixed_parts(summary)
    assert _run(desk, "score", "large/a").code == 0
    assert _run(desk, "report", "large/a").code == 0
    compared = _run(desk, "compare", "large/a", "large/b")
    assert compared.code == 0, compared.err
    assert (run_dir / "report.html").stat().st_size < 8 << 20


def _run(desk: FaultDesk, *words: str) -> Ended:
    return finished(desk.start(*words), PATIENCE_S * 4)
