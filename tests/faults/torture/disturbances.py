"""A launch under each kind of disturbance. Every function here returns when all that it started has ended."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.e2e.desk import COMMAND, Ended
from tests.faults.desk import FaultDesk
from tests.faults.oracle import accepted_lines
from tests.faults.strace import Fault, traced
from tests.faults.torture.launching import PATIENCE_S, finished, launched, run_in
from tests.faults.torture.rounds import Disturbance

LOOK_EVERY_S = 0.004
TEARS_MORE_S = 0.6  # shorter than most are: these tear also by what they put behind the cut
KILLED: Final = (-signal.SIGKILL, 128 + signal.SIGKILL)
PAGE: Final = 4096  # of which a file takes a whole number on such a disk
STORAGE_FAILED, IN_USE, STOPPED = 9, 8, 75


@dataclass(slots=True, kw_only=True)
class Field:
    """Where a round is played, and what has become of it so far."""

    desk: FaultDesk
    run_dir: Path
    left_alone_s: float  # what the same took, left alone
    journal_bytes: int  # what its journal then had
    complete: int  # with what it then ended
    accepted: set[bytes] = field(default_factory=set)  # records that were in the journal and must stay
    kills: int = 0
    faults: int = 0
    torn: int = 0  # records that were cut off on purpose

    @property
    def journal(self) -> Path:
        return self.run_dir / "predictions.jsonl"

    def size(self) -> int:
        try:
            return self.journal.stat().st_size
        except FileNotFoundError:
            return 0

    def command(self, disturbance: Disturbance) -> list[str]:
        words = [*COMMAND, *(word.format(run=self.run_dir) for word in disturbance.command)]
        return [*words, "--set", f"limits.concurrency={disturbance.concurrency}"] if "run" in disturbance.command else words


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a disturbance did: in words, with how the launch ended and which exit codes would be right."""

    words: str
    end: Ended
    allowed: Sequence[int]


def killed(place: Field, what: Disturbance) -> Done:
    with launched(place.desk.path, place.command(what)) as process:
        words = _until_moment(place, what, process)
        process.kill()
        end = finished(process)
    place.kills += end.code in KILLED
    return Done(words=f"SIGKILL {words}", end=end, allowed=KILLED)


def killed_at_a_call(place: Field, what: Disturbance) -> Done:
    """The whole process; or only the one that makes the numbers, and then the launch says so."""
    end, struck = _traced(place, what)
    place.kills += struck
    return Done(words=_told(what, struck), end=end, allowed=(*KILLED, STORAGE_FAILED) if struck else ())


def failing_call(place: Field, what: Disturbance) -> Done:
    end, struck = _traced(place, what)
    place.faults += struck
    return Done(words=_told(what, struck), end=end, allowed=(STORAGE_FAILED,) if struck else ())


def terminated(place: Field, what: Disturbance) -> Done:
    """Asked to stop, and after a while once more."""
    with launched(place.desk.path, place.command(what)) as process:
        words = _until_moment(place, what, process)
        process.terminate()
        try:
            process.wait(what.lasts_s * 4)
        except subprocess.TimeoutExpired:
            process.terminate()
        end = finished(process)
    place.faults += 1
    return Done(words=f"SIGTERM {words}", end=end, allowed=(STOPPED, -signal.SIGTERM))


def paused(place: Field, what: Disturbance) -> Done:
    with launched(place.desk.path, place.command(what)) as process:
        words = _until_moment(place, what, process)
        process.send_signal(signal.SIGSTOP)
        time.sleep(what.lasts_s)
        process.send_signal(signal.SIGCONT)
        end = finished(process)
    place.faults += 1
    return Done(words=f"SIGSTOP for {what.lasts_s:.1f} s {words}", end=end, allowed=())


def two_at_once(place: Field, what: Disturbance) -> Done:
    """A second launch beside the first, of which one is refused; then both are killed."""
    with launched(place.desk.path, place.command(what)) as first, launched(place.desk.path, place.command(what)) as second:
        give_up_at = time.monotonic() + place.left_alone_s * 2
        while first.poll() is None and second.poll() is None and time.monotonic() < give_up_at:
            time.sleep(LOOK_EVERY_S)
        for process in (first, second):
            process.kill()
        ends = finished(first), finished(second)
    place.kills += sum(end.code in KILLED for end in ends)
    other = next((end for end in ends if end.code != IN_USE), ends[0])
    return Done(words="two launches at once, and SIGKILL", end=other, allowed=(*KILLED, IN_USE))


def torn(place: Field, what: Disturbance) -> Done:
    """The end of the journal cut off, or NULs, blank lines or half a record behind it; nothing is launched."""
    before, words = set(accepted_lines(place.run_dir)), "a journal that is not there yet"
    if data := place.journal.read_bytes() if place.size() else b"":
        cut = min(what.octets, len(data))
        end, after = len(data) - cut, b""
        if what.lasts_s < TEARS_MORE_S:
            after = (b"\0" * cut, b'{"v":1,"id":"\xc3', b"\n\n\r\n")[cut % 3]
            # a line that was cut and then ended is no crash's work, and is not taken for one
            end = data.rfind(b"\n", 0, end) + 1 if after.startswith(b"\n") else end
        place.journal.write_bytes(data[:end] + after)
        words = f"{len(data) - end:,} bytes of the journal's end" + (f", {len(after):,} others in their place" if after else "")
    kept = set(accepted_lines(place.run_dir))
    place.torn += len(before - kept)
    place.accepted &= kept
    place.faults += 1
    return Done(words=f"torn: {words}", end=Ended(code=place.complete, out="", err=""), allowed=())


def full_disk(place: Field, what: Disturbance) -> Done:
    """A small file system in place of the run directory, which the launch fills; what is in it afterwards is the run directory again."""
    place.run_dir.mkdir(parents=True, exist_ok=True)
    files = [path for path in place.run_dir.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) + PAGE * (len(files) + 4) + what.octets
    small = ["unshare", "--user", "--map-root-user", "--mount", "--fork", "--kill-child", "sh", "-c", ON_A_SMALL_DISK, "sh"]
    end = run_in(place.desk.path, [*small, str(size), str(place.run_dir), *place.command(what)])
    place.faults += 1
    return Done(words=f"a disk of {size:,} bytes", end=end, allowed=(STORAGE_FAILED,))


ON_A_SMALL_DISK: Final = """
size=$1 run=$2; shift 2
small=$run.small
mkdir "$small" && mount -t tmpfs -o size="$size" small "$small" && cp -a "$run/." "$small" && mount --bind "$small" "$run" || exit 70
"$@"; code=$?
umount "$run" && find "$run" -mindepth 1 -delete && cp -a "$small/." "$run" && umount "$small" && rmdir "$small" || exit 70
exit $code
"""

DISTURBANCES: Final[Mapping[str, Callable[[Field, Disturbance], Done]]] = {
    each.__name__: each for each in (killed, killed_at_a_call, failing_call, terminated, paused, torn, full_disk, two_at_once)
}


def _traced(place: Field, what: Disturbance) -> tuple[Ended, bool]:
    assert what.fault is not None
    trace = place.desk.path / "trace"
    end = run_in(place.desk.path, traced(place.command(what), place.run_dir, trace, what.fault))
    return end, Fault.struck(trace)


def _told(what: Disturbance, struck: bool) -> str:
    fault = what.fault
    assert fault is not None
    does = fault.does.partition("=")[2].replace("KILL", "SIGKILL")
    words = f"{does} at {'/'.join(fault.calls)} {fault.nth}{' and later' if fault.ever else ''} of {fault.file or 'any file'}"
    return words if struck else f"{words}, which did not come"


def _until_moment(place: Field, what: Disturbance, process: "subprocess.Popen[str]") -> str:
    """Waits for the moment, or the end of the process before it; says when it was."""
    before, began_at = place.size(), time.monotonic()
    left = max(0, place.journal_bytes - before)
    if what.at < 0:
        moment_s, wanted = -what.at * place.left_alone_s, None
    else:
        moment_s, wanted = PATIENCE_S, before + min(what.at, 1.0) * left
    while process.poll() is None and time.monotonic() < began_at + moment_s and (wanted is None or place.size() < wanted):
        time.sleep(LOOK_EVERY_S)
    if what.at > 1:
        time.sleep((what.at - 1) * place.left_alone_s / 2)
    return f"after {time.monotonic() - began_at:.1f} s of {what.command[0]}"
