"""What a metric is made of. Two kinds: functions of sums over rows, and those that keep something else of the rows.

    reply --measure--> a row's scores and stats --read--> summands --(sums over rows)--> value

Sums of integers, so that order, shards and resumes give the same digits; intervals are drawn for all sums alike: sums.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from evalsvc.errors import UsageError
from evalsvc.metrics.means import UNIT_BITS, in_parts
from evalsvc.records import MetricValue, Score
from evalsvc.scoring.measures import Measure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

UNITS = 1 << UNIT_BITS
# Of means of scores: fine enough that what a double says above 0.0005 is kept to its last digit, and a mean is the mean to its last.
SCORE_UNITS = 1 << 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A metric as the config names it: `bleu`, or `{bleu: {by: language}}`."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    place: str = "metrics"  # where it was written, for messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What else of the config a metric may depend on."""

    task: str
    repeats: int = 1
    labels: tuple[str, ...] = ()
    positive: str | None = None
    config: Any = None  # the whole EvalConfig, for what is not named here


@dataclass(frozen=True, slots=True, kw_only=True)
class SumMetric:
    """A metric that is a function of sums over rows."""

    name: str
    signature: str  # all that the number depends on but its interval, as "case:mixed|tok:13a|…|v:1"
    width: int  # how many summands a row has
    read: Callable[[Score], Sequence[int] | None]  # a row's summands; None: the row is not part of this metric
    value: Callable[[Sequence[int]], float | None]  # of the sums, exact; None where there is none
    measure: Measure | None = None  # what puts into a Score what `read` finds there
    values: Callable[["Floats"], "Floats"] | None = None  # the same for R × width sums at once, NaN for none; only for intervals
    # For metrics whose sums cancel in doubles: given the sums of all rows, what to make of the exact sums of a part of them, so that
    # `values` of the results is the same number.
    centred: Callable[[Sequence[int]], Callable[[Sequence[int]], Sequence[int]]] | None = None
    share: bool = False  # the sums are (rows, hits): a plain share of rows, with Wilson's interval
    by: str | None = None  # a column: its values are groups, and the metric is the unweighted mean over them, never of all rows pooled
    columns: tuple[str, ...] = ()  # columns whose values `measure` wants to see
    ends: tuple[float, float] | None = None  # the least and the greatest value, where the name alone does not say them
    why_none: str = "no row has it"


class ScoreTally(Protocol):
    """What is kept of scores, under the laws of metrics/tally.py; there are no updates with times=-1."""

    def update(self, item: Score, *, cluster: int = 0) -> None:
        """`cluster`: rows of one cluster (repeats, `dataset.group`) are no independent draws."""
        ...

    def merge(self, other: Self) -> Self: ...

    def state(self) -> dict[str, Any]: ...

    def value(self) -> dict[str, MetricValue]:
        """Each metric with its interval and signature."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMetric:
    """Metrics that no sums of fixed width give: ranks, histograms, counts by row."""

    names: tuple[str, ...]
    empty: Callable[[], ScoreTally]
    from_state: Callable[[Mapping[str, Any]], ScoreTally]
    measure: Measure | None = None
    columns: tuple[str, ...] = ()


AnyMetric = SumMetric | OwnMetric

# UsageError for options that cannot be, with `wanted.place`.
Build = Callable[[Wanted, Setting], AnyMetric]


def mean_of(
    name: str, *, signature: str, measure: Measure | None, kind: Literal["mean", "share"] = "mean", why_none: str = "no row has it"
) -> SumMetric:
    """The mean over rows of the score called `name`: rows and units of 2**-64. A share is a mean of zeros and ones.

    >>> metric = mean_of("exact_match", signature="v:1", measure=None, kind="share")
    >>> metric.value([4, 3 * SCORE_UNITS])
    0.75
    """

    def read(score: Score) -> Sequence[int] | None:
        value = None if score.scores is None else score.scores.get(name)
        return None if value is None else (1, in_parts(value, SCORE_UNITS))

    return SumMetric(
        name=name,
        signature=signature,
        width=2,
        read=read,
        value=lambda sums: sums[1] / (sums[0] * SCORE_UNITS) if sums[0] else None,
        values=_means,
        measure=measure,
        share=kind == "share",
        why_none=why_none,
    )


def _means(sums: "Floats") -> "Floats":
    import numpy as np

    means: Floats = np.divide(sums[:, 1], sums[:, 0] * SCORE_UNITS, out=np.full(len(sums), np.nan), where=sums[:, 0] > 0)
    return means


def stats_of(name: str) -> Callable[[Score], Sequence[int] | None]:
    """Reads the summands that a measure put under `name`."""

    def read(score: Score) -> Sequence[int] | None:
        return None if score.stats is None else score.stats.get(name)

    return read


def refuse_unknown_options(wanted: Wanted, known: Sequence[str]) -> None:
    """UsageError, with its place and the nearest name, for an option that is none."""
    from difflib import get_close_matches

    for option in wanted.options:
        if option not in known:
            near = get_close_matches(str(option), known, n=1)
            raise UsageError(
                f"{wanted.place}: {wanted.name} has no option {option!r}" + (f", did you mean {near[0]!r}?" if near else ""),
                hint=f"its options: {', '.join(known)}" if known else "it has none",
            )
