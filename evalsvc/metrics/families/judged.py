"""Metrics of a judge's verdicts, and of the judge itself: how far it agrees with people, and whether it likes what it reads first.

A row without a verdict that can be read is in none of them but `answer_rate`; `parse_rate` and `n` say how many there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from evalsvc.config.scale import Scale
from evalsvc.errors import UsageError
from evalsvc.metrics.families.metric import UNITS, AnyMetric, OwnMetric, Setting, SumMetric, Wanted, mean_of, refuse_unknown_options
from evalsvc.metrics.families.pairs import PAIRWISE, PairTally
from evalsvc.records import MetricValue, RunWarning, Score
from evalsvc.scoring.judging import LOSS, NO_ANSWER, TIE, WIN, rating_index, scale_of
from evalsvc.scoring.measures import Answer, Measured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RUBRIC: Final = ("judge_score", "judge_kappa")
ANSWER_RATE: Final = "answer_rate"
_VERSION = 1
# Below that a judge's preference hangs on the order more than anyone should build on.
_CONSISTENT = 0.75
_FIRST_IS_ODD = 0.1


def shown(config: Any) -> tuple[str, ...]:
    """The metrics of a run with `task: judge` that names none; agreement with people only where there may be labels of theirs."""
    own = PAIRWISE if config.dataset.against is not None else RUBRIC
    return (*(name for name in own if name != "judge_kappa" or config.dataset.target is not None), ANSWER_RATE)


def build(wanted: Wanted, setting: Setting) -> AnyMetric:
    """UsageError for options, and for a metric of pairs where there are none, or the other way round."""
    refuse_unknown_options(wanted, ())
    if wanted.name == ANSWER_RATE:
        return _answer_rate()
    scale = scale_of(setting.config)
    if wanted.name not in (PAIRWISE if scale is None else RUBRIC):
        need, hint = ("pairs", "name a second run in dataset.against") if scale is not None else ("ratings", "take out dataset.against")
        raise UsageError(f"{wanted.place}: {wanted.name} is a metric of {need}", hint=hint)
    if scale is None:
        return OwnMetric(names=PAIRWISE, empty=PairTally.empty, from_state=PairTally.from_state)
    return _score(scale) if wanted.name == "judge_score" else _weighted_kappa(scale)


def _score(scale: Scale) -> SumMetric:
    mean = mean_of(
        "judge_score",
        signature=f"mean|scale:{scale}|no_answer:lowest|unparsed:out|v:{_VERSION}",
        measure=_rating,
        why_none="no row has a rating",
    )
    return replace(mean, ends=(scale.low, scale.high))


def _rating(answer: Answer) -> Measured | None:
    return Measured(scores={"judge_score": float(answer.text)}) if answer.text else None


def _answer_rate() -> SumMetric:
    """The share of rows to which the run of `dataset.path` gave an answer at all."""

    def read(score: Score) -> Sequence[int]:
        missing = score.rule == NO_ANSWER and (score.prediction in (LOSS, TIE) or score.prediction not in _OF_PAIRS)
        return 1, 0 if missing else UNITS

    return SumMetric(
        name=ANSWER_RATE,
        signature=f"of:rows|v:{_VERSION}",
        width=2,
        read=read,
        value=lambda sums: sums[1] / (sums[0] * UNITS) if sums[0] else None,
        share=True,
    )


_OF_PAIRS: Final = (WIN, LOSS, TIE)


def _weighted_kappa(scale: Scale) -> SumMetric:
    """Quadratically weighted kappa (Cohen 1968), of ratings and people's labels, both on the scale. It is a function of six sums:
    rows, x, y, x², y², xy over the steps x of the judge and y of people, since 1 − κ is Σ(x − y)² over what chance makes of it.
    """

    def read(score: Score) -> Sequence[int] | None:
        if score.rule == NO_ANSWER or score.prediction is None or score.target is None:
            return None
        judge, people = rating_index(score.prediction, scale), rating_index(score.target, scale)
        if judge is None or people is None:
            return None
        return 1, judge, people, judge * judge, people * people, judge * people

    return SumMetric(
        name="judge_kappa",
        signature=f"weights:quadratic|scale:{scale}|v:{_VERSION}",
        width=6,
        read=read,
        value=_quadratic,
        values=_quadratics,
        why_none="no judged row has a label of people that is on the scale, or all have one and the same",
    )


def _quadratic(sums: Sequence[int]) -> float | None:
    """
    >>> _quadratic([2, 0 + 4, 0 + 4, 16, 16, 16]), _quadratic([2, 0 + 4, 4 + 0, 16, 16, 0]), _quadratic([1, 3, 3, 9, 9, 9])
    (1.0, -1.0, None)
    """
    n, x, y, xx, yy, xy = sums
    chance = n * (xx + yy) - 2 * x * y
    return 1 - n * (xx + yy - 2 * xy) / chance if chance else None


def _quadratics(sums: "Floats") -> "Floats":
    import numpy as np

    n, x, y, xx, yy, xy = sums.T
    chance = n * (xx + yy) - 2 * x * y
    kappas: Floats = 1 - np.divide(n * (xx + yy - 2 * xy), chance, out=np.full(len(sums), np.nan), where=chance > 0)
    return kappas


# warnings --------------------------------------------------------------------------------------------------------


def judge_warnings(metrics: Mapping[str, MetricValue], *, judge: str, judged: Sequence[Mapping[str, Any]]) -> list[RunWarning]:
    """What a reader of these numbers must know. `judge` is the model that judges, `judged` are the runs as run.json has them
    (`dataset.runs`: model, name, id). Pure.
    """
    found = (_judges_itself(judge, judged), _inconsistent(metrics), _likes_the_first(metrics), _not_answered(metrics))
    return [warning for warning in found if warning is not None]


def _judges_itself(judge: str, judged: Sequence[Mapping[str, Any]]) -> RunWarning | None:
    same = [run for run in judged if run.get("model") == judge]
    if not same:
        return None
    return {
        "kind": "judges_itself",
        "message": f"the judge, `{judge}`, is a model that it judges; models rate their own answers higher: use another judge, "
        "or check it against labels of people (judge_kappa)",
        "evidence": {"model": judge, "runs": [run.get("name") for run in same]},
    }


def _inconsistent(metrics: Mapping[str, MetricValue]) -> RunWarning | None:
    metric = metrics.get("judge_consistency")
    if metric is None or metric["value"] is None or metric["ci_high"] is None or metric["ci_high"] >= _CONSISTENT:
        return None
    return {
        "kind": "judge_inconsistent",
        "message": f"the judge says the same of a pair in both orders only {100 * metric['value']:.3g} % of the time, and every other pair "
        "counts as a tie; use a stronger judge, or a rubric that says what decides",
        "evidence": {"judge_consistency": metric["value"], "pairs": metric["n"]},
    }


def _likes_the_first(metrics: Mapping[str, MetricValue]) -> RunWarning | None:
    metric = metrics.get("judge_first_rate")
    if metric is None or metric["value"] is None or metric["ci_low"] is None or metric["ci_high"] is None:
        return None
    if abs(metric["value"] - 0.5) < _FIRST_IS_ODD or metric["ci_low"] <= 0.5 <= metric["ci_high"]:
        return None
    which = "first" if metric["value"] > 0.5 else "second"
    share = max(metric["value"], 1 - metric["value"])
    return {
        "kind": "judge_position",
        "message": f"the judge prefers what it reads {which} in {100 * share:.3g} % of its verdicts; both orders are asked, so no run "
        "gains by it, but pairs become ties",
        "evidence": {"judge_first_rate": metric["value"], "verdicts": metric["n"]},
    }


def _not_answered(metrics: Mapping[str, MetricValue]) -> RunWarning | None:
    metric = metrics.get(ANSWER_RATE)
    if metric is None or metric["value"] is None or metric["value"] == 1:
        return None
    rows = round(metric["n"] * (1 - metric["value"]))
    return {
        "kind": "not_answered",
        "message": f"the judged run gave no answer to {rows:,} of {metric['n']:,} rows; they were not put to the judge and count as the "
        "lowest rating, or as lost",
        "evidence": {"rows": rows, "share": 1 - metric["value"]},
    }
