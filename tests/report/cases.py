"""Runs, summaries and screens to look at."""

import io
from dataclasses import replace
from typing import Any

from rich.console import RenderableType

from evalsvc.records import Progress, Summary, Usage
from evalsvc.report import Exchange, RunIntro
from evalsvc.report.console import Unpadded, open_console

PROGRESS = Progress(
    expected=5574,
    done=3412,
    errors=2,
    launch_done=2212,
    rows_per_s=812.3,
    eta_s=200.4,
    in_flight=640,
    limit=1000,
    delayed=12,
    waiting_for=None,
    attempts=3500,
    rate_limited=11,
    retries=5,
    p50_s=0.24,
    p95_s=0.41,
    usage=Usage(input=120_400, output=5574),
    cost_usd=0.314,
    accuracy=0.934,
    accuracy_low=0.921,
    accuracy_high=0.9449,
    accepted=8120,
    durable=8004,
    elapsed_s=4.2,
)

INTRO = RunIntro(
    name="spam-ft-v3",
    run_dir="runs/spam-ft-v3/1a2b3c4d",
    model="ft:gpt-4.1-mini:acme::abc123",
    endpoint="https://api.openai.com/v1",
    rows=5574,
    finished=1200,
    ceiling=1000,
)

EXCHANGE = Exchange(
    messages=[{"role": "system", "content": "Answer with one word."}, {"role": "user", "content": "Win a prize!"}],
    reply="Spam.",
    error=None,
    extracted="spam",
    rule="exact",
    target="spam",
    outcome="correct",
)


def progress(**changes: Any) -> Progress:
    return replace(PROGRESS, **changes)


def summary(**changes: Any) -> Summary:
    """A small complete run with a failed gate, a warning and a few replies without a label."""
    whole: dict[str, Any] = {
        "v": 1,
        "name": "spam-ft-v3",
        "status": "complete",
        "rows": {"expected": 5574, "ok": 5570, "error": 4, "pending": 0},
        "outcomes": {"correct": 5490, "wrong": 71, "unparsed": 9, "ambiguous": 0, "error": 4, "pending": 0},
        "metrics": {
            "accuracy": {"value": 0.98493, "ci_low": 0.9813, "ci_high": 0.9878, "n": 5574, "on_parsed": 0.98723, "signature": "s"},
            "mcc": {"value": None, "ci_low": None, "ci_high": None, "n": 0, "reason": "only one class", "signature": "s"},
        },
        "per_class": {
            "spam": {"precision": 0.957, "recall": 0.9304, "f1": 0.9435, "support": 747, "predicted": 726},
            "ham": {"precision": None, "recall": 0.9934, "f1": 0.9914, "support": 4827, "predicted": 4835},
        },
        "confusion_matrix": {
            "rows": ["spam", "ham"],
            "columns": ["spam", "ham", "unparsed", "ambiguous", "error"],
            "counts": [[695, 40, 9, 0, 3], [31, 4795, 0, 0, 1]],
        },
        "gates": [
            {"gate": "recall >= 0.80", "passed": True, "value": 0.9304, "reason": None},
            {"gate": "f1_macro >= 0.98", "passed": False, "value": 0.979996, "reason": "0.979996 is below 0.98"},
        ],
        "warnings": [{"kind": "class_imbalance", "message": "'spam' has 747 of 5,574 rows", "evidence": {}}],
        "usage": {"input": 172_794, "output": 5574, "cached": 3000, "reasoning": 0},
        "cost_usd": 0.0781,
        "calls": {"attempts": 5590, "retries": 16, "rate_limited": 12},
        "latency_s": {"p50": 0.24, "p90": 0.37, "p95": 0.41, "p99": 0.7, "max": 2.3},
        "timing": {"wall_s": 200.0, "launches": 2, "rows_per_s": 812.3},
        "run": {"id": "1a2b3c4d", "model": "ft:abc123", "revision": "r7", "endpoint": "https://api.openai.com/v1"},
    }
    return Summary(**{**whole, **changes})  # type: ignore[typeddict-item]


def drawn(content: RenderableType, *, width: int = 80, colour: bool = False) -> str:
    """What stands on a screen of `width` columns."""
    screen = Screen()
    environ = {"TERM": "xterm-256color"} if colour else {"TERM": "xterm-256color", "NO_COLOR": "1"}
    open_console(screen if colour else io_of(screen), environ, width=width).print(Unpadded(content))
    return screen.getvalue()


class Screen(io.StringIO):
    """A terminal that remembers everything written to it."""

    def isatty(self) -> bool:
        return True


def io_of(screen: Screen) -> io.StringIO:
    """The same memory without being a terminal, so that not even bold is written."""
    screen.isatty = lambda: False  # type: ignore[method-assign]
    return screen


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
