"""Percentile intervals of count-table metrics by the multinomial bootstrap over the cells.

Drawing n rows with replacement and counting them is drawing Multinomial(n, cells / n), so this is exactly the
non-parametric bootstrap (Efron 1979) at a cost that does not grow with the rows. The formulas are scikit-learn's, written
for many tables at once; tests hold each of them against scikit-learn.

numpy is imported where it is used: a run that only asks and journals needs none of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

# (true label, column, rows); any column from the number of labels on means "no label".
Cell = tuple[int, int, int]

REPLICATES = 2000
SEED = 0
# Fewer replicates for huge tables, never fewer than this: two hundred still place a 95 % interval.
_FEWEST_REPLICATES = 200
_DRAWS = 10_000_000
_DRAWS_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """What every metric needs of R count tables over K labels. Column K of `predicted` is "no label"."""

    n: "Floats"  # R: rows
    hits: "Floats"  # R × K: rows of the label that were predicted as it
    support: "Floats"  # R × K: rows of the label
    predicted: "Floats"  # R × (K + 1): rows predicted as the label

    @property
    def recall(self) -> "Floats":
        return _ratio(self.hits, self.support)

    @property
    def precision(self) -> "Floats":
        return _ratio(self.hits, self.predicted[:, :-1])

    @property
    def f1(self) -> "Floats":
        return _ratio(2 * self.hits, self.support + self.predicted[:, :-1])


def replicates_for(cells: int) -> int:
    """How many tables are drawn for a table of so many cells that are not zero; part of the metric's signature."""
    return max(_FEWEST_REPLICATES, min(REPLICATES, _DRAWS // max(1, cells)))


def percentile_intervals(
    cells: Sequence[Cell], labels: int, *, positive: int | None = None, draws: int | None = None, seed: int = SEED
) -> dict[str, tuple[float, float]]:
    """The 2.5th and 97.5th percentile of every metric of FORMULAS; absent where no replicate gives a value.

    `draws` is the number of rows in a replicate, by default all.
    """
    [values] = table_replicates([cells], labels, positive=positive, draws=draws, seed=seed)
    return percentiles(values)


def table_replicates(
    sides: Sequence[Sequence[Cell]], labels: int, *, positive: int | None = None, draws: int | None = None, seed: int = SEED
) -> list[dict[str, "Floats"]]:
    """Of each side every metric of FORMULAS in every replicate. The same rows are drawn on all sides: the i-th cell of each holds
    the same ones, and so as many.
    """
    import numpy as np

    counts = np.array([rows for _, _, rows in sides[0]], dtype=np.int64)
    random = np.random.Generator(np.random.PCG64(seed))
    left, chunks = replicates_for(len(counts)), list[list[dict[str, Any]]]()
    while left:
        size = min(left, max(1, _DRAWS_AT_ONCE // max(len(counts), labels)))
        drawn = random.multinomial(int(draws or counts.sum()), counts / counts.sum(), size=size)
        chunks.append([table_values(margins(drawn, cells, labels), positive) for cells in sides])
        left -= size
    return joined(chunks)


def joined(chunks: Sequence[Sequence[Mapping[str, "Floats"]]]) -> list[dict[str, "Floats"]]:
    """Of each side all values of each metric, from those of each chunk of replicates."""
    import numpy as np

    return [{name: np.concatenate([one[name] for one in side]) for name in side[0]} for side in zip(*chunks, strict=True)]


def percentiles(replicates: Mapping[str, "Floats"]) -> dict[str, tuple[float, float]]:
    """The 95 % interval of each metric from its replicates; NaN are none, and without any other there is no interval."""
    import numpy as np

    return {name: _percentiles(values) for name, values in replicates.items() if not np.isnan(values).all()}


def _percentiles(values: "Floats") -> tuple[float, float]:
    import numpy as np

    low, high = np.quantile(values[~np.isnan(values)], (0.025, 0.975))
    return float(low), float(high)


def margins(tables: "Ints", cells: Sequence[Cell], labels: int) -> Margins:
    """`tables` is R × len(cells): the counts of R tables in the cells' places."""
    import numpy as np

    true = np.array([line for line, _, _ in cells])
    column = np.array([min(column, labels) for _, column, _ in cells])
    hit = true == column
    return Margins(
        n=tables.sum(axis=1).astype(np.float64),
        hits=_summed(tables[:, hit], true[hit], labels),
        support=_summed(tables, true, labels),
        predicted=_summed(tables, column, labels + 1),
    )


def _summed(tables: "Ints", keys: "Ints", size: int) -> "Floats":
    """R × size: the columns of each key added up."""
    import numpy as np

    sums = np.zeros((len(tables), size))
    if len(keys):
        order = np.argsort(keys, kind="stable")
        present, starts = np.unique(keys[order], return_index=True)
        sums[:, present] = np.add.reduceat(tables[:, order], starts, axis=1)
    return sums


def table_values(table: Margins, positive: int | None) -> dict[str, "Floats"]:
    """R values of every metric; NaN where one is 0/0 by its own definition."""
    values = {name: formula(table) for name, formula in FORMULAS.items()}
    if positive is not None:
        values["f1"] = table.f1[:, positive]
    return values


def _ratio(part: "Floats", whole: "Floats") -> "Floats":
    """0 for 0/0, as zero_division=0 has it."""
    import numpy as np

    ratio: Floats = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return ratio


def _macro(values: Callable[[Margins], "Floats"]) -> Callable[[Margins], "Floats"]:
    def mean(table: Margins) -> "Floats":
        means: Floats = values(table).mean(axis=1)
        return means

    return mean


def _weighted(values: Callable[[Margins], "Floats"]) -> Callable[[Margins], "Floats"]:
    def mean(table: Margins) -> "Floats":
        means: Floats = (values(table) * table.support).sum(axis=1) / table.n
        return means

    return mean


def _balanced_accuracy(table: Margins) -> "Floats":
    """Mean recall of the labels that have rows."""
    mean: Floats = table.recall.sum(axis=1) / (table.support > 0).sum(axis=1)
    return mean


def _f1_micro(table: Margins) -> "Floats":
    return _ratio(2 * table.hits.sum(axis=1), table.n + table.predicted[:, :-1].sum(axis=1))


def _mcc(table: Margins) -> "Floats":
    """Gorodkin's R_K; 0 where either side has one value only, as scikit-learn has it."""
    import numpy as np

    n2 = table.n**2
    covariance = table.n * table.hits.sum(axis=1) - (table.support * table.predicted[:, :-1]).sum(axis=1)
    spread = (n2 - (table.support**2).sum(axis=1)) * (n2 - (table.predicted**2).sum(axis=1))
    return _ratio(covariance, np.sqrt(spread))


def _kappa(table: Margins) -> "Floats":
    """Cohen's kappa; NaN where chance alone explains everything: one value on both sides."""
    import numpy as np

    chance = (table.support * table.predicted[:, :-1]).sum(axis=1) / table.n**2
    agreed = table.hits.sum(axis=1) / table.n
    kappa: Floats = np.divide(agreed - chance, 1 - chance, out=np.full_like(agreed, np.nan), where=chance < 1)
    return kappa


FORMULAS: Mapping[str, Callable[[Margins], "Floats"]] = {
    "balanced_accuracy": _balanced_accuracy,
    "precision_macro": _macro(lambda table: table.precision),
    "recall_macro": _macro(lambda table: table.recall),
    "f1_macro": _macro(lambda table: table.f1),
    "f1_micro": _f1_micro,
    "precision_weighted": _weighted(lambda table: table.precision),
    "f1_weighted": _weighted(lambda table: table.f1),
    "mcc": _mcc,
    "kappa": _kappa,
}
