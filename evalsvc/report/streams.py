"""The streams that output goes to: closed ones, broken ones, and ones that speak another encoding."""

import errno
import io
import os
from typing import TextIO

from evalsvc.errors import StorageFailed
from evalsvc.journal.files import storage_failed


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
    """All of `content`, text as UTF-8, flushed; a lone surrogate is spelt out. A reader that went away early, as `head` does, is no error.

    StorageFailed where `stream` leads to a disk that refuses: what was asked for is lost then.
    """
    if stream is None:  # which is how Python has a closed one
        return
    try:
        stream.flush()
        stream.buffer.write(content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content)
        stream.flush()
    except OSError as exc:
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
