"""A process that makes numbers ends with the run that started it, whatever it is busy with."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.desk import until
from tests.faults.promises import promise

# Starts a child and tells its number; the child holds the interpreter, as a library may that finds no memory.
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(__import__("os").getpid())], stdout=subprocess.PIPE)
print(child.pid, child.stdout.readline().decode().strip(), flush=True)
sys.stdin.read()
"""
CHILD = """
import sys
from evalsvc.reduce.orphan import die_with
die_with(int(sys.argv[1]))
print("busy", flush=True)
sum(range(10**15))
"""


@pytest.fixture
def parent() -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", PARENT, CHILD]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@promise("1.4")
@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not tell a child of its parent's end")
def test_a_child_that_holds_the_interpreter_ends_with_its_parent(parent: "subprocess.Popen[str]") -> None:
    assert parent.stdout is not None
    child, busy = parent.stdout.readline().split()
    assert busy == "busy"
    parent.kill()
    try:
        until(lambda: not is_running(int(child)), within_s=20)
    finally:
        with suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGKILL)


def is_running(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text().partition(")")[2]
    except FileNotFoundError:
        return False


@promise("1.4")
def test_a_child_whose_parent_was_gone_before_it_looked_ends_at_once() -> None:
    command = [sys.executable, "-c", f"from evalsvc.reduce.orphan import die_with; die_with({os.getppid()}); print('on')"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@promise("1.4")
@pytest.mark.parametrize("process", [["evalsvc.deriving", "no-run"], ["evalsvc.reduce.part", "take", "no-run", "0", "1", "no-folder"]])
def test_the_processes_of_a_run_do_nothing_for_one_that_is_gone(process: list[str]) -> None:
    """Else they would say that they load their libraries, and then that there is no such run."""
    command = [sys.executable, "-m", *process, str(os.getppid())]
    done = subprocess.run(command, input="go\n", capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
