"""All metrics of a run: those of the outcomes, the means of scores, and the user's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from evalsvc.config import EvalConfig
from evalsvc.metrics.classification import classification_metrics, confusion_matrix, per_class
from evalsvc.metrics.custom import custom_metrics
from evalsvc.metrics.families.registry import has_accuracy, shown_metrics, slice_columns
from evalsvc.metrics.gates import available_metrics, check_metrics
from evalsvc.metrics.measured import Sampling, measured_metrics, slices_of
from evalsvc.metrics.outcomes import outcome_metrics
from evalsvc.metrics.ranked import RankTally
from evalsvc.metrics.sums import Resampling
from evalsvc.metrics.tally import ConfusionTally
from evalsvc.metrics.thresholds import thresholds
from evalsvc.records import MetricValue, RunWarning
from evalsvc.reduce.fold import Fold
from evalsvc.reduce.graded import Graded
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.verdicts import run_warnings


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What gates are held against, and what of it is reported."""

    metrics: Mapping[str, MetricValue]
    reported: Sequence[str]
    per_class: dict[str, dict[str, float | int | None]]
    confusion_matrix: dict[str, Any] | None
    thresholds: dict[str, Any] | None
    warnings: list[RunWarning]


def numbers(plan: Plan, fold: Fold, graded: Graded) -> Numbers:
    tally = fold.tallies.outcomes
    classes = per_class(tally) if isinstance(tally, ConfusionTally) else {}
    of_outcomes, means = _of_outcomes(plan, fold, graded), graded.metrics()
    own = {name: state["metric"] for name, state in fold.custom.items()}
    extensions = {**means, **own}
    metrics = {**of_outcomes, **_measured(plan, graded), **extensions}
    _add_slices(plan, graded, metrics)
    return Numbers(
        metrics=metrics,
        reported=[*reported(plan.config, has_labels=bool(plan.labels)), *extensions],
        per_class=classes,
        confusion_matrix=confusion_matrix(tally) if isinstance(tally, ConfusionTally) else None,
        thresholds=_thresholds(plan, graded),
        warnings=[*run_warnings(plan, fold.tallies, graded, metrics, classes), *_named_twice(means.keys() & own.keys())],
    )


def reported(config: EvalConfig, *, has_labels: bool) -> tuple[str, ...]:
    """The metrics that the config asks for, without those of the user's own."""
    names = check_metrics(
        config.metrics,
        positive=config.scoring.positive if has_labels else None,
        available=available_metrics(config.task, has_labels=has_labels, own_scorer=config.scoring.scorer is not None),
        shown=shown_metrics(config),
        custom=[metric.written for metric in custom_metrics(config)],
    )
    return names if config.metrics or has_accuracy(config) else tuple(name for name in names if name != "accuracy")


def _sampling(plan: Plan) -> Sampling:
    config = plan.config
    return Sampling(
        resampling=Resampling.of(samples=int(plan.manifest.dataset["rows"]), grouped=config.dataset.group is not None),
        repeats=config.repeats,
        positive=config.scoring.positive,
    )


def _measured(plan: Plan, graded: Graded) -> dict[str, MetricValue]:
    return {} if graded.kept is None else measured_metrics(graded.kept, _sampling(plan))


def _thresholds(plan: Plan, graded: Graded) -> dict[str, Any] | None:
    scoring = plan.config.scoring
    for tally in () if graded.kept is None else graded.kept.all.own:
        if isinstance(tally, RankTally):
            return cast(dict[str, Any] | None, thresholds(tally, scoring.positive, scoring.operating_point))
    return None


def _add_slices(plan: Plan, graded: Graded, metrics: dict[str, MetricValue]) -> None:
    columns = slice_columns(plan.config, plan.metrics)
    if graded.kept is None or not columns:
        return
    for name, slices in slices_of(graded.kept, columns, _sampling(plan)).items():
        if name in metrics:
            metrics[name]["slices"] = slices


def _of_outcomes(plan: Plan, fold: Fold, graded: Graded) -> dict[str, MetricValue]:
    tallies, config = fold.tallies, plan.config
    if isinstance(tallies.outcomes, ConfusionTally):
        return classification_metrics(
            tallies.outcomes,
            ok=tallies.ok,
            expected=fold.expected(plan),
            positive=config.scoring.positive,
            repeats=config.repeats,
            clustered=graded.confusion_by_cluster(tallies.outcomes),
        )
    return outcome_metrics(
        tallies.outcomes,
        ok=tallies.ok,
        expected=fold.expected(plan),
        repeats=config.repeats,
        clustered=graded.shares_by_cluster(),
        by=graded.clustered_by or "",
    )


def _named_twice(names: set[str]) -> list[RunWarning]:
    return [
        {
            "kind": "named_twice",
            "message": f"{name} is a metric and a score too; shown is the metric, so rename one of them",
            "evidence": {"name": name},
        }
        for name in sorted(names)
    ]
