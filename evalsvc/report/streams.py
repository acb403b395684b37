"""The streams that output goes to: closed ones, broken ones, and ones that speak another encoding."""

import errno
import io
import os
import select
from typing import IO, TYPE_CHECKING, TextIO, cast

from evalsvc.errors import StorageFailed
from evalsvc.journal.files import storage_failed

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

AT_A_TIME = select.PIPE_BUF  # a pipe that says it has room takes as much without blocking


class Unhurried(io.RawIOBase):
    """A descriptor for those who cannot wait for whoever reads it.

    What is not taken at once is kept, one write at most. Others are left out until that one is gone, so that all that is read is whole.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._kept = b""
        self._ready = select.poll()
        self._ready.register(descriptor, select.POLLOUT)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: "ReadableBuffer", /) -> int:
        self.push(within_s=0.0)
        if not self._kept:
            self._kept = bytes(data)
            self.push(within_s=0.0)
        return len(memoryview(data))

    def push(self, *, within_s: float) -> None:
        """Gives up what is kept, as long as each piece of it is taken within that time."""
        while self._kept and self._ready.poll(within_s * 1000):
            try:
                written = os.write(self._descriptor, self._kept[:AT_A_TIME])
            except BlockingIOError:  # somebody else has made it so, and has just filled it
                return
            self._kept = self._kept[written:]


def unhurried(stream: TextIO) -> TextIO:
    """`stream` as one that never blocks; itself, where it leads to nothing that the system knows."""
    try:
        descriptor = stream.fileno()
        stream.flush()
    except (OSError, ValueError):
        return stream
    return io.TextIOWrapper(cast(IO[bytes], Unhurried(descriptor)), encoding=stream.encoding, errors=stream.errors)


def settle(stream: TextIO, *, within_s: float) -> None:
    """Gives whoever reads an unhurried `stream` that long to take what is kept."""
    descriptor = getattr(stream, "buffer", None)
    if isinstance(descriptor, Unhurried):
        descriptor.push(within_s=within_s)


def silence(stream: TextIO) -> None:
    """Points a broken stream's descriptor at nothing, so that flushing it at exit does not fail and change the exit code."""
    try:
        descriptor = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
    except (OSError, ValueError):
        return
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def write_out(stream: TextIO | None, content: str | bytes) -> None:
    """All of `content`, text as UTF-8, flushed; a lone surrogate is spelt out. Errors as `lost`."""
    if stream is None:  # which is how Python has a closed one
        return
    try:
        stream.flush()
        stream.buffer.write(content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content)
        stream.flush()
    except OSError as exc:
        lost(stream, exc)


def lost(stream: TextIO, exc: OSError) -> None:
    """What `exc` means for a result on standard output, which is silenced: a reader that went away early, as `head` does, is no error.

    StorageFailed where it leads to a disk that refuses: what was asked for is lost then.
    """
    silence(stream)
    if exc.errno != errno.EPIPE:
        raise StorageFailed(storage_failed(exc, "standard output").message, hint="send it to a place that has room") from exc


def speak_utf8(stream: TextIO) -> None:
    """JSON is UTF-8, whatever the locale is."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8")


def forgive_encoding(stream: TextIO) -> None:
    """A character that the locale lacks is spelt out instead of raising."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
