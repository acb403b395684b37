"""What a history says, before anybody has decided how it looks."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from evalsvc.compare.history import LEVEL, PAIRED, UNPAIRED, Change, History, Night, Series
from evalsvc.compare.nouns import as_json
from evalsvc.metrics.names import LOWER_IS_BETTER
from evalsvc.report.comparing.told import sense, signed
from evalsvc.report.facts import Part, Tone
from evalsvc.report.plain import one_line
from evalsvc.report.sliced import p_words
from evalsvc.report.words import some

_HOW: Final = {PAIRED: "row by row", UNPAIRED: "by two intervals alone, which finds less than row by row"}


def span(history: History) -> str:
    """How many runs, and over which days."""
    days = dict.fromkeys(night.started_at[:10] for night in (history.runs[0], history.runs[-1]))
    return f"{some(len(history.runs), 'run')}, {one_line(' to '.join(days))}"


def overall(series: Series) -> Part | None:
    """How the newest stands to the oldest, which no single night may tell; None where nobody can say."""
    change = series.overall
    if change is None:
        return None
    by = f"since {one_line(change.since)}: {signed(change.difference)} [{signed(change.ci_low)}, {signed(change.ci_high)}]"
    if not change.is_told:
        return Part(f"{by}, not beyond noise, p {p_words(change.p_holm)}", Tone.FAINT)
    way = sense(series.metric, change.difference)
    return Part(f"{by}, {way.text} beyond noise", way.tone)


def began(nights: Sequence[Night]) -> list[str]:
    """The day of each, with the time where two began on one day."""
    days = [night.started_at[:10] for night in nights]
    to = 16 if any(one == other for one, other in pairwise(days)) else 10
    return [one_line(night.started_at[:to].replace("T", " ")) for night in nights]


def gates(night: Night) -> Part:
    """Nothing where there are none, or nobody has judged them."""
    if night.gates_passed is None:
        return Part("", Tone.FAINT)
    return Part("passed", Tone.GOOD) if night.gates_passed else Part("FAILED", Tone.BAD)


def history_json(history: History) -> dict[str, Any]:
    """The whole of it; beside each change `told` says whether it is beyond noise, and `verdict` which way it went."""
    values: dict[str, Any] = as_json(history)
    for series, written in zip(history.series, values["series"], strict=True):
        written["lower_is_better"] = series.metric in LOWER_IS_BETTER
        written["overall"] = _change_json(series.metric, series.overall)
        for point, place in zip(series.points, written["points"], strict=True):
            place["change"] = _change_json(series.metric, point.change)
    return values


def _change_json(metric: str, change: Change | None) -> dict[str, Any] | None:
    if change is None:
        return None
    verdict = sense(metric, change.difference).text if change.is_told else None
    return {**as_json(change), "told": change.is_told, "verdict": verdict}


def footnotes(history: History) -> Iterator[str]:
    """What the marks mean, what they rest on, and what was not compared."""
    changes = [change for series in history.series for change in _changes(series)]
    if changes:
        yield (
            f"marked: a change from the complete run before that is beyond noise, p < {LEVEL:g} after Holm's correction for all "
            "changes of the metric and the whole of it"
        )
    for how, words in _HOW.items():
        if there := [change for change in changes if change.how == how]:
            yield f"{some(len(there), 'change')} compared {words}"
    yield from _uncompared(history)
    if history.left_out:
        yield f"{some(history.left_out, 'older run')} left out; --last shows more"
    yield from map(one_line, history.notes)


def _changes(series: Series) -> Iterator[Change]:
    yield from (point.change for point in series.points if point.change is not None)


def _uncompared(history: History) -> Iterator[str]:
    """Complete runs that were not compared, by why not."""
    complete = {night.id for night in history.runs if night.status == "complete"}
    counts = Counter(
        (one_line(series.name), one_line(point.reason))
        for series in history.series
        for point in series.points
        if point.reason is not None and point.run in complete
    )
    for (name, reason), times in counts.items():
        yield f"{name}: {some(times, 'run')} not compared with the one before: {reason}"
