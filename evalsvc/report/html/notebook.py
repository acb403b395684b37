"""A run as a notebook shows it: the first screen and its tables, without scripts, images or anything from elsewhere."""

from evalsvc.records import Summary
from evalsvc.report.html.classes import classes
from evalsvc.report.html.first import about, verdict_line
from evalsvc.report.html.gates import gates
from evalsvc.report.html.markup import Html, folded, part, text
from evalsvc.report.html.numbers import numbers
from evalsvc.report.html.outcomes import outcomes
from evalsvc.report.html.slices import slices
from evalsvc.report.html.style import notebook_style
from evalsvc.report.html.thresholds import thresholds
from evalsvc.report.html.warned import warnings

SCOPE = "evalsvc-run"


def notebook(summary: Summary, path: str, *, passed: bool | None) -> Html:
    """`passed` is None while the run is partial. Nothing has an id, for one notebook may show many runs."""
    parts = (
        part("Gates", gates(summary)),
        part("Numbers", numbers(summary)),
        part("Outcomes", outcomes(summary)),
        part("Warnings", warnings(summary)),
        folded("labels", classes(summary)),
        folded("slices", slices(summary)),
        folded("thresholds", thresholds(summary)),
    )
    head = f'<p class="name"><b>{text(summary["name"])}</b> <span class="faint">{about(summary)}</span></p>'
    return Html(
        f'<div class="{SCOPE}"><style>{notebook_style(SCOPE)}</style>{head}{verdict_line(summary, passed=passed)}'
        f'{"".join(parts)}<p class="note">{text(path)}</p></div>'
    )
