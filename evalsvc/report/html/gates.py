"""What had to hold, and whether it did."""

from evalsvc.errors import UsageError
from evalsvc.metrics.gates import Gate, parse_gate
from evalsvc.records import GateResult, Regression, Summary
from evalsvc.report.html.markup import Html, table, text, toned, unseen
from evalsvc.report.html.numbers import INTERVAL
from evalsvc.report.plain import one_line
from evalsvc.report.sentence import told
from evalsvc.report.words import NOTHING, count, interval, score, some

_PASSED = {True: ("good", "✓ passed"), False: ("bad", "✗ failed"), None: ("warn", "? open")}


def gates(summary: Summary) -> Html:
    """A line for each gate; "" without gates."""
    rows = [_line(gate, summary) for gate in summary["gates"]]
    return table(
        ("gate", unseen("verdict"), "value", INTERVAL), rows, caption="What must hold before the model may ship", words=(1,), kind="gates"
    )


def _line(result: GateResult, summary: Summary) -> list[str]:
    passed = toned(*_PASSED[result["passed"]])
    if (against := result.get("regression")) is not None:
        limits = interval(against["ci_low"], against["ci_high"])
        return [_named(result, _against(against)), passed, f"{against['difference']:+.4f}", limits]
    gate = _read(result)
    value = NOTHING if result["value"] is None else score(result["value"]) if gate is None else told(result["value"], gate)
    return [_named(result, result["reason"]), passed, value, _limits(gate, summary) if gate and result["value"] is not None else ""]


def _named(result: GateResult, why: str | None) -> Html:
    return Html(text(result["gate"]) + (f" <small>{text(why)}</small>" if why else ""))


def _read(result: GateResult) -> Gate | None:
    """None for one against a baseline that there was nothing to be held against."""
    try:
        return parse_gate(result["gate"])
    except UsageError:
        return None


def _limits(gate: Gate, summary: Summary) -> str:
    """Of the number that the gate is on, where it has an interval."""
    metric = summary["metrics"].get(gate.metric)
    if metric is None or gate.label is not None or gate.part == "on_parsed":
        return ""
    if gate.slice is None:
        return interval(metric["ci_low"], metric["ci_high"])
    slices = {f"{column}.{value}": found for column, values in metric.get("slices", {}).items() for value, found in values.items()}
    found = slices.get(gate.slice)
    return interval(found["ci_low"], found["ci_high"]) if found else ""


def _against(against: Regression) -> str:
    """The verdict on a difference in one line."""
    needed = against["rows_needed"]
    would = f"; about {count(needed)} rows would tell" if against["verdict"] == "cannot tell" and needed else ""
    return (
        f"{against['verdict']}: difference to {one_line(against['baseline'])} over {some(against['rows'], 'row')}, "
        f"margin {against['margin']:g}{would}"
    )
