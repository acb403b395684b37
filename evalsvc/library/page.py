"""A run as a notebook shows it: one block of HTML without scripts, images or anything from elsewhere.

Colours are the notebook's own, so that it reads on light and dark alike; the few that mean something are in the middle
between the two. Every text of the user's is escaped.
"""

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from math import isfinite
from typing import Any

from evalsvc.metrics.names import range_of
from evalsvc.records import GateResult, MetricValue, RunWarning, SliceValue, Summary
from evalsvc.report.intro import outcome_tone
from evalsvc.report.plain import one_line
from evalsvc.report.slices import TEST, VALUES_SHOWN, p_words, slice_notes, sliced, worst_first
from evalsvc.report.table import worth_a_line
from evalsvc.report.thresholds import threshold_lines, threshold_notes, threshold_words
from evalsvc.report.words import NOTHING, count, interval, percent, score, some

CLASSES_SHOWN = 20

_GREEN, _RED, _AMBER = "#2e9d62", "#d64545", "#c58a1b"
_TONES = {"good": _GREEN, "bad": _RED, "warn": _AMBER, "plain": "#7a8794"}

_STYLE = f"""
.evalsvc-run {{font: 13px/1.5 system-ui, sans-serif; max-width: 60em; color: inherit}}
.evalsvc-run h3 {{font-size: 1.15em; margin: .2em 0}}
.evalsvc-run table {{border-collapse: collapse; margin: .6em 0; font-size: inherit; color: inherit; border: 0}}
.evalsvc-run tr, .evalsvc-run tbody tr:nth-child(odd), .evalsvc-run tr:hover {{background: transparent}}
.evalsvc-run th, .evalsvc-run td {{padding: .15em .9em .15em 0; text-align: right; border: 0; font-variant-numeric: tabular-nums}}
.evalsvc-run th {{font-weight: 600; border-bottom: 1px solid rgba(128,128,128,.45)}}
.evalsvc-run th:first-child, .evalsvc-run td:first-child, .evalsvc-run td.words {{text-align: left}}
.evalsvc-run .faint {{opacity: .7}}
.evalsvc-run .verdict {{border-radius: .7em; padding: .05em .6em; color: #fff; font-weight: 600}}
.evalsvc-run .scale {{position: relative; width: 9em; height: .7em; background: rgba(128,128,128,.18); border-radius: .35em}}
.evalsvc-run .scale span {{position: absolute; top: 0; bottom: 0; background: {_GREEN}; opacity: .45; border-radius: .35em; min-width: 2px}}
.evalsvc-run .scale b {{position: absolute; top: -.1em; bottom: -.1em; width: 2px; background: currentColor}}
.evalsvc-run .share {{display: flex; height: .7em; max-width: 36em; border-radius: .35em; overflow: hidden; margin: .6em 0 .2em}}
.evalsvc-run .share i {{display: block; min-width: 2px}}
"""


def page(summary: Summary, path: str, *, passed: bool | None) -> str:
    """`passed` is None while the run is partial."""
    sections = [
        _headline(summary, passed),
        _metrics(summary["metrics"]),
        *_slices(summary["metrics"]),
        _outcomes(summary["outcomes"]),
        _gates(summary["gates"]),
        _classes(summary["per_class"]),
        _thresholds(summary.get("thresholds")),
        _warnings(summary["warnings"]),
        f'<div class="faint">{_text(path)}</div>',
    ]
    return f'<div class="evalsvc-run"><style>{_STYLE}</style>{"".join(sections)}</div>'


def _headline(summary: Summary, passed: bool | None) -> str:
    rows, run = summary["rows"], summary["run"]
    colour, word = {True: (_GREEN, "passed" if summary["gates"] else "complete"), False: (_RED, "not passed"), None: (_AMBER, "partial")}[
        passed
    ]
    done = rows["expected"] - rows["pending"]
    parts = [
        f"{count(done)} of {some(rows['expected'], 'row')}" if rows["pending"] else some(rows["expected"], "row"),
        *(f"{label} {run[key]}" for key, label in (("model", "model"), ("revision", "revision"), ("endpoint", "at")) if run.get(key)),
    ]
    chip = f'<span class="verdict" style="background: {colour}">{word}</span>'
    return f'<h3>{_text(summary["name"])} {chip}</h3><div class="faint">{_text(" · ".join(parts))}</div>'


def _metrics(metrics: Mapping[str, MetricValue]) -> str:
    shown = worth_a_line(metrics).items()
    return _table(("metric", "value", "95 % interval", "", "rows"), (_metric(name, metric) for name, metric in shown))


def _metric(name: str, metric: MetricValue) -> Iterator[str]:
    yield f"<td>{_text(name)}</td>"
    if metric["value"] is None:
        yield f'<td>{NOTHING}</td><td class="words" colspan="2">{_text(metric.get("reason") or "")}</td>'
    else:
        within = _text(interval(metric["ci_low"], metric["ci_high"]))
        yield f"<td><b>{score(metric['value'])}</b></td><td>{within}</td><td>{_scale(name, metric)}</td>"
    yield f"<td>{count(metric['n'])}</td>"


def _scale(name: str, metric: MetricValue | SliceValue) -> str:
    """Value and interval drawn between the least and the greatest that there can be; nothing where there is no such, and for what
    lies elsewhere.
    """
    value, low, high = metric["value"], metric["ci_low"], metric["ci_high"]
    least, greatest = range_of(name)
    if value is None or low is None or high is None or not isfinite(greatest - least) or not least <= low <= value <= high <= greatest:
        return ""
    at, start, width = (100 * part / (greatest - least) for part in (value - least, low - least, high - low))
    band = f'<span style="left: {start:.1f}%; width: {width:.1f}%"></span>'
    return f'<div class="scale">{band}<b style="left: {at:.1f}%"></b></div>'


def _slices(metrics: Mapping[str, MetricValue]) -> Iterator[str]:
    for name, column, parts in sliced(metrics):
        headings = (_text(column), _text(name), "95 % interval", "", "rows", TEST)
        rows = (_slice(name, value, parts[value]) for value in worst_first(name, parts)[:VALUES_SHOWN])
        yield _table(headings, rows) + _faint(slice_notes(name, parts))


def _slice(name: str, value: str, part: SliceValue) -> Iterator[str]:
    within = _text(interval(part["ci_low"], part["ci_high"]))
    yield f"<td>{_text(value)}</td><td><b>{score(part['value'])}</b></td><td>{within}</td><td>{_scale(name, part)}</td>"
    yield f"<td>{count(part['n'])}</td><td>{_text(p_words(part.get('p_holm')))}</td>"


def _thresholds(raw: Mapping[str, Any] | None) -> str:
    if not raw:
        return ""
    headings = (f"{_text(str(raw['positive']))} from", "precision", "recall", "f1", "predicted", "")
    return _table(headings, (_threshold(*line) for line in threshold_lines(raw))) + _faint(threshold_notes(raw))


def _threshold(point: Mapping[str, Any], remark: str, style: str) -> Iterator[str]:
    values = (threshold_words(point), *(score(point[name]) for name in ("precision", "recall", "f1")), count(point["predicted"]))
    yield from (f"<td><b>{value}</b></td>" if style else f"<td>{value}</td>" for value in values)
    yield f'<td class="words faint">{_text(remark)}</td>'


def _faint(notes: Iterable[str]) -> str:
    return "".join(f'<div class="faint">{_text(note)}</div>' for note in notes)


def _outcomes(outcomes: Mapping[str, int]) -> str:
    seen = {outcome: rows for outcome, rows in outcomes.items() if rows}
    total = sum(seen.values())
    if not total:
        return ""
    bar = "".join(f'<i style="flex: {rows}; background: {_TONES[outcome_tone(outcome).value]}"></i>' for outcome, rows in seen.items())
    words = " · ".join(f"{outcome} {count(rows)} ({percent(rows, total)})" for outcome, rows in seen.items())
    return f'<div class="share">{bar}</div><div>{_text(words)}</div>'


def _gates(gates: Iterable[GateResult]) -> str:
    return _table(("gate", "", "value"), (_gate(gate) for gate in gates))


def _gate(gate: GateResult) -> Iterator[str]:
    colour, word = {True: (_GREEN, "passed"), False: (_RED, "failed"), None: (_AMBER, "open")}[gate["passed"]]
    yield f'<td>{_text(gate["gate"])}</td><td style="color: {colour}"><b>{word}</b></td>'
    # six digits, so that a value just below its threshold does not read as the threshold
    grounds = gate["reason"] or (NOTHING if gate["value"] is None else f"{gate['value']:.6g}")
    yield f"<td>{_text(grounds)}</td>"


def _classes(per_class: Mapping[str, Mapping[str, float | int | None]]) -> str:
    """All classes in their own order; of very many, those with the lowest F1."""
    shown = list(per_class)
    if len(shown) > CLASSES_SHOWN:
        shown = sorted(shown, key=lambda label: per_class[label]["f1"] or 0.0)[:CLASSES_SHOWN]
    table = _table(("class", "precision", "recall", "f1", "support", "predicted"), (_class(label, per_class[label]) for label in shown))
    left = len(per_class) - len(shown)
    return table + (f'<div class="faint">lowest F1 first; {count(left)} more classes in summary.json</div>' if left else "")


def _class(label: str, values: Mapping[str, float | int | None]) -> Iterator[str]:
    yield f"<td>{_text(label)}</td>"
    for key in ("precision", "recall", "f1"):
        yield f"<td>{score(values[key])}</td>"
    for key in ("support", "predicted"):
        yield f"<td>{count(int(values[key] or 0))}</td>"


def _warnings(warnings: Iterable[RunWarning]) -> str:
    items = "".join(f"<li>{_text(warning['message'])}</li>" for warning in warnings)
    return f'<div style="color: {_AMBER}"><b>warnings</b></div><ul style="margin: 0">{items}</ul>' if items else ""


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Empty without rows; `rows` are finished cells."""
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    head = "".join(f"<th>{heading}</th>" for heading in headings)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if body else ""


def _text(text: str) -> str:
    return escape(one_line(text))
