"""Two shares over the same rows, as functions of counts: how many rows turned right, how many turned wrong, of how many.

Rows that are right on both sides, or wrong on both, say nothing of which side is better: tests are over the rows that turned.

    tango        score interval of the difference (Tango 1998; recommended by Fagerland, Lydersen and Laake 2014)
    mcnemar      mid-p for two sides (Fagerland, Lydersen and Laake 2013), the exact conditional binomial test for one: of
                 neutral changes no more than 5 % fall below 0.05, where a z-test lets through 6 % of fifty rows that turn
    sign_flips   the same where rows come in clusters: each cluster's difference has either sign with equal chance
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from evalsvc.metrics.intervals import Z_95

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Halving [-1, 1] more often changes no digit of a double.
_HALVINGS: Final = 60
# The exact distribution of more turned rows in clusters of different sizes takes long, and is Student's t by then.
_MOST_TURNED: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PValues:
    """`below` is small where B is below A, `above` where it is above."""

    two_sided: float
    below: float
    above: float


def tango(to_right: int, to_wrong: int, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """The score interval of (to_right - to_wrong) / n; at 90 % each end is a one-sided bound at 95 %.

    ValueError unless so many of `n` rows can have turned.

    >>> [round(end, 3) for end in tango(9, 3, 32)]  # Tango 1998
    [-0.027, 0.39]
    >>> [round(end, 4) for end in tango(0, 0, 100)]
    [-0.037, 0.037]
    """
    if min(to_right, to_wrong) < 0 or n <= 0 or to_right + to_wrong > n:
        raise ValueError(f"{to_right} and {to_wrong} of {n} rows cannot have turned")
    z = Z_95 if confidence == 0.95 else NormalDist().inv_cdf((1 + confidence) / 2)
    return -_upper(to_wrong, to_right, n, z), _upper(to_right, to_wrong, n, z)


def _upper(up: int, down: int, n: float, z: float) -> float:
    """The difference at which the score statistic has fallen to -z."""
    if not up and not down:
        return z * z / (n + z * z)
    low, high = (up - down) / n, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _score(middle, up, down, n) > -z:
            low = middle
        else:
            high = middle
    return high


def _score(difference: float, up: int, down: int, n: float) -> float:
    """How many standard deviations the observed difference lies above a true `difference`."""
    b = (2 * n - up + down) * difference - up - down
    c = -down * difference * (1 - difference)
    likeliest = (max(0.0, b * b - 8 * n * c) ** 0.5 - b) / (4 * n)  # share of rows that turn down
    variance = n * (2 * likeliest + difference * (1 - difference))
    return (up - down - n * difference) / variance**0.5 if variance > 0 else float("-inf")


def mcnemar(to_right: int, to_wrong: int) -> PValues:
    """That a row turns right as often as wrong, given how many turned. All are 1 where none did.

    >>> found = mcnemar(1, 7)  # Fagerland et al. 2013
    >>> round(found.two_sided, 4), round(found.below, 4), round(found.above, 4)
    (0.0391, 0.0352, 0.9961)
    """
    from scipy.special import bdtr

    turned = to_right + to_wrong
    if not turned:
        return PValues(two_sided=1.0, below=1.0, above=1.0)
    below, above = float(bdtr(to_right, turned, 0.5)), float(bdtr(to_wrong, turned, 0.5))
    fewer = min(to_right, to_wrong)
    at_fewer = float(bdtr(fewer, turned, 0.5)) - (float(bdtr(fewer - 1, turned, 0.5)) if fewer else 0.0)
    return PValues(two_sided=_mid_p(min(below, above), at_fewer, balanced=to_right == to_wrong), below=below, above=above)


def _mid_p(tail: float, at_observed: float, *, balanced: bool) -> float:
    return 1 - at_observed / 2 if balanced else min(1.0, 2 * tail - at_observed)


def sign_flips(differences: Sequence[int]) -> PValues | None:
    """The randomisation test over clusters, exactly: `differences` are rows that turned right less rows that turned wrong, by cluster.

    For clusters of a row each it is McNemar's. None for more than 10,000 turned rows in clusters of different sizes.

    >>> sign_flips([1, -1, -1, 0]) == mcnemar(1, 2) and sign_flips([3, -3, -3]) == mcnemar(1, 2)
    True
    """
    import numpy as np

    sizes = Counter(abs(one) for one in differences if one)
    if len(sizes) < 2:
        return mcnemar(sum(one > 0 for one in differences), sum(one < 0 for one in differences))
    total = sum(size * clusters for size, clusters in sizes.items())
    if total > _MOST_TURNED:
        return None
    chances = np.ones(1)  # of each sum of the positive ones
    for size, clusters in sorted(sizes.items()):
        chances = np.convolve(chances, _of_size(size, clusters))
    positive = sum(one for one in differences if one > 0)
    below, above = float(chances[: positive + 1].sum()), float(chances[positive:].sum())
    two_sided = _mid_p(min(below, above), float(chances[positive]), balanced=2 * positive == total)
    return PValues(two_sided=two_sided, below=min(1.0, below), above=min(1.0, above))


def _of_size(size: int, clusters: int) -> "Floats":
    """How likely each sum of `size` over those of `clusters` is that fall on the positive side."""
    import numpy as np
    from scipy.special import gammaln

    hits = np.arange(clusters + 1)
    chances = np.zeros(size * clusters + 1)
    chances[size * hits] = np.exp(gammaln(clusters + 1) - gammaln(hits + 1) - gammaln(clusters - hits + 1) - clusters * np.log(2))
    return chances
