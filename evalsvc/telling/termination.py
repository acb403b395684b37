"""The last word of a `run` for whoever started its container: one JSON object in /dev/termination-log, which Kubernetes shows with the pod.

https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
"""

import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from itertools import islice
from typing import Any, Final

from evalsvc.errors import GATE_FAILED, TOO_MANY_ERRORS, EvalsvcError
from evalsvc.jsonio import dumps
from evalsvc.metrics.gates import gated_metrics
from evalsvc.records import Summary
from evalsvc.report.failure import error_values
from evalsvc.report.plain import one_line
from evalsvc.telling.message import About, failed_words, finished_words, numbers

NAMED_BY: Final = "EVALSVC_TERMINATION_LOG"
DEFAULT: Final = "/dev/termination-log"
BYTES_AT_MOST: Final = 4096  # what Kubernetes keeps
KEPT_AT_MOST: Final = 20  # metrics, and gates
SHORTEST: Final = 8  # characters; halving such a text gains nothing


def finished(about: About, summary: Summary, *, exit_code: int, positive: str | None) -> dict[str, Any]:
    """Of a complete run: exit 0, 3 or 4. `positive` is as in `sentence`."""
    said = f"{about.name} · {finished_words(summary, exit_code=exit_code, positive=positive)}"
    return {**_frame(about, said, exit_code, summary), "error": None, "next": _next_step(about, exit_code)}


def failed(about: About | None, error: EvalsvcError, summary: Summary | None, *, durable: int | None) -> dict[str, Any]:
    """Of a run that an error ended; `about` is None where it was not known yet which.

    So many rows are `durable`, with their final record on the disk; None: nobody has counted.
    """
    who = "" if about is None else f"{about.name} · "
    said = who + failed_words(error, summary, exit_code=error.exit_code)
    frame = _frame(about, said, error.exit_code, summary)
    return {**frame, "durable": durable, "error": error_values(error), "next": error.hint}


def _frame(about: About | None, said: str, exit_code: int, summary: Summary | None) -> dict[str, Any]:
    rows = None if summary is None else summary["rows"]
    return {
        "text": one_line(said),
        "exit_code": exit_code,
        "run": None if about is None else asdict(about),
        **numbers(summary),
        "gates": None if summary is None else _gates(summary),
        "metrics": None if summary is None else _metrics(summary),
        "durable": None if rows is None else rows["ok"] + rows["error"],
    }


def _gates(summary: Summary) -> list[dict[str, Any]]:
    """Those that failed before those that passed."""
    gates = sorted(summary["gates"], key=lambda gate: gate["passed"] is True)
    return [{key: gate[key] for key in ("gate", "passed", "value", "reason")} for gate in gates[:KEPT_AT_MOST]]


def _metrics(summary: Summary) -> dict[str, Any]:
    """Those that gates name, else the first that has a value."""
    metrics = summary["metrics"]
    gated = [name for name in dict.fromkeys(gated_metrics([gate["gate"] for gate in summary["gates"]])) if name in metrics]
    named = gated[:KEPT_AT_MOST] or list(islice((name for name, metric in metrics.items() if metric["value"] is not None), 1))
    return {name: {key: metrics[name][key] for key in ("value", "ci_low", "ci_high")} for name in named}


def _next_step(about: About, exit_code: int) -> str | None:
    if exit_code == TOO_MANY_ERRORS:
        return f"jq -c 'select(.error).error' {shlex.quote(about.dir)}/predictions.jsonl | sort | uniq -c | sort -rn | head"
    return f"evalsvc show {shlex.quote(about.dir)}" if exit_code == GATE_FAILED else None


def write_termination(said: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """Into the file that EVALSVC_TERMINATION_LOG names, else /dev/termination-log. Nothing where that is not there or cannot be written."""
    with suppress(OSError):
        # neither made where there is none, nor waited for where it is a pipe
        file = os.open(environ.get(NAMED_BY, DEFAULT), os.O_WRONLY | os.O_TRUNC | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            os.write(file, fitting(said))
        finally:
            os.close(file)


def fitting(said: Mapping[str, Any], at_most: int = BYTES_AT_MOST) -> bytes:
    """As JSON of at most so many bytes: without the last metrics, then without the last gates, then with its longest text halved.

    Where that is not enough, without its last fields.

    >>> fitting({"metrics": {"accuracy": 0.9, "f1": 0.8, "mcc": 0.7}, "gates": []}, 40)
    b'{"metrics":{"accuracy":0.9},"gates":[]}'
    >>> fitting({"error": {"message": "no such file"}, "next": None}, 45)
    b'{"error":{"message":"no suc\\xe2\\x80\\xa6"},"next":null}'
    """
    line = dumps(dict(said))
    while len(line) > at_most:
        said = _less(said)
        line = dumps(dict(said))
    return line


def _less(said: Mapping[str, Any]) -> Mapping[str, Any]:
    metrics, gates = said.get("metrics") or {}, said.get("gates") or ()
    if len(metrics) > 1:
        return {**said, "metrics": dict(islice(metrics.items(), len(metrics) - 1))}
    if len(gates) > 1:
        return {**said, "gates": gates[:-1]}
    longest = max(_texts(said), key=len, default="")
    if len(longest) < SHORTEST:
        return dict(islice(said.items(), len(said) - 1))
    return {key: _halved(value, longest) for key, value in said.items()}


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    below = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [text for part in below for text in _texts(part)]


def _halved(value: Any, longest: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _halved(part, longest) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_halved(part, longest) for part in value]
    return f"{longest[: len(longest) // 2]}…" if value == longest else value
