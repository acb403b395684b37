"""The streams that output goes to: closed ones, broken ones, and ones that speak another encoding."""

import io
import os
from typing import TextIO


def silence(stream: TextIO) -> None:
    """Points a broken stream's descriptor at nothing, so that flushing it at exit does not fail and change the exit code."""
    try:
        descriptor = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
    except (OSError, ValueError):
        return
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def speak_utf8(stream: TextIO) -> None:
    """JSON is UTF-8, whatever the locale is."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8")


def forgive_encoding(stream: TextIO) -> None:
    """A character that the locale lacks is spelt out instead of raising."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
