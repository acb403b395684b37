"""Intervals for proportions."""

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
