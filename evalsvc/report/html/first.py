"""The first screen: the verdict in a sentence, gates, numbers, outcomes, warnings."""

from evalsvc.records import Summary
from evalsvc.report.facts import SEPARATOR, Tone
from evalsvc.report.html.gates import gates
from evalsvc.report.html.markup import Html, section, text
from evalsvc.report.html.numbers import numbers
from evalsvc.report.html.outcomes import outcomes
from evalsvc.report.html.warned import warnings
from evalsvc.report.sentence import sentence

_SIGN = {Tone.GOOD: "✓ ", Tone.BAD: "✗ ", Tone.WARN: "? "}


def first_screen(summary: Summary, *, passed: bool | None, positive: str | None) -> Html:
    """All that whoever decides has to see."""
    left = section("gates", "Gates", gates(summary)) + section("numbers", "Numbers", numbers(summary))
    right = section("outcomes", "Outcomes", outcomes(summary)) + section("warnings", "Warnings", warnings(summary))
    verdict = verdict_line(summary, passed=passed, positive=positive)
    return Html(f'{verdict}<div class="first"><div class="column">{left}</div><div class="column">{right}</div></div>')


def verdict_line(summary: Summary, *, passed: bool | None, positive: str | None = None) -> Html:
    """What to do with the run, and why."""
    said = sentence(summary, passed=passed, positive=positive)
    lead = f"{_SIGN.get(said.tone, '')}{said.lead}:"
    return Html(f'<p class="verdict of-{said.tone.value}"><b>{text(lead)}</b> {text(said.rest)}</p>')


def about(summary: Summary, *besides: str) -> Html:
    """Which model it was, and where; and what else is known of it."""
    run = summary["run"]
    parts = [f"{label}{run[key]}" for key, label in (("model", ""), ("revision", "revision "), ("endpoint", "at ")) if run.get(key)]
    parts += [f"run {run['id']}"] if run.get("id") else []
    return text(SEPARATOR.join((*parts, *besides)))
