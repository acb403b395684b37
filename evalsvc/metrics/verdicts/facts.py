"""What guards look at, and how they say what they found."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log
from typing import Any, Self

from evalsvc.metrics.gates import Gate
from evalsvc.records import MetricValue, Outcome, RunWarning

# One finding in twenty runs without a fault is the usual price of a 95 % interval; more would teach people to read past warnings.
_CHANCE = 0.05
# Labels named in one warning; the others are counted.
SHOWN_LABELS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityEvidence:
    """How far the class probabilities can be trusted, in counts of answered rows."""

    rows: int  # with class probabilities
    without: int = 0  # answered, but without class probabilities
    low_mass: int = 0  # all labels together hold less than half of the probability, where the label stands
    saturated: int = 0  # one label has more than 0.999 of what the labels hold
    saturated_wrong: int = 0  # of them, those in which it is not the right one
    shared: int = 0  # of those without: labels begin with the same token

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Self:
        """Of the counts that metrics/ranked.py keeps."""
        named = {name: counts[name] for name in ("rows", "without", "saturated", "saturated_wrong", "shared")}
        return cls(**named, low_mass=counts["low"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Besides:
    """What is known of a run beside its outcomes and metrics. All of it is optional: what is not known is not warned of."""

    task: str = "classification"
    repeats: int = 1  # answers to one row are no independent draws
    served: Mapping[str, int] = field(default_factory=dict)  # answers by the model name that the server gave
    data_rows: int = 0  # of the data set
    repeated_rows: int = 0  # of them, rows that equal an earlier one
    conflicting_rows: int = 0  # of those, rows with another target than every earlier equal one
    probabilities: ProbabilityEvidence | None = None
    bent: Mapping[str, Any] = field(default_factory=dict)  # parameters with which logprobs may not be the model's own
    gates: Sequence[Gate] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that guards look at. Without labels, `labels` and `per_class` are empty."""

    labels: tuple[str, ...]
    outcomes: Mapping[str, int]
    cut: int  # an answer was found although the reply was cut
    metrics: Mapping[str, MetricValue]
    per_class: Mapping[str, Mapping[str, float | int | None]]
    besides: Besides = Besides()

    @property
    def rows(self) -> int:
        """Rows with one of the labels as target."""
        return sum(self.support(label) for label in self.labels)

    @property
    def records(self) -> int:
        return sum(self.outcomes.values())

    @property
    def decided(self) -> int:
        """Rows in which an answer was found that is right or wrong."""
        return self.outcomes[Outcome.CORRECT] + self.outcomes[Outcome.WRONG]

    @property
    def accuracy(self) -> float | None:
        metric = self.metrics.get("accuracy")
        return metric["value"] if metric else None

    @property
    def majority(self) -> tuple[str, float]:
        """The most frequent label, the first of several, and its share of the rows. ValueError without labels or rows."""
        if not self.rows:
            raise ValueError("no rows with labels")
        most = max(self.labels, key=self.support)
        return most, self.support(most) / self.rows

    def support(self, label: str) -> int:
        return int(self.per_class[label]["support"] or 0)

    def predicted(self, label: str) -> int:
        return int(self.per_class[label]["predicted"] or 0)

    def hits(self, label: str) -> int:
        return round(self.recall(label) * self.support(label))

    def recall(self, label: str) -> float:
        """0 for a label without rows."""
        return float(self.per_class[label]["recall"] or 0)

    def precision(self, label: str) -> float:
        """0 for a label that was never predicted."""
        return float(self.per_class[label]["precision"] or 0)

    def draws(self, rows: int) -> float:
        """How many independent draws so many rows count for: repeats of a row may all agree."""
        return rows / self.besides.repeats


Guard = Callable[[Facts], Iterator[RunWarning]]


def warning(kind: str, message: str, **evidence: Any) -> RunWarning:
    return {"kind": kind, "message": message, "evidence": evidence}


def percent(share: float) -> str:
    """Three digits, below one percent two; never 100 % of what is not all, nor 0 % of what is something.

    >>> percent(0.12), percent(0.98765), percent(0.99999), percent(1.0), percent(0.000999)
    ('12 %', '98.8 %', '99.9 %', '100 %', '0.1 %')
    """
    shown = 100 * (share if share in (0, 1) else min(max(share, 0.0001), 0.999))
    return f"{shown:.3g} %" if shown >= 1 else f"{shown:.2g} %"


def of_rows(part: int, whole: int) -> str:
    """A part that must be felt: as so many of 100, where there are a hundred.

    >>> of_rows(176, 200), of_rows(3, 5), of_rows(9_999, 10_000)
    ('88 of 100', '3 of 5', '99 of 100')
    """
    if whole <= 100:
        return f"{part} of {whole}"
    hundredths = round(100 * part / whole)
    return f"{min(hundredths, 99) if part < whole else 100} of 100"


def rows_of(count: int, one: str = "row", many: str = "rows") -> str:
    """
    >>> rows_of(1), rows_of(1234), rows_of(2, "reply", "replies")
    ('1 row', '1,234 rows', '2 replies')
    """
    return f"{count:,} {one if count == 1 else many}"


def listed(labels: Sequence[str]) -> str:
    """
    >>> listed(["a", "b"]), listed(list("abcdefg"))
    ('`a`, `b`', '`a`, `b`, `c`, `d`, `e` and 2 more')
    """
    shown = ", ".join(f"`{label}`" for label in labels[:SHOWN_LABELS])
    return shown + (f" and {len(labels) - SHOWN_LABELS} more" if len(labels) > SHOWN_LABELS else "")


def is_no_accident(hits: int, rows: float, share: float, *, looks: int = 1) -> bool:
    """Whether so few of `rows` draws would hit, at the most, one time in twenty over `looks` looks, if each did with chance `share`.

    By Hoeffding's bound P(X <= hits) <= exp(-rows · KL(hits / rows ‖ share)) (1963, theorem 1): never too sure, and at once.

    >>> is_no_accident(2, 5, 0.98), is_no_accident(4, 5, 0.98), is_no_accident(60, 100, 0.5)
    (True, False, False)
    """
    found = hits / rows if rows else share
    if found >= share:
        return False
    if share >= 1:
        return True
    divergence = (found * log(found / share) if found else 0.0) + (1 - found) * log((1 - found) / (1 - share))
    return exp(-rows * divergence) <= _CHANCE / max(1, looks)
