"""The pictures of a report, from what summary.json has under `charts`, `timing` and `timeline`.

curves.py          precision against recall, ROC      latency.py     how long answers took
probabilities.py   reliability, and who got which     timeline.py    throughput and limits, over asked_time.py
numbers.py         scores, predictions and targets    intervals.py   one number of several runs
"""

from collections.abc import Mapping
from typing import Any

from evalsvc.records import Summary
from evalsvc.report.html.charts.curves import curve_pictures
from evalsvc.report.html.charts.intervals import IntervalPoint, interval_chart
from evalsvc.report.html.charts.latency import latency_picture
from evalsvc.report.html.charts.numbers import number_pictures
from evalsvc.report.html.charts.probabilities import probability_pictures
from evalsvc.report.html.charts.timeline import timeline_pictures
from evalsvc.report.html.markup import Html, note, section

__all__ = ["IntervalPoint", "chart_sections", "interval_chart", "running_sections"]


def chart_sections(summary: Summary) -> list[str]:
    """What the rows say; nothing of a summary that has no charts."""
    charts: Mapping[str, Any] = summary.get("charts") or {}
    return [
        section("curves", "Precision, recall and false alarms", _side_by_side(curve_pictures(charts.get("curves") or {}))),
        section("probabilities", "Probabilities", _side_by_side(probability_pictures(charts))),
        section("scores", "Scores, row by row", _side_by_side(number_pictures(charts, summary["metrics"]))),
    ]


def running_sections(summary: Summary) -> list[str]:
    """How the run went."""
    pictures = [latency_picture(summary["timing"].get("latency_histogram"), summary["latency_s"])]
    timeline, told = timeline_pictures(summary.get("timeline") or [])
    return [section("running", "The course of the run", _side_by_side([*pictures, *timeline]), note(*told))]


def _side_by_side(pictures: list[Html]) -> Html:
    inside = "".join(pictures)
    return Html(f'<div class="side-by-side">{inside}</div>' if inside else "")
