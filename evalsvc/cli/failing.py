"""Errors on their way out: one block on stderr, one exit code."""

import os
import sys
import traceback
from collections.abc import Callable

from evalsvc.errors import EvalsvcError, as_bug, in_words
from evalsvc.report import error_block, error_event, failed_result_event
from evalsvc.report.json_log import log_lines, logs_json
from evalsvc.report.streams import settle, silence, unhurried
from evalsvc.signals import leave_with

READER_S = 5.0  # somebody who reads stderr takes the last word within that time


def say(error: EvalsvcError) -> None:
    _to_stderr(error_event(error) if logs_json(os.environ) else error_block(error) + "\n")


def remark(text: str) -> None:
    """A line on stderr beside the result."""
    _to_stderr(f"{text}\n")


def _to_stderr(text: str) -> None:
    if sys.stderr is not None:
        try:
            stream = unhurried(sys.stderr)
            lines = log_lines(stream) if logs_json(os.environ) else stream
            lines.write(text)
            lines.flush()
            settle(stream, within_s=READER_S)
        except OSError:
            silence(sys.stderr)  # nobody reads it; the exit code still tells


def say_result(error: EvalsvcError, run_dir: str | None = None) -> None:
    """What ended a run that has no summary, as the last line of `--json`."""
    if sys.stdout is not None:
        try:
            sys.stdout.write(failed_result_event(error, run_dir))
            sys.stdout.flush()
        except OSError:
            silence(sys.stdout)


def guarded(
    work: Callable[[], int], *, verbose: bool = False, json_result: bool = False, tell: Callable[[EvalsvcError], None] | None = None
) -> int:
    """What `work` returns, or the exit code of what it raises. `tell` is told of that first, also where it is a bug.

    `json_result`: stdout still owes its last line then.
    """
    try:
        return work()
    except Exception as exc:
        error = in_words(exc)
        if tell is not None:
            tell(error or as_bug(exc))
        if error is None:
            raise
        leave_with(error.exit_code)  # a signal while this is told ends it like that
        if json_result:
            say_result(error)
        if verbose:
            _to_stderr("".join(traceback.format_exception(exc)))
        say(error)
        return error.exit_code
