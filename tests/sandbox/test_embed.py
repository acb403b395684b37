"""The child process: it starts, says so, makes room, and never stays behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from evalsvc.sandbox.embed import SandboxFailed, start_sandbox
from tests.sandbox.client import ask, asked, conversing, logged, question

PARENT = """
import sys, time
from evalsvc.sandbox.embed import start_sandbox
sandbox = start_sandbox(sys.argv[1:])
print(sandbox.pid, sandbox.url, flush=True)
time.sleep(60)
"""


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_gone(pid: int) -> bool:
    """Whether no process of this id runs any more; a zombie that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_closing_ends_the_process() -> None:
    with start_sandbox([]) as sandbox:
        assert sandbox.pid == sandbox.process.pid
        assert asked(sandbox.url, question())[0].status == 200
    assert sandbox.process.returncode == 0
    sandbox.close()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_ends_with_a_parent_that_was_killed(call_log: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, f"--call-log={call_log}"], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, url = parent.stdout.readline().split()
        asked(url, question())
        parent.kill()
    assert within(3, lambda: is_gone(int(pid)))
    assert [call["status"] for call in logged(call_log)] == [200]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_ends_with_its_parent_even_when_someone_else_keeps_its_stdin_open() -> None:
    command = [sys.executable, "-m", "evalsvc.sandbox"]
    starter = f"import os, subprocess, time; subprocess.Popen({command} + [f'--parent-pid={{os.getpid()}}']); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", starter], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        ready = parent.stdout.readline()
        parent.kill()
        pid = int(ready.partition('"pid":')[2].partition(",")[0])
        assert within(3, lambda: is_gone(pid))


def test_it_outlives_the_thread_that_started_it() -> None:
    async def in_a_thread() -> None:
        loop = asyncio.get_running_loop()
        sandbox = await loop.run_in_executor(None, start_sandbox, [])
        await loop.shutdown_default_executor()
        with sandbox:
            await asyncio.sleep(0.1)
            async with aiohttp.ClientSession() as session:
                assert (await ask(session, sandbox.url, question())).status == 200

    asyncio.run(in_a_thread())


def test_a_ctrl_c_for_the_terminal_does_not_reach_it() -> None:
    with start_sandbox([]) as sandbox:
        assert os.getpgid(sandbox.pid) != os.getpgid(0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(number: int) -> None:
    with start_sandbox([]) as sandbox:
        os.kill(sandbox.pid, number)
        assert sandbox.process.wait(3) == 0


def test_it_answers_only_on_loopback() -> None:
    with start_sandbox([]) as sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["--train=/nowhere/train.csv"], "No such file or directory: '/nowhere/train.csv'"),
        (["--latencey=1"], "unrecognized arguments: --latencey=1"),
        (["--call-log=/nowhere/calls"], "No such file or directory: '/nowhere/calls'"),
    ],
)
def test_a_start_that_failed_says_why(args: list[str], complaint: str) -> None:
    with pytest.raises(SandboxFailed, match=complaint):
        start_sandbox(args)


def test_a_taken_port_is_said() -> None:
    with start_sandbox([]) as sandbox:
        port = sandbox.url.rpartition(":")[2].removesuffix("/v1")
        with pytest.raises(SandboxFailed, match="address already in use"):
            start_sandbox([f"--port={port}"])


def test_a_start_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(SandboxFailed, match="not ready after 0 s"):
        start_sandbox([], ready_within_s=0)


def test_a_client_that_leaves_gives_its_slot_back() -> None:
    async def talk(session: aiohttp.ClientSession) -> tuple[bool, int]:
        holding = asyncio.create_task(ask(session, sandbox.url, question(), "silence"))
        await asyncio.sleep(0.1)
        queued = asyncio.create_task(ask(session, sandbox.url, question()))
        await asyncio.wait({queued}, timeout=0.1)
        waited = not queued.done()
        holding.cancel()
        return waited, (await queued).status

    with start_sandbox(["--slots=1"]) as sandbox:
        assert conversing(talk) == (True, 200)


def test_no_more_calls_than_slots_are_answered_at_once() -> None:
    async def talk(session: aiohttp.ClientSession) -> float:
        began = time.monotonic()
        await asyncio.gather(*[ask(session, sandbox.url, question()) for _ in range(6)])
        return time.monotonic() - began

    with start_sandbox(["--slots=2", "--latency=0.1"]) as sandbox:
        assert conversing(talk) >= 0.3
