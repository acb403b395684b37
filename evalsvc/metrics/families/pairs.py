"""Two runs held against each other by a judge: each pair of answers is shown in both orders, and only what holds in both counts.

    a win      the judge preferred the answer of `dataset.path` in both orders (Zheng et al. 2023, 3.4)
    a loss     that of `dataset.against`, in both
    a tie      a tie in both, and every pair on which the orders do not agree

A pair of which a verdict is missing (an error, a reply that cannot be read) is no pair yet and in none of these numbers. A pair
that was not put to the judge because an answer is missing is won or lost by that, and is left out where the judge itself is looked at.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from evalsvc.dataset import id_hash
from evalsvc.dataset.runs import ORDERS
from evalsvc.metrics.intervals import wilson
from evalsvc.records import MetricValue, Score
from evalsvc.scoring.judging import LOSS, NO_ANSWER, TIE, WIN, order_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PAIRWISE: Final = ("win_rate", "tie_rate", "judge_consistency", "judge_first_rate", "judge_kappa")
REPLICATES, SEED = 1000, 0
_VERSION = 1

# A pair is one number: two bits each for the verdict in either order and for what people said, 0 meaning nothing; one for asked.
_CODES: Final[Mapping[str, int]] = {WIN: 1, TIE: 2, LOSS: 3}
_PEOPLE, _ASKED = 4, 64
_POINTS: Final[Mapping[int, float]] = {1: 1.0, 2: 0.5, 3: 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """What a number says. Verdicts are 1 for a win, 2 for a tie, 3 for a loss, 0 for none."""

    in_order: tuple[int, int]
    people: int
    asked: bool
    cluster: int

    @property
    def verdict(self) -> int:
        """0 while one of the two is missing."""
        first, second = self.in_order
        if not first or not second:
            return 0
        return first if first == second else _CODES[TIE]


@dataclass(slots=True, kw_only=True)
class PairTally:
    """The verdicts on each pair, by the hash of its id and repeat. A ScoreTally: any order, any split over rows."""

    pairs: dict[int, int] = field(default_factory=dict)
    clusters: dict[int, int] = field(default_factory=dict)  # likewise; all are 0 where pairs are independent draws

    @classmethod
    def empty(cls) -> Self:
        return cls()

    def update(self, item: Score, *, cluster: int = 0) -> None:
        order = order_of(item.id)
        key = int.from_bytes(id_hash(item.id.removesuffix(f"#{order}"), item.repeat), "little")
        code = _CODES.get(item.prediction or "", 0) << (0 if order == ORDERS[0] else 2)
        code |= _CODES.get(item.target or "", 0) << _PEOPLE
        if item.rule != NO_ANSWER:
            code |= _ASKED
        self.pairs[key] = self.pairs.get(key, 0) | code
        self.clusters[key] = cluster

    def merge(self, other: Self) -> Self:
        pairs = dict(self.pairs)
        for key, code in other.pairs.items():
            pairs[key] = pairs.get(key, 0) | code
        return type(self)(pairs=pairs, clusters={**self.clusters, **other.clusters})

    def state(self) -> dict[str, Any]:
        """Keys as text: they outgrow the integers of many JSON readers."""
        return {"pairs": [[str(key), code, str(self.clusters[key])] for key, code in sorted(self.pairs.items())]}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        rows = [(int(key), code, int(cluster)) for key, code, cluster in state["pairs"]]
        return cls(pairs={key: code for key, code, _ in rows}, clusters={key: cluster for key, _, cluster in rows})

    def value(self) -> dict[str, MetricValue]:
        """All of PAIRWISE."""
        grouped = any(self.clusters.values())
        pairs = [_pair(code, self.clusters[key] if grouped else key) for key, code in sorted(self.pairs.items())]
        judged = [pair for pair in pairs if pair.verdict]
        asked = [pair for pair in judged if pair.asked]
        how = f"clusters:{'group' if grouped else 'pair'}|v:{_VERSION}"
        return {
            "win_rate": _share(((pair.cluster, _POINTS[pair.verdict]) for pair in judged), f"{_RULE}|tie:half|{how}"),
            "tie_rate": _share(((pair.cluster, float(pair.verdict == _CODES[TIE])) for pair in judged), f"{_RULE}|{how}"),
            "judge_consistency": _share(((pair.cluster, float(_agree(pair))) for pair in asked), f"of:asked|{how}"),
            "judge_first_rate": _share(_firsts(pairs), f"of:asked|ties:out|{how}"),
            "judge_kappa": _kappa(asked, how),
        }


def _pair(code: int, cluster: int) -> _Pair:
    return _Pair(in_order=(code & 3, code >> 2 & 3), people=code >> _PEOPLE & 3, asked=bool(code & _ASKED), cluster=cluster)


_RULE: Final = "orders:both|disagree:tie|no_answer:lost"


def _agree(pair: _Pair) -> bool:
    return pair.in_order[0] == pair.in_order[1]


def _firsts(pairs: Iterable[_Pair]) -> Iterable[tuple[int, float]]:
    """Of each verdict that prefers one: 1 where that is the answer shown first."""
    for pair in pairs:
        for verdict, first_is in zip(pair.in_order, (_CODES[WIN], _CODES[LOSS]), strict=True):
            if pair.asked and verdict in (_CODES[WIN], _CODES[LOSS]):
                yield pair.cluster, float(verdict == first_is)


def _share(points: Iterable[tuple[int, float]], signature: str) -> MetricValue:
    """The mean of points from 0 to 1, given with their clusters."""
    clusters: dict[int, tuple[int, float]] = {}
    for cluster, point in points:
        rows, total = clusters.get(cluster, (0, 0.0))
        clusters[cluster] = rows + 1, total + point  # halves: exact in any order
    n = sum(rows for rows, _ in clusters.values())
    value: MetricValue = {
        "value": None,
        "ci_low": None,
        "ci_high": None,
        "n": n,
        "signature": f"{signature}|ci:wilson95-effective-n",
    }
    if not n:
        value["reason"] = "no pair has verdicts in both orders"
        return value
    share = sum(total for _, total in clusters.values()) / n
    low, high = _wilson(share, list(clusters.values()))
    value["value"], value["ci_low"], value["ci_high"] = share, min(low, share), max(high, share)
    return value


def _wilson(share: float, clusters: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """Wilson's interval with the number of independent rows that has the variance of the ratio estimator (Cochran 1977, 6.3;
    Franco et al. 2019). Where nothing varies each cluster is one draw.
    """
    draws, n = len(clusters), sum(rows for rows, _ in clusters)
    spread = sum((total - share * rows) ** 2 for rows, total in clusters)
    effective = float(draws)
    if spread > 0 and draws > 1:
        effective = share * (1 - share) / (spread * draws / ((draws - 1) * n * n))
    return wilson(share * effective, effective)


def _kappa(pairs: Sequence[_Pair], how: str) -> MetricValue:
    """Cohen's kappa (1960) of the verdicts and people's labels: win, tie, loss."""
    clusters: dict[int, list[int]] = {}
    for pair in pairs:
        if pair.people:
            clusters.setdefault(pair.cluster, [0] * 9)[3 * (pair.verdict - 1) + pair.people - 1] += 1
    n = sum(map(sum, clusters.values()))
    whole = cohen([sum(column) for column in zip(*clusters.values(), strict=True)]) if n else None
    value: MetricValue = {
        "value": whole,
        "ci_low": None,
        "ci_high": None,
        "n": n,
        "signature": f"weights:none|of:win,tie,loss|{how}|ci:bootstrap{REPLICATES}-seed{SEED}",
    }
    if whole is None:
        value["reason"] = "judge and people use one and the same label" if n else "no pair has a label of people"
    elif len(clusters) > 1:
        low, high = _percentiles([clusters[key] for key in sorted(clusters)])
        value["ci_low"], value["ci_high"] = min(low, whole), max(high, whole)
    return value


def cohen(cells: Sequence[float]) -> float | None:
    """Kappa of a square table, given row by row; None where chance alone would agree on everything.

    >>> cohen([20, 5, 10, 15])
    0.4
    """
    size = round(len(cells) ** 0.5)
    n = sum(cells)
    rows = [sum(cells[size * index : size * (index + 1)]) for index in range(size)]
    columns = [sum(cells[index::size]) for index in range(size)]
    chance = sum(row * column for row, column in zip(rows, columns, strict=True))
    agreed = n * sum(cells[index * (size + 1)] for index in range(size))
    return (agreed - chance) / (n * n - chance) if n * n > chance else None


def _percentiles(clusters: Sequence[Sequence[int]]) -> tuple[float, float]:
    """95 %, clusters drawn with replacement."""
    import numpy as np

    random = np.random.Generator(np.random.PCG64(SEED))
    rows = np.array(clusters, dtype=np.float64)
    drawn: Callable[[], Floats] = lambda: np.bincount(random.integers(len(rows), size=len(rows)), minlength=len(rows)) @ rows  # noqa: E731
    values = [value for _ in range(REPLICATES) if (value := cohen(drawn().tolist())) is not None]
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
