"""Spearman's rank correlation: no function of sums, for a rank depends on all rows. Pairs are kept, and ranked when the value is wanted."""

from array import array
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import atanh, copysign, sqrt, tanh
from typing import TYPE_CHECKING, Any, Final, Self
from zlib import compress, decompress

from evalsvc.metrics.families.metric import OwnMetric, Setting
from evalsvc.records import MetricValue, Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_VERSION = 1
# The sum of so many products of ranks holds in 64 bits, up to 20 million rows.
_ROWS_AT_ONCE = 1 << 14
_FEW: Final = 50

# Target and prediction of a row; None where one of them is no number.
Read = Callable[[Score], tuple[float, float] | None]


def spearman(name: str, read: Read, *, clustered: str | None) -> OwnMetric:
    """`clustered`: what the clusters of rows are, None where every row is a draw of its own."""
    return OwnMetric(
        names=(name,),
        empty=lambda: RankTally(name=name, read=read, clustered=clustered),
        from_state=lambda state: RankTally.from_state(state, name=name, read=read, clustered=clustered),
    )


def clustered_by(setting: Setting) -> str | None:
    if setting.config.dataset.group is not None:
        return "group"
    return "id" if setting.repeats > 1 else None


@dataclass(slots=True, kw_only=True, eq=False)
class RankTally:
    """All pairs of numbers: 16 bytes a row, 24 with clusters."""

    name: str
    read: Read
    clustered: str | None = None
    targets: "array[float]" = field(default_factory=lambda: array("d"))
    predictions: "array[float]" = field(default_factory=lambda: array("d"))
    clusters: "array[int]" = field(default_factory=lambda: array("Q"))  # empty without clusters

    def __eq__(self, other: object) -> bool:
        """The same rows in any order."""
        return isinstance(other, RankTally) and self.state() == other.state()

    __hash__ = None  # type: ignore[assignment]

    def update(self, item: Score, *, cluster: int = 0) -> None:
        pair = self.read(item)
        if pair is None:
            return
        self.targets.append(pair[0])
        self.predictions.append(pair[1])
        if self.clustered is not None:
            self.clusters.append(cluster)

    def merge(self, other: Self) -> Self:
        return type(self)(
            name=self.name,
            read=self.read,
            clustered=self.clustered,
            targets=self.targets + other.targets,
            predictions=self.predictions + other.predictions,
            clusters=self.clusters + other.clusters,
        )

    def state(self) -> dict[str, Any]:
        """In the order of the numbers, so that equal tallies have equal states."""
        targets, predictions, clusters = self._sorted()
        columns = {"targets": targets, "predictions": predictions, "clusters": clusters}
        return {name: b64encode(compress(column.tobytes(), 1)).decode() for name, column in columns.items()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], *, name: str, read: Read, clustered: str | None) -> Self:
        tally = cls(name=name, read=read, clustered=clustered)
        for column in ("targets", "predictions", "clusters"):
            getattr(tally, column).frombytes(decompress(b64decode(state[column])))
        return tally

    def _sorted(self) -> "tuple[Floats, Floats, NDArray[np.uint64]]":
        import numpy as np

        targets, predictions = np.frombuffer(self.targets), np.frombuffer(self.predictions)
        clusters = np.frombuffer(self.clusters, dtype=np.uint64)
        order = np.lexsort((predictions, targets) if not len(clusters) else (clusters, predictions, targets))
        return targets[order], predictions[order], clusters[order] if len(clusters) else clusters

    def value(self) -> dict[str, MetricValue]:
        """Both sides ranked, equal numbers sharing the mean of their ranks, and the correlation of the ranks: scipy.stats.spearmanr."""
        targets, predictions, clusters = self._sorted()
        how = "ci:influence-z95" + ("" if self.clustered is None else f"|clusters:{self.clustered}|n-clusters:{_distinct(clusters)}")
        metric: MetricValue = {"value": None, "ci_low": None, "ci_high": None, "n": len(targets), "signature": ""}
        metric["signature"] = f"spearman|ties:mean-rank|rows:with-number|{how}|v:{_VERSION}"
        ranks = _Ranks.of(targets, predictions)
        rho = ranks.correlation()
        if rho is None:
            metric["reason"] = "all targets or all predictions are the same" if len(targets) else "no row has a number on both sides"
            return {self.name: metric}
        metric["value"] = rho
        metric["ci_low"], metric["ci_high"] = interval(ranks, rho, None if self.clustered is None else clusters) or (None, None)
        return {self.name: metric}


def _distinct(clusters: "NDArray[np.uint64]") -> int:
    import numpy as np

    return len(np.unique(clusters))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ranks:
    """Of each row twice its rank, less the mean: whole numbers that add up to 0."""

    of_targets: "Ints"
    of_predictions: "Ints"

    @classmethod
    def of(cls, targets: "Floats", predictions: "Floats") -> "_Ranks":
        return cls(of_targets=_centred_ranks(targets), of_predictions=_centred_ranks(predictions))

    def correlation(self) -> float | None:
        """From exact sums; None where either side has one value only."""
        spread = _exact_sum(self.of_targets, self.of_targets) * _exact_sum(self.of_predictions, self.of_predictions)
        together = _exact_sum(self.of_targets, self.of_predictions)
        return copysign(min(1.0, sqrt(together**2 / spread)), together) if spread else None


def _centred_ranks(values: "Floats") -> "Ints":
    """
    >>> import numpy as np
    >>> _centred_ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist()
    [2, -3, 2, -1]
    """
    import numpy as np

    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    centred: Ints = (2 * below + counts - len(values))[codes]
    return centred


def _exact_sum(left: "Ints", right: "Ints") -> int:
    """Of the products, which hold in 64 bits in parts and together may not."""
    import numpy as np

    starts = range(0, len(left), _ROWS_AT_ONCE)
    return sum(int(np.dot(left[start : start + _ROWS_AT_ONCE], right[start : start + _ROWS_AT_ONCE])) for start in starts)


def interval(ranks: _Ranks, rho: float, clusters: "NDArray[np.uint64] | None" = None) -> tuple[float, float] | None:
    """95 %, on Fisher's scale. The variance is that of the rows' influence on the correlation (infinitesimal jackknife, Efron 1982):
    it supposes no shape of the numbers' distribution, allows for ties, and sums the rows of a cluster before they are squared.

    Fewer than 50 rows do not show their own variance well: then that of Bonett and Wright (2000), (1 + rho²/2) / (n - 3), is taken
    where it is larger. None for fewer than four draws.
    """
    import numpy as np

    by_draw = _influence(ranks, rho)
    if clusters is not None:
        by_draw = np.bincount(np.unique(clusters, return_inverse=True)[1], weights=by_draw).astype(np.float64)
    draws, rows = len(by_draw), len(ranks.of_targets)
    if draws < 4:
        return None
    bounded = min(abs(rho), 1 - 1 / rows)
    variance = draws / (draws - 1) * _dot(by_draw, by_draw) / rows**2 / (1 - bounded**2) ** 2
    if draws < _FEW:
        variance = max(variance, (1 + bounded**2 / 2) / (draws - 3))
    half, middle = _t_95(draws - 2) * sqrt(variance), atanh(copysign(bounded, rho))
    return min(rho, tanh(middle - half)), max(rho, tanh(middle + half))


def _influence(ranks: _Ranks, rho: float) -> "Floats":
    """What each row adds to the correlation of midranks, to first order: by its own ranks, and by moving those of all others. Adds up
    to 0.
    """
    rows = len(ranks.of_targets)
    x, y = ranks.of_targets / rows, ranks.of_predictions / rows
    together, of_x, of_y = _dot(x, y) / rows, _dot(x, x) / rows, _dot(y, y) / rows
    # the k-th moves the rank of whatever lies above it
    on_products = x * y - together + _moved(x, y) + _moved(y, x)
    on_x = x * x - of_x + 2 * _moved(x, x)
    on_y = y * y - of_y + 2 * _moved(y, y)
    influence: Floats = on_products / sqrt(of_x * of_y) - rho / 2 * (on_x / of_x + on_y / of_y)
    return influence


def _moved(ranks: "Floats", weights: "Floats") -> "Floats":
    """Row by row the mean over all rows of `weights` times the sign of how much higher they rank: 1, 0 for equal ones, -1."""
    import numpy as np

    _, codes = np.unique(ranks, return_inverse=True)
    of_value = np.bincount(codes, weights=weights)
    above = of_value.sum() - np.cumsum(of_value)
    below = np.cumsum(of_value) - of_value
    moved: Floats = ((above - below) / len(ranks))[codes]
    # less what the row's own rank says already of all others
    return moved - _dot(ranks, weights) / len(ranks)


def _dot(left: "Floats", right: "Floats") -> float:
    """Not `@`, whose last digit depends on how many cores there are."""
    return float((left * right).sum())


def _t_95(degrees: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.975))
