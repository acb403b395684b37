"""tallies -> Summary. Everything up to `cost_usd` is a function of the winning records alone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from evalsvc import __version__
from evalsvc.config import EvalConfig, Price
from evalsvc.metrics.gates import Gate, Judged, evaluate_gate, least_coverage, undecided
from evalsvc.records import Summary
from evalsvc.reduce.bounded import bounded_by
from evalsvc.reduce.charts import charts
from evalsvc.reduce.fold import Fold
from evalsvc.reduce.graded import grade
from evalsvc.reduce.numbers import numbers
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.timeline import timeline

VERSION = 1  # of summary.json
UNCOMPARED = "not held against its baseline yet"


def summarise(plan: Plan, fold: Fold, events: Iterable[Mapping[str, Any]]) -> Summary:
    tallies, config = fold.tallies, plan.config
    expected = fold.expected(plan)
    pending = expected - tallies.ok - tallies.error
    graded = grade(plan, fold.scored_bytes)
    all_of_it = numbers(plan, fold, graded)
    metrics, classes = all_of_it.metrics, all_of_it.per_class
    judged = Judged(metrics=metrics, per_class=classes, least_coverage=least_coverage(config.max_error_rate))
    events = list(events)
    launches = list(_launches(events))
    return {
        "v": VERSION,
        "name": plan.manifest.name,
        "status": "partial" if pending else "complete",
        "rows": {"expected": expected, "ok": tallies.ok, "error": tallies.error, "pending": pending},
        "outcomes": {**tallies.outcomes.value(), "pending": pending},
        "metrics": {name: metrics[name] for name in all_of_it.reported},
        "per_class": classes,
        "confusion_matrix": all_of_it.confusion_matrix,
        "thresholds": all_of_it.thresholds,
        "charts": charts(plan, tallies.outcomes, graded, all_of_it.thresholds),
        "gates": [
            undecided(gate) if pending else evaluate_gate(gate, judged) if isinstance(gate, Gate) else undecided(gate, UNCOMPARED)
            for gate in plan.gates
        ],
        "warnings": all_of_it.warnings,
        "usage": tallies.usage.value(),
        "cost_usd": cost_usd(tallies.usage.value(), config.model.price),
        "calls": _calls(launches, fold, config),
        "latency_s": tallies.latency.value(),
        "ttft_s": tallies.ttft.value(),
        "itl_s": tallies.itl.value(),
        "timing": {
            **_timing(launches),
            "bounded_by": bounded_by(launches, [event for event in events if event.get("event") == "counters"], config),
            "latency_histogram": tallies.latency.histogram(),
        },
        "timeline": timeline(events),
        "run": {**_run(plan), "served": tallies.served.value()},
    }


def cost_usd(usage: Mapping[str, int], price: Price | None) -> float | None:
    """USD of `usage`; None without a price. Cached input costs what `cached` says, or as much as any input."""
    if price is None:
        return None
    cached = price.input if price.cached is None else price.cached
    fresh = usage["input"] - usage["cached"]
    return (fresh * price.input + usage["cached"] * cached + usage["output"] * price.output) / 1e6


def _launches(events: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """The last counters of each launch: a killed one has those of its last seconds."""
    last: Mapping[str, Any] | None = None
    for event in events:
        if event.get("event") == "launch":
            if last is not None:
                yield last
            last = {}
        elif event.get("event") == "counters":
            last = event
    if last is not None:
        yield last


def _calls(launches: Iterable[Mapping[str, Any]], fold: Fold, config: EvalConfig) -> dict[str, Any]:
    """What was really sent and paid for, as far as the launches lived to tell."""
    totals, by_error, spent = Counter[str](), Counter[str](), Counter[str](input=0, output=0, cached=0, reasoning=0)
    for launch in launches:
        totals.update({name: launch.get(name, 0) for name in ("attempts", "retries", "rate_limited")})
        by_error.update(launch.get("by_error", {}))
        spent.update(launch.get("spent", {}))
    return {
        "attempts": totals["attempts"],
        "retries": totals["retries"],
        "rate_limited": totals["rate_limited"],
        "superseded": len(fold.superseded),
        "by_error": dict(sorted(by_error.items())),
        "spent": {**spent, "usd": cost_usd(spent, config.model.price)},
    }


def _timing(launches: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    launches = list(launches)
    wall_s = sum(launch.get("wall_s", 0.0) for launch in launches)
    rows = sum(launch.get("rows", 0) for launch in launches)
    return {"wall_s": round(wall_s, 3), "launches": len(launches), "rows_per_s": round(rows / wall_s, 3) if wall_s else None}


def _run(plan: Plan) -> dict[str, Any]:
    identity, manifest = plan.manifest.identity, plan.manifest
    return {
        "id": manifest.id,
        "model": identity["model"],
        "revision": identity["revision"],
        "endpoint": identity["endpoint"],
        **{key: identity[key] for key in ("api", "prompt", "params", "max_output_tokens") if key in identity},
        "dataset_sha256": manifest.dataset["sha256"],
        "repeats": plan.config.repeats,
        "evalsvc": __version__,
    }
