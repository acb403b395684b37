"""One system call of a real run made to fail, or to be the last: strace's injection, for calls on the run directory alone.

strace's filter goes by whole paths, and the names of temporary files hold the number of their process. So the run gets process
numbers of its own, in which they are small and few.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

WRITES: Final = ("write", "pwrite64", "ftruncate")
SYNCS: Final = ("fdatasync", "fsync")
NAMES: Final = ("rename", "renameat", "renameat2", "unlink", "unlinkat", "symlink", "symlinkat")
EVERY: Final = (*WRITES, *SYNCS, *NAMES)
FILES: Final = ("run.json", "predictions.jsonl", "scored.jsonl", "summary.json", "reduce.json", "report.html", "junit.xml", "events.jsonl")
ATOMIC: Final = ("run.json", "summary.json", "reduce.json", "report.html", "junit.xml")
PROCESSES: Final = range(2, 80)  # numbers that a run's processes can have in a namespace of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What becomes of the `nth` call of these names, counted in each thread from 1; with `ever`, of all later ones too.

    `does` is in strace's words: "signal=KILL", "error=EIO", "error=ENOSPC".
    """

    calls: Sequence[str]
    does: str
    nth: int
    ever: bool = False

    def __str__(self) -> str:
        return f"{','.join(self.calls)}:{self.does}:when={self.nth}{'+' if self.ever else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One line of a trace."""

    pid: int
    name: str
    struck: bool  # by the fault

    @classmethod
    def all_in(cls, trace: Path) -> "list[Call]":
        return [
            cls(pid=int(found[1]), name=found[2], struck="(INJECTED)" in found[3] or found[3].endswith("= ?"))
            for found in re.finditer(r"^(\d+) +(\w+)\((.*)$", trace.read_text(errors="replace"), flags=re.MULTILINE)
        ]


def needs_strace() -> pytest.MarkDecorator:
    """Skips where there is no strace, or none that may trace; .ci/run installs it."""
    return pytest.mark.skipif(not _works(), reason="strace does not work here (apt-get install strace)")


def _works() -> bool:
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run([*_namespace(), "strace", "-qq", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return tried.returncode == 0


def _namespace() -> list[str]:
    return ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]


def traced(command: Sequence[str], run_dir: Path, trace: Path, fault: Fault | None = None) -> list[str]:
    """`command` under strace: calls that change `run_dir` go to the file `trace`, and `fault` strikes one of them."""
    paths = [run_dir, *(run_dir / name for name in (*FILES, "run.lock", "quarantine"))]
    paths += [run_dir / f".{name}.{pid}.tmp" for name in ATOMIC for pid in PROCESSES]
    filters = [word for path in paths for word in ("-P", os.fspath(path))]
    injected = [] if fault is None else ["-e", f"inject={fault}"]
    return [*_namespace(), "strace", "-f", "-qq", "-o", os.fspath(trace), *filters, "-e", f"trace={','.join(EVERY)}", *injected, *command]
