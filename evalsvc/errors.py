"""What can stop a run, each class tied to its exit code. One row's failure is a record, never one of these.

    EvalsvcError                1   a bug in evalsvc, when nothing more exact is known
    ├── UsageError              2   bad usage, config or data set; the message says what, where and what to do
    │   └── ModelNotFound       2   the endpoint has no such model
    ├── TooManyUnusable         4   `stop_if` met
    ├── CredentialsRefused      5   credentials, quota or billing refused
    ├── EndpointDown            6   down for longer than the outage budget
    ├── IdentityDiffers         7   the named run directory holds another measurement
    ├── RunInUse                8   another process holds the run directory
    ├── StorageFailed           9   full, read-only, I/O error; or the process may open no more files
    │   └── OutOfMemory         9   memory, not the disk, has no room left
    ├── JournalDamaged         10   damage in the middle of the journal
    ├── BudgetSpent            11   raise the budget and run again
    └── Stopped                75   by a signal or the maximum runtime; resumable

3 (a gate failed) and 4 as max_error_rate has it are verdicts on a complete run and are not raised.
"""

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:  # pathlib takes longer than the rest of the start, and a signal may come meanwhile
    from pathlib import Path


class EvalsvcError(Exception):
    """Base of everything that evalsvc raises on purpose.

    `hint` is the next thing to do, often a command to type; the message itself says what happened and where. `run_dir`
    is where the answers are that were had before, set on what ended a run that had begun.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.run_dir: Path | None = None


class UsageError(EvalsvcError):
    exit_code = 2


class ModelNotFound(UsageError):
    pass


class TooManyUnusable(EvalsvcError):
    exit_code = 4


class CredentialsRefused(EvalsvcError):
    exit_code = 5


class EndpointDown(EvalsvcError):
    exit_code = 6


class IdentityDiffers(EvalsvcError):
    exit_code = 7


class RunInUse(EvalsvcError):
    exit_code = 8


class StorageFailed(EvalsvcError):
    exit_code = 9


class OutOfMemory(StorageFailed):
    pass


class JournalDamaged(EvalsvcError):
    exit_code = 10


class BudgetSpent(EvalsvcError):
    exit_code = 11


class Stopped(EvalsvcError):
    exit_code = 75


MORE_MEMORY = (
    "give it more memory (ulimit -v, the container's limit), or lower limits.concurrency; "
    "then run the same command again: what was answered is kept"
)
# How a library that cannot be mapped into memory, and a thread that has no room for its stack, are told.
_NO_ROOM = ("Cannot allocate memory", "failed to map segment", "can't start new thread")


def in_words(exc: Exception) -> EvalsvcError | None:
    """`exc` as it is told: itself where it was raised on purpose, OutOfMemory where memory is short; None for a bug.

    >>> in_words(MemoryError()), in_words(ValueError())
    (OutOfMemory('out of memory'), None)
    """
    if isinstance(exc, EvalsvcError):
        return exc
    if isinstance(exc, ExceptionGroup):
        return next(filter(None, map(in_words, exc.exceptions)), None)
    told = str(exc)
    if isinstance(exc, MemoryError) or (isinstance(exc, ImportError | OSError | RuntimeError) and any(words in told for words in _NO_ROOM)):
        return OutOfMemory("out of memory" + (f": {told}" if told else ""), hint=MORE_MEMORY)
    return None


def as_bug(exc: Exception) -> EvalsvcError:
    """For who is told of it from afar: without what `exc` says, which may hold a row."""
    return EvalsvcError(f"a bug in evalsvc: {type(exc).__name__}", hint="run again with --verbose and report it")


GATE_FAILED = 3
TOO_MANY_ERRORS = 4
