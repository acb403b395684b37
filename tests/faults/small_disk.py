"""A file system of a few kilobytes, real and private: a tmpfs in a mount namespace of its own."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.desk import COMMAND, PATIENCE_S, Ended, environment
from tests.faults.canary import CANARY
from tests.faults.desk import KEY_VARIABLE, FaultDesk, without_key

ROOM = 16 << 20
PAGE = 4096  # a tmpfs counts in these
_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child")


def needs_small_disks() -> pytest.MarkDecorator:
    """Skips where nobody may mount a tmpfs in a namespace of their own, as in most containers."""
    tried = subprocess.run([*_NAMESPACE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    return pytest.mark.skipif(tried.returncode != 0, reason="no mount namespaces here (unshare -Urm)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallDisk:
    """`runs/` of a desk on a disk of its own. It is gone with the last command, but for a copy of `runs/` in `kept`."""

    desk: FaultDesk

    @property
    def kept(self) -> Path:
        return self.desk.path / "kept"

    def play(self, *steps: "Run | Mount", size: int) -> list[Ended]:
        """`steps` one after the other on a disk of `size` bytes; how the runs among them ended, and in `kept` what was left by the last."""
        script = [f"mkdir -p runs kept && mount -t tmpfs -o size={size} none runs"]
        for number, step in enumerate(steps):
            script.append(step.script(number))
        # what each run left is looked at by the test
        script.append("cp -a runs/. kept/")
        self._sh("; ".join(script))
        return [self._ended(number) for number, step in enumerate(steps) if isinstance(step, Run)]

    def _sh(self, script: str) -> None:
        environ = environment({KEY_VARIABLE: CANARY, "OPENAI_API_KEY": CANARY})
        done = subprocess.run(
            [*_NAMESPACE, "bash", "-c", script],
            cwd=self.desk.path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S * 4,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def _ended(self, number: int) -> Ended:
        out, err, code = ((self.desk.path / f"{number}.{kind}").read_text() for kind in ("out", "err", "code"))
        return without_key(Ended(code=int(code), out=out, err=err))


@dataclass(frozen=True, slots=True)
class Run:
    """`evalsvc` with these words, and a copy of the journal as it left it."""

    words: Sequence[str]

    def script(self, number: int) -> str:
        command = " ".join([*COMMAND, *self.words])
        return (
            f"{command} >{number}.out 2>{number}.err; echo $? >{number}.code; cat runs/*/*/predictions.jsonl >{number}.journal 2>/dev/null"
        )

    @staticmethod
    def journal(desk: FaultDesk, number: int) -> Path:
        return desk.path / f"{number}.journal"


@dataclass(frozen=True, slots=True)
class Mount:
    """The disk becomes another one, with the same content: "size=1048576", "ro", "rw"."""

    options: str

    def script(self, _: int) -> str:
        return f"mount -o remount,{self.options} runs"


def used_bytes(folder: Path) -> int:
    """What the files below `folder` take of a tmpfs."""
    sizes = (path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(-(-size // PAGE) * PAGE for size in sizes)


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.exists() else []
