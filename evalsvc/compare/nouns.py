"""What a comparison says. A is what is compared with, B what is compared; a difference is B minus A, over the rows that both have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalsvc.records import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class SideInfo:
    """Which run it is that is compared."""

    name: str
    run_id: str
    path: str  # of the run directory, or of the baseline file
    summary: Summary  # over all rows of that run; of a baseline file what it keeps of it
    is_baseline: bool = False  # a file: no outputs to be shown

    @property
    def label(self) -> str:
        """NAME/ID, as `evalsvc list` shows it."""
        return f"{self.name}/{self.run_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Which rows are compared; rows are samples times repeats. Lists are of the first ids by hash, at most 100 of each."""

    common: int
    only_a: int = 0
    only_b: int = 0
    changed: int = 0  # in both, but asked something else under the same id, or with another right answer: left out
    ids_only_a: tuple[str, ...] = ()
    ids_only_b: tuple[str, ...] = ()
    ids_changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One metric, B minus A. Everything but `a` and `b` is None where nothing can be said, and `reason` says why."""

    metric: str
    a: float | None  # over the common rows
    b: float | None
    n: int  # rows that the metric is over, on the side with fewer
    difference: float | None = None
    ci_low: float | None = None  # paired, two-sided 95 %
    ci_high: float | None = None
    lower: float | None = None  # one-sided 95 % bounds
    upper: float | None = None
    p: float | None = None  # of no difference, two-sided
    p_holm: float | None = None  # corrected for all pairs of runs, where there are several
    p_below: float | None = None  # one-sided: that B is not below A (small: B is below)
    p_above: float | None = None  # one-sided: that B is not above A
    se: float | None = None  # of the difference
    mde: float | None = None  # the least true difference that so many rows would find, 4 times out of 5 (2.8 × se)
    signature: str = ""  # how interval and test were had
    reason: str | None = None

    @property
    def is_told(self) -> bool:
        """Whether there is a difference beyond noise, by the two-sided test at 5 %."""
        p = self.p if self.p_holm is None else self.p_holm
        return p is not None and p < 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """Rows that are right on one side and wrong on the other; rows with neither (no target) are in no number."""

    both_right: int
    both_wrong: int
    to_right: int  # wrong in A, right in B
    to_wrong: int
    p: float  # mid-p McNemar (Fagerland, Lydersen and Laake 2013); by cluster where rows are no independent draws


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """One row that came out another way. Outputs are None where a side is a baseline file, and cut where they are long."""

    id: str
    repeat: int
    target: str | None
    outcome_a: str
    outcome_b: str
    prediction_a: str | None
    prediction_b: str | None
    change: float | None  # B minus A of `metric`'s score of this row, where rows have scores; of right and wrong +1 or -1
    output_a: str | None = None
    output_b: str | None = None
    prompt: str | None = None  # the last user message, where the journal keeps it


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs, A and B."""

    a: SideInfo
    b: SideInfo
    rows: Rows
    differences: Mapping[str, Difference]  # by metric, in the order of B's summary
    flips: Flips | None  # None where nothing says what is right
    examples: Sequence[Flip] = ()  # those that got worse first, the largest changes first, then by hash of id
    notes: Sequence[str] = ()  # what makes the two hard to compare: other data, other definitions, rows in one run alone
    headline: str | None = None  # the metric that a sentence is made of


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Several runs held against each other, pair by pair, with Holm's correction over the pairs of each metric."""

    sides: Sequence[SideInfo]
    pairs: Mapping[tuple[int, int], Comparison]  # (i, j) with i < j, places in `sides`: A is i
    letters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # by metric, for each side: runs that share a letter cannot be told apart (Piepho 2004); "" where there is no number
    headline: str | None = None


def as_json(value: Any) -> Any:
    """A noun of this module as JSON has it; tuples of places as "i-j" counted from 1."""
    from dataclasses import fields, is_dataclass

    if is_dataclass(value):
        return {one.name: as_json(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {("-".join(str(place + 1) for place in key) if isinstance(key, tuple) else key): as_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(one) for one in value]
    return value
