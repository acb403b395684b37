"""What is drawn can be read: by whoever sees it, by whoever does not, in any width, and it says what the numbers say."""

import re
from collections.abc import Mapping
from itertools import pairwise
from math import exp, log
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest

from evalsvc.records import Summary
from evalsvc.report.html.charts import IntervalPoint, chart_sections, interval_chart, running_sections
from evalsvc.report.html.style import DARK, LIGHT
from evalsvc.report.html.svg.panel import FONT
from evalsvc.report.html.svg.picture import ROWS_OF_NUMBERS, WIDTH
from tests.report.cases import summary
from tests.report.html.drawings import boxes, check_layout, numbers_in, pictures, tips
from tests.report.html.pages import Reader

EVIL = '"><script>alert(1)</script>&<b>'
NARROWEST_PX = 328  # of a picture, on a phone 360 wide
NO_LATENCY = {"p50": None, "p95": None, "p99": None, "max": None}


# what may be in a summary ----------------------------------------------------------------------------------------


def curve(n: int = 40, *, marks: bool = True, apart: float = 0.4) -> dict[str, Any]:
    places = [place / n for place in range(1, n + 1)]
    hits, alarms = [round(300 * place**apart) for place in places], [round(900 * place**2) for place in places]
    at = hits[n // 2], alarms[n // 2]
    standing = {"recall": at[0] / 300, "precision": at[0] / sum(at), "false_positive_rate": at[1] / 900}
    return {
        "positives": 300,
        "negatives": 900,
        "roc_auc": 0.913,
        "average_precision": 0.8021,
        "log_odds": [6 - 12 * place for place in places],
        "true_positives": hits,
        "false_positives": alarms,
        "marks": [
            {"kind": "answers", **standing},
            {"kind": "operating_point", "recall": 0.9, "precision": 0.5, "false_positive_rate": 0.3, "threshold": 0.25, "log_odds": -1.1},
            {"kind": "best_f1", **standing, "threshold": 0.5, "log_odds": 0.0},
        ]
        if marks
        else [],
    }


def reliability() -> dict[str, Any]:
    bins = [
        {"low": place / 15, "high": (place + 1) / 15, "rows": 3**place % 997, "confidence": (place + 0.5) / 15}
        | {"right": place / 15, "ci_low": place / 20, "ci_high": (place + 5) / 20}
        for place in range(7, 15)
    ]
    return {"rows": sum(one["rows"] for one in bins), "ece": 0.031, "bins": bins}


def probability(label: str = "spam", half: float = 9.0) -> dict[str, Any]:
    edges = [half * place / 10 for place in range(-10, 11)]
    return {"label": label, "log_odds": edges, "positives": [0] * 8 + [2] * 12, "negatives": [50, *[1] * 19]}


def spread(low: float = 0.0, high: float = 1.0, bins: int = 20) -> dict[str, Any]:
    edges = [low + (high - low) * place / bins for place in range(bins + 1)]
    return {"edges": edges, "counts": [place * 7 % 31 for place in range(bins)], "below": 2, "above": 0}


def launch(number: int = 1, *, begins_s: float = 0.0, points: int = 12, step_s: float = 5.0, known: bool = True) -> dict[str, Any]:
    seconds = [begins_s + step_s * (place + 1) for place in range(points)]
    return {
        "launch": number,
        "at": "2026-11-20T22:00:00.000Z",
        "begins_s": begins_s,
        "done_before": 1000 * (number - 1),
        "seconds": seconds,
        "done": [1000 * (number - 1) + 90 * (place + 1) for place in range(points)],
        "rows_per_s": [90 / step_s if step_s and place % 5 else None for place in range(points)],
        "in_flight": [40 if known else None] * points,
        "concurrency": [64 if known else None] * points,
        "pace_per_s": [20.0 if known and place > 3 else None for place in range(points)],
        "rate_limited_share": [0.1 if known and place == 3 else 0.0 for place in range(points)],
        "marks": [
            {"kind": "limit", "seconds": begins_s + 6, "concurrency": 64, "pace_per_s": 20.0, "reason": f"429 {EVIL}", "times": 2},
            {"kind": "outage", "seconds": begins_s + 20, "lasted_s": 9.0, "reason": EVIL, "times": 1},
            {"kind": "outage", "seconds": begins_s + 50, "lasted_s": None, "reason": None, "times": 1},
        ]
        if known
        else [],
        "exit_code": None,
        "reason": None,
    }


def latencies(low_s: float, high_s: float, bins: int = 40) -> dict[str, Any]:
    edges = [exp(log(low_s) + (log(high_s) - log(low_s)) * place / bins) for place in range(bins + 1)]
    return {"edges_s": edges, "counts": [place * 13 % 41 for place in range(bins)]}


NEAR = {"answers": 0.9, "operating_point": 0.901, "best_f1": 0.902}


def timed(histogram: Mapping[str, Any] | None, *launches: Mapping[str, Any], **latency_s: float | None) -> Summary:
    timing = {"wall_s": 1.0, "launches": 1, "rows_per_s": 2.0, "latency_histogram": histogram}
    return summary(timing=timing, timeline=list(launches), latency_s={**NO_LATENCY, **latency_s})


def with_charts(**charts: Any) -> Summary:
    return summary(charts=charts)


SUMMARIES: dict[str, Summary] = {
    "one label": with_charts(curves={"spam": curve()}, reliability=reliability(), probability=probability()),
    "no marks": with_charts(curves={"spam": curve(marks=False)}),
    "one point": with_charts(curves={"spam": curve(1)}),
    "eight labels": with_charts(curves={f"label {number}": curve(apart=0.2 + number / 10) for number in range(8)}),
    "a text for a label": with_charts(curves={EVIL * 5: curve()}, probability=probability(EVIL * 5)),
    "sure of nothing": with_charts(probability=probability(half=1.0)),
    "sure of all": with_charts(probability=probability(half=18.0)),
    "shares": with_charts(scores={"token_f1": spread(), "sentence_bleu": spread(0, 100), f"ext.{EVIL}": spread(-3, 4e6)}),
    "ratings": with_charts(scores={"judge_score": {**spread(0.5, 5.5, 5), "ratings": [1, 2, 3, 4, 5]}}),
    "many ratings": with_charts(scores={"judge_score": {**spread(-0.25, 10.25, 21), "ratings": [place / 2 for place in range(21)]}}),
    "numbers": with_charts(
        scores={"residual": spread(-1.5e-3, 2.5e-3)}, points={"rows": 900, "targets": [1.0, 2.0, -7.5], "predictions": [1.5, 2.0, 90_000.0]}
    ),
    "one number": with_charts(points={"rows": 1, "targets": [5.0], "predictions": [5.0]}),
    "fast": timed(latencies(0.0007, 0.0011), launch(), p50=0.0008, p95=0.001, p99=0.001),
    "slow": timed(latencies(2.0, 900.0), launch(step_s=900.0, points=40), p50=30.0, p95=100.0, p99=None),
    "all speeds": timed(latencies(1e-4, 5_000.0), launch(step_s=9_000.0, points=40), p50=1.0, p95=2.0, p99=4.0),
    "launches": timed(None, *(launch(number, begins_s=1_000.0 * number, points=number % 3) for number in range(1, 9))),
    "nothing known": timed(None, launch(known=False)),
}
every_summary = pytest.mark.parametrize("of", SUMMARIES.values(), ids=SUMMARIES.keys())


def drawn(of: Summary) -> str:
    return "".join([*chart_sections(of), *running_sections(of)])


def pictures_of(of: Summary) -> dict[str, ElementTree.Element]:
    return {picture.findtext("title") or "": picture for picture in pictures(drawn(of))}


# seen ------------------------------------------------------------------------------------------------------------


@every_summary
def test_no_text_lies_upon_another_or_leaves_the_picture(of: Summary) -> None:
    for picture in pictures(drawn(of)):
        check_layout(picture)


@every_summary
def test_every_shape_lies_within_its_picture(of: Summary) -> None:
    for picture in pictures(drawn(of)):
        _, _, width, height = map(float, picture.get("viewBox", "").split())
        for path in picture.iter("path"):
            points = [tuple(map(float, one.split())) for one in re.split("[MLZ]", path.get("d", "")) if one]
            assert points
            assert all(-1 <= x <= width + 1 and -8 <= y <= height for x, y in points)
        for bar in picture.iter("rect"):
            assert float(bar.get("height", -1)) >= 0
            assert float(bar.get("width", -1)) > 0


def test_words_can_be_read_on_a_phone_and_are_not_larger_than_the_text_on_a_screen() -> None:
    assert FONT * NARROWEST_PX / WIDTH >= 10
    [picture] = pictures(interval_chart([IntervalPoint(label="a", value=0.5, low=0.4, high=0.6, marked=False)], title="accuracy"))
    assert f"font-size:{FONT:g}px" in picture.get("style", "")
    assert (picture.get("width"), "max-width:29rem" in picture.get("style", "")) == ("100%", True)
    assert FONT * 29 * 16 / WIDTH <= 15


@every_summary
def test_all_colours_are_those_of_the_page(of: Summary) -> None:
    html = drawn(of)
    used = set(re.findall(r"var\(--([\w-]+)\)", html))
    assert used <= LIGHT.keys() & DARK.keys()
    assert not re.findall(r"(?:fill|stroke):(?!var\(|none)", html)
    assert "#" not in re.sub(r'href="#[\w-]+"|&#x27;', "", html)


def test_eight_curves_are_told_apart() -> None:
    picture = pictures_of(SUMMARIES["eight labels"])["ROC curve, each label against all others"]
    strokes = [
        (path.get("style"), path.get("stroke-dasharray"))
        for path in picture.iter("path")
        if re.fullmatch(r"label \d", path.findtext("title", ""))
    ]
    assert len(set(strokes)) == 8


# not seen --------------------------------------------------------------------------------------------------------


@every_summary
def test_every_picture_says_what_is_to_be_seen(of: Summary) -> None:
    found = pictures(drawn(of))
    assert found
    for picture in found:
        title, finding = picture.findtext("title"), picture.findtext("desc")
        assert title
        assert finding
        assert picture.get("role") == "img"
        assert picture.get("aria-label") == f"{title}: {finding}"


@every_summary
def test_numbers_stand_behind_the_pictures_in_tables_of_some_length(of: Summary) -> None:
    reader = Reader(drawn(of))
    assert reader.tables
    for table in reader.tables:
        assert table.caption
        assert table.unscoped == 0
        assert 1 < len(table.rows) <= ROWS_OF_NUMBERS + 1
        assert len({len(row) for row in table.rows}) == 1
    levels = [level for level, _ in reader.headings]
    assert levels[0] == 2
    assert set(levels) == {2, 3}


def test_a_long_table_says_that_it_is_not_all() -> None:
    reader = Reader(drawn(with_charts(curves={"spam": curve(140)})))
    assert len(reader.tables[0].rows) == ROWS_OF_NUMBERS + 1
    assert f"{ROWS_OF_NUMBERS} of 140 lines; all are in summary.json" in reader.text


def test_the_roc_curve_is_told_in_a_sentence() -> None:
    found = pictures_of(SUMMARIES["one label"])
    assert found["ROC curve of spam"].findtext("desc") == "area 0.9130; operating point: recall 0.9000, false positive rate 0.3000"
    words = found["Precision against recall of spam"].findtext("desc")
    assert words == "average precision 0.8021; operating point: recall 0.9000, precision 0.5000"


def test_several_curves_are_told_by_the_worst_and_the_best() -> None:
    curves = {label: {**curve(), "roc_auc": area} for label, area in (("a", 0.9), ("b", 0.7), ("c", 0.95))}
    words = pictures_of(with_charts(curves=curves))["ROC curve, each label against all others"].findtext("desc")
    assert words == "area from 0.7000 (b) to 0.9500 (c)"


# true ------------------------------------------------------------------------------------------------------------


def test_a_curve_goes_through_its_points() -> None:
    raw = curve(5)
    picture = pictures_of(with_charts(curves={"spam": raw}))["ROC curve of spam"]
    line = next(path for path in picture.iter("path") if path.findtext("title") == "spam")
    drawn_at = numbers_in(line.get("d", ""))
    guide = numbers_in(next(path for path in picture.iter("path") if path.findtext("title") == "chance").get("d", ""))
    (left, bottom), (right, top) = guide
    assert left < right
    assert top < bottom  # where svg has its origin
    expected = [
        (0.0, 0.0),
        *((alarms / 900, hits / 300) for hits, alarms in zip(raw["true_positives"], raw["false_positives"], strict=True)),
    ]
    for (x, y), (alarms, recall) in zip(drawn_at, expected, strict=True):
        assert x == pytest.approx(left + alarms * (right - left), abs=0.06)
        assert y == pytest.approx(bottom + recall * (top - bottom), abs=0.06)


def test_bars_are_as_high_as_their_rows() -> None:
    picture = pictures_of(with_charts(scores={"token_f1": spread()}))["Rows by token_f1"]
    bars = {bar.findtext("title", ""): float(bar.get("height", 0)) for bar in picture.iter("rect")}
    rows = [rows for rows in spread()["counts"] if rows]
    assert len(bars) == len(rows)
    assert bars["0.95 to 1: 9 rows (3.2 %)"] == pytest.approx(9 / 28 * bars["0.2 to 0.25: 28 rows (10.1 %)"], abs=0.2)


def test_marks_say_what_they_are_and_those_at_one_place_are_one() -> None:
    found = tips(pictures_of(SUMMARIES["one label"])["ROC curve of spam"])
    assert "operating point, from 0.2500: recall 0.9000, precision 0.5000, false positive rate 0.3000" in found
    assert [tip for tip in found if tip.startswith("the answers as given")] != []
    # at the place of the answers
    assert [tip for tip in found if tip.startswith("highest F1")] == []


def test_of_marks_that_lie_near_each_other_the_most_important_is_on_top() -> None:
    marks = [{"kind": kind, "recall": recall, "precision": 0.9, "false_positive_rate": 0.01} for kind, recall in NEAR.items()]
    for picture in pictures_of(with_charts(curves={"spam": {**curve(), "marks": marks}})).values():
        in_order = [tip.partition(":")[0] for tip in tips(picture) if ": recall 0." in tip]
        assert in_order == ["highest F1", "the answers as given", "operating point"]


def test_a_mean_is_marked_where_it_is_a_metric_of_the_same_name() -> None:
    metric = {"value": 0.61, "ci_low": 0.5, "ci_high": 0.7, "n": 9, "signature": "s"}
    for mean, shown in ((0.61, True), (7.0, False), (None, False)):
        of = summary(charts={"scores": {"token_f1": spread()}}, metrics={"token_f1": {**metric, "value": mean}})
        assert [tip for tip in tips(pictures_of(of)["Rows by token_f1"]) if tip.startswith("mean")] == (["mean 0.6100"] if shown else [])


def test_a_number_of_the_whole_corpus_is_not_called_a_mean_of_its_rows() -> None:
    metric = {"value": 0.2451, "ci_low": 0.2, "ci_high": 0.3, "n": 9, "signature": "of:target|per:byte|corpus|v:1"}
    of = summary(charts={"scores": {"bits_per_byte": spread()}}, metrics={"bits_per_byte": metric})
    picture = pictures_of(of)["Rows by bits_per_byte"]
    assert "all text together 0.2451" in tips(picture)
    assert "; all text together 0.2451; " in picture.get("aria-label", "")
    assert "mean" not in picture.get("aria-label", "")


def test_rows_beyond_the_picture_are_told() -> None:
    words = pictures_of(SUMMARIES["numbers"])["Rows by prediction − target"].findtext("desc") or ""
    assert words.endswith("; 2 more below −0.0015")
    assert words.startswith("278 rows; most often 0.0011 to 0.0013 (10.4 %)")


def test_ratings_are_called_by_their_names() -> None:
    html = drawn(SUMMARIES["ratings"])
    assert [row[0] for row in Reader(html).tables[0].rows[1:]] == ["1", "2", "3", "4", "5"]
    assert [words for *_, words in boxes(pictures(html)[0])][-7:] == ["1", "2", "3", "4", "5", "judge_score", "rows"]


def place_of(picture: ElementTree.Element, words: str) -> tuple[float, float]:
    """Where the line with these words begins."""
    return numbers_in(next(path.get("d", "") for path in picture.iter("path") if path.findtext("title") == words))[0]


def test_quantiles_are_marked_where_they_are() -> None:
    picture = pictures_of(SUMMARIES["all speeds"])["Time to answer, of the last attempt"]
    of_label = {words.text: float(words.get("x", 0)) for words in picture.iter("text")}
    assert place_of(picture, "p50 1.0 s")[0] == pytest.approx(of_label["1 s"], abs=0.2)
    assert place_of(picture, "p50 1.0 s")[0] < place_of(picture, "p95 2.0 s")[0] < place_of(picture, "p99 4.0 s")[0] < of_label["100 s"]


def test_rows_of_the_label_stand_above_the_middle_and_all_others_below() -> None:
    picture = pictures_of(with_charts(probability=probability()))["How likely rows were said to be spam"]
    middle = next(float(words.get("y", 0)) - 0.35 * FONT for words in picture.iter("text") if words.text == "0 %")
    bars = [(bar.findtext("title", ""), float(bar.get("y", 0)), float(bar.get("height", 0))) for bar in picture.iter("rect")]
    assert len(bars) == 12 + 20
    for words, top, height in bars:
        assert (top if words.endswith("others") else top + height) == pytest.approx(middle, abs=0.2)


def test_throughput_stands_over_the_time_of_asking_alone() -> None:
    html = drawn(timed(None, launch(), {**launch(2, begins_s=90_000.0), "exit_code": 75}, launch(3, begins_s=90_500.0)))
    throughput = next(picture for picture in pictures(html) if picture.findtext("title") == "Throughput")
    written = [words.text for words in throughput.iter("text")]
    assert "minutes of asking" in written
    assert "3" in written
    rates = [numbers_in(path.get("d", "")) for path in throughput.iter("path") if "stroke:var(--series-1)" in path.get("style", "")]
    a_point = rates[0][1][0] - rates[0][0][0]
    # of the first point of each launch no rate is known
    assert [after[0][0] - before[-1][0] for before, after in pairwise(rates)] == pytest.approx([a_point] * 2, abs=0.2)
    assert tips(throughput).count("another launch") == 2
    text = Reader(html).text
    assert "Launch 1 was killed; the next one began to ask 1 d 0 h later." in text
    assert "Launch 2 ended with exit 75: stopped, the same command carries on; the next one began to ask 7 min 20 s later." in text
    finding = throughput.findtext("desc")
    assert finding == "3,240 rows in 3 min 00 s of asking in 3 launches: 18 rows/s on average, 18 rows/s at most"


def test_outages_limits_and_refusals_are_shown() -> None:
    html = drawn(timed(None, launch()))
    found = {picture.findtext("title"): tips(picture) for picture in pictures(html)}
    assert any(tip.startswith("the endpoint was down: 9.0 s;") for tip in found["Throughput"])
    assert any(tip.startswith("the endpoint was down: not over when the launch ended;") for tip in found["Throughput"])
    assert "10.0 % refused" in found["Throughput"]
    assert any(
        tip.startswith("at most 64 in flight, 20 a second; 429") and tip.endswith("(2 times about then)")
        for tip in found["Requests in flight"]
    )


def test_what_is_not_known_is_not_drawn() -> None:
    assert list(pictures_of(SUMMARIES["nothing known"])) == ["Throughput"]
    assert "refused" not in Reader(drawn(SUMMARIES["nothing known"])).text.replace("refused rows", "").split("The numbers")[0]


@pytest.mark.parametrize(
    "of",
    [
        summary(),
        with_charts(),
        with_charts(curves={"spam": {**curve(), "log_odds": [], "true_positives": [], "false_positives": [], "marks": []}}),
        with_charts(scores={"residual": spread(0, 1e-9, 1)}),
        timed(latencies(0.1, 0.2, 2), p50=0.1),
        timed(None, launch(points=2)),
        timed(None, launch(points=6, step_s=0.0)),
    ],
)
def test_where_there_is_nothing_to_be_drawn_there_is_no_section(of: Summary) -> None:
    assert drawn(of) == ""


# written by others -----------------------------------------------------------------------------------------------


@every_summary
def test_texts_of_users_stay_texts(of: Summary) -> None:
    html = drawn(of)
    assert "<script" not in html
    assert "<b>" not in html
    Reader(html)  # every tag is closed, in order


def test_a_hostile_label_is_shown_as_it_is() -> None:
    assert f"Rows by ext.{EVIL}" in pictures_of(SUMMARIES["shares"])
    assert "the endpoint was down: 9.0 s; " + EVIL in tips(pictures_of(SUMMARIES["fast"])["Throughput"])


# one number of several runs --------------------------------------------------------------------------------------


def runs(n: int, label: str = "nightly-2026-11-", seed: int = 1) -> list[IntervalPoint]:
    random = Random(seed)
    values = [0.9 + random.gauss(0, 0.02) for _ in range(n)]
    return [
        IntervalPoint(label=f"{label}{at:02}", value=value, low=value - 0.02, high=value + 0.01, marked=at == 2)
        for at, value in enumerate(values)
    ]


@pytest.mark.parametrize("n", [1, 2, 3, 7, 30, 200])
@pytest.mark.parametrize("label", ["a", "nightly-2026-11-", EVIL])
def test_any_number_of_runs_has_room(n: int, label: str) -> None:
    html = interval_chart(runs(n, label), title=f"accuracy{label}", marks="changed beyond noise")
    [picture] = pictures(html)
    check_layout(picture)
    assert len([tip for tip in tips(picture) if "0." in tip]) == n
    assert ("changed beyond noise" in html) is (n > 2)
    shapes = {
        shape.findtext("title", "")[-20:]: shape.tag
        for shape in (*picture.iter("circle"), *picture.iter("path"))
        if shape.find("title") is not None
    }
    assert all((tag == "path") is words.endswith("changed beyond noise") for words, tag in shapes.items())
    assert len(Reader(html).tables[0].rows) == min(n, ROWS_OF_NUMBERS) + 1


def test_the_last_run_is_always_named_along_the_axis() -> None:
    for n in range(1, 40):
        [picture] = pictures(interval_chart(runs(n, "r"), title="accuracy"))
        assert f"r{n - 1:02}" in [words.text for words in picture.iter("text")]


def test_runs_without_an_interval_are_points() -> None:
    point = IntervalPoint(label="one", value=34.5, low=None, high=None, marked=False)
    html = interval_chart([point], title="bleu")
    [picture] = pictures(html)
    assert tips(picture) == ["one: 34.500"]
    assert interval_chart([], title="bleu") == ""
