"""Differences of metrics that are means over rows: shares of right rows, and means of scores.

Independent rows   a share has Tango's interval and McNemar's tests (proportions.py), a mean the paired t-test
Clusters           repeats of a row, rows of a group: Student's t over clusters, of the linearised difference of two ratios (Cochran
                   1977, 6.3; Miller 2024 for evaluations); of a share the p-values are those of sign flips over clusters, exactly

A row that is part of the metric on one side only (of precision: predicted positive there) counts on that side.
"""

from dataclasses import replace
from math import fsum, inf, sqrt
from typing import TYPE_CHECKING

from evalsvc.compare.evidence import CommonRows
from evalsvc.compare.nouns import Difference
from evalsvc.compare.proportions import PValues, mcnemar, sign_flips, tango
from evalsvc.compare.student import MDE_IN_SE, by_student, undecided
from evalsvc.metrics.intervals import Z_95

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def share_difference(metric: str, a: "Floats", b: "Floats", rows: CommonRows) -> Difference:
    """`a` and `b` by row number: 1 for a hit, 0 for none, NaN for a row that is not part of the metric."""
    import numpy as np

    in_a, in_b = np.isfinite(a), np.isfinite(b)
    if not in_a.any() or not in_b.any() or (in_a != in_b).any():
        return mean_difference(metric, a, b, rows, reach=1.0)
    if rows.independent:
        to_right, to_wrong = turned(a, b)
        return counted_difference(metric, hits=int(np.nansum(a)), to_right=to_right, to_wrong=to_wrong, n=int(in_a.sum()))
    found = mean_difference(metric, a, b, rows, reach=1.0)
    p = _sign_flips(a, b, rows)
    if found.p is None or p is None:
        return found
    return replace(found, p=p.two_sided, p_below=p.below, p_above=p.above, signature=f"{found.signature}|p:sign-flips-exact")


def turned(a: "Floats", b: "Floats") -> tuple[int, int]:
    """Rows that are no hit in A and one in B, and the other way round."""
    return int((b > a).sum()), int((b < a).sum())


def counted_difference(metric: str, *, hits: int, to_right: int, to_wrong: int, n: int) -> Difference:
    """Of a share of `n` independent rows, of which `hits` were hits in A."""
    a, b = hits / n, (hits + to_right - to_wrong) / n
    low, high = tango(to_right, to_wrong, n)
    lower, upper = tango(to_right, to_wrong, n, 0.90)
    p = mcnemar(to_right, to_wrong)
    se = (high - low) / (2 * Z_95)
    return Difference(
        metric=metric,
        a=a,
        b=b,
        n=n,
        difference=(to_right - to_wrong) / n,
        ci_low=low,
        ci_high=high,
        lower=lower,
        upper=upper,
        p=p.two_sided,
        p_below=p.below,
        p_above=p.above,
        se=se,
        mde=MDE_IN_SE * se,
        signature="ci:tango95|p:mcnemar-mid-p|one-sided:binomial-exact",
    )


def _sign_flips(a: "Floats", b: "Floats", rows: CommonRows) -> PValues | None:
    import numpy as np

    by_cluster = np.zeros(rows.distinct, dtype=np.int64)
    np.add.at(by_cluster, rows.codes, np.nan_to_num(b - a).astype(np.int64))
    return sign_flips(by_cluster.tolist())


def mean_difference(metric: str, a: "Floats", b: "Floats", rows: CommonRows, *, reach: float = inf) -> Difference:
    """Of the means of the numbers that are there, by row number; NaN is none."""
    import numpy as np

    in_a, in_b = np.isfinite(a), np.isfinite(b)
    n_a, n_b = int(in_a.sum()), int(in_b.sum())
    if not n_a or not n_b:
        values = [_mean(a[in_a]), _mean(b[in_b])]
        sides = " and ".join(side for side, value in zip("AB", values, strict=True) if value is None)
        return undecided(metric, values[0], values[1], min(n_a, n_b), f"no row of {sides} is part of it")
    mean_a, mean_b = fsum(a[in_a]) / n_a, fsum(b[in_b]) / n_b
    # what each row adds to the difference, to first order; adds up to 0
    influence = np.where(in_b, (b - mean_b) / n_b, 0.0) - np.where(in_a, (a - mean_a) / n_a, 0.0)
    part_of = in_a | in_b
    if rows.independent:
        by_draw, how = influence[part_of], "ci:paired-t95|p:t"
    else:
        _, codes = np.unique(rows.codes[part_of], return_inverse=True)
        by_draw = np.bincount(codes, weights=influence[part_of])
        how = f"ci:cluster-t95|clusters:{len(by_draw)}-by-{rows.by}|p:t"
    draws = len(by_draw)
    se = sqrt(fsum((by_draw * by_draw).tolist()) * draws / max(1, draws - 1))
    return by_student(metric, mean_a, mean_b, n=min(n_a, n_b), se=se, draws=draws, how=how, reach=reach)


def _mean(values: "Floats") -> float | None:
    return fsum(values) / len(values) if len(values) else None
