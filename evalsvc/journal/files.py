"""Small files written whole, and the words for a disk that refuses."""

import errno
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from evalsvc.errors import MORE_MEMORY, StorageFailed, UsageError

_AGAIN = "then run the same command again: it carries on where it stopped"
# errno -> what it means and what to do about it
_MEANS: Mapping[int, tuple[str, str]] = {
    errno.ENOSPC: ("no space left on the device", f"free some space, or name another place (--run-dir, -o); {_AGAIN}"),
    errno.EDQUOT: ("the disk quota is used up", f"free some of your quota, or name another place (--run-dir, -o); {_AGAIN}"),
    errno.EROFS: ("the file system is read-only", f"make it writable, or name a place on another (--run-dir, -o); {_AGAIN}"),
    errno.EACCES: ("permission denied", "make the directory writable for this user, or name another place (--run-dir, -o)"),
    errno.EPERM: ("not permitted", "make the directory writable for this user, or name another place (--run-dir, -o)"),
    errno.EIO: ("input/output error: the disk itself failed", f"check the disk (dmesg), or move the run directory to another; {_AGAIN}"),
    errno.ENOENT: ("no such file or directory", "check the path"),
    errno.EEXIST: ("is a file where a directory is expected", f"move it to another place; {_AGAIN}"),
    errno.ENOTDIR: ("a part of the path is a file, not a directory", "choose another path with --run-dir"),
    errno.EISDIR: ("is a directory where a file is expected", "choose another path with --run-dir"),
    errno.EFBIG: (
        "the file is larger than allowed here",
        f"raise the limit (ulimit -f), or name another place (--run-dir, -o); {_AGAIN}",
    ),
    errno.EMFILE: ("too many open files in this process", f"raise the limit (ulimit -n) or lower limits.concurrency; {_AGAIN}"),
    errno.ENFILE: ("too many open files on this machine", _AGAIN.removeprefix("then ")),
    errno.ENOMEM: ("out of memory", MORE_MEMORY),
    errno.EAGAIN: ("no more processes or threads are allowed here", f"raise the limit (ulimit -u); {_AGAIN}"),
    errno.ENAMETOOLONG: ("the path is too long", "choose a shorter name or --run-dir"),
    errno.ESTALE: ("the network file system lost the file", f"check the mount; {_AGAIN}"),
}

# Files that are written beside the one which they are to replace, and the folders of a run directory in which there may be some.
_UNFINISHED = re.compile(r"\..+\.\d+\.tmp|\.scored\.jsonl\.tmp|predictions\.jsonl\.repair")
_FOLDERS = ("", "quarantine", "external")


def storage_failed(exc: OSError, path: str | os.PathLike[str]) -> StorageFailed:
    """`exc` in words: what happened at `path`, and what to do next. Raise it `from` the cause.

    >>> storage_failed(OSError(errno.ENOSPC, "…"), "runs/a/predictions.jsonl").message
    'runs/a/predictions.jsonl: no space left on the device (ENOSPC)'
    """
    code = exc.errno or 0
    meaning, hint = _MEANS.get(code, (os.strerror(code) if code else str(exc), f"look into it, {_AGAIN}"))
    name = errno.errorcode.get(code)
    return StorageFailed(f"{os.fspath(path)}: {meaning}" + (f" ({name})" if name else ""), hint=hint)


def check_place(path: Path) -> None:
    """UsageError where no file can be at the `path` that a user named: before the work, and not as a disk that failed."""
    if path.is_dir():
        raise UsageError(f"{path} cannot be written: it is a directory", hint="name a file in it")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path} cannot be written: there is no directory {path.parent}", hint="make it, or name a file elsewhere")


def sync_dir(path: Path) -> None:
    """Makes a creation, rename or removal in the directory `path` survive a power loss. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Writes all of `data`, going on after short writes. Raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def write_atomic(path: str | os.PathLike[str], data: bytes) -> None:
    """Puts `data` at `path` so that a reader, or a crash at any moment, sees the old content or the new, never a part.

    The content is on the disk when this returns. Raises StorageFailed; the old file is then untouched.
    """
    target = Path(path)
    temp = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        _write_synced(temp, data)
        temp.replace(target)
        sync_dir(target.parent)
    except OSError as exc:
        _remove(temp)
        raise storage_failed(exc, target) from exc


def remove_unfinished(run_dir: Path) -> None:
    """Removes what a writer that was killed left of a file that it was about to put in place.

    To be called by the holder of the run's lock, for whoever writes there has it. One that cannot be removed is in nobody's way.
    """
    for folder in (*(run_dir / name for name in _FOLDERS), *run_dir.glob("earlier/*")):
        with suppress(OSError):
            for path in folder.iterdir():
                if _UNFINISHED.fullmatch(path.name):
                    _remove(path)


def _write_synced(path: Path, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        write_all(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # the reason why the write failed matters more than what it left behind
        return
