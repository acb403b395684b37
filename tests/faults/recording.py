"""What a real command does to its disk, call by call, as strace saw it.

Recorded from outside, for the calls are made by several threads and processes, and by C code that nothing in Python can look into.
Reads change nothing and are left out. A recording proves itself: replayed whole, it makes the files that are there.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.faults.power import Op

CALLS = ("openat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "rename", "unlink", "symlink", "mkdir")

_HEX = r"((?:\\x[0-9a-f]{2})*)"
_FILE = rf"\d+<{_HEX}>"
_OPENED = re.compile(rf'openat\(AT_FDCWD<{_HEX}>, "{_HEX}", ([A-Z_|]+)(?:, \d+)?\) += \d+')
_WRITTEN = re.compile(rf'(?:write|pwrite64)\({_FILE}, "{_HEX}", \d+(?:, \d+)?\) += (\d+)')
_CUT = re.compile(rf"ftruncate\({_FILE}, (\d+)\) += 0")
_SYNCED = re.compile(rf"(?:fsync|fdatasync)\({_FILE}\) += 0")
_NAMED = re.compile(rf'(rename|unlink|symlink|mkdir)\("{_HEX}"(?:, "{_HEX}")?(?:, \d+)?\) += 0')


def recorded(command: Sequence[str], trace: Path, *, cwd: Path, environ: Mapping[str, str]) -> list[Op]:
    """Runs `command` to its end in `cwd`; the operations below it, in the order in which they returned."""
    strace = [
        "strace",
        "-f",
        "-y",
        "-qq",
        "-xx",
        "-s",
        "100000000",
        "--seccomp-bpf",
        "-o",
        os.fspath(trace),
        "-e",
        f"trace={','.join(CALLS)}",
    ]
    done = subprocess.run([*strace, *command], cwd=cwd, env=dict(environ), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return list(operations(trace.read_text(), cwd))


def operations(trace: str, root: Path) -> Iterator[Op]:
    """The operations below `root`. A call that another one interrupted in the trace is one from its beginning to its end."""
    began: dict[str, tuple[str, int]] = {}
    returned = 0
    for line in trace.splitlines():
        pid, _, text = line.partition(" ")
        text, covers = text.strip(), returned
        if text.endswith("<unfinished ...>"):
            began[pid] = text.removesuffix("<unfinished ...>").strip(), returned
            continue
        if text.startswith("<... ") and pid in began:
            head, covers = began.pop(pid)
            text = head + text.partition("resumed>")[2]
        for op in _operations(text, root, covers):
            returned += 1
            yield op


def _operations(call: str, root: Path, covers: int) -> Iterator[Op]:
    if (found := _OPENED.match(call)) and (path := _below(root, found[2], _text(found[1]))) is not None:
        flags = found[3].split("|")
        if "O_CREAT" in flags:
            yield Op(what="create", path=path)
        if "O_TRUNC" in flags:
            yield Op(what="truncate", path=path)
    elif (found := _WRITTEN.match(call)) and (path := _below(root, found[1])) is not None:
        yield Op(what="write", path=path, data=_bytes(found[2])[: int(found[3])])
    elif (found := _CUT.match(call)) and (path := _below(root, found[1])) is not None:
        yield Op(what="truncate", path=path, size=int(found[2]))
    elif (found := _SYNCED.match(call)) and (path := _below(root, found[1])) is not None:
        yield Op(what="sync", path=path, covers=covers)
    elif found := _NAMED.match(call):
        yield from _of_names(found[1], found[2], found[3] or "", root)


def _of_names(what: str, first: str, second: str, root: Path) -> Iterator[Op]:
    path = _below(root, second if what == "symlink" else first)
    if path is not None:
        to = _text(first) if what == "symlink" else _below(root, second) or ""
        yield Op(what=what, path=path, to=to)


def _below(root: Path, path: str, folder: str = "") -> str | None:
    """`path`, in hex as strace has it, from `root` on; None for one that is elsewhere, and for what is no file."""
    if ":[" in _text(path):
        return None
    whole = os.path.normpath(root / folder / _text(path))
    return os.path.relpath(whole, root) if f"{whole}/".startswith(f"{root}/") else None


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _text(text: str) -> str:
    return os.fsdecode(_bytes(text))
