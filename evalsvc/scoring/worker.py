"""`python -m evalsvc.scoring.worker`: one process that runs a user's scorer and may be killed at any moment.

On standard input, as lines of JSON: which scorer, then batches of rows. On what was standard output: that it is ready,
or why it never will be; then a line for each row, written before the next row is begun, so that whoever reads knows
which row a worker died or hangs over.
"""

import os
import sys
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, BinaryIO

from evalsvc.errors import UsageError
from evalsvc.extending import Judged, ScoredRow
from evalsvc.jsonio import dumps, loads
from evalsvc.scoring.custom import ScorerSpec, ask, make


def main() -> int:
    answers = _private_stdout()
    lines = SimpleQueue[bytes]()
    # a thread of its own sees at once that whoever asked is gone, even while the scorer works
    Thread(target=_read, args=(_private_stdin(), lines), daemon=True).start()
    spec = ScorerSpec(**loads(lines.get()))
    try:
        scorer = make(spec)
    except UsageError as error:
        _say(answers, {"failed": error.message, "hint": error.hint})
        return 0
    _say(answers, {"ready": True})
    while True:
        _judge(scorer, loads(lines.get()), spec, answers)


def _private_stdout() -> BinaryIO:
    """The pipe to whoever asked. What the scorer prints goes to standard error from now on."""
    pipe = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return pipe


def _private_stdin() -> BinaryIO:
    """The pipe from whoever asks. A scorer that reads standard input is at its end at once, in place of reading the rows."""
    pipe = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return pipe


def _read(pipe: BinaryIO, lines: SimpleQueue[bytes]) -> None:
    for line in pipe:
        lines.put(line)
    os._exit(0)


def _judge(scorer: Callable[[ScoredRow], object], rows: list[dict[str, Any]], spec: ScorerSpec, answers: BinaryIO) -> None:
    for row in rows:
        messages = row.pop("messages")
        said = ask(scorer, ScoredRow(**row, messages=None if messages is None else loads(messages)), spec)
        _say(answers, _told(said))


def _told(said: Judged | str) -> dict[str, Any]:
    if isinstance(said, str):
        return {"error": said}
    return {"prediction": said.prediction, "correct": said.correct, "scores": said.scores}


def _say(answers: BinaryIO, what: dict[str, Any]) -> None:
    rest = memoryview(dumps(what) + b"\n")
    while rest:
        rest = rest[answers.write(rest) :]


if __name__ == "__main__":
    sys.exit(main())
