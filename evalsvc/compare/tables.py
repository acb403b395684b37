"""Differences of what is a function of the count table: F1 and its averages, balanced accuracy, MCC, kappa.

Drawing rows in pairs and counting them is drawing the table of both sides' cells: Multinomial(rows, joint cells / rows), exactly
the paired bootstrap at a cost that does not grow with the rows. Where rows come in clusters, whole clusters are drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Final

from evalsvc.compare.evidence import CommonRows, Evidence
from evalsvc.compare.nouns import Difference
from evalsvc.compare.resampled import error_of
from evalsvc.compare.student import by_student, undecided
from evalsvc.metrics.bootstrap import FORMULAS, REPLICATES, Cell, Margins, margins, replicates_for, table_replicates, table_values
from evalsvc.metrics.clusters import MOST_BUCKETS, Clustered, cluster_replicates
from evalsvc.metrics.names import range_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_F1: Final = "f1"
_NO_ROWS: Final = "no row that both have has a target"
_UNDEFINED: Final = "0/0: one label is all there is, in the targets and in the replies"


def table_differences(a: Evidence, b: Evidence, names: Sequence[str], seed: int) -> dict[str, Difference]:
    """Of those of `names` that are functions of the count table; both sides have the same labels."""
    import numpy as np

    wanted = [name for name in names if name in FORMULAS or name == _F1]
    rows = np.flatnonzero(np.isfinite(a.right()) & np.isfinite(b.right()))
    if not len(rows) or not wanted:
        return {name: undecided(name, None, None, 0, _NO_ROWS) for name in wanted}
    sides = [_Side(cells=side.cells[rows].astype(np.int64), labels=len(side.shape.labels), width=side.width) for side in (a, b)]
    drawn = _draw_rows(sides, a.positive_index, seed) if a.rows.independent else _draw_clusters(sides, a.rows, rows, a.positive_index, seed)
    values = [_values(side, a.positive_index) for side in sides]
    return {name: _told(name, [of[name] for of in values], len(rows), drawn, a.rows) for name in wanted}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """The cells of the rows that both sides have a target for, in the same order on both."""

    cells: "Ints"
    labels: int
    width: int

    def counted(self, cells: "Ints", counts: "Ints") -> list[Cell]:
        lines, columns = divmod(cells, self.width)
        return list(zip(lines.tolist(), columns.tolist(), counts.tolist(), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """The metrics of both sides in each replicate, and how many independent draws a replicate is made of."""

    a: Mapping[str, "Floats"]
    b: Mapping[str, "Floats"]
    draws: int
    how: str


def _values(side: _Side, positive: int | None) -> dict[str, float]:
    import numpy as np

    cells, counts = np.unique(side.cells, return_counts=True)
    table = margins(counts[np.newaxis], side.counted(cells, counts), side.labels)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: float(of_table[0]) for name, of_table in table_values(table, positive).items()}


def _draw_rows(sides: Sequence[_Side], positive: int | None, seed: int) -> _Drawn:
    import numpy as np

    a, b = sides
    above = int(b.cells.max()) + 1
    joint, first, counts = np.unique(a.cells * above + b.cells, return_index=True, return_counts=True)
    # as they first come up: whichever side is A, the draws are the same
    by_row = np.argsort(first)
    (cells_a, cells_b), counts = divmod(joint[by_row], above), counts[by_row]
    of_a, of_b = table_replicates([a.counted(cells_a, counts), b.counted(cells_b, counts)], a.labels, positive=positive, seed=seed)
    how = f"ci:paired-bootstrap{replicates_for(len(joint))}-t95-seed{seed}|p:t"
    return _Drawn(a=of_a, b=of_b, draws=len(a.cells), how=how)


def _draw_clusters(sides: Sequence[_Side], rows: CommonRows, numbers: "Ints", positive: int | None, seed: int) -> _Drawn:
    """Clusters are thrown together by hash where there are more of them than replicates are drawn from."""
    import numpy as np

    codes = rows.codes[numbers] if rows.distinct <= MOST_BUCKETS else rows.clusters[numbers] % np.uint64(MOST_BUCKETS)
    buckets, of_row = np.unique(codes, return_inverse=True)
    of_bucket = [_by_bucket(side, of_row, len(buckets)) for side in sides]
    of_a, of_b = cluster_replicates(of_bucket, np.ones(len(buckets), dtype=bool), positive=positive, seed=seed)
    how = f"ci:paired-cluster-bootstrap{REPLICATES}-t95-seed{seed}|clusters:{len(buckets)}-by-{rows.by}|p:t"
    return _Drawn(a=of_a, b=of_b, draws=len(buckets), how=how)


def _by_bucket(side: _Side, of_row: "Ints", buckets: int) -> Margins:
    import numpy as np

    above = int(side.cells.max()) + 1
    keys, counts = np.unique(of_row * above + side.cells, return_counts=True)
    rows: dict[int, dict[int, int]] = {bucket: {} for bucket in range(buckets)}
    for bucket, cell, count in zip(*(part.tolist() for part in divmod(keys, above)), counts.tolist(), strict=True):
        rows[bucket][cell] = count
    return Clustered(buckets=rows, labels=side.labels, width=side.width).margins()


def _told(name: str, values: Sequence[float], n: int, drawn: _Drawn, rows: CommonRows) -> Difference:
    a, b = (value if isfinite(value) else None for value in values)
    if a is None or b is None:
        return undecided(name, a, b, n, _UNDEFINED)
    least, most = range_of(name)
    se = error_of(drawn.b[name] - drawn.a[name], drawn.draws)
    return by_student(name, a, b, n=n, se=se, draws=drawn.draws, how=drawn.how, reach=most - least, units=rows.units(n))
