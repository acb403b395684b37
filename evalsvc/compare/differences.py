"""Two sides -> the difference of each metric, with what is known of it: B minus A, over the rows that both have.

    mean over rows              rowwise.py        accuracy, recall, precision, parse_rate, exact_match …, ext.<name> of a scorer
    function of a count table   tables.py         F1, averages, balanced accuracy, MCC, kappa
    BLEU, chrF, TER             significance.py   of up to 20,000 independent rows, as sacreBLEU has it
    other functions of sums     resampled.py      ROUGE, token F1, perplexity, errors of numbers, correlation …
    all others                  own.py            areas under curves, rank correlation, calibration, pass@k, win rates

docs/comparing.md says why each has the interval and the test that it has.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from evalsvc.compare.evidence import Evidence
from evalsvc.compare.nouns import Difference, Flips
from evalsvc.compare.own import own_differences
from evalsvc.compare.resampled import same_metrics, sum_differences
from evalsvc.compare.rowwise import mean_difference, share_difference, turned
from evalsvc.compare.significance import METRICS, segment_difference
from evalsvc.compare.student import undecided
from evalsvc.compare.tables import table_differences
from evalsvc.metrics.names import CLASSIFICATION, EXTENSION, OF_POSITIVE
from evalsvc.metrics.sums import SEED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_OF_LABELS: Final = frozenset({*CLASSIFICATION, *OF_POSITIVE}) - {"accuracy", "parse_rate", "coverage"}
_NO_PAIRS: Final = "it says how much of one run was answered: there is nothing to hold against each other row by row"
_OTHER_LABELS: Final = "the two were scored with different labels, or with another positive one"
_NOT_KEPT: Final = "it is not kept by row on both sides, so that it cannot be paired"

# Shares of rows: 1, 0 or NaN by row number.
_SHARES: Final[Mapping[str, Callable[[Evidence], "Floats"]]] = {
    **dict.fromkeys(("accuracy", "recall_micro", "recall_weighted"), Evidence.right),
    "parse_rate": Evidence.parsed,
    "precision_micro": Evidence.precise,
    "precision": lambda side: side.precise(side.positive_index),
    "recall": lambda side: side.recalled(side.positive_index),
}


def differences(a: Evidence, b: Evidence, names: Sequence[str], *, seed: int = SEED) -> dict[str, Difference]:
    """Of each of `names`, in their order. Where nothing can be said, the difference has a reason.

    `seed` is that of the bootstrap; BLEU, chrF and TER have sacreBLEU's.
    """
    found = {name: undecided(name, None, None, 0, reason) for name in names if (reason := _why_not(a, b, name))}
    left = [name for name in names if name not in found]
    found |= {name: share_difference(name, _SHARES[name](a), _SHARES[name](b), a.rows) for name in left if name in _SHARES}
    if _OF_LABELS.intersection(left):
        found |= table_differences(a, b, [name for name in left if name not in _SHARES], seed)
    found |= _of_sums(a, b, left, seed)
    found |= own_differences(a, b, left)
    found |= {name: mean_difference(name, a.worth(name), b.worth(name), a.rows) for name in left if _is_extension(name, a, b)}
    return {name: found.get(name) or undecided(name, None, None, 0, _NOT_KEPT) for name in names}


def _why_not(a: Evidence, b: Evidence, name: str) -> str | None:
    if name == "coverage":
        return _NO_PAIRS
    if name not in _OF_LABELS:
        return None
    other_positive = name in OF_POSITIVE and a.positive != b.positive
    if a.shape.labels != b.shape.labels or other_positive:
        return _OTHER_LABELS
    return _NOT_KEPT if not a.shape.labels or (name in OF_POSITIVE and a.positive_index is None) else None


def _of_sums(a: Evidence, b: Evidence, names: Sequence[str], seed: int) -> dict[str, Difference]:
    """A share of rows is one here as well; BLEU and its like go to sacreBLEU's tests where those fit."""
    both, found = same_metrics(a, b, names)
    shares = [one for one in both if one.metric.share and one.metric.by is None]
    as_sacrebleu = a.rows.independent and a.rows.kept_by_row
    segments = [one for one in both if as_sacrebleu and one.metric.name in METRICS and one.metric.by is None]
    others = [one for one in both if one not in shares and one not in segments]
    found |= {name: share_difference(name, a.worth(name), b.worth(name), a.rows) for name in (one.metric.name for one in shares)}
    found |= {one.metric.name: segment_difference(one, a.rows) for one in segments}
    return found | sum_differences(others, a.rows, seed)


def _is_extension(name: str, a: Evidence, b: Evidence) -> bool:
    """Whether it is the mean of what a scorer of the user's measured on both sides."""
    return name.startswith(EXTENSION) and all(name.removeprefix(EXTENSION) in side.scores for side in (a, b))


def flips_of(a: Evidence, b: Evidence) -> Flips | None:
    """Rows that are right on one side and wrong on the other; None where on a side nothing says what is right.

    The p-value is that of the difference in accuracy over these rows: McNemar's, by cluster where rows are no independent draws.
    """
    import numpy as np

    right_a, right_b = a.right(), b.right()
    judged = np.isfinite(right_a) & np.isfinite(right_b)
    if not judged.any():
        return None
    to_right, to_wrong = turned(right_a, right_b)
    both_right = int((right_a + right_b == 2).sum())
    p = share_difference("accuracy", np.where(judged, right_a, np.nan), np.where(judged, right_b, np.nan), a.rows).p
    return Flips(
        both_right=both_right,
        both_wrong=int(judged.sum()) - both_right - to_right - to_wrong,
        to_right=to_right,
        to_wrong=to_wrong,
        p=1.0 if p is None else p,
    )


def row_changes(a: Evidence, b: Evidence, metric: str) -> "Floats":
    """By row number what the row is worth in B less what it is worth in A; NaN where one of the two is not known.

    Of a metric that no row has alone (F1, areas under curves) it is 1 for a row that turned right, -1 for one that turned wrong. Of one
    where lower is better (ter, mae) a row that got better has a change below 0.
    """
    change: Floats = b.worth(metric) - a.worth(metric)
    return change
