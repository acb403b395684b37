"""All metrics of a run: those of the outcomes, the means of scores, and the user's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsvc.config import EvalConfig
from evalsvc.metrics.classification import classification_metrics, confusion_matrix, per_class
from evalsvc.metrics.custom import custom_metrics
from evalsvc.metrics.gates import available_metrics, check_metrics
from evalsvc.metrics.outcomes import outcome_metrics
from evalsvc.metrics.tally import ConfusionTally
from evalsvc.metrics.warnings import warnings_for
from evalsvc.records import MetricValue, RunWarning
from evalsvc.reduce.fold import Fold
from evalsvc.reduce.graded import Graded
from evalsvc.reduce.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What gates are held against, and what of it is reported."""

    metrics: Mapping[str, MetricValue]
    reported: Sequence[str]
    per_class: dict[str, dict[str, float | int | None]]
    confusion_matrix: dict[str, Any] | None
    warnings: list[RunWarning]


def numbers(plan: Plan, fold: Fold, graded: Graded) -> Numbers:
    tally = fold.tallies.outcomes
    classes = per_class(tally) if isinstance(tally, ConfusionTally) else {}
    of_outcomes, means = _of_outcomes(plan, fold, graded), graded.metrics()
    own = {name: state["metric"] for name, state in fold.custom.items()}
    extensions = {**means, **own}
    return Numbers(
        metrics={**of_outcomes, **extensions},
        reported=[*reported(plan.config, has_labels=bool(plan.labels)), *extensions],
        per_class=classes,
        confusion_matrix=confusion_matrix(tally) if isinstance(tally, ConfusionTally) else None,
        warnings=[
            *warnings_for(tally, of_outcomes, classes, scorer_failed=graded.failures.rows),
            *graded.warnings(),
            *_named_twice(means.keys() & own.keys()),
        ],
    )


def reported(config: EvalConfig, *, has_labels: bool) -> tuple[str, ...]:
    """The metrics of the outcomes that the config asks for."""
    return check_metrics(
        config.metrics,
        positive=config.scoring.positive,
        available=available_metrics(has_labels=has_labels),
        custom=[metric.written for metric in custom_metrics(config)],
    )


def _of_outcomes(plan: Plan, fold: Fold, graded: Graded) -> dict[str, MetricValue]:
    tallies, config = fold.tallies, plan.config
    if isinstance(tallies.outcomes, ConfusionTally):
        return classification_metrics(
            tallies.outcomes,
            ok=tallies.ok,
            expected=plan.expected,
            positive=config.scoring.positive,
            repeats=config.repeats,
            clustered=graded.confusion_by_group(tallies.outcomes),
        )
    return outcome_metrics(
        tallies.outcomes, ok=tallies.ok, expected=plan.expected, repeats=config.repeats, clustered=graded.shares_by_group()
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
