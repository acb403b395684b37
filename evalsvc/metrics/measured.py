"""Kept sums -> metrics in the shape of summary.json: of all rows, of each slice, and means over groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evalsvc.metrics.classification import classification_metrics
from evalsvc.metrics.families.metric import SumMetric
from evalsvc.metrics.kept import MOST_SLICES, Kept, SlicedKept
from evalsvc.metrics.names import OF_ROWS, range_of
from evalsvc.metrics.outcomes import outcome_metrics
from evalsvc.metrics.slices import holm, p_values
from evalsvc.metrics.sums import FEW_CLUSTERS, Estimate, Resampling, SumTally, estimates, interval_of_mean
from evalsvc.metrics.tally import ConfusionTally
from evalsvc.records import MetricValue, SliceValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the rows came about, as far as intervals depend on it."""

    resampling: Resampling
    repeats: int = 1
    positive: str | None = None

    @property
    def grouped(self) -> bool:
        return self.resampling is Resampling.BY_GROUP

    @property
    def independent(self) -> bool:
        """Whether every row is a draw of its own."""
        return self.repeats == 1 and not self.grouped


def measured_metrics(kept: SlicedKept, sampling: Sampling) -> dict[str, MetricValue]:
    """All metrics beside those of the outcomes, over all rows."""
    found = _measured(kept.all, sampling)
    for metric in kept.all.shape.sums:
        if metric.by is not None:
            found[metric.name] = _mean_over_groups(metric, kept, sampling)
    return found


def _measured(kept: Kept, sampling: Sampling) -> dict[str, MetricValue]:
    found: dict[str, MetricValue] = {}
    if kept.sums.width:
        of_sums = estimates(kept.sums, sampling.resampling, wilson_fits=sampling.independent)
        found = {metric.name: _value(metric, of_sums[metric.name]) for metric in kept.shape.sums}
    for tally in kept.own:
        found |= tally.value()
    return found


def _value(metric: SumMetric, estimate: Estimate) -> MetricValue:
    value: MetricValue = {
        "value": estimate.value,
        "ci_low": _within_range(metric, estimate.low, estimate.value),
        "ci_high": _within_range(metric, estimate.high, estimate.value),
        "n": estimate.n,
        "on_parsed": estimate.on_parsed,
        "signature": f"{metric.signature}|{estimate.how}",
    }
    if estimate.value is None:
        value["reason"] = metric.why_none
    return value


def _within_range(metric: SumMetric, end: float | None, value: float | None) -> float | None:
    """The end of an interval around `value`, which knows nothing of where the metric ends; a BLEU of 100 may be 4e-14 more."""
    if end is None or value is None:
        return None
    least, most = metric.ends or range_of(metric.name)
    return min(max(end, min(least, value)), max(most, value))


def _mean_over_groups(metric: SumMetric, kept: SlicedKept, sampling: Sampling) -> MetricValue:
    """The unweighted mean over the values of `metric.by`; there is no number over all rows pooled."""
    column = metric.by or ""
    seen = kept.slices.get(column, {})
    # which ones are kept of too many depends on who came first
    groups = seen if len(seen) <= MOST_SLICES else {}
    tallies = {name: _alone(group.sums, metric) for name, group in sorted(groups.items())}
    values = [metric.value(tally.all[1:]) for tally in tallies.values()]
    there = [value for value in values if value is not None]
    mean = sum(there) / len(there) if there else None
    estimate = interval_of_mean(list(tallies.values()), metric, sampling.resampling)
    low, high = (None, None) if estimate is None or mean is None else (min(estimate.low, mean), max(estimate.high, mean))
    on_parsed = [one for tally in tallies.values() if (one := metric.value(tally.parsed[1:])) is not None]
    value: MetricValue = {
        "value": mean,
        "ci_low": _within_range(metric, low, mean),
        "ci_high": _within_range(metric, high, mean),
        "n": sum(tally.all[0] for tally in tallies.values()),
        "on_parsed": sum(on_parsed) / len(on_parsed) if on_parsed else None,
        "signature": f"{metric.signature}|mean-over:{column}|groups:{len(there)}" + (f"|{estimate.how}" if estimate is not None else ""),
    }
    if mean is None:
        value["reason"] = metric.why_none if groups else _no_groups(column, seen)
    return value


def _no_groups(column: str, seen: Mapping[str, Kept]) -> str:
    if seen:
        return f"{column!r} has more than {MOST_SLICES} different values: name a column that puts many rows into few groups"
    return f"no row has a value in {column!r}"


def _alone(tally: SumTally, metric: SumMetric) -> SumTally:
    """The sums of one of the tally's metrics."""
    place = next(place for one, place in tally.places() if one is metric)
    own = slice(place.start - 1, place.stop)
    return SumTally(
        width=metric.width + 1,
        all=tally.all[own],
        without=tally.without[own],
        clusters={cluster: row[own] for cluster, row in tally.clusters.items()},
        metrics=(metric,),
    )


def slices_of(kept: SlicedKept, columns: Sequence[str], sampling: Sampling) -> dict[str, dict[str, dict[str, SliceValue]]]:
    """Metric -> column -> value -> number, interval, rows, and the p-value that these rows are like all others (slices.py).

    Shares of asked rows (parse_rate, coverage) are of the run, not of slices.
    """
    found: dict[str, dict[str, dict[str, SliceValue]]] = {}
    for column, parts in kept.shown(columns).items():
        positive = None if sampling.positive is None else kept.all.shape.labels.index(sampling.positive)
        p_of = p_values(kept.all, parts, positive=positive) if len(parts) > 1 else {}
        for value, part in parts.items():
            for name, metric in _all_of(part, sampling).items():
                number: SliceValue = {"value": metric["value"], "ci_low": metric["ci_low"], "ci_high": metric["ci_high"], "n": metric["n"]}
                found.setdefault(name, {}).setdefault(column, {})[value] = number
        for name, by_column in found.items():
            if column in by_column:
                _add_p_values(by_column[column], {value: p[name] for value, p in p_of.items() if name in p})
    return found


def _add_p_values(numbers: dict[str, SliceValue], p_of: Mapping[str, float]) -> None:
    for value, p in holm(p_of).items():
        numbers[value]["p_holm"] = p


def _all_of(part: Kept, sampling: Sampling) -> dict[str, MetricValue]:
    tally = part.outcomes()
    clusters = sampling.grouped or (sampling.repeats > 1 and len(part.cells) >= FEW_CLUSTERS)
    by = "group" if sampling.grouped else "id"
    if isinstance(tally, ConfusionTally):
        clustered = replace(part.clustered(), by=by) if clusters else None
        of_outcomes = classification_metrics(
            tally, ok=0, expected=0, positive=sampling.positive, repeats=sampling.repeats, clustered=clustered
        )
    else:
        of_outcomes = outcome_metrics(
            tally, ok=0, expected=0, repeats=sampling.repeats, clustered=part.shares() if clusters else None, by=by
        )
    return {name: metric for name, metric in of_outcomes.items() if name not in OF_ROWS} | _measured(part, sampling)
