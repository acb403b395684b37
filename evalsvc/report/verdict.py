"""The first line of a result: is it whole, did it pass, and what does the exit code say."""

from evalsvc.records import GateResult, Summary
from evalsvc.report.facts import Part, Tone
from evalsvc.report.plain import one_line
from evalsvc.report.words import NOTHING, count, some

EXIT_MEANS = {
    0: "complete, gates passed",
    1: "a bug in evalsvc",
    2: "bad usage, config or data set",
    3: "a quality gate failed",
    4: "too many rows in error, or stopped as hopeless",
    5: "credentials, quota or billing refused",
    6: "endpoint down for longer than the outage budget",
    7: "the run directory holds another measurement",
    8: "run directory in use by another process",
    9: "storage failed",
    10: "journal damaged; see evalsvc doctor",
    11: "budget spent",
    75: "stopped, the same command carries on",
}


def verdict(summary: Summary) -> list[Part]:
    """Completeness and gates, each with its colour."""
    return [_completeness(summary), _gates(summary)]


def exit_part(exit_code: int) -> Part:
    """The exit code in words; 0 needs none.

    >>> exit_part(3).text, exit_part(0).text, exit_part(42).text
    ('exit 3: a quality gate failed', 'exit 0', 'exit 42')
    """
    meaning = EXIT_MEANS.get(exit_code) if exit_code else None
    tone = Tone.GOOD if exit_code == 0 else Tone.WARN if exit_code == 75 else Tone.BAD
    return Part(f"exit {exit_code}" + (f": {meaning}" if meaning else ""), tone)


def _completeness(summary: Summary) -> Part:
    rows = summary["rows"]
    if summary["status"] == "complete":
        repeats = summary["run"].get("repeats") or 1
        times = f" × {repeats}" if repeats > 1 else ""
        return Part(f"complete, {some(rows['expected'] // repeats, 'row')}{times}", Tone.STRONG)
    return Part(f"partial, {count(rows['expected'] - rows['pending'])} of {some(rows['expected'], 'row')}", Tone.WARN)


def _gates(summary: Summary) -> Part:
    results = [gate["passed"] for gate in summary["gates"]]
    if not results:
        return Part("no gates", Tone.FAINT)
    if None in results:
        return Part(f"{some(len(results), 'gate')} not judged yet", Tone.WARN)
    failed = results.count(False)
    if failed:
        return Part(f"{failed} of {some(len(results), 'gate')} failed", Tone.BAD)
    return Part(f"{some(len(results), 'gate')} passed", Tone.GOOD)


def grounds(gate: GateResult) -> str:
    """Why it did not pass, else its value."""
    # six digits, so that a value just below its threshold does not read as the threshold
    value = NOTHING if gate["value"] is None else f"{gate['value']:.6g}"
    return one_line(gate["reason"]) if gate["reason"] else value
