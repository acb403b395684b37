"""The verdict on a run in one sentence, for whoever reads nothing else."""

from dataclasses import dataclass

from evalsvc.metrics.gates import Gate, gated_metrics, parse_gate
from evalsvc.metrics.names import OF_POSITIVE
from evalsvc.records import GateResult, Regression, Summary
from evalsvc.report.facts import Tone
from evalsvc.report.plain import one_line
from evalsvc.report.words import count, interval, percent, score, some

_PARTS = {"value": "", "ci_low": "the lower end of ", "ci_high": "the upper end of "}
_DIGITS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What to do with it, and why."""

    tone: Tone
    lead: str
    rest: str


def sentence(summary: Summary, *, passed: bool | None, positive: str | None = None) -> Sentence:
    """`passed` is None while the run is partial; `positive` is the label that plain precision, recall and f1 are of."""
    if passed is None:
        return Sentence(tone=Tone.WARN, lead="No verdict yet", rest=_unfinished(summary))
    if passed:
        return _good(summary, positive)
    failed = [gate for gate in summary["gates"] if gate["passed"] is False]
    if failed:
        return Sentence(tone=Tone.BAD, lead="Not to be shipped", rest=_failed(failed, positive))
    return Sentence(tone=Tone.BAD, lead="Not to be relied on", rest=_unusable(summary))


def _good(summary: Summary, positive: str | None) -> Sentence:
    errors, gates = summary["rows"]["error"], summary["gates"]
    rows = some(summary["rows"]["expected"], "row") + (f", {count(errors)} of them in error" if errors else "")
    number = headline(summary, positive)
    if not gates:
        return Sentence(tone=Tone.PLAIN, lead="Complete", rest=f"{rows}; no gates were set. {number}".rstrip())
    passed = sum(gate["passed"] is True for gate in gates)
    open_ones = sum(gate["regression"]["verdict"] == "cannot tell" for gate in gates if "regression" in gate)
    untold = f", {count(open_ones)} of them unable to tell" if open_ones else ""
    rest = f"{rows}, {count(passed)} of {some(len(gates), 'gate')} passed{untold}. {number}".rstrip()
    return Sentence(tone=Tone.GOOD, lead="Passed", rest=rest)


def headline(summary: Summary, positive: str | None = None) -> str:
    """The number of the first gate, else the first that there is, with its interval; "" without one.

    >>> headline({"gates": [], "metrics": {"accuracy": {"value": 0.98493, "ci_low": 0.981, "ci_high": 0.9884}}})
    'accuracy 0.985 [0.981, 0.988].'
    """
    metrics = summary["metrics"]
    for name in (*gated_metrics([gate["gate"] for gate in summary["gates"]]), *metrics):
        if name in metrics and metrics[name]["value"] is not None:
            limits = interval(metrics[name]["ci_low"], metrics[name]["ci_high"], _DIGITS)
            return " ".join(part for part in (_called(name, positive), score(metrics[name]["value"], _DIGITS), limits) if part) + "."
    return ""


def _unfinished(summary: Summary) -> str:
    rows = summary["rows"]
    if not rows["pending"]:
        return f"{some(rows['expected'], 'row')} answered, and the run has not ended."
    done = rows["expected"] - rows["pending"]
    return f"{count(done)} of {some(rows['expected'], 'row')} answered ({percent(done, rows['expected'])}); the same command carries on."


def _unusable(summary: Summary) -> str:
    errors, expected = summary["rows"]["error"], summary["rows"]["expected"]
    if errors:
        return f"{count(errors)} of {some(expected, 'row')} are in error ({percent(errors, expected)}), more than was to be accepted."
    return f"too many of {some(expected, 'row')} brought no usable answer."


def _failed(failed: list[GateResult], positive: str | None) -> str:
    others = f", and {some(len(failed) - 1, 'more gate')} failed" if len(failed) > 1 else ""
    return f"{_why(failed[0], positive)}{others}."


def _why(result: GateResult, positive: str | None) -> str:
    if (against := result.get("regression")) is not None:
        return _why_worse(against)
    value, reason = result["value"], one_line(result["reason"] or "it has no value")
    if value is None or not reason.startswith(f"{value:.6g} is "):
        return f"{one_line(result['gate'])}: {reason}"
    gate = parse_gate(result["gate"])
    return f"{_subject(gate, positive)} {told(value, gate)} is {reason.partition(' is ')[2]}"


def _why_worse(against: Regression) -> str:
    metric, baseline = one_line(against["metric"]), one_line(against["baseline"])
    limits = interval(against["ci_low"], against["ci_high"], _DIGITS)
    found = f"difference {score(against['difference'], _DIGITS)} {limits} over {some(against['rows'], 'row')}"
    if against["verdict"] == "worse":
        return f"{metric} is worse than in {baseline}, {found}"
    needed = against["rows_needed"]
    would = f"; about {count(needed)} rows would tell" if needed else ""
    return f"whether {metric} is worse than in {baseline} cannot be told, {found}{would}"


def _subject(gate: Gate, positive: str | None) -> str:
    metric = _called(gate.metric, gate.label or positive)
    if gate.slice is not None:
        column, _, value = gate.slice.partition(".")
        metric = f"{metric} where {one_line(column)} is {one_line(value)}"
    return f"{metric} of what was parsed" if gate.part == "on_parsed" else _PARTS[gate.part] + metric


def _called(metric: str, label: str | None) -> str:
    """With the label that it is of, where it is of one."""
    return f"{metric} of {one_line(label)}" if label is not None and metric in OF_POSITIVE else one_line(metric)


def told(value: float, gate: Gate) -> str:
    """As few digits, from three on, as still say the same of the gate: what is just below a threshold must not read as the threshold.

    >>> told(0.1234, parse_gate("recall >= 0.80")), told(0.79996, parse_gate("recall >= 0.80")), told(23.4567, parse_gate("bleu >= 25"))
    ('0.123', '0.79996', '23.457')
    """
    holds = gate.holds_for(value)
    texts = (score(value, digits) for digits in range(_DIGITS, 7))
    return next((text for text in texts if gate.holds_for(float(text.replace(",", ""))) is holds), repr(value))
