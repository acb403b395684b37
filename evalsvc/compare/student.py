"""From a difference and its standard error to interval, bounds and p-values, all by Student's t, so that they never contradict each other.

The standard error comes from replicates (resampled.py, tables.py, significance.py), from leaving out one bucket after the other, or
from the rows themselves (rowwise.py). Percentiles of replicates are what many tools take: of 50 to 200 rows they hold the true
difference in 80 to 96 of 100 test sets, where these hold it in 94 to 99 (`scripts/gate-simulation intervals`).
"""

from dataclasses import replace
from math import inf, isfinite
from typing import Final

from evalsvc.compare.nouns import Difference
from evalsvc.compare.proportions import tango
from evalsvc.metrics.intervals import Z_95

# For a two-sided test at 5 % and power of 80 %: 1.96 + 0.84 standard errors (Bloom 1995).
MDE_IN_SE: Final = 2.8
# What is left of a standard error of 0 when doubles were added up.
_ROUNDING: Final = 1e-11


def undecided(metric: str, a: float | None, b: float | None, n: int, reason: str) -> Difference:
    """Nothing but the two values; the difference too where both are there."""
    difference = None if a is None or b is None else b - a
    return Difference(metric=metric, a=a, b=b, n=n, difference=difference, reason=reason)


def by_student(
    metric: str, a: float, b: float, *, n: int, se: float, draws: int, how: str, reach: float = inf, units: int | None = None
) -> Difference:
    """B minus A with a standard error from so many independent `draws`: rows, clusters or buckets of them.

    `reach` is the most by which two values of the metric can differ; `units` are the rows or clusters, where draws are buckets of them.
    Where nothing scatters at all see `_alike`.
    """
    from scipy.special import stdtr, stdtrit

    if draws < 2:
        return undecided(metric, a, b, n, "fewer than two independent rows: nothing shows how far they scatter")
    difference = b - a
    if se <= _ROUNDING * max(abs(a), abs(b)):
        return _alike(metric, a, b, n=n, draws=units or draws, how=how, reach=reach)
    half, half_one_sided = (float(stdtrit(draws - 1, level)) * se for level in (0.975, 0.95))
    below, above = (float(stdtr(draws - 1, side * difference / se)) for side in (1, -1))
    return Difference(
        metric=metric,
        a=a,
        b=b,
        n=n,
        difference=difference,
        ci_low=max(-reach, difference - half),
        ci_high=min(reach, difference + half),
        lower=max(-reach, difference - half_one_sided),
        upper=min(reach, difference + half_one_sided),
        p=2 * min(below, above),
        p_below=below,
        p_above=above,
        se=se,
        mde=MDE_IN_SE * se,
        signature=how,
    )


def _alike(metric: str, a: float, b: float, *, n: int, draws: int, how: str, reach: float) -> Difference:
    """Every draw says the same. Where that is "no difference", a few rows in so many might have said otherwise: Tango's interval of none
    turned, as far as the metric reaches. Else it is a sign test that came out one way.
    """
    difference = b - a
    found = Difference(metric=metric, a=a, b=b, n=n, difference=difference, p=1.0, p_below=1.0, p_above=1.0, se=0.0, signature=how)
    if difference:
        below, above = (0.5**draws, 1.0) if difference < 0 else (1.0, 0.5**draws)
        found = replace(found, p=2 * min(below, above), p_below=below, p_above=above)
        return replace(found, ci_low=difference, ci_high=difference, lower=difference, upper=difference)
    two_sided, one_sided = (reach * tango(0, 0, draws, level)[1] if isfinite(reach) else 0.0 for level in (0.95, 0.90))
    se = two_sided / Z_95
    return replace(
        found,
        ci_low=0.0 - two_sided,  # and no -0
        ci_high=two_sided,
        lower=0.0 - one_sided,
        upper=one_sided,
        se=se,
        mde=MDE_IN_SE * se if se else None,
        signature=f"{how}|no-draw-differs:tango95",
    )
