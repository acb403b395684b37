"""The metrics that need no labels: shares of the rows that a scorer of the user's called correct, and of those it read at all."""

from collections.abc import Mapping

from evalsvc.metrics.classification import cluster_signature
from evalsvc.metrics.clusters import cluster_share
from evalsvc.metrics.intervals import wilson
from evalsvc.metrics.tally import OutcomeTally
from evalsvc.records import MetricValue, Outcome

_VERSION = 1


def is_judged(outcome: str) -> bool:
    """Whether a row with this outcome is in accuracy's denominator: all but those for which there is no right or wrong."""
    return outcome != Outcome.SCORED


def outcome_metrics(
    tally: OutcomeTally,
    *,
    ok: int,
    expected: int,
    repeats: int = 1,
    clustered: Mapping[int, tuple[int, int]] | None = None,
    by: str = "group",
) -> dict[str, MetricValue]:
    """accuracy, parse_rate and coverage, as `classification_metrics` gives them. `clustered`: correct and judged rows by group."""
    rows = tally.value()
    correct, decided = rows[Outcome.CORRECT], rows[Outcome.CORRECT] + rows[Outcome.WRONG]
    judged = sum(count for outcome, count in rows.items() if is_judged(outcome)) if decided else 0
    accuracy = _share(correct, judged, repeats, "of:judged", "the scorer called no row correct or wrong")
    if clustered is not None and judged:
        low, high = cluster_share(clustered) or (None, None)
        accuracy |= {"ci_low": low, "ci_high": high, "signature": f"of:judged|{cluster_signature(len(clustered), by)}|v:{_VERSION}"}
    accuracy["on_parsed"] = correct / decided if decided else None
    return {
        "accuracy": accuracy,
        "parse_rate": _share(decided + rows[Outcome.SCORED], ok, repeats, "of:ok", "no row was answered"),
        "coverage": _share(ok, expected, repeats, "of:expected", "no row is expected"),
    }


def _share(part: int, whole: int, repeats: int, of: str, why_none: str) -> MetricValue:
    as_one = f"|repeats:{repeats}-as-one" if repeats > 1 else ""
    signature = f"{of}|ci:wilson95{as_one}|v:{_VERSION}"
    if not whole:
        return {"value": None, "ci_low": None, "ci_high": None, "n": 0, "signature": signature, "reason": why_none}
    low, high = wilson(part / repeats, whole / repeats)
    return {"value": part / whole, "ci_low": low, "ci_high": high, "n": whole, "signature": signature}
