"""Which number of single rows a report draws."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Final

from evalsvc.config.models import EvalConfig
from evalsvc.metrics.drawn import Drawing
from evalsvc.metrics.families.metric import AnyMetric, OwnMetric
from evalsvc.metrics.names import range_of

RESIDUAL: Final = "residual"  # prediction - target

# Metrics of which a row has a score that is more than yes or no, and what it is called there. The first that a run measures is drawn.
_SCORES: Final[Mapping[str, str]] = {
    **{name: name for name in ("token_f1", "rougeL", "rougeLsum", "rouge1", "rouge2")},
    **{name: f"sentence_{name}" for name in ("chrf", "chrf_pp", "bleu", "ter")},
    **{name: name for name in ("judge_score", "bits_per_byte", "target_nll")},
}


def drawing_of(config: EvalConfig, metrics: Sequence[AnyMetric]) -> Drawing | None:
    """None where rows have no such number; of class probabilities enough is kept elsewhere."""
    if not metrics:
        return None
    if config.task == "regression":
        from evalsvc.metrics.families.regression import pairs_of

        return Drawing(name=RESIDUAL, pair=pairs_of(config))
    names = {name for metric in metrics for name in (metric.names if isinstance(metric, OwnMetric) else (metric.name,))}
    return next((Drawing(name=score, ends=_ends(name)) for name, score in _SCORES.items() if name in names), None)


def _ends(metric: str) -> tuple[float, float] | None:
    least, greatest = range_of(metric)
    return (least, greatest) if isfinite(greatest - least) else None
