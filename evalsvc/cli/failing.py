"""Errors on their way out: one block on stderr, one exit code."""

import os
import sys
from collections.abc import Callable

from evalsvc.errors import EvalsvcError
from evalsvc.report import error_block, error_event


def say(error: EvalsvcError) -> None:
    as_json = os.environ.get("EVALSVC_LOG") == "json"
    if sys.stderr is not None:
        try:
            sys.stderr.write(error_event(error) if as_json else error_block(error) + "\n")
            sys.stderr.flush()
        except OSError:
            return  # nobody reads it; the exit code still tells


def guarded(work: Callable[[], int], *, verbose: bool = False) -> int:
    """What `work` returns, or the exit code of what it raises."""
    try:
        return work()
    except EvalsvcError as error:
        if verbose:
            raise
        say(error)
        return error.exit_code
