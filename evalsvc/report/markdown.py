"""A run as a reviewer reads it on a pull request: the verdict, the gates, the numbers, and what they rest on."""

import shlex
from collections.abc import Iterator, Mapping, Sequence

from evalsvc.records import GateResult, MetricValue, Regression, RunWarning, Summary
from evalsvc.report.facts import SEPARATOR
from evalsvc.report.footing import footing
from evalsvc.report.headline import worth_a_line
from evalsvc.report.marked import bullets, code, document, folded, table, text
from evalsvc.report.plain import one_line
from evalsvc.report.sentence import sentence
from evalsvc.report.verdict import exit_part, grounds, verdict
from evalsvc.report.words import NOTHING, count, interval, percent, score, some

IDS_SHOWN = 10
WARNINGS_OPEN = 3
METRICS_OPEN = 5
METRICS = ("metric", "value", "95 % interval", "rows")
_PASSED = {True: "passed", False: "**failed**", None: "open"}


def run_markdown(summary: Summary, run_dir: str, *, exit_code: int | None) -> str:
    """`exit_code` None: not known, and the gates alone say whether it passed. Sections without data are left out."""
    return document(_parts(summary, run_dir, exit_code))


def _parts(summary: Summary, run_dir: str, exit_code: int | None) -> Iterator[str]:
    said = sentence(summary, passed=_passed(summary, exit_code))
    yield f"### {text(summary['name'])}: {said.lead}"
    yield text(said.rest)
    ending = [exit_part(exit_code)] if exit_code is not None else []
    yield text(SEPARATOR.join(part.text for part in (*verdict(summary), *ending)))
    yield table(("", "gate", "value", "why"), [_gate(gate) for gate in summary["gates"]], words=(0, 1, 3))
    yield from _against([gate["regression"] for gate in summary["gates"] if "regression" in gate])
    metrics = [_metric(*one) for one in worth_a_line(summary["metrics"]).items()]
    yield table(METRICS, metrics[:METRICS_OPEN])
    yield text(_outcomes(summary["outcomes"]))
    yield folded("the other metrics", table(METRICS, metrics[METRICS_OPEN:]))
    yield from _warnings(summary["warnings"])
    yield folded("what it rests on, and how to see more", f"{_rests_on(summary)}\n\n{_commands(summary, run_dir)}")


def _passed(summary: Summary, exit_code: int | None) -> bool | None:
    if summary["status"] == "partial":
        return None
    return exit_code == 0 if exit_code is not None else all(gate["passed"] is not False for gate in summary["gates"])


def _gate(gate: GateResult) -> list[str]:
    value = NOTHING if gate["value"] is None else f"{gate['value']:+.4g}" if "regression" in gate else f"{gate['value']:.6g}"
    why = gate["regression"]["verdict"] if "regression" in gate else grounds(gate) if gate["reason"] else ""
    return [_PASSED[gate["passed"]], code(gate["gate"]), value, text(why)]


def _against(regressions: Sequence[Regression]) -> Iterator[str]:
    """Numbers first; then which rows turned wrong."""
    headings = ("metric", "verdict", "difference", "95 % interval", "margin", "rows", "rows needed", "turned right", "turned wrong")
    yield table(headings, [_regression(one) for one in regressions], words=(0, 1))
    flipped = {one["baseline"]: one for one in regressions if one["flipped"]}
    for baseline, one in flipped.items():
        ids = ", ".join(code(row) for row in one["flipped"][:IDS_SHOWN])
        left = (one["to_wrong"] or 0) - len(one["flipped"][:IDS_SHOWN])
        yield f"rows that got worse than in {code(baseline)}: {ids}" + (f" and {some(left, 'more row')}" if left > 0 else "")


def _regression(one: Regression) -> list[str]:
    ends = "" if one["ci_low"] is None or one["ci_high"] is None else f"[{one['ci_low']:+.4g}, {one['ci_high']:+.4g}]"
    counts = (NOTHING if number is None else count(number) for number in (one["rows_needed"], one["to_right"], one["to_wrong"]))
    return [code(one["metric"]), one["verdict"], f"{one['difference']:+.4g}", ends, f"{one['margin']:g}", count(one["rows"]), *counts]


def _metric(name: str, metric: MetricValue) -> list[str]:
    return [code(name), score(metric["value"]), interval(metric["ci_low"], metric["ci_high"]), count(metric["n"])]


def _outcomes(outcomes: Mapping[str, int]) -> str:
    total = sum(outcomes.values())
    return SEPARATOR.join(f"{outcome} {count(rows)} ({percent(rows, total)})" for outcome, rows in outcomes.items() if rows)


def _warnings(warnings: Sequence[RunWarning]) -> Iterator[str]:
    """The most harmful first, as they come."""
    lines = [text(warning["message"]) for warning in warnings]
    if lines:
        yield f"**{some(len(lines), 'warning')}**"
        yield bullets(lines[:WARNINGS_OPEN])
        yield folded("the other warnings", bullets(lines[WARNINGS_OPEN:]))


def _rests_on(summary: Summary) -> str:
    run = summary["run"]
    facts = {item.label: SEPARATOR.join(part.text for part in item.parts) for item in footing(summary)}
    facts |= {"data set": f"SHA-256 {run['dataset_sha256']}"} if run.get("dataset_sha256") else {}
    facts |= {"evalsvc": str(run["evalsvc"])} if run.get("evalsvc") else {}
    return bullets(f"{name}: {text(words)}" for name, words in facts.items())


def _commands(summary: Summary, run_dir: str) -> str:
    run = shlex.quote(one_line(run_dir))
    lines = [f"evalsvc show {run}", f"evalsvc report {run} --open"]
    lines += [f"evalsvc compare {shlex.quote(one_line(baseline))} {run}" for baseline in _baselines(summary["gates"])]
    return "\n".join(["```sh", *lines, "```"])


def _baselines(gates: Sequence[GateResult]) -> Sequence[str]:
    return list(dict.fromkeys(gate["regression"]["baseline"] for gate in gates if "regression" in gate))
