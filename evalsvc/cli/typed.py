"""The command as it was typed, fit to be shown: it may be in a log that many read."""

import shlex
from collections.abc import Iterator, Sequence

from evalsvc.config.secrets import shown_setting, shown_value

SET = "--set"


def typed(words: Sequence[str]) -> str:
    """The words as a shell takes them, keys that `--set` gives and what signs an address hidden.

    >>> typed(["run", "eval.yaml", "--set", "model.headers.x-api-key=k-123", "--set=limits.concurrency=8"])
    "run eval.yaml --set 'model.headers.x-api-key=***' --set=limits.concurrency=8"
    >>> typed(["run", "https://me:pw@host/test.csv?sig=0123"])
    "run 'https://host/test.csv?sig=***'"
    """
    return shlex.join(_shown(words))


def _shown(words: Sequence[str]) -> Iterator[str]:
    before = ""
    for word in words:
        if before == SET:
            yield shown_setting(word)
        elif word.startswith(f"{SET}="):
            yield f"{SET}={shown_setting(word.removeprefix(f'{SET}='))}"
        else:
            option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
            yield option + equals + shown_value(value)
        before = word
