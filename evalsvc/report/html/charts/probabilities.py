"""Whether probabilities mean what they say, and how they part the rows of a label from all others."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import exp
from typing import Any, Final

from evalsvc.report.html.markup import Html
from evalsvc.report.html.svg.axes import Axis, counts, linear, log_odds, number, within
from evalsvc.report.html.svg.picture import Key, Numbers, Picture, guide_key, stacked
from evalsvc.report.plain import shorten
from evalsvc.report.threshold_lines import threshold_words
from evalsvc.report.words import count, interval, percent, score, some

_LABEL_AT_MOST: Final = 24
_HEIGHT: Final = 230.0
_BELOW: Final = 60.0
_CALIBRATED: Final = "right as often as it says"
_RIGHT, _WRONG = "var(--series-1)", "var(--series-2)"


def probability_pictures(charts: Mapping[str, Any]) -> list[Html]:
    """`charts` of summary.json."""
    found = []
    if reliability := charts.get("reliability"):
        found.append(_reliability(reliability))
    if probability := charts.get("probability"):
        marks = charts.get("curves", {}).get(probability["label"], {}).get("marks", [])
        found.append(_parted(probability, [mark for mark in marks if "log_odds" in mark]))
    return found


# reliability -----------------------------------------------------------------------------------------------------


def _reliability(raw: Mapping[str, Any]) -> Html:
    bins = raw["bins"]
    x = within(min(one["low"] for one in bins), 1, "confidence: probability of the answer")
    y, rows = within(0, 1, "share that is right"), counts(max(one["rows"] for one in bins), "rows", most=2)
    [panel, below], height = stacked(x, (y, _HEIGHT), (rows, _BELOW))
    diagonal = panel.guide((x.low, x.low), (1, 1), words=_CALIBRATED)
    whiskers = "".join(panel.whisker(one["confidence"], one["ci_low"], one["ci_high"], stroke=_RIGHT) for one in bins)
    dots = "".join(panel.mark((one["confidence"], one["right"]), "dot", fill=_RIGHT, words=_bin_words(one)) for one in bins)
    bars = "".join(
        below.bar((one["low"], one["high"]), one["rows"], fill=_WRONG, words=_bin_words(one))
        + below.bar((one["low"], one["high"]), one["rows"] * one["right"], fill=_RIGHT, words=_bin_words(one))
        for one in bins
    )
    keys = [
        Key(shape="dot", colour=_RIGHT, words="share that is right, with its 95 % interval"),
        guide_key(_CALIBRATED),
        Key(shape="box", colour=_RIGHT, words="right"),
        Key(shape="box", colour=_WRONG, words="wrong"),
    ]
    numbers = Numbers(
        caption="Rows by the probability of the likeliest label",
        headings=("confidence", "rows", "mean confidence", "right", "95 % interval"),
        rows=[_bin_cells(one) for one in bins],
    )
    return Picture(
        title="Reliability",
        finding=_reliability_words(raw),
        content=panel.frame(x_labels=False) + diagonal + whiskers + dots + below.frame() + bars,
        height=height,
        keys=keys,
        numbers=numbers,
    ).html()


def _reliability_words(raw: Mapping[str, Any]) -> str:
    bins, rows = raw["bins"], raw["rows"]
    said = sum(one["confidence"] * one["rows"] for one in bins) / rows
    right = round(sum(one["right"] * one["rows"] for one in bins))
    average = f"mean confidence {score(said)}, right {percent(right, rows)} of {some(rows, 'row')}"
    return f"{average}; expected calibration error {score(raw['ece'])}"


def _bin_words(one: Mapping[str, Any]) -> str:
    span, _, confidence, right, within_ = _bin_cells(one)
    return f"{span}: {some(one['rows'], 'row')}, mean confidence {confidence}, right {right} {within_}"


def _bin_cells(one: Mapping[str, Any]) -> list[str]:
    span = f"{one['low']:.3g} to {one['high']:.3g}"
    return [span, count(one["rows"]), score(one["confidence"]), score(one["right"]), interval(one["ci_low"], one["ci_high"])]


# who got which ---------------------------------------------------------------------------------------------------


def _parted(raw: Mapping[str, Any], marks: Sequence[Mapping[str, Any]]) -> Html:
    """Rows of the label upwards, all others downwards, each as shares of their own."""
    label, edges = shorten(raw["label"], _LABEL_AT_MOST), raw["log_odds"]
    sides = [(raw["positives"], 1, _WRONG, label), (raw["negatives"], -1, _RIGHT, "others")]
    highest = max(max(_shares(rows)) for rows, *_ in sides)
    [panel], height = stacked(log_odds(edges[-1], f"probability of {label}"), (_both_ways(highest, label), _HEIGHT + _BELOW))
    bars = "".join(
        panel.bar(span, sign * share, fill=fill, words=f"{_span_words(*span)}: {count(here)} of {count(sum(rows))} {name}")
        for rows, sign, fill, name in sides
        for span, share, here in zip(pairwise(edges), _shares(rows), rows, strict=True)
        if here
    )
    # the first is the operating point where one was wanted
    rules = "".join(panel.upright(mark["log_odds"], stroke="var(--ink)", words=_mark_words(mark)) for mark in marks[:1])
    finding = f"half of {label} got {_middle(raw['positives'], edges)}, half of the others {_middle(raw['negatives'], edges)}"
    keys = [
        Key(shape="box", colour=_WRONG, words=f"{count(sum(raw['positives']))} rows of {label}, upwards"),
        Key(shape="box", colour=_RIGHT, words=f"{count(sum(raw['negatives']))} others, downwards"),
        *(Key(shape="line", colour="var(--ink)", dashes="4 3", words=_mark_words(mark)) for mark in marks[:1]),
    ]
    return Picture(
        title=f"How likely rows were said to be {label}",
        finding=finding,
        content=panel.frame() + bars + rules,
        height=height,
        keys=keys,
        numbers=_parted_numbers(raw, label),
    ).html()


def _shares(rows: Sequence[int]) -> list[float]:
    total = sum(rows)
    return [here / total if total else 0.0 for here in rows]


def _both_ways(highest: float, label: str) -> Axis:
    axis = linear(-highest, highest, f"share of {label} ↑, of others ↓", most=7)
    return replace(axis, ticks=[(value, f"{number(round(100 * abs(value), 6))} %") for value, _ in axis.ticks])


def _probability(nats: float) -> float:
    return 1 / (1 + exp(-nats))


def _span_words(low: float, high: float) -> str:
    return f"{_short(low)} to {_short(high)}"


def _short(nats: float) -> str:
    """A probability, with as many digits as tell it from 0 and 1.

    >>> _short(0.0), _short(-6.0), _short(9.5)
    ('0.5', '0.0025', '0.999925')
    """
    probability = _probability(nats)
    return f"{probability:.2g}" if nats <= 0 else f"{1 - float(f'{1 - probability:.2g}'):.10g}"


def _mark_words(mark: Mapping[str, Any]) -> str:
    what = {"operating_point": "operating point", "best_f1": "threshold with the highest F1"}[mark["kind"]]
    return f"{what}: {threshold_words(mark)}"


def _middle(rows: Sequence[int], edges: Sequence[float]) -> str:
    """The bin up to which half of the rows lie, in words."""
    total, seen = sum(rows), 0
    for place, here in enumerate(rows):
        seen += here
        if 2 * seen >= total:
            return f"at most {_short(edges[place + 1])}" if edges[place] < 0 else f"at least {_short(edges[place])}"
    return "none of it"


def _parted_numbers(raw: Mapping[str, Any], label: str) -> Numbers:
    spans = pairwise(raw["log_odds"])
    rows = [
        [_span_words(*span), count(own), count(others)]
        for span, own, others in zip(spans, raw["positives"], raw["negatives"], strict=True)
        if own or others
    ]
    return Numbers(
        caption=f"Rows by their probability of {label}; the outermost lines hold what lies beyond",
        headings=("probability", label, "others"),
        rows=rows,
    )
