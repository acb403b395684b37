"""BLEU, chrF and TER: paired approximate randomisation and paired bootstrap resampling, with sacreBLEU's draws (Post 2018).

From the same statistics of segments, in the same order and with the same seed, both give what sacreBLEU gives: the p-value of
`sacrebleu --paired-ar` (Riezler and Maxwell 2005), and of `--paired-bs` (Koehn 2004) the scores of every resample. sacreBLEU
recommends the first for the p-value; the interval and its standard error are from the second.

Where fewer than 20 segments differ at all, one thing is done otherwise. Many trials are then as far apart as the systems are, and count
(Noreen 1989); sacreBLEU leaves them out, and so calls two systems different, with p = 0.0001, of which one segment differs, or none.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from evalsvc.compare.evidence import CommonRows
from evalsvc.compare.nouns import Difference
from evalsvc.compare.resampled import Both, error_of
from evalsvc.compare.student import by_student
from evalsvc.metrics.sums import SumTally

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

SEED: Final = 12345
TRIALS: Final = 10_000
SAMPLES: Final = 1000
METRICS: Final = frozenset({"bleu", "chrf", "chrf_pp", "ter"})

# With as many that differ, one trial in half a million leaves all of them where they are, or moves all.
_FEW_DIFFER: Final = 20
# What is less apart is as far apart: scores of other sums are further, and the rounding of equal ones is less.
_SAME_SCORE: Final = 1e-9
_FLOATS_AT_ONCE: Final = 4_000_000
# numpy takes 32 booleans from a draw: whole ones, so that parts continue each other.
_BITS: Final = 32

# Of sums, the score, to the last digit as sacreBLEU has it.
Formula = Callable[[Sequence[int]], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """The statistics of the same segments on both sides: segments × width, whole numbers."""

    a: "Floats"
    b: "Floats"
    formula: Formula

    def scores(self, sums: "Floats") -> "Floats":
        """Of R × width sums."""
        import numpy as np

        return np.array([self.formula(row) for row in sums.astype(np.int64).tolist()], dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Randomised:
    """Of paired approximate randomisation, with 1 added to trials and to what is counted of them."""

    p: float
    p_below: float
    p_above: float
    few_differ: bool  # so few segments that p is not sacreBLEU's


def randomised(segments: Segments, *, trials: int = TRIALS, seed: int = SEED) -> Randomised:
    """In each trial each segment changes sides or stays."""
    import numpy as np

    moved = segments.a - segments.b
    differs = moved.any(axis=0)
    whole_a, whole_b = segments.a.sum(axis=0), segments.b.sum(axis=0)
    chunks: list[Floats] = []
    for stays in _coins(len(moved), trials, seed):
        sums = np.zeros((len(stays), len(whole_a)))
        # not `@`: see metrics/sums.py
        sums[:, differs] = np.einsum("tn,nw->tw", stays, moved[:, differs])
        chunks.append(segments.scores(whole_a - sums) - segments.scores(whole_b + sums))
    score_a, score_b = segments.scores(np.stack([whole_a, whole_b])).tolist()
    return _counted(np.concatenate(chunks), score_b - score_a, few_differ=int(moved.any(axis=1).sum()) < _FEW_DIFFER)


def _coins(segments: int, trials: int, seed: int) -> "Iterator[Floats]":
    """Trials × segments, 1 where a segment stays on its side: sacreBLEU's in parts, which together are the same bits."""
    import numpy as np

    random = np.random.default_rng(seed)
    size = max(1, _FLOATS_AT_ONCE // (segments * _BITS)) * _BITS
    for start in range(0, trials, size):
        yield random.integers(2, size=(min(size, trials - start), segments), dtype=bool).astype(np.float64)


def _counted(differences: "Floats", observed: float, *, few_differ: bool) -> Randomised:
    import numpy as np

    sizes = np.abs(differences)
    as_far = (sizes >= abs(observed) - _SAME_SCORE) if few_differ else (sizes > abs(observed))
    sides = (as_far, differences <= observed + _SAME_SCORE, differences >= observed - _SAME_SCORE)
    p, p_below, p_above = ((int(side.sum()) + 1) / (len(differences) + 1) for side in sides)
    return Randomised(p=p, p_below=p_below, p_above=p_above, few_differ=few_differ)


def resampled(segments: Segments, *, samples: int = SAMPLES, seed: int = SEED) -> "tuple[Floats, Floats]":
    """The scores of A and of B in each resample of the segments."""
    import numpy as np

    random = np.random.default_rng(seed)
    rows = np.concatenate([segments.a, segments.b], axis=1)
    sums = np.empty((samples, rows.shape[1]))
    for index in range(samples):
        times = np.bincount(random.choice(len(rows), size=len(rows), replace=True), minlength=len(rows))
        sums[index] = np.einsum("n,nw->w", times.astype(np.float64), rows)
    a, b = np.split(sums, 2, axis=1)
    return segments.scores(a), segments.scores(b)


def segment_difference(both: Both, rows: CommonRows) -> Difference:
    """Of a metric of METRICS, over independent rows whose sums are kept one by one."""
    order, ordered_by = _order(both, rows)
    segments = Segments(a=_statistics(both.a[0], order), b=_statistics(both.b[0], order), formula=both.metric.value)
    scores_a, scores_b = resampled(segments)
    how = f"paired-ar{TRIALS}-seed{SEED}|order:{ordered_by}|ci:paired-bs{SAMPLES}-seed{SEED}-t95"
    se, draws = error_of(scores_b - scores_a, len(order)), len(order)
    found = by_student(both.metric.name, both.value_a, both.value_b, n=both.n, se=se, draws=draws, how=how, reach=both.reach)
    if found.p is None:
        return found
    p = randomised(segments)
    few = "|few-differ:ties-counted" if p.few_differ else ""
    return replace(found, p=p.p, p_below=p.p_below, p_above=p.p_above, signature=f"{found.signature}{few}")


def _order(both: Both, rows: CommonRows) -> tuple[list[int], str]:
    """The numbers of the metric's rows as sacreBLEU would read them: in the order of the data set, else by hash of the id."""
    import numpy as np

    numbers = rows.order if rows.order is not None else np.argsort(rows.clusters, kind="stable")
    part_of = {number for tally in (*both.a, *both.b) for number, row in tally.clusters.items() if row[0]}
    return [number for number in numbers.tolist() if number in part_of], "id-hash" if rows.order is None else "dataset"


def _statistics(tally: SumTally, order: Sequence[int]) -> "Floats":
    import numpy as np

    nothing = [0] * tally.width
    return np.array([tally.clusters.get(number, nothing)[1:] for number in order], dtype=np.float64)
