"""CSV: a line for each pair of runs and metric, for spreadsheets and data frames."""

import csv
from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from typing import Final

from evalsvc.compare.nouns import Comparison, Difference, Field

_Value = str | float | bool | None

# The header, and what stands under each name. Numbers are unrounded; what is not known is empty; true and false are words.
COLUMNS: Final[Mapping[str, Callable[[Comparison, Difference], _Value]]] = {
    "a": lambda pair, _: pair.a.label,  # what is compared with: NAME/ID
    "b": lambda pair, _: pair.b.label,  # what is compared
    "metric": lambda _, one: one.metric,
    "rows": lambda _, one: one.n,  # that the metric is over, on the side with fewer
    "value_a": lambda _, one: one.a,  # over the rows that both have
    "value_b": lambda _, one: one.b,
    "difference": lambda _, one: one.difference,  # b minus a
    "ci_low": lambda _, one: one.ci_low,  # paired, two-sided 95 %
    "ci_high": lambda _, one: one.ci_high,
    "lower": lambda _, one: one.lower,  # one-sided 95 % bounds
    "upper": lambda _, one: one.upper,
    "p": lambda _, one: one.p,  # of no difference, two-sided
    "p_holm": lambda _, one: one.p_holm,  # corrected for all pairs of runs; empty with two runs
    "p_below": lambda _, one: one.p_below,  # that b is not below a: small where it is
    "p_above": lambda _, one: one.p_above,  # that b is not above a: small where it is
    "told": lambda _, one: one.is_told,  # whether there is a difference beyond noise
    "se": lambda _, one: one.se,  # standard error of the difference
    "mde": lambda _, one: one.mde,  # the least true difference that so many rows find 4 times out of 5
    "signature": lambda _, one: one.signature,  # how interval and test were had
    "reason": lambda _, one: one.reason,  # why there is no difference
}


def as_csv(what: Comparison | Field) -> str:
    """With the header of `COLUMNS`; UTF-8 text, lines end in a line feed."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_lines(what))
    return out.getvalue()


def _lines(what: Comparison | Field) -> Iterator[list[str]]:
    for pair in what.pairs.values() if isinstance(what, Field) else (what,):
        for difference in pair.differences.values():
            yield [_word(value(pair, difference)) for value in COLUMNS.values()]


def _word(value: _Value) -> str:
    """
    >>> _word(None), _word(True), _word(0.1), _word(1e-9)
    ('', 'true', '0.1', '1e-09')
    """
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
