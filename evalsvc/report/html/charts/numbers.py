"""How the numbers of single rows are spread, and predictions against targets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from evalsvc.records import MetricValue
from evalsvc.report.html.markup import Html
from evalsvc.report.html.svg.axes import Axis, counts, linear, number, within
from evalsvc.report.html.svg.picture import Key, Numbers, Picture, guide_key, stacked
from evalsvc.report.plain import one_line
from evalsvc.report.words import count, percent, score, some

_HEIGHT: Final = 200.0
_SQUARE: Final = 290.0
_RATINGS_WRITTEN: Final = 12
_SERIES: Final = "var(--series-1)"
_TITLES: Final = {"residual": "prediction − target"}
_EQUAL: Final = "prediction = target"

Metrics = Mapping[str, MetricValue]


def number_pictures(charts: Mapping[str, Any], metrics: Metrics) -> list[Html]:
    """`charts` of summary.json; `metrics` say what the means are."""
    found = [_scatter(points, metrics)] if (points := charts.get("points")) else []
    spreads = [_Spread(one_line(_TITLES.get(name, name)), raw, metrics.get(name)) for name, raw in (charts.get("scores") or {}).items()]
    return [*found, *(_bars(spread) for spread in spreads if len(spread.counts) > 1)]


def _value(metrics: Metrics, name: str) -> float | None:
    return metrics[name]["value"] if name in metrics else None


# how scores are spread -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Spread:
    """One score of `charts.scores`, and the metric of the same name."""

    name: str
    raw: Mapping[str, Any]
    metric: MetricValue | None

    @property
    def counts(self) -> Sequence[int]:
        counts: Sequence[int] = self.raw["counts"]
        return counts

    @property
    def ends(self) -> tuple[float, float]:
        return self.raw["edges"][0], self.raw["edges"][-1]

    @property
    def overall(self) -> float | None:
        """Of all rows; None where it is not known, or lies outside of the picture."""
        value = None if self.metric is None else self.metric["value"]
        return value if value is not None and self.ends[0] <= value <= self.ends[1] else None

    @property
    def overall_words(self) -> str:
        """A metric of the whole corpus is no mean of its rows: long ones count for more. "" without `overall`."""
        if self.metric is None or self.overall is None:
            return ""
        what = "all text together" if "corpus" in self.metric["signature"].split("|") else "mean"
        return f"{what} {score(self.overall)}"

    @property
    def rows(self) -> int:
        return int(sum(self.counts) + self.raw["below"] + self.raw["above"])

    def axis(self) -> Axis:
        """Ratings are written below their bars, numbers where they are round."""
        axis, ratings = within(*self.ends, self.name), self.raw.get("ratings", ())
        every = -(-len(ratings) // _RATINGS_WRITTEN)
        return replace(axis, ticks=[(rating, number(rating)) for rating in ratings[::every]]) if ratings else axis

    def bins(self) -> list[tuple[tuple[float, float], int, str]]:
        """From where to where, how many rows, and what it is called."""
        spans = list(pairwise(self.raw["edges"]))
        ratings = self.raw.get("ratings")
        names = [f"{number(low)} to {number(high)}" for low, high in spans] if ratings is None else map(number, ratings)
        return list(zip(spans, self.counts, names, strict=True))

    def in_words(self) -> str:
        _, most, where = max(self.bins(), key=lambda one: one[1])
        overall = [self.overall_words] if self.overall_words else []
        sides = [(self.raw["below"], f"below {number(self.ends[0])}"), (self.raw["above"], f"above {number(self.ends[1])}")]
        beyond = [f"{count(rows)} more {words}" for rows, words in sides if rows]
        return "; ".join([some(self.rows, "row"), *overall, f"most often {where} ({percent(most, self.rows)})", *beyond])


def _bars(spread: _Spread) -> Html:
    [panel], height = stacked(spread.axis(), (counts(max(spread.counts), "rows"), _HEIGHT))
    bars = "".join(
        panel.bar(span, rows, fill=_SERIES, words=f"{name}: {some(rows, 'row')} ({percent(rows, spread.rows)})")
        for span, rows, name in spread.bins()
        if rows
    )
    low, high = spread.ends
    zero = panel.guide((0, panel.y.low), (0, panel.y.high), words="0") if low < 0 < high else ""
    words = spread.overall_words
    rule = "" if spread.overall is None else panel.upright(spread.overall, stroke="var(--ink)", words=words)
    numbers = Numbers(
        caption=f"Rows by {spread.name}",
        headings=(spread.name, "rows", "share"),
        rows=[[name, count(rows), percent(rows, spread.rows)] for _, rows, name in spread.bins()],
    )
    keys = [Key(shape="line", colour="var(--ink)", dashes="4 3", words=words)] if words else []
    return Picture(
        title=f"Rows by {spread.name}",
        finding=spread.in_words(),
        content=panel.frame() + bars + zero + rule,
        height=height,
        keys=keys,
        numbers=numbers,
    ).html()


# predictions against targets -------------------------------------------------------------------------------------


def _scatter(raw: Mapping[str, Any], metrics: Metrics) -> Html:
    pairs: list[tuple[float, float]] = list(zip(raw["targets"], raw["predictions"], strict=True))
    low, high = min(map(min, pairs)), max(map(max, pairs))
    x, y = linear(low, high, "target", most=5), linear(low, high, "prediction", most=5)
    [panel], height = stacked(x, (y, _SQUARE))
    diagonal = panel.guide((x.low, y.low), (x.high, y.high), words=_EQUAL)
    numbers = Numbers(
        caption="Rows with the lowest hashes of their ids, by target",
        headings=("target", "prediction", "difference"),
        rows=[[number(target), number(said), number(said - target)] for target, said in sorted(pairs)],
    )
    return Picture(
        title="Predictions against targets",
        finding=_fit_words(raw, metrics),
        content=panel.frame() + diagonal + panel.dots(pairs, fill=_SERIES),
        height=height,
        keys=[guide_key(_EQUAL)],
        numbers=numbers,
    ).html()


def _fit_words(raw: Mapping[str, Any], metrics: Metrics) -> str:
    drawn, rows = len(raw["targets"]), raw["rows"]
    of = some(rows, "row") if drawn == rows else f"{count(drawn)} of {some(rows, 'row')}, drawn by a hash of their ids"
    known = [(name, _value(metrics, name)) for name in ("r2", "pearson", "mae")]
    return "; ".join([of, *(f"{name} {score(value)}" for name, value in known if value is not None)])
