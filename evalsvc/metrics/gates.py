"""Quality gates and the `metrics:` key: names checked before a request is sent, numbers checked at the end.

    recall >= 0.80      f1_macro.ci_low >= 0.75      accuracy.on_parsed > 0.9      per_class.spam.recall >= 0.8

A gate whose value is missing fails: no number is no proof.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import inf, isfinite
from operator import eq, ge, gt, le, lt
from typing import Any

from evalsvc.errors import NotAvailableYet, UsageError
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

    def holds_for(self, value: float) -> bool:
        return _OPERATORS[self.op](value, self.threshold)


def parse_gate(text: str) -> Gate:
    """The gate that `text` says; UsageError for what is none. Whether the metric exists is `check_gates`' question.

    >>> gate = parse_gate("f1_macro.ci_low >= 0.75")
    >>> gate.metric, gate.part, gate.op, gate.threshold
    ('f1_macro', 'ci_low', '>=', 0.75)
    """
    match = _GATE.fullmatch(text.strip())
    if match is None or match["name"].endswith(("=", "!")):
        raise UsageError(f"gates: `{text}` is no gate", hint=_FORM)
    metric, part, label = _target(match["name"])
    return Gate(text=text, metric=metric, part=part, label=label, op=match["op"], threshold=_threshold(match["threshold"].strip(), text))


def _target(name: str) -> tuple[str, str, str | None]:
    of_class = _PER_CLASS.fullmatch(name)
    if of_class is not None:
        return of_class["metric"], "value", of_class["label"]
    if name.startswith(EXTENSION):
        whole, _, part = name.rpartition(".")
        return (whole, part, None) if part in PARTS and whole != EXTENSION[:-1] else (name, "value", None)
    metric, _, part = name.partition(".")
    return metric, part or "value", None


def _threshold(written: str, text: str) -> float:
    if written.startswith("baseline"):
        raise NotAvailableYet(f"gates: `{text}`: gates against a baseline are not available yet", hint=_FORM)
    try:
        threshold = float(written)
    except ValueError:
        threshold = float("nan")
    if not isfinite(threshold):
        hint = "80 % is written 0.80" if "%" in written else _FORM
        raise UsageError(f"gates: `{text}`: {written!r} is not a number", hint=hint)
    return threshold


def check_gates(
    gates: Sequence[str | Mapping[str, Any]],
    *,
    positive: str | None = None,
    labels: Sequence[str] | None = None,
    available: Sequence[str] = CLASSIFICATION,
) -> tuple[Gate, ...]:
    """The gates of a config, all of them known and able to pass. `labels` where they are known already; `available` as
    `available_metrics` says. Whether there will be an ext.<name> nobody can know before the rows are scored.

    UsageError for an unknown metric, part or label, for plain precision, recall or f1 without `scoring.positive`, and
    for a threshold that no value can reach.
    """
    return tuple(_checked(gate, positive, labels, available) for gate in gates)


def _checked(written: str | Mapping[str, Any], positive: str | None, labels: Sequence[str] | None, available: Sequence[str]) -> Gate:
    if not isinstance(written, str):
        raise NotAvailableYet(f"gates: {dict(written)!r}: gates with options are not available yet", hint=_FORM)
    gate = parse_gate(written)
    where = f"gates: `{written}`"
    if gate.label is not None:
        _check_label_gate(gate, where, labels)
    else:
        _check_name(gate.metric, where, positive, available)
        _check_part(gate, where)
    if not gate.metric.startswith(EXTENSION):
        _check_range(gate, where)
    return gate


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


def evaluate_gate(gate: Gate, metrics: Mapping[str, MetricValue], per_class: Mapping[str, Mapping[str, float | int | None]]) -> GateResult:
    """Whether a complete run meets `gate`; a value that is missing or None does not, and the reason says why."""
    value, why_none = _value(gate, metrics, per_class)
    if value is None:
        return {"gate": gate.text, "passed": False, "value": None, "reason": why_none}
    if gate.holds_for(value):
        return {"gate": gate.text, "passed": True, "value": value, "reason": None}
    return {"gate": gate.text, "passed": False, "value": value, "reason": f"{value:.6g} is {_FAILS_BY[gate.op]} {gate.threshold:g}"}


def undecided(gate: Gate) -> GateResult:
    """The result of a gate while rows are still pending."""
    return {"gate": gate.text, "passed": None, "value": None, "reason": "the run is not complete"}


def _value(
    gate: Gate, metrics: Mapping[str, MetricValue], per_class: Mapping[str, Mapping[str, float | int | None]]
) -> tuple[float | None, str]:
    if gate.label is not None:
        of_class = per_class.get(gate.label)
        if of_class is None:
            return None, f"{gate.label!r} is not one of the labels"
        counts = f"{of_class['support']} rows, {of_class['predicted']} replies"
        return of_class.get(gate.metric), f"{gate.metric} of {gate.label!r} is 0/0: {counts}"
    metric = metrics.get(gate.metric)
    if metric is None:
        there = ", ".join(name for name in metrics if name.startswith(EXTENSION)) or "no ext. at all"
        return None, f"this run has no {gate.metric}" + (f"; it has {there}" if gate.metric.startswith(EXTENSION) else "")
    value: Any = metric.get(gate.part)
    return value, metric.get("reason", f"{gate.metric} has no {gate.part}: there are too few rows")
