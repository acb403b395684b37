"""What the numbers of a result rest on and what they cost."""

from collections.abc import Mapping
from typing import Any, Final

from evalsvc.records import Summary
from evalsvc.report.facts import Fact, Part, Tone, fact, trouble
from evalsvc.report.plain import one_line
from evalsvc.report.words import count, duration, rate, some, usd


def footing(summary: Summary) -> list[Fact]:
    """Model, tokens and money, calls, latency, time and what bounded it; a line without data is left out."""
    durations = [_durations(summary, key, name) for key, name in _DURATIONS.items()]
    lines = [_model(summary), _tokens(summary), _calls(summary), *durations, _time(summary), _bounded(summary)]
    return [line for line in lines if line.parts]


def _model(summary: Summary) -> Fact:
    run = summary["run"]
    named = " at ".join(one_line(str(run[key])) for key in ("model", "endpoint") if run.get(key))
    revision = f"revision {one_line(str(run['revision']))}" if run.get("revision") else None
    return fact("model", named, revision)


def _tokens(summary: Summary) -> Fact:
    usage = summary["usage"]
    if not any(usage.values()):
        return fact("tokens")
    cached, reasoning = usage.get("cached", 0), usage.get("reasoning", 0)
    return fact(
        "tokens",
        f"{count(usage.get('input', 0))} in" + (f", {count(cached)} of them cached" if cached else ""),
        f"{count(usage.get('output', 0))} out" + (f", {count(reasoning)} of them reasoning" if reasoning else ""),
        None if summary["cost_usd"] is None else Part(usd(summary["cost_usd"]), Tone.STRONG),
    )


def _calls(summary: Summary) -> Fact:
    calls = summary["calls"]
    if not calls.get("attempts"):
        return fact("calls")
    limited, retries = calls.get("rate_limited") or 0, calls.get("retries") or 0
    failed = summary["rows"].get("error", 0)
    return fact(
        "calls",
        count(calls["attempts"]),
        trouble(limited, f"{count(limited)} rate-limited"),
        trouble(retries, f"{count(retries)} retried"),
        trouble(failed, f"{some(failed, 'row')} failed", Tone.BAD),
    )


# Keys of the summary, and how people call them.
_DURATIONS: Final[Mapping[str, str]] = {"latency_s": "latency", "ttft_s": "1st token", "itl_s": "per piece"}


def _durations(summary: Mapping[str, Any], key: str, name: str) -> Fact:
    measured = summary.get(key) or {}
    return fact(name, *(f"{quantile} {duration(value)}" for quantile, value in measured.items() if value is not None))


def _time(summary: Summary) -> Fact:
    timing = summary["timing"]
    if not timing.get("launches"):
        return fact("time")  # answers that were not asked for here
    wall_s, launches, rows_per_s = timing.get("wall_s"), timing.get("launches"), timing.get("rows_per_s")
    return fact(
        "time",
        None if wall_s is None else duration(wall_s),
        some(launches, "launch", "launches") if launches else None,
        None if rows_per_s is None else rate(rows_per_s),
    )


def _bounded(summary: Summary) -> Fact:
    told = summary["timing"].get("bounded_by")  # absent from older summaries
    if told is None:
        return fact("bounded")
    return fact("bounded", one_line(told["message"] if told["cause"] is None else f"by {told['message']}"))
