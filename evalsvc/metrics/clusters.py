"""Intervals where rows come in groups: whole groups are drawn with replacement (Davison and Hinkley 1997, 3.8).

Rows of one group (turns of a conversation, questions about one text) succeed and fail together, and intervals that take
them for independent draws are too narrow. Drawing B buckets of rows is drawing Multinomial(B, 1/B) weights for them; every
metric is a function of margins, and margins are linear in the buckets, so a replicate costs labels times buckets and not rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalsvc.metrics.bootstrap import REPLICATES, SEED, Margins, joined, percentiles, table_values
from evalsvc.metrics.intervals import wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# More groups are thrown together by hash: as many draws as this place an interval well, and memory stays bounded.
MOST_BUCKETS = 1024
FEW_GROUPS = 30
_FLOATS_AT_ONCE = 4_000_000

# The rows of each bucket by cell: true label * width + column, a column from the number of labels on meaning "no label".
Buckets = Mapping[int, Mapping[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustered:
    """Rows of a confusion by bucket. `width` is that of the ConfusionTally whose cells they are."""

    buckets: Buckets
    labels: int
    width: int
    by: str = "group"  # what a bucket is: a group, or all repeats of an id

    def margins(self, order: Sequence[int] | None = None) -> Margins:
        """A row of counts for each bucket of `order`, by default all, lowest first; rows without a target are left out."""
        import numpy as np

        order = sorted(self.buckets) if order is None else order
        size = len(order)
        hits, support, predicted = np.zeros((size, self.labels)), np.zeros((size, self.labels)), np.zeros((size, self.labels + 1))
        for index, bucket in enumerate(order):
            for cell, rows in self.buckets.get(bucket, {}).items():
                line, column = divmod(cell, self.width)
                if line == self.labels:
                    continue
                support[index, line] += rows
                predicted[index, min(column, self.labels)] += rows
                hits[index, line] += rows * (line == column)
        return Margins(n=support.sum(axis=1), hits=hits, support=support, predicted=predicted)


def cluster_intervals(rows: Clustered, *, positive: int | None = None, seed: int = SEED) -> dict[str, tuple[float, float]]:
    """The 95 % interval of every metric of one confusion; shares of rows included. Empty for fewer than two buckets.

    Where every row of a share agrees no replicate disagrees; then Wilson's interval takes each bucket for one draw.
    """
    import numpy as np

    of_bucket = rows.margins()
    present = of_bucket.n > 0
    draws = int(present.sum())
    if draws < 2:
        return {}
    [values] = cluster_replicates([of_bucket], present, positive=positive, seed=seed)
    return percentiles(values) | _unanimous(_weighted(np.ones((1, draws)), of_bucket, present), positive, draws)


def cluster_replicates(
    sides: Sequence[Margins], present: "NDArray[np.bool_]", *, positive: int | None = None, seed: int = SEED
) -> list[dict[str, "Floats"]]:
    """Of each side every metric, shares of rows included, in every replicate. The same buckets are drawn on all sides, of those that
    are `present`.
    """
    import numpy as np

    draws, labels = int(present.sum()), sides[0].hits.shape[1]
    random = np.random.Generator(np.random.PCG64(seed))
    chunks: list[list[dict[str, Floats]]] = []
    left = REPLICATES
    while left:
        size = min(left, max(1, _FLOATS_AT_ONCE // max(draws, labels + 1)))
        weights = random.multinomial(draws, np.full(draws, 1 / draws), size=size).astype(np.float64)
        tables = [_weighted(weights, of_bucket, present) for of_bucket in sides]
        chunks.append([table_values(table, positive) | _shares(table, positive) for table in tables])
        left -= size
    return joined(chunks)


def values_without_each(rows: Clustered, order: Sequence[int], *, positive: int | None = None) -> dict[str, "Floats"]:
    """Every metric with each bucket of `order` left out in turn, and last with none left out: len(order) + 1 values."""
    import numpy as np

    of_bucket = rows.margins(order)
    table = Margins(
        n=_without_each(of_bucket.n),
        hits=_without_each(of_bucket.hits),
        support=_without_each(of_bucket.support),
        predicted=_without_each(of_bucket.predicted),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return table_values(table, positive) | _shares(table, positive)


def _without_each(counts: "Floats") -> "Floats":
    """The sums over all buckets without each in turn, and last with all of them; of whole numbers, so exact."""
    import numpy as np

    whole = counts.sum(axis=0, keepdims=True)
    sums: Floats = np.concatenate([whole - counts, whole])
    return sums


def _weighted(weights: "Floats", of_bucket: Margins, present: "NDArray[np.bool_]") -> Margins:
    return Margins(
        n=weights @ of_bucket.n[present],
        hits=weights @ of_bucket.hits[present],
        support=weights @ of_bucket.support[present],
        predicted=weights @ of_bucket.predicted[present],
    )


def _parts(table: Margins, positive: int | None) -> dict[str, tuple["Floats", "Floats"]]:
    """Successes and rows of the metrics that are shares of rows."""
    hits, rows = table.hits.sum(axis=1), table.n
    parts = {
        "accuracy": (hits, rows),
        "recall_micro": (hits, rows),
        "recall_weighted": (hits, rows),
        "precision_micro": (hits, table.predicted[:, :-1].sum(axis=1)),
    }
    if positive is not None:
        parts["precision"] = table.hits[:, positive], table.predicted[:, positive]
        parts["recall"] = table.hits[:, positive], table.support[:, positive]
    return parts


def _shares(table: Margins, positive: int | None) -> dict[str, "Floats"]:
    import numpy as np

    return {
        name: np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
        for name, (part, whole) in _parts(table, positive).items()
    }


def _unanimous(whole: Margins, positive: int | None, draws: int) -> dict[str, tuple[float, float]]:
    return {
        name: wilson(draws * share, draws)
        for name, (part, rows) in _parts(whole, positive).items()
        if rows[0] > 0 and (share := float(part[0] / rows[0])) in {0.0, 1.0}
    }


def cluster_share(buckets: Mapping[int, tuple[int, int]], *, seed: int = SEED) -> tuple[float, float] | None:
    """The same for a single share of rows: `buckets` hold successes and rows."""
    as_cells = {bucket: {0: hits, 1: rows - hits} for bucket, (hits, rows) in buckets.items()}
    return cluster_intervals(Clustered(buckets=as_cells, labels=1, width=2), seed=seed).get("accuracy")
