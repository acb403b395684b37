"""Metrics of class probabilities: log_loss, brier, ece, roc_auc, average_precision; and label_mass, which says whether to trust them.

row                                        log_loss, brier                 roc_auc, average_precision       ece
with class probabilities                   its own                         its own                          its own
without an answer (error, unparsed, …)     1 / K for each of K labels      never found, its pairs lost      not in it
an answer, and no class probabilities      not in it                       not in it                        not in it
without a target                           not in it                       not in it                        not in it
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import log
from typing import TYPE_CHECKING, Final

from evalsvc.errors import UsageError
from evalsvc.metrics.calibration import BINS, CalibrationTally
from evalsvc.metrics.families.metric import UNITS, AnyMetric, OwnMetric, Setting, SumMetric, Wanted, refuse_unknown_options
from evalsvc.metrics.means import in_units
from evalsvc.metrics.ranked import NAMES, NO_PROBABILITIES, RankTally, is_shared, too_many_shared
from evalsvc.records import Score
from evalsvc.scoring.probabilities import LABEL_MASS, QUALITY

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

VERSION = 1
# Probabilities are clipped to this below, as sklearn.metrics.log_loss clips doubles.
LEAST_PROBABILITY = 2.0**-52
_MOST_BINS = 1000
_WHY_NONE = f"{NO_PROBABILITIES}; or labels begin with the same token"

# What a row with a target costs, of its class probabilities.
Cost = Callable[[Mapping[str, float], str], float]


def build(wanted: Wanted, setting: Setting) -> AnyMetric:
    return _BUILDS[wanted.name](wanted, setting)


def log_loss_of(probs: Mapping[str, float], target: str) -> float:
    """-log of the target's probability, in nats, as sklearn.metrics.log_loss has it for one row.

    >>> log_loss_of({"a": 1.0, "b": 0.0}, "b") == 52 * log(2)
    True
    """
    return -log(max(probs.get(target, 0.0), LEAST_PROBABILITY))


def brier_of(probs: Mapping[str, float], target: str) -> float:
    """Σ over labels of (probability - whether it is the target)², 0 to 2 (Brier 1950).

    >>> brier_of({"a": 0.75, "b": 0.25}, "a")
    0.125
    """
    return sum((probability - (label == target)) ** 2 for label, probability in probs.items())


def _log_loss(wanted: Wanted, setting: Setting) -> SumMetric:
    refuse_unknown_options(wanted, ())
    signature = f"nats|clip:2^-52|without-answer:uniform|labels:{len(setting.labels)}|v:{VERSION}"
    return _mean_cost(wanted.name, signature, log_loss_of, setting.labels)


def _brier(wanted: Wanted, setting: Setting) -> SumMetric:
    refuse_unknown_options(wanted, ("scale_by_half",))
    scale = wanted.options.get("scale_by_half", "auto")
    if scale not in (True, False, "auto"):
        raise UsageError(
            f"{wanted.place}: brier has no scale_by_half: {scale!r}", hint="write true, false or auto, as scikit-learn has them"
        )
    half = len(setting.labels) == 2 if scale == "auto" else bool(scale)
    form = "form:half-sum-over-labels(0..1)" if half else "form:sum-over-labels(0..2)"
    signature = f"{form}|without-answer:uniform|labels:{len(setting.labels)}|v:{VERSION}"
    cost: Cost = (lambda probs, target: brier_of(probs, target) / 2) if half else brier_of
    return _mean_cost(wanted.name, signature, cost, setting.labels)


def _mean_cost(name: str, signature: str, cost: Cost, labels: Sequence[str]) -> SumMetric:
    """Summands: units of 2**-40, rows, rows with probabilities, rows whose labels share a token."""
    know_nothing = dict.fromkeys(labels, 1 / max(1, len(labels)))

    def read(score: Score) -> Sequence[int] | None:
        if score.target is None:
            return None
        if score.probs is not None:
            return in_units(cost(score.probs, score.target)), 1, 1, 0
        if score.prediction is None:
            return in_units(cost(know_nothing, score.target)), 1, 0, 0
        return (0, 0, 0, 1) if is_shared(score) else None

    return SumMetric(name=name, signature=signature, width=4, read=read, value=_mean, values=_means, why_none=_WHY_NONE)


def _mean(sums: Sequence[int]) -> float | None:
    units, rows, read, shared = sums
    return None if not read or too_many_shared(shared, read) else units / (rows * UNITS)


def _means(sums: "Floats") -> "Floats":
    import numpy as np

    means: Floats = np.divide(sums[:, 0], sums[:, 1] * UNITS, out=np.full(len(sums), np.nan), where=sums[:, 2] > 0)
    return means


def _label_mass(wanted: Wanted, _: Setting) -> SumMetric:
    """The mean over rows with logprobs of the probability that all labels have together, before they are renormalised."""
    refuse_unknown_options(wanted, ())
    width = len(QUALITY)

    def read(score: Score) -> Sequence[int] | None:
        return None if score.stats is None else score.stats.get(LABEL_MASS)

    return SumMetric(
        name=LABEL_MASS,
        signature=f"mean|before-renormalising|v:{VERSION}",
        width=width,
        read=read,
        value=lambda sums: sums[1] / (sums[0] * UNITS) if sums[0] else None,
        values=_mass_means,
        why_none=NO_PROBABILITIES,
    )


def _mass_means(sums: "Floats") -> "Floats":
    import numpy as np

    means: Floats = np.divide(sums[:, 1], sums[:, 0] * UNITS, out=np.full(len(sums), np.nan), where=sums[:, 0] > 0)
    return means


def _ece(wanted: Wanted, _: Setting) -> OwnMetric:
    refuse_unknown_options(wanted, ("bins",))
    bins = wanted.options.get("bins", BINS)
    if not isinstance(bins, int) or isinstance(bins, bool) or not 1 <= bins <= _MOST_BINS:
        raise UsageError(f"{wanted.place}: ece has no {bins!r} bins", hint=f"write a whole number from 1 to {_MOST_BINS}, for example 15")
    return OwnMetric(names=("ece",), empty=partial(CalibrationTally, bins=bins), from_state=CalibrationTally.from_state)


def _ranked(wanted: Wanted, setting: Setting) -> OwnMetric:
    refuse_unknown_options(wanted, ())
    return ranked_metric(setting.labels, setting.positive)


def ranked_metric(labels: Sequence[str], positive: str | None) -> OwnMetric:
    """roc_auc, average_precision and the threshold table, all of one tally.

    Of two labels the positive one is judged, of more (or without `positive`) each against all others, and the mean is taken.
    """
    judged = (positive,) if positive is not None and len(labels) == 2 else tuple(labels)
    return OwnMetric(names=NAMES, empty=partial(RankTally.empty, judged), from_state=RankTally.from_state)


_BUILDS: Final[Mapping[str, Callable[[Wanted, Setting], AnyMetric]]] = {
    "log_loss": _log_loss,
    "brier": _brier,
    "ece": _ece,
    "roc_auc": _ranked,
    "average_precision": _ranked,
    LABEL_MASS: _label_mass,
}
