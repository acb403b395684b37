"""A run in motion: the same facts for people, for grep and for programs."""

import json
from dataclasses import asdict
from typing import Any

from evalsvc.records import Progress
from evalsvc.report.facts import Fact, Part, Tone, fact, trouble
from evalsvc.report.plain import one_line
from evalsvc.report.words import count, duration, interval, rate, score, usd


def progress_facts(progress: Progress) -> list[Fact]:
    """The lines under the bar; their number does not change while a run goes on, so that nothing jumps."""
    facts = [
        _speed(progress),
        fact("in flight", f"{count(progress.in_flight)} of {count(progress.limit)}", _delayed(progress), _waiting(progress)),
        _calls(progress),
        fact("latency", f"p50 {duration(progress.p50_s)}", f"p95 {duration(progress.p95_s)}"),
        _tokens(progress),
        fact("disk", f"written {count(progress.accepted)}", f"on disk {count(progress.durable)}"),
    ]
    if progress.accuracy is not None:
        facts.append(_accuracy(progress))
    return facts


def _speed(progress: Progress) -> Fact:
    left = None if progress.eta_s is None else Part(f"{duration(progress.eta_s)} left", Tone.STRONG)
    return fact("speed", rate(progress.rows_per_s), f"{duration(progress.elapsed_s)} so far", left)


def _delayed(progress: Progress) -> str | None:
    return f"{count(progress.delayed)} delayed" if progress.delayed else None


def _waiting(progress: Progress) -> Part | None:
    return Part(f"waiting for {one_line(progress.waiting_for)}", Tone.WARN) if progress.waiting_for else None


def _calls(progress: Progress) -> Fact:
    return fact(
        "calls",
        count(progress.attempts),
        trouble(progress.rate_limited, f"{count(progress.rate_limited)} rate-limited"),
        trouble(progress.retries, f"{count(progress.retries)} retried"),
        trouble(progress.errors, f"{count(progress.errors)} failed", Tone.BAD),
    )


def _tokens(progress: Progress) -> Fact:
    usage = progress.usage
    cost = None if progress.cost_usd is None else usd(progress.cost_usd)
    return fact("tokens", f"{count(usage.input)} in", f"{count(usage.output)} out", cost)


def _accuracy(progress: Progress) -> Fact:
    limits = interval(progress.accuracy_low, progress.accuracy_high, 3)
    return fact("accuracy", Part(f"{score(progress.accuracy, 3)} {limits} so far".replace("  ", " "), Tone.STRONG))


def progress_line(progress: Progress) -> str:
    """One line of `key=value`, keys as in the JSON event, numbers rounded; what is not known is left out."""
    return " ".join(f"{key}={_value(value)}" for key, value in _flat(progress).items() if value is not None)


def _flat(progress: Progress) -> dict[str, Any]:
    values = asdict(progress)
    usage = values.pop("usage")
    return {"done": values.pop("done"), **values, "input_tokens": usage["input"], "output_tokens": usage["output"]}


def _value(value: float | str) -> str:
    """A value that one `key=value` word can hold.

    >>> _value(3412), _value(0.412345), _value(20.0), _value("the rate limit")
    ('3412', '0.4123', '20', '"the rate limit"')
    """
    if isinstance(value, str):
        return json.dumps(one_line(value), ensure_ascii=False)
    return str(value) if isinstance(value, int) else f"{value:.4f}".rstrip("0").rstrip(".")
