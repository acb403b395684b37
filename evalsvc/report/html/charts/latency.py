"""How long answers took."""

from collections.abc import Mapping
from itertools import pairwise
from math import log
from typing import Any, Final

from evalsvc.report.html.markup import Html
from evalsvc.report.html.svg.axes import counts, logarithmic
from evalsvc.report.html.svg.picture import Key, Numbers, Picture, stacked
from evalsvc.report.words import count, duration, percent, some

_HEIGHT: Final = 200.0
_FEWEST_BINS: Final = 3
_SERIES: Final = "var(--series-1)"
# Quantiles that are marked: how, and what they say.
_MARKED: Final = {"p50": ("", "half of the answers came"), "p95": ("7 3", "95 %"), "p99": ("2 3", "99 %")}


def latency_picture(histogram: Mapping[str, Any] | None, latency_s: Mapping[str, float | None]) -> Html:
    """`timing.latency_histogram` and `latency_s` of summary.json; "" where no answer was asked for here."""
    if not histogram or len(histogram["counts"]) < _FEWEST_BINS:
        return Html("")
    edges, rows = histogram["edges_s"], histogram["counts"]
    bins = [(low, high, here) for (low, high), here in zip(pairwise(edges), rows, strict=True) if here]
    [panel], height = stacked(logarithmic(edges[0], edges[-1], "time to answer"), (counts(max(rows), "answers"), _HEIGHT))
    bars = "".join(
        panel.bar((log(low), log(high)), here, fill=_SERIES, words=f"{duration(low)} to {duration(high)}: {some(here, 'answer')}")
        for low, high, here in bins
    )
    marked = [(name, value, *_MARKED[name]) for name in _MARKED if (value := latency_s.get(name)) is not None]
    rules = "".join(
        panel.upright(log(value), stroke="var(--ink)", dashes=dashes, words=f"{name} {duration(value)}")
        for name, value, dashes, _ in marked
    )
    numbers = Numbers(
        caption="Answers by the time they took",
        headings=("from – to", "answers", "share"),
        rows=[[f"{duration(low)} – {duration(high)}", count(here), percent(here, sum(rows))] for low, high, here in bins],
    )
    return Picture(
        title="Time to answer, of the last attempt",
        finding="; ".join(f"{how_many} within {duration(value)} ({name})" for name, value, _, how_many in marked),
        content=panel.frame() + bars + rules,
        height=height,
        keys=[
            Key(shape="line", colour="var(--ink)", dashes=dashes, words=f"{name} {duration(value)}") for name, value, dashes, _ in marked
        ],
        numbers=numbers,
    ).html()
