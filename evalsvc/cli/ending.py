"""What a `run` leaves on stdout as JSON, and for whoever started its container, however it ends."""

import os
import sys
from dataclasses import dataclass
from typing import Final

from evalsvc.cli.failing import remark, say, say_result
from evalsvc.errors import EvalsvcError, UsageError
from evalsvc.pipeline import Evaluation
from evalsvc.report.json_log import logs_json
from evalsvc.telling.message import About
from evalsvc.telling.termination import failed, finished, write_termination

COMMAND_FIRST: Final = "first the command, then what belongs to it, as in: evalsvc run eval.yaml --json"


@dataclass(slots=True, kw_only=True)
class Ending:
    """`json`: stdout owes a last line, the result."""

    json: bool
    about: About | None = None  # once it is known which run it is

    def evaluated(self, evaluation: Evaluation, *, positive: str | None) -> None:
        """For the container alone: the result is printed by whoever calls this."""
        assert self.about is not None  # noqa: S101
        if evaluation.error is not None:
            said = failed(self.about, evaluation.error, evaluation.summary, durable=evaluation.durable)
        elif evaluation.summary is not None:
            said = finished(self.about, evaluation.summary, exit_code=evaluation.exit_code, positive=positive)
        else:
            return
        write_termination(said, os.environ)

    def failed(self, error: EvalsvcError) -> None:
        """Of what was raised: bad usage, what stood in the way of the first request, a bug."""
        self.cut_short(error)
        if self.json:
            say_result(error)

    def cut_short(self, error: EvalsvcError) -> None:
        """As `failed`, by a signal that lets nobody wait for stdout."""
        write_termination(failed(self.about, error, None, durable=None), os.environ)


def misused(message: str, *, hint: str) -> None:
    """Of a command line that was not understood; the message itself, and where the help is, are on stderr already, as text."""
    error = UsageError(message, hint=hint)
    logs = logs_json(os.environ)
    Ending(json=logs or "--json" in sys.argv).failed(error)
    if logs:
        say(error)
    elif hint == COMMAND_FIRST:
        remark(f"  try: {hint}")
