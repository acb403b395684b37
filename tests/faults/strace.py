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

from evalsvc.rundir import LATEST

WRITES: Final = ("write", "pwrite64", "ftruncate")
SYNCS: Final = ("fdatasync", "fsync")
NAMES: Final = ("rename", "renameat", "renameat2", "unlink", "unlinkat", "symlink", "symlinkat")
EVERY: Final = (*WRITES, *SYNCS, *NAMES)
FOLDER: Final = "."  # the run directory itself, as a file
FILES: Final = ("run.json", "predictions.jsonl", "scored.jsonl", "summary.json", "reduce.json", "report.html", "junit.xml", "events.jsonl")
OUTPUTS: Final = ("baseline.jsonl.gz", "eval.yaml", "scorer.py")  # what commands write beside the run directory
OTHERS: Final = ("run.lock", "quarantine", "earlier", FOLDER, LATEST)
ATOMIC: Final = ("run.json", "summary.json", "reduce.json", "report.html", "junit.xml", *OUTPUTS)
WRITTEN_BESIDE: Final = {"scored.jsonl": ".scored.jsonl.tmp", "predictions.jsonl": "predictions.jsonl.repair"}
PROCESSES: Final = range(2, 80)  # numbers that a run's processes can have in a namespace of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What becomes of the `nth` call of these names, counted in each thread from 1; with `ever`, of all later ones too.

    `does` is in strace's words: "signal=KILL", "error=EIO", "error=ENOSPC". `file`: only calls on this one of a run directory count, and
    on what is to replace it; so that those of a process which comes to it later than another can be struck too.
    """

    calls: Sequence[str]
    does: str
    nth: int
    ever: bool = False
    file: str | None = None

    def __str__(self) -> str:
        return f"{','.join(self.calls)}:{self.does}:when={self.nth}{'+' if self.ever else ''}"

    @staticmethod
    def struck(trace: Path) -> bool:
        """Whether one of the calls in the file `trace` met the fault."""
        told = trace.read_text(errors="replace")
        return "(INJECTED)" in told or "+++ killed by SIG" in told


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One line of a trace."""

    pid: int
    name: str
    struck: bool  # by the fault
    file: str  # of the run directory; for what is to replace a file, that file's name

    @classmethod
    def all_in(cls, trace: Path) -> "list[Call]":
        return [
            cls(pid=int(found[1]), name=found[2], struck="(INJECTED)" in found[3] or found[3].endswith("= ?"), file=_file_of(found[3]))
            for found in re.finditer(r"^(\d+) +(\w+)\((.*)$", trace.read_text(errors="replace"), flags=re.MULTILINE)
        ]


def _file_of(arguments: str) -> str:
    """
    >>> _file_of('7</a/R/predictions.jsonl>, "{...", 250) = 250'), _file_of('"/a/R/.run.json.4.tmp", "/a/R/run.json") = 0')
    ('predictions.jsonl', 'run.json')
    """
    of_descriptor = re.match(r"\d+<([^>]*)>", arguments)
    path = of_descriptor[1] if of_descriptor else re.findall(r'"([^"]*)"', arguments)[-1]
    name = Path(path).name
    beside = {beside: name for name, beside in WRITTEN_BESIDE.items()}
    of_temporary = re.fullmatch(r"\.(.+)\.\d+\.tmp", name) or re.fullmatch(rf"\.({LATEST})\.\d+", name)
    known = of_temporary[1] if of_temporary else beside.get(name, name)
    return known if known in (*FILES, *OTHERS, *OUTPUTS) else FOLDER


def needs_strace() -> pytest.MarkDecorator:
    """Skips where there is no strace, or none that may trace; .ci/run installs it."""
    return pytest.mark.skipif(not strace_works(), reason="strace does not work here (apt-get install strace)")


def strace_works() -> bool:
    """Whether there is one here that may trace, in a namespace of its own."""
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run([*_namespace(), "strace", "-qq", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return tried.returncode == 0


def _namespace() -> list[str]:
    return ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"]


def traced(command: Sequence[str], run_dir: Path, trace: Path, fault: Fault | None = None, *, also: Sequence[Path] = ()) -> list[str]:
    """`command` under strace: calls that change `run_dir`, or `latest` and OUTPUTS beside it, go to the file `trace`; `fault` strikes some.

    A relative `run_dir` is one that `command` is given in these words; `command` then has to run in the working directory of this
    process, or `also` has to name the same files by whole paths. `also`: more files to be looked at.
    """
    file = None if fault is None else fault.file
    paths = dict.fromkeys([*watched(run_dir, file), *watched(Path.cwd() / run_dir, file), *also])
    filters = [word for path in paths for word in ("-P", os.fspath(path))]
    injected = [] if fault is None else ["-e", f"inject={fault}"]
    # other calls are not slowed down then; but strace cannot send a signal from there
    quicker = [] if fault is not None and "signal=" in fault.does else ["--seccomp-bpf"]
    strace = ["strace", "-f", "-y", "-qq", *quicker, "-o", os.fspath(trace), *filters, "-e", f"trace={','.join(EVERY)}", *injected]
    return [*_namespace(), *strace, *command]


def watched(run_dir: Path, file: str | None = None) -> list[Path]:
    """What a launch may write in and beside a run directory, or for one file of it, in the words in which it is given `run_dir`.

    Not what is in its folders, whose names hold the time.
    """
    found = []
    for name in (*FILES, *OTHERS, *OUTPUTS) if file is None else (file,):
        path = (run_dir.parent if name in (LATEST, *OUTPUTS) else run_dir) / name
        found.append(path)
        if name in ATOMIC:
            found += [path.with_name(f".{name}.{pid}.tmp") for pid in PROCESSES]
        elif name == LATEST:
            found += [path.with_name(f".{name}.{pid}") for pid in PROCESSES]
        elif name in WRITTEN_BESIDE:
            found.append(path.with_name(WRITTEN_BESIDE[name]))
    return found
