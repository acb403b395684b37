"""Quality gates and the `metrics:` key: names checked before a request is sent, numbers checked at the end.

    recall >= 0.80      f1_macro.ci_low >= 0.75      accuracy.on_parsed > 0.9
    per_class.spam.recall >= 0.8      slices.language.de.accuracy >= 0.7
    {gate: "recall >= 0.80", min_rows: 200, min_coverage: 0.99}
    {regression: accuracy, margin: 0.01, baseline: latest}

A gate whose value is missing fails: no number is no proof. Those against a baseline are read here and judged in compare/regression.py.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from math import inf, isfinite
from operator import eq, ge, gt, le, lt
from typing import Any

from evalsvc.config.models import MetricGate, RegressionGate
from evalsvc.errors import UsageError
from evalsvc.metrics.names import (
    ALSO_CALLED,
    CLASSIFICATION,
    EXTENSION,
    OF_OUTCOMES,
    OF_POSITIVE,
    OF_ROWS,
    OFFERED,
    WITHOUT_LABELS,
    expanded,
    range_of,
)
from evalsvc.records import GateResult, MetricValue

PARTS = ("value", "ci_low", "ci_high", "on_parsed")
PERCENT = 100  # where scores of that range end, as BLEU does
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {">=": ge, "<=": le, "==": eq, ">": gt, "<": lt}
_FAILS_BY = {">=": "below", ">": "not above", "<=": "above", "<": "not below", "==": "not"}
_GATE = re.compile(r"(?P<name>.+?)\s*(?P<op>>=|<=|==|>|<)\s*(?P<threshold>[^<>=]+)")
_PER_CLASS = re.compile(r"per_class\.(?P<label>.+)\.(?P<metric>[^.]+)")
_SLICE = re.compile(r"slices\.(?P<slice>.+?\..+?)\.(?P<metric>(?:ext\.)?[^.]+?)(?:\.(?P<part>value|ci_low|ci_high))?")
# Rows answered, of those there should be: below that the number is not that of the test set.
LEAST_COVERAGE = 0.9
_FORM = "write `metric >= number`, for example `recall >= 0.80`, `f1_macro.ci_low >= 0.75` or `per_class.spam.recall >= 0.8`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One condition that a run must meet."""

    text: str  # as written
    metric: str
    part: str  # one of PARTS
    label: str | None  # of a per_class gate
    op: str
    threshold: float
    slice: str | None = None  # of a slices gate: COLUMN.VALUE
    min_rows: int = 1
    min_coverage: float | None = None  # None: as `LEAST_COVERAGE` and the config's max_error_rate say

    def holds_for(self, value: float) -> bool:
        return _OPERATORS[self.op](value, self.threshold)


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """One metric that must not be worse than that of a baseline."""

    metric: str
    margin: float
    baseline: str  # as written
    passes_if_open: bool

    @property
    def text(self) -> str:
        return f"{self.metric} no worse than {self.baseline}, margin {self.margin:g}"


def parse_gate(text: str) -> Gate:
    """The gate that `text` says; UsageError for what is none. Whether the metric exists is `check_gates`' question.

    >>> gate = parse_gate("f1_macro.ci_low >= 0.75")
    >>> gate.metric, gate.part, gate.op, gate.threshold
    ('f1_macro', 'ci_low', '>=', 0.75)
    """
    match = _GATE.fullmatch(text.strip())
    if match is None or match["name"].endswith(("=", "!")):
        raise UsageError(f"gates: `{text}` is no gate", hint=_FORM)
    threshold = _threshold(match["threshold"].strip(), text, match["name"])
    return replace(_target(match["name"]), text=text, op=match["op"], threshold=threshold)


def _target(name: str) -> Gate:
    """A gate on what is named so; text, op and threshold are yet to come."""
    bare = Gate(text="", metric=name, part="value", label=None, op="", threshold=0.0)
    if of_class := _PER_CLASS.fullmatch(name):
        return replace(bare, metric=of_class["metric"], label=of_class["label"])
    if of_slice := _SLICE.fullmatch(name):
        return replace(bare, metric=of_slice["metric"], part=of_slice["part"] or "value", slice=of_slice["slice"])
    if name.startswith(EXTENSION):
        whole, _, part = name.rpartition(".")
        return replace(bare, metric=whole, part=part) if part in PARTS and whole != EXTENSION[:-1] else bare
    metric, _, part = name.partition(".")
    return replace(bare, metric=metric, part=part or "value")


def _threshold(written: str, text: str, name: str) -> float:
    if written.startswith(("baseline", "latest")):
        hint = f"write {{regression: {name}, margin: 0.01, baseline: latest}}, which compares the runs row by row"
        raise UsageError(f"gates: `{text}`: a baseline is no number", hint=hint)
    try:
        threshold = float(written)
    except ValueError:
        threshold = float("nan")
    if not isfinite(threshold):
        hint = "80 % is written 0.80" if "%" in written else _FORM
        raise UsageError(f"gates: `{text}`: {written!r} is not a number", hint=hint)
    return threshold


def check_gates(
    gates: Sequence[str | MetricGate | RegressionGate],
    *,
    positive: str | None = None,
    labels: Sequence[str] | None = None,
    available: Sequence[str] = CLASSIFICATION,
    slices: Sequence[str] = (),
) -> tuple[Gate | Against, ...]:
    """The gates of a config, all of them known and able to pass. `labels` where they are known already; `available` as
    `available_metrics` says; `slices` are the config's. Whether there will be an ext.<name> nobody can know before the rows are scored.

    UsageError for an unknown metric, part, label or slice, for plain precision, recall or f1 without `scoring.positive`, and
    for a threshold that no value can reach.
    """
    return tuple(_checked(gate, positive, labels, available, slices) for gate in gates)


def gated_metrics(gates: Sequence[str | MetricGate | RegressionGate]) -> Iterator[str]:
    """The metric that each of `gates` names; "" for what is none."""
    for gate in gates:
        if isinstance(gate, RegressionGate):
            yield gate.regression
        else:
            match = _GATE.fullmatch((gate if isinstance(gate, str) else gate.gate).strip())
            yield "" if match is None else _target(match["name"]).metric


def _checked(
    written: str | MetricGate | RegressionGate,
    positive: str | None,
    labels: Sequence[str] | None,
    available: Sequence[str],
    slices: Sequence[str],
) -> Gate | Against:
    if isinstance(written, RegressionGate):
        return _against(written, positive, available)
    gate = parse_gate(written if isinstance(written, str) else written.gate)
    where = f"gates: `{gate.text}`"
    if gate.label is not None:
        _check_label_gate(gate, where, labels)
    else:
        _check_name(gate.metric, where, positive, available)
        _check_part(gate, where)
    if gate.slice is not None:
        _check_slice(gate, where, slices)
    if not gate.metric.startswith(EXTENSION):
        _check_range(gate, where)
    return gate if isinstance(written, str) else replace(gate, min_rows=written.min_rows, min_coverage=written.min_coverage)


def _against(written: RegressionGate, positive: str | None, available: Sequence[str]) -> Against:
    where = f"gates: regression: {written.regression}"
    _check_name(written.regression, where, positive, available)
    low, high = (-inf, inf) if written.regression.startswith(EXTENSION) else range_of(written.regression)
    margin = (high - low) / PERCENT if written.margin is None else written.margin
    if margin == inf:
        raise UsageError(f"{where}: it needs a `margin`", hint="write how much worse would do, in the metric's own unit: margin: 0.05")
    if margin >= high - low:
        hint = f"write it in the metric's own unit, which goes from {low:g} to {high:g}"
        percent = f": {margin:g} % of 1 is {margin / PERCENT:g}" if high == 1 and margin <= PERCENT else ""
        raise UsageError(f"{where}: no loss is more than a margin of {margin:g}, so it could never fail", hint=hint + percent)
    return Against(metric=written.regression, margin=margin, baseline=written.baseline, passes_if_open=written.on_inconclusive == "pass")


def _check_slice(gate: Gate, where: str, slices: Sequence[str]) -> None:
    if gate.metric in OF_ROWS:
        raise UsageError(f"{where}: {gate.metric} is of the run, not of slices", hint=f"write `{gate.metric} {gate.op} …`")
    if not any((gate.slice or "").startswith(f"{column}.") for column in slices):
        named = (gate.slice or "").partition(".")[0]
        there = f"`slices` has {', '.join(slices)}" if slices else f"write `slices: [{named}]`"
        raise UsageError(f"{where}: the rows are not sliced by {named!r}", hint=there)


def _check_range(gate: Gate, where: str) -> None:
    low, high = range_of(gate.metric)
    if high == PERCENT and 0 < gate.threshold < 1:
        name = gate.metric if gate.part == "value" else f"{gate.metric}.{gate.part}"
        hint = f"write `{name} {gate.op} {gate.threshold * PERCENT:g}` for what others call {gate.threshold:g}"
        raise UsageError(f"{where}: {gate.metric} goes from 0 to {PERCENT}, not to 1", hint=hint)
    if low <= gate.threshold <= high:
        return
    if high != 1:
        above = f"is {low:g} or more" if high == inf else f"lies between {low:g} and {high:g}"
        raise UsageError(f"{where}: {gate.metric} {above}", hint="docs/metrics.md has the range of each metric")
    percent = f"; {gate.threshold:g} % is {gate.threshold / 100:g}" if 1 < gate.threshold <= 100 else ""
    between = f"is never above {high:g}" if low == -inf else f"lies between {low:g} and {high:g}"
    raise UsageError(f"{where}: {gate.metric} {between}", hint=f"write a share, not a percentage{percent}")


def _check_label_gate(gate: Gate, where: str, labels: Sequence[str] | None) -> None:
    if gate.metric not in OF_POSITIVE:
        raise UsageError(f"{where}: per_class has no {gate.metric!r}", hint=f"it has {', '.join(OF_POSITIVE)}")
    if labels is not None and gate.label not in labels:
        raise UsageError(f"{where}: {gate.label!r} is not one of the labels", hint=_nearest(gate.label or "", labels))


def _check_part(gate: Gate, where: str) -> None:
    if gate.part not in PARTS:
        raise UsageError(f"{where}: {gate.metric} has no {gate.part!r}", hint=_nearest(gate.part, PARTS))
    if gate.part == "on_parsed" and gate.metric in OF_ROWS:
        raise UsageError(f"{where}: {gate.metric} has no on_parsed, it counts rows", hint=f"write `{gate.metric} {gate.op} …`")


def available_metrics(task: str = "classification", *, has_labels: bool, own_scorer: bool = False) -> tuple[str, ...]:
    """The metrics that need no `scoring.positive`. Without labels, as a scorer of the user's may be, they are few."""
    of_outcomes = CLASSIFICATION if has_labels else WITHOUT_LABELS
    if own_scorer:
        return of_outcomes
    return (*(name for name in of_outcomes if name not in OF_ROWS), *OFFERED[task], *OF_ROWS)


def _check_name(name: str, where: str, positive: str | None, available: Sequence[str]) -> None:
    if name in available or (name in OF_POSITIVE and positive is not None) or _is_extension(name):
        return
    if name in OF_OUTCOMES and "f1_macro" not in available:
        raise UsageError(
            f"{where}: {name} needs labels, and there are none: they come with `task: classification`, and with a scorer of your own "
            "where `scoring.labels` names them",
            hint=f"use one of {', '.join(available)} or ext.<name>",
        )
    if name in OF_POSITIVE:
        hint = f"name the label that counts under `scoring.positive`, or write `{name}_macro`, the mean over all labels"
        raise UsageError(f"{where}: plain {name} is that of one label, and `scoring.positive` names none", hint=hint)
    tasks = [task for task, offered in OFFERED.items() if name in offered]
    if tasks and not any(one in offered for offered in OFFERED.values() for one in available):
        raise UsageError(
            f"{where}: {name} is not measured beside a scorer of your own, which says what an answer is worth",
            hint=f"take `scoring.scorer` out, or use one of {', '.join(available)} or ext.<name>",
        )
    if tasks:
        of = f"the task {tasks[0]}" if len(tasks) == 1 else f"the tasks {', '.join(tasks)}"
        raise UsageError(f"{where}: {name} is not a metric of this task; it is of {of}", hint=_nearest("", available))
    there = (*available, *OF_POSITIVE) if "f1_macro" in available else available
    raise UsageError(f"{where}: there is no metric {name!r}", hint=_nearest(name, there))


def _is_extension(name: str) -> bool:
    return name.startswith(EXTENSION) and len(name) > len(EXTENSION)


def _nearest(name: str, known: Sequence[str]) -> str:
    by_folded = {one.casefold(): one for one in reversed(known)}
    called = ALSO_CALLED.get(name.casefold())
    near = [called] if called in known else [by_folded[one] for one in get_close_matches(name.casefold(), by_folded, n=1)]
    return f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known[:30])}"


def check_metrics(
    metrics: Sequence[str | Mapping[str, Any]],
    *,
    positive: str | None = None,
    available: Sequence[str] = CLASSIFICATION,
    shown: Sequence[str] = (),
    custom: Sequence[str] = (),
) -> tuple[str, ...]:
    """The names to report, in the order of the reports; for an empty `metrics:` those of the outcomes, and `shown`. Errors are those
    of `check_gates`.

    `custom` are the names, as written, of metrics of the user's own: they are checked where they are loaded.
    """
    there = available if positive is None else (*available, *OF_POSITIVE)
    if not metrics:
        return tuple(name for name in there if name in OF_OUTCOMES or name in shown)
    names = set[str]()
    for metric in metrics:
        written = metric if isinstance(metric, str) else next(iter(metric), "")
        if written not in custom:
            for name in expanded(written):
                _check_name(name, f"metrics: `{written}`", positive, available)
                names.add(name)
            _check_options(metric, written)
    return tuple(name for name in there if name in names)


def _check_options(metric: str | Mapping[str, Any], name: str) -> None:
    """What the options of a family say is for the family to judge."""
    if isinstance(metric, str):
        return
    if name in OF_OUTCOMES:
        raise UsageError(f"metrics: {name} has no options", hint="write the name alone")
    if len(metric) != 1 or not isinstance(metric[name], Mapping):
        raise UsageError(f"metrics: {dict(metric)!r} is not understood", hint="write one metric a line: - bleu: {tokenize: zh}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What gates are held against."""

    metrics: Mapping[str, MetricValue]
    per_class: Mapping[str, Mapping[str, float | int | None]]
    least_coverage: float = LEAST_COVERAGE  # where a gate says nothing of it


def least_coverage(max_error_rate: float) -> float:
    """Whoever accepts more rows in error accepts so much less coverage.

    >>> least_coverage(0.01), least_coverage(0.3)
    (0.9, 0.7)
    """
    return min(LEAST_COVERAGE, 1 - max_error_rate)


def evaluate_gate(gate: Gate, judged: Judged) -> GateResult:
    """Whether a complete run meets `gate`; a value that is missing or None does not, and the reason says why. Nor does one that is over
    too few rows, or of a run that too few rows of were answered.
    """
    value, rows, why_none = _value(gate, judged)
    result: GateResult = {"gate": gate.text, "passed": False, "value": value, "reason": why_none}
    if value is None:
        return result
    if rows < gate.min_rows:
        return {**result, "reason": f"{rows:,} rows are fewer than {gate.min_rows:,}"}
    if gate.metric not in OF_ROWS and (reason := _uncovered(gate, judged)):
        return {**result, "reason": reason}
    if gate.holds_for(value):
        return {**result, "passed": True, "reason": None}
    return {**result, "reason": f"{value:.6g} is {_FAILS_BY[gate.op]} {gate.threshold:g}"}


def _uncovered(gate: Gate, judged: Judged) -> str | None:
    least = judged.least_coverage if gate.min_coverage is None else gate.min_coverage
    coverage = judged.metrics["coverage"]["value"] if "coverage" in judged.metrics else None
    if coverage is None or coverage >= least:
        return None
    return f"only {100 * coverage:.4g} % of the rows have an answer, and {100 * least:g} % must (min_coverage)"


def undecided(gate: Gate | Against, reason: str = "the run is not complete") -> GateResult:
    """The result of a gate that nobody can judge yet."""
    return {"gate": gate.text, "passed": None, "value": None, "reason": reason}


def _value(gate: Gate, judged: Judged) -> tuple[float | None, int, str]:
    """The number, the rows it is over, and why there is none."""
    if gate.label is not None:
        of_class = judged.per_class.get(gate.label)
        if of_class is None:
            return None, 0, f"{gate.label!r} is not one of the labels"
        counts = f"{of_class['support']} rows, {of_class['predicted']} replies"
        rows = int(of_class["predicted" if gate.metric == "precision" else "support"] or 0)
        return of_class.get(gate.metric), rows, f"{gate.metric} of {gate.label!r} is 0/0: {counts}"
    metric = judged.metrics.get(gate.metric)
    if metric is None:
        there = ", ".join(name for name in judged.metrics if name.startswith(EXTENSION)) or "no ext. at all"
        return None, 0, f"this run has no {gate.metric}" + (f"; it has {there}" if gate.metric.startswith(EXTENSION) else "")
    if gate.slice is not None:
        return _value_of_slice(gate, metric)
    value: Any = metric.get(gate.part)
    return _finite(value), metric["n"], metric.get("reason", f"{gate.metric} has no {gate.part}: there are too few rows")


def _value_of_slice(gate: Gate, metric: MetricValue) -> tuple[float | None, int, str]:
    slices = {f"{column}.{value}": part for column, parts in metric.get("slices", {}).items() for value, part in parts.items()}
    part = slices.get(gate.slice or "")
    if part is None:
        shown = ", ".join(list(slices)[:10]) or "no slices at all"
        return None, 0, f"{gate.metric} has no slice {gate.slice}; it has {shown}"
    values = {"value": part["value"], "ci_low": part["ci_low"], "ci_high": part["ci_high"]}
    return _finite(values.get(gate.part)), part["n"], f"{gate.metric} of {gate.slice} has no {gate.part}: there are too few rows"


def _finite(value: Any) -> float | None:
    return value if isinstance(value, int | float) and isfinite(value) else None
