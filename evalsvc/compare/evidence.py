"""What one side has of the rows that both have, numbered alike on both sides, so that they can be held against each other in pairs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from operator import add
from typing import TYPE_CHECKING, Final, Self

from evalsvc.dataset import id_hash
from evalsvc.dataset.runs import ORDERS
from evalsvc.metrics.families.metric import ScoreTally, SumMetric
from evalsvc.metrics.kept import Shape
from evalsvc.metrics.sums import JACKKNIFE_BUCKETS, MOST_CLUSTERS, SumTally
from evalsvc.metrics.tally import ConfusionTally
from evalsvc.records import WITHOUT_LABEL, Outcome, Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Of tallies that no sums of fixed width replace: each bucket is left out once.
OWN_BUCKETS: Final = 64
OUTCOMES: Final = tuple(Outcome)
_PLACE_OF: Final = {outcome: place for place, outcome in enumerate(OUTCOMES)}
_NOT_TAKEN: Final = -1
# Under which name a row's own value of a corpus metric stands in its scores.
_ALONE: Final = "sentence_{}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CommonRows:
    """The rows that both sides have; each has a number from 0 on."""

    count: int
    clusters: "NDArray[np.uint64]"  # by row number: hash of the sample's id, of its group where `dataset.group` is set
    grouped: bool = False
    repeated: bool = False  # several rows of one id
    order: "NDArray[np.int64] | None" = None  # row numbers in the order of the data set
    # By column that a metric is a mean over the groups of, and by row number: a code for the row's value there, -1 for none.
    parts: "Mapping[str, NDArray[np.int32]]" = field(default_factory=dict)
    codes: "NDArray[np.int64]" = field(init=False)  # by row number: the cluster, counted from 0 in the order of the hashes
    distinct: int = field(init=False)  # clusters

    def __post_init__(self) -> None:
        import numpy as np

        distinct, codes = np.unique(self.clusters, return_inverse=True)
        object.__setattr__(self, "codes", codes)
        object.__setattr__(self, "distinct", len(distinct))

    @property
    def independent(self) -> bool:
        """Whether every row is a draw of its own."""
        return not self.grouped and not self.repeated

    def units(self, n: int) -> int:
        """How many independent draws `n` of the rows are at most."""
        return n if self.independent else min(n, self.distinct)

    @property
    def by(self) -> str:
        """What a cluster is."""
        return "group" if self.grouped else "id"

    @property
    def kept_by_row(self) -> bool:
        """Whether sums are kept of each row; of more rows by bucket of clusters."""
        return self.count <= MOST_CLUSTERS


@dataclass(slots=True, kw_only=True, eq=False)
class Evidence:
    """One side. Rows may be taken in any order; what is said of them does not depend on it."""

    shape: Shape
    rows: CommonRows
    positive: str | None
    cells: "NDArray[np.int32]"  # by row number: cell of the confusion, or place in OUTCOMES where there are no labels
    scores: "dict[str, Floats]" = field(default_factory=dict)  # by name and row number: what the row is worth alone; NaN: it is not
    # By metric, by group (0 for all that are not means over groups), and by row number, or by bucket: rows, and the sums of their summands
    sums: dict[str, dict[int, dict[int, list[int]]]] = field(default_factory=dict)
    own: tuple[dict[int, ScoreTally], ...] = ()  # in the order of `shape.own`, by bucket
    _confusion: ConfusionTally = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._confusion = self.shape.confusion

    @classmethod
    def empty(cls, shape: Shape, rows: CommonRows, positive: str | None) -> Self:
        """Takes `rows.count` rows of a run that keeps `shape`; `positive` is its positive label."""
        import numpy as np

        return cls(
            shape=shape,
            rows=rows,
            positive=positive,
            cells=np.full(rows.count, _NOT_TAKEN, dtype=np.int32),
            sums={metric.name: {} for metric in shape.sums},
            own=tuple({} for _ in shape.own),
        )

    def take(self, number: int, score: Score) -> None:
        """The row with this number. UsageError for a target or prediction that is none of the labels."""
        self.cells[number] = self._confusion.cell_of(score) if self.shape.labels else _PLACE_OF[score.outcome]
        for name, value in (score.scores or {}).items():
            self._score(number, name, value)
        cluster = number if self.rows.kept_by_row else int(self.rows.clusters[number]) % JACKKNIFE_BUCKETS
        for metric in self.shape.sums:
            self._add(metric, number, score, cluster)
        if self.own:
            bucket = self._own_bucket(number, score)
            for own, tallies in zip(self.shape.own, self.own, strict=True):
                if bucket not in tallies:
                    tallies[bucket] = own.empty()
                tallies[bucket].update(score)

    def _score(self, number: int, name: str, value: float) -> None:
        import numpy as np

        values = self.scores.get(name)
        if values is None:
            values = self.scores[name] = np.full(self.rows.count, np.nan)
        values[number] = value

    def _add(self, metric: SumMetric, number: int, score: Score, cluster: int) -> None:
        summands = metric.read(score)
        group = self._group(metric, number)
        if group is not None:
            row = [0] * (metric.width + 1) if summands is None else [1, *summands]
            clusters = self.sums[metric.name].setdefault(group, {})
            there = clusters.get(cluster)
            clusters[cluster] = row if there is None else list(map(add, there, row))
        there_alone = score.scores or {}
        if summands is not None and metric.name not in there_alone and _ALONE.format(metric.name) not in there_alone:
            value = metric.value(summands)
            if value is not None and isfinite(value):
                self._score(number, metric.name, value)

    def _group(self, metric: SumMetric, number: int) -> int | None:
        """None for a row that is in no group of the metric's, or nobody knows in which."""
        if metric.by is None:
            return 0
        codes = self.rows.parts.get(metric.by)
        return None if codes is None or codes[number] < 0 else int(codes[number])

    def _own_bucket(self, number: int, score: Score) -> int:
        """Both rows of a pair that a judge saw in two orders are in one."""
        if self.rows.grouped:
            return int(self.rows.clusters[number]) % OWN_BUCKETS
        id_ = score.id
        for order in ORDERS:
            id_ = id_.removesuffix(f"#{order}")
        return int.from_bytes(id_hash(id_), "little") % OWN_BUCKETS

    def tallies(self, metric: SumMetric) -> list[SumTally]:
        """The sums of one metric: of each group where it is a mean over groups, else of all rows."""
        return [
            SumTally(width=metric.width + 1, all=list(map(sum, zip(*clusters.values(), strict=True))), clusters=clusters, metrics=(metric,))
            for _, clusters in sorted(self.sums[metric.name].items())
        ]

    @property
    def width(self) -> int:
        """Columns of the confusion."""
        return self._confusion.width

    @property
    def positive_index(self) -> int | None:
        return self.shape.labels.index(self.positive) if self.positive in self.shape.labels else None

    def right(self) -> "Floats":
        """By row number: 1 for a right answer, 0 for any other, NaN where there is no right and wrong."""
        import numpy as np

        if self.shape.labels:
            line, column = self._lines_and_columns()
            return np.where((line >= 0) & (line < len(self.shape.labels)), line == column, np.nan)
        correct, wrong, scored = (self.cells == _PLACE_OF[one] for one in (Outcome.CORRECT, Outcome.WRONG, Outcome.SCORED))
        judged = (self.cells != _NOT_TAKEN) & ~scored if (correct | wrong).any() else np.zeros(self.rows.count, dtype=bool)
        return np.where(judged, correct, np.nan)

    def parsed(self) -> "Floats":
        """By row number: 1 where an answer was found, 0 where none was, NaN for rows in error."""
        import numpy as np

        if self.shape.labels:
            line, column = self._lines_and_columns()
            without, taken = column - len(self.shape.labels), line >= 0
        else:
            without = np.array([WITHOUT_LABEL.index(one) if one in WITHOUT_LABEL else -1 for one in OUTCOMES])[self.cells]
            taken = self.cells != _NOT_TAKEN
        return np.where(taken & (without != WITHOUT_LABEL.index(Outcome.ERROR)), without < 0, np.nan)

    def recalled(self, label: int | None) -> "Floats":
        """By row number: of the rows of this label 1 where it was found; NaN for other rows."""
        import numpy as np

        line, column = self._lines_and_columns()
        return np.where(line == label, column == label, np.nan)

    def precise(self, label: int | None = None) -> "Floats":
        """By row number: of the rows with a target that were answered with `label`, or with any, 1 where that is right."""
        import numpy as np

        labels = len(self.shape.labels)
        line, column = self._lines_and_columns()
        answered = (column < labels) if label is None else (column == label)
        return np.where((line >= 0) & (line < labels) & answered, line == column, np.nan)

    def _lines_and_columns(self) -> "tuple[NDArray[np.int32], NDArray[np.int32]]":
        """True label and column of each row's cell; -1 as the line of a row that was not taken."""
        import numpy as np

        line, column = np.divmod(self.cells, np.int32(self._confusion.width))
        return line, column

    def worth(self, metric: str) -> "Floats":
        """By row number: the row's own value of `metric`; of metrics that no row has alone, whether it is right. NaN for none."""
        import numpy as np

        for name in (metric, metric.removeprefix("ext."), _ALONE.format(metric)):
            if name in self.scores:
                return self.scores[name]
        if any(metric == one.name for one in self.shape.sums):
            return np.full(self.rows.count, np.nan)
        return self.right()
