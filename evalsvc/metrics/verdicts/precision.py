"""Guards over the intervals: numbers that the rows are too few to tell."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil, inf
from typing import Final

from evalsvc.metrics.gates import Gate
from evalsvc.metrics.names import OF_ROWS, SHOWN, range_of
from evalsvc.metrics.verdicts.facts import Facts, rows_of, warning
from evalsvc.records import RunWarning

# A tenth of all that is possible: ± 5 points of accuracy, of ROUGE, of BLEU. Fine-tuning rarely moves more.
_WIDE = 0.1
# Of metrics that rest on the rows of one label, or on its answers: ± 10 points.
_WIDE_OF_CLASS = 0.2
# Of metrics without an upper end: a fifth of the value, ± 10 %.
_WIDE_OF_VALUE = 0.2

# What is read first, beside what a task shows by itself; of several that are too wide, the first is named.
_HEADLINES: Final[Mapping[str, tuple[str, ...]]] = {"classification": ("accuracy", "recall", "precision", "f1", "f1_macro")}
_OF_CLASS = frozenset({"recall", "precision", "f1", "f1_macro"})
# What the n of a metric counts, where it is not all rows: one, several, and what they have in common.
_ROWS = ("row", "rows", "")
_COUNTED: Final[Mapping[str, tuple[str, str, str]]] = {
    "recall": ("row", "rows", " of the positive label"),
    "precision": ("answer", "answers", " with the positive label"),
}


def few_rows(facts: Facts) -> Iterator[RunWarning]:
    for name in _HEADLINES.get(facts.besides.task, ("accuracy", *SHOWN.get(facts.besides.task, ()))):
        metric = facts.metrics.get(name)
        if metric is None or metric["value"] is None or metric["ci_low"] is None or metric["ci_high"] is None:
            continue
        width, wanted = metric["ci_high"] - metric["ci_low"], _wide(name, metric["value"])
        if width > wanted > 0:
            needed = rows_needed(metric["n"], width, wanted)
            yield warning(
                "few_rows",
                f"{_such(name, metric['n'])} {'leaves' if metric['n'] == 1 else 'leave'} {name} anywhere between "
                f"{_shown(metric['ci_low'])} and {_shown(metric['ci_high'])} (95 % interval): "
                f"small differences to another run mean nothing; for ± {wanted / 2:.2g} about {needed:,} such "
                f"{_COUNTED.get(name, _ROWS)[1]} are needed",
                metric=name,
                n=metric["n"],
                width=width,
                wanted_width=wanted,
                rows_needed=needed,
            )
            return


def rows_needed(rows: int, width: float, wanted: float) -> int:
    """How many rows an interval of the `wanted` width takes, when `rows` give one of `width`: widths go with 1 / √rows.

    Three digits at the most, rounded up: more would pretend to know.

    >>> rows_needed(100, 0.2, 0.1), rows_needed(40, 0.16, 0.1), rows_needed(1000, 0.3, 0.11)
    (400, 103, 7440)
    """
    needed = ceil(rows * (width / wanted) ** 2 - 1e-9)
    step: int = 10 ** max(0, len(str(needed)) - 3)
    return -(-needed // step) * step


def undecided_gate(facts: Facts) -> Iterator[RunWarning]:
    """A gate on a value whose threshold lies inside the value's interval passes, or fails, by the draw of the rows."""
    undecided = [found for gate in facts.besides.gates for found in _undecided(gate, facts)]
    if not undecided:
        return
    # one that passes by luck does more harm than one that fails for want of it
    worst = next((one for one in undecided if one.passes), undecided[0])
    others = {0: "", 1: "; another gate is as open"}.get(len(undecided) - 1, f"; {len(undecided) - 1} other gates are as open")
    instead = f", or gate on {worst.gate.metric}.{'ci_low' if worst.gate.op.startswith('>') else 'ci_high'}" if worst.passes else ""
    yield warning(
        "undecided_gate",
        f"the gate {worst.gate.text} {'passes' if worst.passes else 'fails'} at {worst.value:.4g}, but "
        f"{_such(worst.gate.metric, worst.rows)} cannot tell: the 95 % interval goes from {worst.low:.4g} to {worst.high:.4g}; about "
        f"{worst.rows_needed:,} such {_COUNTED.get(worst.gate.metric, _ROWS)[1]} would tell{instead}{others}",
        gates=[
            {
                "gate": one.gate.text,
                "value": one.value,
                "ci_low": one.low,
                "ci_high": one.high,
                "n": one.rows,
                "rows_needed": one.rows_needed,
            }
            for one in undecided
        ],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Undecided:
    gate: Gate
    value: float
    low: float
    high: float
    rows: int

    @property
    def passes(self) -> bool:
        return self.gate.holds_for(self.value)

    @property
    def rows_needed(self) -> int:
        """Until the interval ends short of the threshold."""
        half = self.value - self.low if self.gate.threshold < self.value else self.high - self.value
        return rows_needed(self.rows, half, abs(self.value - self.gate.threshold))


def _undecided(gate: Gate, facts: Facts) -> Iterator[_Undecided]:
    metric = facts.metrics.get(gate.metric) if gate.label is None else None
    if metric is None or gate.part != "value" or gate.op == "==" or gate.metric in OF_ROWS:
        return  # shares of these very rows are no estimate of anything else
    value, low, high = metric["value"], metric["ci_low"], metric["ci_high"]
    if value is not None and low is not None and high is not None and low < gate.threshold < high and value != gate.threshold:
        yield _Undecided(gate=gate, value=value, low=low, high=high, rows=metric["n"])


def worse_than_mean(facts: Facts) -> Iterator[RunWarning]:
    metric = facts.metrics.get("r2")
    if metric is not None and metric["ci_high"] is not None and metric["ci_high"] < 0:
        yield warning(
            "worse_than_mean",
            f"worse than no model: always answering the mean of the targets would be nearer to them (R² {metric['value']:.2f}, at the most "
            f"{metric['ci_high']:.2f}); look at the unit and the scale of the answers, then at the prompt",
            r2=metric["value"],
            ci_high=metric["ci_high"],
        )


def _such(name: str, rows: int) -> str:
    """
    >>> _such("accuracy", 1), _such("recall", 40)
    ('1 row', '40 rows of the positive label')
    """
    one, many, of = _COUNTED.get(name, _ROWS)
    return f"{rows_of(rows, one, many)}{of}"


def _wide(name: str, value: float) -> float:
    low, high = range_of(name)
    if high == inf:
        return _WIDE_OF_VALUE * abs(value)
    span = 1.0 if low == -inf else high - low
    return (_WIDE_OF_CLASS if name in _OF_CLASS else _WIDE) * span


def _shown(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 1 else f"{value:.3g}"
