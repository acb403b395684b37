"""What happens when a row is called positive from some probability of `scoring.positive` on, and where to put that threshold.

Strict: a row without class probabilities, whatever the reason, is called positive at no threshold; where it is positive it counts
as missed. A threshold chosen on the rows it is judged by is optimistic: confirm it on others.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypedDict

from evalsvc.config.models import OperatingPoint
from evalsvc.metrics.odds import UNITS_PER_NAT, OddsTally, log_odds, probability_at
from evalsvc.metrics.ranked import RankTally

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

# Probabilities from logprobs crowd at both ends.
SHOWN: Final = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
NOTE: Final = "chosen on the rows it is judged by, so the numbers are optimistic: confirm a threshold on other rows"


class Point(TypedDict):
    """One threshold: positive is what has at least this probability of the positive label."""

    threshold: float
    log_odds: float  # the same, where the probability has no more digits: log(p / (1 - p))
    precision: float | None  # None: nothing is called positive
    recall: float | None  # None: no row is positive
    f1: float | None
    predicted: int


class Reached(TypedDict):
    """The threshold that reaches what `scoring.operating_point` wants, or comes nearest to it."""

    recall: float | None  # wanted
    precision: float | None  # wanted
    reached: bool
    point: Point | None


class Thresholds(TypedDict):
    """`thresholds` of summary.json."""

    positive: str
    rows: dict[str, int]  # positive, negative; of them without_probabilities_positive, without_probabilities_negative
    scores: str  # exact, or how wide the bins are in which they were counted
    table: list[Point]
    best_f1: Point | None
    operating_point: Reached | None
    note: str


def thresholds(tally: RankTally, positive: str | None, wanted: OperatingPoint | None = None) -> Thresholds | None:
    """The table of `positive`, None where it has none: no positive label, or no row with probabilities."""
    if positive is None or positive not in tally.odds or tally.why_none() is not None:
        return None
    steps = _Steps(tally.odds[positive], unread=_unread(tally, positive))
    return {
        "positive": positive,
        "rows": {
            "positive": steps.support,
            "negative": steps.support_others,
            "without_probabilities_positive": steps.lost,
            "without_probabilities_negative": steps.lost_others,
        },
        "scores": steps.resolution,
        "table": [steps.at_probability(probability) for probability in SHOWN],
        "best_f1": steps.best_f1(),
        "operating_point": None if wanted is None else steps.reaching(wanted),
        "note": NOTE,
    }


def _unread(tally: RankTally, positive: str) -> tuple[int, int]:
    """(others, positive) rows that have an answer and no probabilities."""
    own = tally.unread.get(positive, 0)
    return sum(tally.unread.values()) - own, own


class _Steps:
    """Every distinct threshold, highest first: from there on rows of that probability are called positive too."""

    def __init__(self, tally: OddsTally, *, unread: tuple[int, int]) -> None:
        curve = tally.curve()
        self.resolution, self._exact = tally.resolution, tally.exact
        self.lost, self.lost_others = curve.lost + unread[1], curve.lost_others + unread[0]
        self._units: list[int] = curve.units[::-1].tolist()
        self._found: list[int] = curve.own[::-1].cumsum().tolist()
        self._predicted: list[int] = (curve.own + curve.others)[::-1].cumsum().tolist()
        self.support = (self._found[-1] if self._found else 0) + self.lost
        self.support_others = (self._predicted[-1] - self._found[-1] if self._found else 0) + self.lost_others

    def at_probability(self, probability: float) -> Point:
        """At a round threshold. Where rows are counted in bins, a bin that it cuts counts as below it."""
        least = log_odds(probability, 1 - probability)
        index = sum(units >= least for units in self._units) - 1
        return self._point(index, probability, least / UNITS_PER_NAT)

    def at(self, index: int) -> Point:
        """At the threshold half way, on the scale of log-odds, to the next lower probability that any row has; of bins, their lower end."""
        units = self._units[index]
        if self._exact and index + 1 < len(self._units):
            units = (units + self._units[index + 1]) // 2 + 1
        return self._point(index, probability_at(units), units / UNITS_PER_NAT)

    def _point(self, index: int, threshold: float, nats: float) -> Point:
        found, predicted = (self._found[index], self._predicted[index]) if index >= 0 else (0, 0)
        return {
            "threshold": threshold,
            "log_odds": nats,
            "precision": found / predicted if predicted else None,
            "recall": found / self.support if self.support else None,
            "f1": 2 * found / (self.support + predicted) if self.support else None,
            "predicted": predicted,
        }

    def best_f1(self) -> Point | None:
        """Of equal ones the highest threshold."""
        if not self.support or not self._units:
            return None
        counts = zip(self._found, self._predicted, strict=True)
        values = [found / (self.support + predicted) for found, predicted in counts]
        return self.at(max(range(len(values)), key=lambda index: (values[index], -index)))

    def reaching(self, wanted: OperatingPoint) -> Reached:
        """Of the thresholds that reach what is wanted, the one with the most of the other side; if none does, the nearest."""
        recalls = [found / self.support if self.support else 0.0 for found in self._found]
        precisions = [found / predicted for found, predicted in zip(self._found, self._predicted, strict=True)]
        index, reached = (
            _best(recalls, wanted.recall, precisions) if wanted.recall is not None else _best(precisions, wanted.precision or 0.0, recalls)
        )
        point = None if index is None or not self.support else self.at(index)
        return {"recall": wanted.recall, "precision": wanted.precision, "reached": reached and point is not None, "point": point}


def _best(side: Sequence[float], wanted: float, other: Sequence[float]) -> tuple[int | None, bool]:
    """(index, reached): of equal ones the higher threshold.

    >>> _best([0.2, 0.9, 1.0], 0.9, [1.0, 0.5, 0.6]), _best([0.2, 0.4], 0.9, [1.0, 0.5]), _best([], 0.9, [])
    ((2, True), (1, False), (None, False))
    """
    reaching = [index for index, value in enumerate(side) if value >= wanted]
    if reaching:
        return max(reaching, key=lambda index: (other[index], side[index], -index)), True
    return max(range(len(side)), key=lambda index: (side[index], other[index], -index), default=None), False
