"""What a difference says of a gate: whether B is worse than A, no worse, or nobody can tell from so many rows."""

from dataclasses import replace
from math import ceil
from typing import Final

from evalsvc.compare.nouns import Difference

WORSE: Final = "worse"
NO_WORSE: Final = "no worse"
CANNOT_TELL: Final = "cannot tell"

_LEVEL: Final = 0.05
# A one-sided test at 5 % with power of 80 %.
_STANDARD_ERRORS: Final = 1.645 + 0.842


def verdict_of(difference: Difference, margin: float, lower_is_better: bool, *, p_worse: float | None = None) -> str:
    """WORSE where all of the test, the point and its one-sided upper bound say so; NO_WORSE where the lower bound is above -margin.

    `p_worse` is the p-value of the test corrected for several gates, by default that of `difference` as it is.
    """
    seen = mirrored(difference) if lower_is_better else difference
    p = seen.p_below if p_worse is None else p_worse
    if seen.difference is None or seen.lower is None or seen.upper is None or p is None:
        return CANNOT_TELL
    if p < _LEVEL and seen.difference <= -margin and seen.upper < 0:
        return WORSE
    return NO_WORSE if seen.lower > -margin else CANNOT_TELL


def mirrored(difference: Difference) -> Difference:
    """As if what is higher were lower: of a metric where lower is better, so that everything reads as where higher is."""

    def negative(value: float | None) -> float | None:
        return None if value is None else -value

    return replace(
        difference,
        a=negative(difference.a),
        b=negative(difference.b),
        difference=negative(difference.difference),
        ci_low=negative(difference.ci_high),
        ci_high=negative(difference.ci_low),
        lower=negative(difference.upper),
        upper=negative(difference.lower),
        p_below=difference.p_above,
        p_above=difference.p_below,
    )


def rows_needed(se: float, n: int, margin: float) -> int:
    """How many rows like these `n` would show, 4 times out of 5, that B is no worse by `margin`, if it is as good as A.

    The standard error falls with the root of the rows.

    >>> rows_needed(0.01, 500, 0.02)
    774
    """
    return ceil(n * (_STANDARD_ERRORS * se / margin) ** 2)


def rows_to_tell(difference: Difference, margin: float, lower_is_better: bool) -> int | None:
    """How many rows would tell, where these could not; None where none would: of no difference, and no margin.

    If B is as good as A; and where these rows are enough for that, and still say nothing, if its loss is what was seen.
    """
    seen = mirrored(difference) if lower_is_better else difference
    if seen.difference is None or not seen.se:
        return None
    loss = -seen.difference
    for gap in (margin, margin - loss if loss < margin else loss):
        if gap > 0 and (needed := rows_needed(seen.se, seen.n, gap)) > seen.n:
            return needed
    return None
