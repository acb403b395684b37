"""Processes that are measured from outside, and the stub that answers them. Each ends before its block does."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import orjson

from benchmarks.usage import peak_mb

SCRIPTS = Path(__file__).resolve().parent.parent
LOOK_EVERY_S = 0.05
INSTANT = (0.0, 0.0)
SLOW = (0.2, 0.3)


class Failed(Exception):
    """A measured process did not do its work; the message ends with what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """One process from start to end. CPU is user and system time; start-up and exit are in it."""

    began_at: float  # time.monotonic()
    wall_s: float
    cpu_s: float  # its own, without its children
    children_cpu_s: float
    peak_mb: float  # its own
    child_peak_mb: float  # the largest of its children, 0 when nobody looked
    peak_files: int  # open at a time, 0 when nobody looked
    told: dict[str, Any] = field(default_factory=dict)  # what it wrote into its report


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/chat/completions"

    def seen(self) -> dict[str, Any]:
        with urlopen(f"http://127.0.0.1:{self.port}/seen") as response:
            told: dict[str, Any] = orjson.loads(response.read())
        return told


@contextmanager
def stub(latency: tuple[float, float] = INSTANT, *, tls: Path | None = None) -> Iterator[Stub]:
    """`tls`: a file with certificate and key, for HTTPS."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.stub", "--latency", *map(str, latency), *(["--tls", str(tls)] if tls is not None else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Stub(port=int(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SCRIPTS)}


def measure(module: str, report: Path, arguments: Sequence[str | Path], *, cwd: Path, watch_children: bool = False) -> Used:
    """Runs `python -m module report …` to its end; `report` is where it tells what it used. Raises Failed."""
    command = [sys.executable, "-m", module, str(report), *map(str, arguments)]
    began_at = time.monotonic()
    process = subprocess.Popen(command, cwd=cwd, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    watcher = Watcher(process.pid) if watch_children else None
    try:
        said, _ = process.communicate()
    finally:
        process.kill()  # nothing, unless we were interrupted
        process.wait()
        if watcher is not None:
            watcher.stop()
    wall_s = time.monotonic() - began_at
    if process.returncode:
        raise Failed(f"{module} {' '.join(map(str, arguments))}: exit {process.returncode}\n{said.decode(errors='replace')}")
    told = orjson.loads(report.read_bytes())
    return Used(
        began_at=began_at,
        wall_s=wall_s,
        cpu_s=told["cpu_s"],
        children_cpu_s=told["children_cpu_s"],
        peak_mb=told["peak_mb"],
        child_peak_mb=watcher.child_peak_mb if watcher is not None else 0.0,
        peak_files=watcher.peak_files if watcher is not None else 0,
        told=told,
    )


class Watcher:
    """Looks now and then at how much memory the children of a process have had at most, and how many files it has open itself."""

    def __init__(self, pid: int) -> None:
        self.child_peak_mb = 0.0
        self.peak_files = 0
        self._children = Path(f"/proc/{pid}/task/{pid}/children")
        self._files = Path(f"/proc/{pid}/fd")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            try:
                self.peak_files = max(self.peak_files, sum(1 for _ in self._files.iterdir()))
                pids = self._children.read_text().split()
            except OSError:
                return
            self.child_peak_mb = max([self.child_peak_mb, *(peak_mb(pid) or 0.0 for pid in pids)])
