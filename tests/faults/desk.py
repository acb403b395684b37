"""The desk of the end-to-end tests, with a key in its runs' environment that must never be seen again."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.e2e.desk import PATIENCE_S, Desk, Ended, ended
from tests.faults.canary import CANARY, is_in

KEY_VARIABLE = "THE_TESTS_API_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultDesk(Desk):
    """Every run here sends CANARY as its key, and has it in OPENAI_API_KEY too; what `run` gives back has been looked through for it."""

    def write_config(self, **changes: Any) -> None:
        model = {"api_key_env": KEY_VARIABLE, **changes.pop("model", {})}
        Desk.write_config(self, model=model, **changes)

    def start(self, *args: str, environ: Mapping[str, str] | None = None, **more: Any) -> "subprocess.Popen[str]":
        keys = {KEY_VARIABLE: CANARY, "OPENAI_API_KEY": CANARY}
        return Desk.start(self, *args, environ={**keys, **(environ or {})}, **more)

    def run(self, *args: str, environ: Mapping[str, str] | None = None) -> Ended:
        return without_key(ended(self.start(*args, environ=environ)))


def without_key(end: Ended) -> Ended:
    """`end`, of which neither stream tells the key."""
    assert not is_in(end.out), "the key is on stdout"
    assert not is_in(end.err), "the key is on stderr"
    return end


def finished(process: "subprocess.Popen[str]", within_s: float = PATIENCE_S) -> Ended:
    return without_key(ended(process, within_s))
