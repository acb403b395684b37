"""One process at a time in a run directory: flock on run.lock, with the holder's name in it for people.

The kernel lets go of the lock when the process ends, however it ends, so there is no stale lock to judge. The text in a
free lock file is history. The descriptor is not inherited by programs that this process starts; a plain fork would share it.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evalsvc import jsonio
from evalsvc.errors import RunInUse, StorageFailed
from evalsvc.journal.files import remove_unfinished, storage_failed, write_all

Flock = Callable[[int, int], None]

_EXCLUSIVE = fcntl.LOCK_EX | fcntl.LOCK_NB
_UNSUPPORTED = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL})


class RunLock:
    """The right to write in a run directory, held until `release` or the end of the process."""

    __slots__ = ("_fd", "path")

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd: int | None = fd

    @classmethod
    def acquire(cls, path: str | os.PathLike[str], *, holder: Mapping[str, Any], flock: Flock = fcntl.flock) -> Self:
        """Takes the lock at once or raises RunInUse, which names who holds it. `holder` is what others are told about us.

        What an earlier holder was killed over is removed from the directory: files that were to replace others and did not.

        Raises StorageFailed where the file cannot be written, or where its file system does not keep locks.
        """
        path = Path(path)
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as exc:
            raise storage_failed(exc, path) from exc
        try:
            _lock(fd, path, flock)
            _must_exclude(path, flock)
            _sign(fd, path, holder)
            remove_unfinished(path.parent)
        except BaseException:
            os.close(fd)
            raise
        return cls(path, fd)

    def release(self) -> None:
        """Lets the next one in; a second call does nothing. The file stays, since removing it would race with the next holder."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def lock_holder(path: str | os.PathLike[str], *, flock: Flock = fcntl.flock) -> str | None:
    """Who holds the lock right now, in words; None when it is free. Takes it for a moment to find out."""
    try:
        fd = _opened_to_look(path)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise storage_failed(exc, path) from exc
    try:
        flock(fd, _EXCLUSIVE)
    except BlockingIOError:
        return _who(fd)
    except OSError:
        # where locks do not work, none is held
        return None
    finally:
        os.close(fd)
    return None


def _opened_to_look(path: str | os.PathLike[str]) -> int:
    """For reading alone where nothing may be written; else not, for network file systems lock no file that is open so."""
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as exc:
        if exc.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _lock(fd: int, path: Path, flock: Flock) -> None:
    try:
        flock(fd, _EXCLUSIVE)
    except BlockingIOError as exc:
        raise RunInUse(
            f"{path.parent} is in use by {_who(fd)}",
            hint="wait for it or stop it; for a second measurement at the same time, give this one another --run-id or --run-dir",
        ) from exc
    except OSError as exc:
        raise (_no_locks(path) if exc.errno in _UNSUPPORTED else storage_failed(exc, path)) from exc


def _must_exclude(path: Path, flock: Flock) -> None:
    """Some network mounts say yes to every flock: a second one, by ourselves, must be refused."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        flock(fd, _EXCLUSIVE)
    except OSError:
        return
    finally:
        os.close(fd)
    raise _no_locks(path)


def _no_locks(path: Path) -> StorageFailed:
    return StorageFailed(
        f"{path}: this file system does not keep locks (flock), so two processes could write into one run",
        hint="put the run directory on a local disk or on a file system with flock: --run-dir DIR",
    )


def _sign(fd: int, path: Path, holder: Mapping[str, Any]) -> None:
    try:
        os.ftruncate(fd, 0)
        write_all(fd, jsonio.dumps(dict(holder)) + b"\n")
    except OSError as exc:
        raise storage_failed(exc, path) from exc


def _who(fd: int) -> str:
    """What the holder wrote about itself; it may not have come to that yet."""
    try:
        holder = jsonio.loads(os.pread(fd, 65536, 0))
    except (OSError, ValueError):
        return "another process"
    return describe(holder) if isinstance(holder, dict) else "another process"


def describe(holder: Mapping[str, Any]) -> str:
    """
    >>> describe({"host": "node-3", "pid": 71, "started_at": "2026-11-20T02:13:44Z", "command": "evalsvc run a.yaml"})
    'process 71 on host node-3 (started at 2026-11-20T02:13:44Z: evalsvc run a.yaml)'
    """
    process = f"process {holder.get('pid', '?')} on host {holder.get('host', '?')}"
    since = f"started at {holder['started_at']}" if "started_at" in holder else ""
    more = ": ".join(str(part) for part in (since, holder.get("command")) if part)
    return f"{process} ({more})" if more else process
