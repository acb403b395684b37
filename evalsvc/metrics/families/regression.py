"""How far numbers are from the right ones: functions of exact sums, and Spearman's correlation of their ranks (ranks.py).

Numbers are doubles, as scikit-learn has them, and stand in sums as whole units of 2**-128: every double from 1e-22 to 1e100 is a
whole number of them, so that nothing is rounded before the last division, in any order, whatever the mean is far from.
A row of which no number was read has no error, and is in none of these metrics: `n` and `parse_rate` say how many there are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import copysign, sqrt
from typing import TYPE_CHECKING, Final

from evalsvc.config.models import EvalConfig
from evalsvc.metrics.families import ranks
from evalsvc.metrics.families.metric import AnyMetric, Setting, SumMetric, Wanted, refuse_unknown_options
from evalsvc.records import Score
from evalsvc.scoring.figures import Decimal, Percent, number_of
from evalsvc.scoring.measures import Answer, Measured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

UNIT_BITS: Final = 128
_UNITS: Final = 1 << UNIT_BITS
_UNIT: Final = 2.0**-UNIT_BITS
_VERSION = 1
_NO_NUMBERS = "no row has a number on both sides"
# Of a variance that doubles lost so much to cancellation, less is left than an interval needs.
_LOST = 1e-9

# Target and prediction in units.
Pair = tuple[int, int]


def build(wanted: Wanted, setting: Setting) -> AnyMetric:
    """UsageError for options: there are none."""
    refuse_unknown_options(wanted, ())
    numbers = _Numbers.of(setting.config)
    if wanted.name == "spearman":
        return ranks.spearman(wanted.name, numbers.doubles, clustered=ranks.clustered_by(setting))
    formula = _FORMULAS[wanted.name]

    def read(score: Score) -> Sequence[int] | None:
        pair = numbers.units(score)
        return None if pair is None else formula.summands(*pair)

    return SumMetric(
        name=wanted.name,
        signature=f"{formula.signature}|rows:with-number|v:{_VERSION}",
        width=formula.width,
        read=read,
        value=formula.value,
        values=formula.values,
        centred=_CENTRED.get(wanted.name),
        measure=AbsoluteError(name=wanted.name, numbers=numbers) if wanted.name == "mae" else None,
        why_none=formula.why_none,
    )


def in_units(value: float) -> int:
    """To the nearest 2**-128.

    >>> in_units(0.5) * 2 == in_units(1.0) == 2**128
    True
    """
    numerator, denominator = value.as_integer_ratio()
    return (2 * numerator * _UNITS + denominator) // (2 * denominator)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    """How targets are read; predictions are numbers as programs write them already."""

    decimal: Decimal
    percent: Percent

    @classmethod
    def of(cls, config: EvalConfig) -> "_Numbers":
        numbers = config.scoring.numbers
        return cls(decimal=numbers.decimal, percent=numbers.percent)

    def doubles(self, score: Score) -> tuple[float, float] | None:
        """Target and prediction; None where one of them is no number."""
        if score.target is None or score.prediction is None:
            return None
        target = _double(score.target, self.decimal, self.percent)
        return None if target is None else (target, float(score.prediction))

    def units(self, score: Score) -> Pair | None:
        doubles = self.doubles(score)
        return None if doubles is None else (_units(doubles[0]), _units(doubles[1]))


# The metrics of one row ask for the same numbers.
@lru_cache(maxsize=256)
def _double(text: str, decimal: Decimal, percent: Percent) -> float | None:
    value = number_of(text, decimal=decimal, percent=percent)
    return None if value is None else float(value)


_units = lru_cache(maxsize=256)(in_units)


def pairs_of(config: EvalConfig) -> Callable[[Score], tuple[float, float] | None]:
    """Reads the numbers of a row, target and prediction, as its metrics do; None where one of them is no number."""
    return _Numbers.of(config).doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsoluteError:
    """Of one row, for scored.jsonl; the sums are over exact differences and not over these."""

    name: str
    numbers: _Numbers

    def __call__(self, answer: Answer) -> Measured | None:
        target = _double(answer.references[0], self.numbers.decimal, self.numbers.percent) if answer.references else None
        return Measured(scores={self.name: abs(float(answer.text) - target)}) if answer.text and target is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Formula:
    """A function of sums. `value` is exact up to its last division and root; `values` is the same in doubles, for intervals."""

    signature: str
    width: int
    summands: Callable[[int, int], Sequence[int]]  # of target and prediction, in units and their squares
    value: Callable[[Sequence[int]], float | None]
    values: Callable[["Floats"], "Floats"]
    why_none: str = _NO_NUMBERS


def _mae(sums: Sequence[int]) -> float | None:
    """Mean of |prediction - target|: sklearn's mean_absolute_error."""
    rows, errors = sums
    return float(Fraction(errors, rows * _UNITS)) if rows else None


def _rmse(sums: Sequence[int]) -> float | None:
    """Root of the mean squared error: sklearn's root_mean_squared_error."""
    rows, squares = sums
    return sqrt(Fraction(squares, rows * _UNITS**2)) if rows else None


def _r2(sums: Sequence[int]) -> float | None:
    """1 - squared errors / squared deviations of the targets from their mean: sklearn's r2_score.

    None where all targets are the same, one row among them; r2_score makes it 0 or 1 then, or NaN.
    """
    rows, targets, squares, errors = sums
    spread = rows * squares - targets**2
    return float(1 - Fraction(rows * errors, spread)) if spread else None


def _pearson(sums: Sequence[int]) -> float | None:
    """Pearson's product-moment correlation: scipy.stats.pearsonr. None where either side has one value only."""
    rows, targets, predictions, targets_2, predictions_2, products = sums
    spread = (rows * targets_2 - targets**2) * (rows * predictions_2 - predictions**2)
    together = rows * products - targets * predictions
    return copysign(sqrt(Fraction(together**2, spread)), together) if spread else None


def _mean_values(sums: "Floats") -> "Floats":
    return _over(sums[:, 1], sums[:, 0]) * _UNIT


def _rmse_values(sums: "Floats") -> "Floats":
    import numpy as np

    roots: Floats = np.sqrt(_over(sums[:, 1] * _UNIT**2, sums[:, 0]))
    return roots


def _r2_values(sums: "Floats") -> "Floats":
    rows, targets, squares, errors = sums[:, 0], sums[:, 1] * _UNIT, sums[:, 2] * _UNIT**2, sums[:, 3] * _UNIT**2
    return 1 - _over(rows * errors, _spread(rows, targets, squares))


def _pearson_values(sums: "Floats") -> "Floats":
    import numpy as np

    rows, targets, predictions = sums[:, 0], sums[:, 1] * _UNIT, sums[:, 2] * _UNIT
    of_targets = np.sqrt(_spread(rows, targets, sums[:, 3] * _UNIT**2))
    of_predictions = np.sqrt(_spread(rows, predictions, sums[:, 4] * _UNIT**2))
    together = rows * (sums[:, 5] * _UNIT**2) - targets * predictions
    correlations: Floats = np.clip(_over(_over(together, of_targets), of_predictions), -1, 1)
    return correlations


def _over(part: "Floats", whole: "Floats") -> "Floats":
    """NaN for what is over nothing."""
    import numpy as np

    ratio: Floats = np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
    return ratio


def _spread(rows: "Floats", values: "Floats", squares: "Floats") -> "Floats":
    """Rows times the squared deviations from the mean; NaN where the mean is so far off that doubles cannot tell them."""
    import numpy as np

    spread = rows * squares - values**2
    known: Floats = np.where(spread > _LOST * rows * squares, spread, np.nan)
    return known


def centred_r2(sums: Sequence[int]) -> Callable[[Sequence[int]], Sequence[int]]:
    """From the sums of some rows those of the same rows with the mean target of `sums` taken from every number.

    R² is the same, and what is left of the sums is small enough for doubles.

    >>> from_mean = centred_r2([2, 10, 52, 0])  # targets 4 and 6
    >>> from_mean([1, 6, 36, 0])
    (1, 1, 1, 0)
    """
    middle = _nearest(sums[1], sums[0])

    def centred(part: Sequence[int]) -> Sequence[int]:
        rows, targets, squares, errors = part
        return rows, targets - rows * middle, squares - 2 * middle * targets + rows * middle**2, errors

    return centred


def centred_pearson(sums: Sequence[int]) -> Callable[[Sequence[int]], Sequence[int]]:
    """As `centred_r2`: the mean of the targets is taken from them, and that of the predictions from those."""
    of_targets, of_predictions = _nearest(sums[1], sums[0]), _nearest(sums[2], sums[0])

    def centred(part: Sequence[int]) -> Sequence[int]:
        rows, targets, predictions, targets_2, predictions_2, products = part
        return (
            rows,
            targets - rows * of_targets,
            predictions - rows * of_predictions,
            targets_2 - 2 * of_targets * targets + rows * of_targets**2,
            predictions_2 - 2 * of_predictions * predictions + rows * of_predictions**2,
            products - of_targets * predictions - of_predictions * targets + rows * of_targets * of_predictions,
        )

    return centred


def _nearest(total: int, rows: int) -> int:
    return (2 * total + rows) // (2 * rows) if rows else 0


_CENTRED: Final = {"r2": centred_r2, "pearson": centred_pearson}
_SAME = "all targets are the same, or no row has a number on both sides"

_FORMULAS: Final[Mapping[str, _Formula]] = {
    "mae": _Formula(
        signature="mean-absolute-error",
        width=2,
        summands=lambda target, prediction: (1, abs(prediction - target)),
        value=_mae,
        values=_mean_values,
    ),
    "rmse": _Formula(
        signature="root-mean-squared-error",
        width=2,
        summands=lambda target, prediction: (1, (prediction - target) ** 2),
        value=_rmse,
        values=_rmse_values,
    ),
    "r2": _Formula(
        signature="r2:about-mean-of-targets",
        width=4,
        summands=lambda target, prediction: (1, target, target * target, (prediction - target) ** 2),
        value=_r2,
        values=_r2_values,
        why_none=_SAME,
    ),
    "pearson": _Formula(
        signature="pearson",
        width=6,
        summands=lambda target, prediction: (1, target, prediction, target * target, prediction * prediction, target * prediction),
        value=_pearson,
        values=_pearson_values,
        why_none="all targets or all predictions are the same, or no row has a number on both sides",
    ),
}
