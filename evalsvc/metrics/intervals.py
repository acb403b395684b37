"""Intervals for proportions."""

from collections.abc import Sequence
from math import isfinite
from statistics import NormalDist

Z_95 = 1.959963984540054


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of `successes / n` (Wilson 1927; Newcombe 1998, method 3). ValueError unless 0 <= successes <= n > 0.

    Not a whole number where rows are no independent draws and count for less than one each.

    >>> [round(end, 4) for end in wilson(81, 263)]
    [0.2553, 0.3662]
    >>> wilson(0, 10)[0], wilson(10, 10)[1]
    (0.0, 1.0)
    """
    if not 0 <= successes <= n or n <= 0:
        raise ValueError(f"{successes} of {n} is no proportion")
    z = Z_95 if confidence == 0.95 else NormalDist().inv_cdf((1 + confidence) / 2)
    share, z2 = successes / n, z * z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * (share * (1 - share) / n + z2 / (4 * n * n)) ** 0.5
    # at the ends the formula gives 0 and 1 but for rounding
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    return low, high


def where_all_agree(value: float, draws: Sequence[float], *, least: float = 0.0, most: float = 1.0) -> tuple[float, float] | None:
    """The interval of a metric that is as high or as low as it can be because every row is, so that no replicate is anything else.

    As if it were the mean of shares of so many `draws` each, with Wilson's interval for each of them. None for any other value.

    >>> [round(end, 3) for end in where_all_agree(1.0, [10, 40]) or ()]
    [0.817, 1.0]
    """
    counted = [n for n in draws if n > 0]
    if value not in {least, most} or not counted or not (isfinite(least) and isfinite(most)):
        return None
    ends = [wilson(n if value == most else 0, n) for n in counted]
    low, high = (sum(side) / len(ends) for side in zip(*ends, strict=True))
    return least + low * (most - least), least + high * (most - least)
