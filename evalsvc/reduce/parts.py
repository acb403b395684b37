"""A reduction on all cores: ranges of a file's bytes, the first in this process and each other one in a process of its own.

Tallies are exact sums, so however many ranges there are, the same digits come out; and scored.jsonl gets their lines in the
journal's order, so that it is the same file too.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

from evalsvc.errors import MORE_MEMORY, EvalsvcError, JournalDamaged, OutOfMemory, StorageFailed, UsageError, in_words
from evalsvc.journal.files import storage_failed
from evalsvc.jsonio import dumps, loads
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.scored import BUFFER
from evalsvc.reduce.taking import Taken, Tallies, take_range

FOLDER = ".parts"
# What a process may end with, by its exit code; anything else is a bug.
_DIED_OF = {error.exit_code: error for error in (UsageError, StorageFailed, JournalDamaged)}

# What one that loads libraries says before and after.
LOADING, LOADED = b"loading\n", b"loaded\n"

Range = tuple[int, int]
TAKE, KEEP = "take", "keep"


def ranges_of(path: Path, start: int, stop: int, *, at_least: int, processes: int) -> list[Range]:
    """[start, stop) of a file in pieces that begin with a line, no more than `processes`, of about `at_least` bytes or more."""
    pieces = max(1, min(processes, (stop - start) // at_least))
    with path.open("rb") as file:
        marks = [start, *(min(_line_at(file, start + (stop - start) * piece // pieces), stop) for piece in range(1, pieces)), stop]
    return [(begin, end) for begin, end in pairwise(marks) if begin < end]


def _line_at(file: BinaryIO, offset: int) -> int:
    """Where the first line begins at `offset` or after it."""
    file.seek(offset - 1)
    return offset - 1 + len(file.readline())


def take_parts(plan: Plan, ranges: list[Range], scored: BinaryIO, seen: bytearray, tallies: Tallies) -> Taken:
    """As `take_range`, over all of `ranges`, which follow each other."""
    with processes(plan, TAKE, ranges[1:]) as others:
        taken = take_range(plan, *ranges[0], scored, seen, tallies)
        for part in others:
            folder, said = part
            tallies = Tallies.from_state(said["tallies"])
            tallies.examples = tallies.examples.moved(scored.tell())
            with (folder / "scored").open("rb") as lines:
                shutil.copyfileobj(lines, scored, BUFFER)
            seen += (folder / "ids").read_bytes()
            taken = Taken(
                tallies=taken.tallies.merge(tallies),
                end=said["end"],
                scored_bytes=taken.scored_bytes + said["scored_bytes"],
                read=taken.read + said["read"],
            )
    return taken


@contextmanager
def processes(plan: Plan, job: str, ranges: Sequence[Range]) -> Iterator[Iterator[tuple[Path, dict[str, Any]]]]:
    """Starts a process for each range; gives the folder and the word of each, in order. Raises what one of them died of."""
    parts = plan.run.path / FOLDER
    shutil.rmtree(parts, ignore_errors=True)  # what a killed one left
    if not ranges:
        yield iter(())
        return
    started: list[tuple[Path, subprocess.Popen[bytes]]] = []
    try:
        for number, range_ in enumerate(ranges):
            started.append(_start(plan, job, range_, parts / str(number)))
        yield ((folder, _said(process)) for folder, process in started)
    finally:
        for _, process in started:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        shutil.rmtree(parts, ignore_errors=True)


def _start(plan: Plan, job: str, range_: Range, folder: Path) -> tuple[Path, subprocess.Popen[bytes]]:
    # -P: nothing in the working directory is a module
    command = [sys.executable, "-P", "-m", "evalsvc.reduce.part", job, str(plan.run.path), *map(str, range_), str(folder), str(os.getpid())]
    try:
        folder.mkdir(parents=True)
        return folder, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)  # noqa: S603
    except OSError as exc:
        raise storage_failed(exc, folder) from exc


def _said(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    out, _ = process.communicate()
    if process.returncode:
        raise death("a process that reduced a part of the run", out, process.returncode)
    told: dict[str, Any] = loads(out)
    return told


def death(who: str, said: bytes, exit_code: int) -> EvalsvcError:
    """What a process that reduced died of: as it `said` itself, or as its exit code tells; below 0 is a signal, as subprocess has it.

    >>> death("the reducer", b"", -9).message
    'the reducer was killed by SIGKILL, as the kernel does where memory runs out'
    """
    if said == LOADING and exit_code in (1, -signal.SIGPROF):
        return OutOfMemory(f"{who} came to no end with loading its libraries, as happens where memory is short", hint=MORE_MEMORY)
    try:
        told = loads(said.rpartition(b"\n")[2])
        return _DIED_OF.get(exit_code, EvalsvcError)(told["message"], hint=told["hint"])
    except (ValueError, KeyError, TypeError):
        if exit_code == -signal.SIGKILL:
            return OutOfMemory(f"{who} was killed by SIGKILL, as the kernel does where memory runs out", hint=MORE_MEMORY)
        by = f"was killed by {signal.Signals(-exit_code).name}" if exit_code < 0 else f"died with {exit_code}"
        return EvalsvcError(f"{who} {by}", hint="the predictions are safe; evalsvc score does the same again")


def spoken(work: Callable[[], bytes]) -> tuple[int, bytes]:
    """Exit code and last words of a process that reduces: what `work` gives, or what it died of, as `death` reads it."""
    try:
        return 0, work()
    except Exception as exc:
        error = in_words(exc)
        if error is None:
            raise
        return error.exit_code, dumps({"message": error.message, "hint": error.hint})


def take_part(plan: Plan, start: int, stop: int, folder: Path) -> bytes:
    """What a process of a part does: its lines and id hashes into files in `folder`; gives the word that it says."""
    seen = bytearray()
    try:
        with (folder / "scored").open("wb", buffering=BUFFER) as scored:
            taken = take_range(plan, start, stop, scored, seen, Tallies.empty(plan))
        (folder / "ids").write_bytes(seen)
    except OSError as exc:
        raise storage_failed(exc, folder) from exc
    return dumps({"tallies": taken.tallies.state(), "end": taken.end, "scored_bytes": taken.scored_bytes, "read": taken.read})
