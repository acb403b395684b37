"""Errors on their way out: one block on stderr, one exit code."""

import os
import sys
import traceback
from collections.abc import Callable

from evalsvc.errors import EvalsvcError
from evalsvc.report import error_block, error_event, failed_result_event
from evalsvc.report.streams import silence


def say(error: EvalsvcError) -> None:
    as_json = os.environ.get("EVALSVC_LOG") == "json"
    if sys.stderr is not None:
        try:
            sys.stderr.write(error_event(error) if as_json else error_block(error) + "\n")
            sys.stderr.flush()
        except OSError:
            return  # nobody reads it; the exit code still tells


def say_result(error: EvalsvcError, run_dir: str | None = None) -> None:
    """What ended a run that has no summary, as the last line of `--json`."""
    if sys.stdout is not None:
        try:
            sys.stdout.write(failed_result_event(error, run_dir))
            sys.stdout.flush()
        except OSError:
            silence(sys.stdout)


def guarded(work: Callable[[], int], *, verbose: bool = False, json_result: bool = False) -> int:
    """What `work` returns, or the exit code of what it raises. `json_result`: stdout still owes its last line then."""
    try:
        return work()
    except EvalsvcError as error:
        if json_result:
            say_result(error)
        if verbose:
            traceback.print_exception(error)
        say(error)
        return error.exit_code
