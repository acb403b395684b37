"""The headline numbers with their intervals, in digits and drawn."""

from collections.abc import Iterator, Mapping
from math import isfinite

from evalsvc.metrics.gates import gated_metrics
from evalsvc.metrics.names import LOWER_IS_BETTER, range_of
from evalsvc.records import MetricValue, SliceValue, Summary
from evalsvc.report.headline import worth_a_line
from evalsvc.report.html.markup import Html, folded, note, table, text, unseen
from evalsvc.report.words import count, interval, score, some

INTERVAL = "95 % interval"
DRAWN = unseen("drawn")
AT_ONCE = 10  # metrics; with more of them the verdict and the warnings would not be on one screen


def numbers(summary: Summary) -> Html:
    """A line for each metric that is worth one, and why some have no value; of many the first and those with a gate at once."""
    metrics = summary["metrics"]
    shown = worth_a_line(metrics)
    first = _first(shown, summary)
    others = {name: metric for name, metric in shown.items() if name not in first}
    falling = "↓: lower is better" if any(name in LOWER_IS_BETTER for name in first) else ""
    left_out = "the micro and weighted averages are in summary.json" if len(shown) < len(metrics) else ""
    more = folded(some(len(others), "more metric"), _table(others, "Further metrics"), note(*_reasons(others))) if others else ""
    return Html(_table(first, "Metrics over the rows of the run") + note(*_reasons(first), falling, left_out) + more)


def _first(metrics: Mapping[str, MetricValue], summary: Summary) -> Mapping[str, MetricValue]:
    if len(metrics) <= AT_ONCE:
        return metrics
    gated = set(gated_metrics([gate["gate"] for gate in summary["gates"]]))
    wanted = [name for name in metrics if name in gated]
    wanted += [name for name in metrics if name not in gated][: max(0, AT_ONCE - len(wanted))]
    return {name: metric for name, metric in metrics.items() if name in wanted}


def _table(metrics: Mapping[str, MetricValue], caption: str) -> Html:
    parsed = any(_differs(metric) for metric in metrics.values())
    headings = ["metric", "value", INTERVAL, DRAWN, "rows", *(["parsed only"] if parsed else [])]
    rows = [_line(name, metric, parsed=parsed) for name, metric in metrics.items()]
    return table(headings, rows, caption=caption, words=(3,), kind="numbers")


def _line(name: str, metric: MetricValue, *, parsed: bool) -> list[str]:
    named = f"{name} ↓" if name in LOWER_IS_BETTER else name
    line = [named, Html(f"<b>{text(score(metric['value']))}</b>"), interval(metric["ci_low"], metric["ci_high"]), scale(name, metric)]
    return [*line, count(metric["n"]), *([score(metric.get("on_parsed")) if "on_parsed" in metric else ""] if parsed else [])]


def _differs(metric: MetricValue) -> bool:
    return metric.get("on_parsed") is not None and metric.get("on_parsed") != metric["value"]


def _reasons(metrics: Mapping[str, MetricValue]) -> Iterator[str]:
    """Each reason once, with the metrics that have no value for it."""
    names: dict[str, list[str]] = {}
    for name, metric in metrics.items():
        if metric["value"] is None and (reason := metric.get("reason")):
            names.setdefault(reason, []).append(name)
    yield from (f"{', '.join(without)}: {reason}" for reason, without in names.items())


def scale(name: str, metric: MetricValue | SliceValue) -> Html:
    """Value and interval drawn between the least and the greatest that there can be; nothing where there is no such, and for what
    lies elsewhere.
    """
    value, low, high = metric["value"], metric["ci_low"], metric["ci_high"]
    least, greatest = range_of(name)
    if value is None or low is None or high is None or not isfinite(greatest - least) or not least <= low <= value <= high <= greatest:
        return Html("")
    at, start, width = (100 * part / (greatest - least) for part in (value - least, low - least, high - low))
    band = f'<i style="left:{start:.1f}%;width:{width:.1f}%"></i>'
    return Html(f'<span class="scale" aria-hidden="true">{band}<b style="left:{at:.1f}%"></b></span>')
