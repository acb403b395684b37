"""What a webhook says: how a run ended, or that it stands still. Numbers and reasons; no prompt, no reply and no secret is in it.

Which event it is, its id and its time are added when it is sent.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from evalsvc.errors import EvalsvcError
from evalsvc.records import Summary
from evalsvc.report.failure import error_values
from evalsvc.report.plain import one_line
from evalsvc.report.sentence import sentence
from evalsvc.report.words import count, duration, some
from evalsvc.telling.stall import Pulse

FINISH, FAILURE, STALL = "finish", "failure", "stall"
TEXT_AT_MOST = 1000  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Which run it is."""

    name: str
    id: str
    dir: str
    model: str
    host: str  # where it runs


def finished(about: About, summary: Summary, *, exit_code: int, positive: str | None) -> dict[str, Any]:
    """Of a complete run: exit 0, 3 or 4. `positive` is as in `sentence`."""
    said = finished_words(summary, exit_code=exit_code, positive=positive)
    return {**_frame(about, said), "exit_code": exit_code, **numbers(summary), "error": None}


def failed(about: About, error: EvalsvcError, summary: Summary | None, *, exit_code: int) -> dict[str, Any]:
    """Of a run that an error ended; what it has answered until then is there where anything is."""
    said = failed_words(error, summary, exit_code=exit_code)
    return {**_frame(about, said), "exit_code": exit_code, **numbers(summary), "error": error_values(error)}


def finished_words(summary: Summary, *, exit_code: int, positive: str | None) -> str:
    verdict = sentence(summary, passed=exit_code == 0, positive=positive)
    return f"{verdict.lead}: {verdict.rest}"


def failed_words(error: EvalsvcError, summary: Summary | None, *, exit_code: int) -> str:
    so_far = "" if summary is None else f" after {_so_far(summary)}"
    return f"stopped{so_far}, exit {exit_code}: {error.message}"


def stalled(about: About, pulse: Pulse, *, silent_s: float) -> dict[str, Any]:
    """Of a run that goes on, and to which no answer came for `silent_s`."""
    waiting = f"; waiting for {pulse.waiting_for}" if pulse.waiting_for else ""
    said = f"no answer for {duration(silent_s)}, {count(pulse.done)} of {some(pulse.expected, 'row')} done{waiting}"
    rows = {"expected": pulse.expected, "pending": pulse.expected - pulse.done}
    return {**_frame(about, said), "rows": rows, "silent_s": round(silent_s, 3), "waiting_for": pulse.waiting_for}


def _frame(about: About, said: str) -> dict[str, Any]:
    return {"text": slack_text(f"{about.name} · {said}"), "run": asdict(about)}


def slack_text(said: str) -> str:
    """One line that Slack and its kin show as it stands: <, > and & would be links, channels and people there.

    >>> slack_text("a <!channel> & b")
    'a &lt;!channel&gt; &amp; b'
    """
    line = one_line(said)
    line = line if len(line) <= TEXT_AT_MOST else line[: TEXT_AT_MOST - 1] + "…"
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _so_far(summary: Summary) -> str:
    rows = summary["rows"]
    return f"{count(rows['expected'] - rows['pending'])} of {some(rows['expected'], 'row')}"


def numbers(summary: Summary | None) -> dict[str, Any]:
    """All null without a summary."""
    if summary is None:
        return dict.fromkeys(("status", "rows", "gates", "metrics", "cost_usd"))
    return {
        "status": summary["status"],
        "rows": summary["rows"],
        "gates": [{key: gate[key] for key in ("gate", "passed", "value", "reason")} for gate in summary["gates"]],
        "metrics": _headline(summary),
        "cost_usd": summary["cost_usd"],
    }


def _headline(summary: Summary) -> Mapping[str, Any]:
    """The first metric that has a value."""
    for name, metric in summary["metrics"].items():
        if metric["value"] is not None:
            return {name: {key: metric[key] for key in ("value", "ci_low", "ci_high", "n")}}
    return {}
