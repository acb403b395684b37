"""Two runs in a report: what can be said, every difference with its interval drawn, and the rows that came out another way."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from evalsvc.compare.nouns import Comparison, Difference, Flip
from evalsvc.metrics.names import range_of
from evalsvc.report.comparing.flips import answer, counts, row_name, turn
from evalsvc.report.comparing.sides import label, resources, rows, setup
from evalsvc.report.comparing.told import finding, numbers, reasons, sentence, with_numbers
from evalsvc.report.facts import SEPARATOR, Part, Tone
from evalsvc.report.headline import worth_a_line
from evalsvc.report.html.markup import Html, beside, block, folded, note, part, section, table, text, toned
from evalsvc.report.html.whisker import WHISKER_STYLE, Span, whisker
from evalsvc.report.words import some

SHORT: Final = 280
FLIPS_OPEN: Final = 10

COMPARISON_STYLE: Final = (
    WHISKER_STYLE
    + """
table.differences td:last-child{white-space:nowrap}
table.flips td,table.flips tbody th{vertical-align:top;max-width:32em;overflow-wrap:anywhere} table.flips details{margin:.2em 0}
table.flips td:nth-child(n+3){min-width:9em} table.flips tbody th,table.flips td:nth-child(2){min-width:6.5em}
table.flips .said{display:block;margin-top:.25em}
@media print{table.differences{font-size:.8em} table.differences td:last-child,table.differences td:last-child>*{white-space:normal}
table.differences .whisker{width:6rem}}
"""
)


def comparison_section(comparison: Comparison) -> str:
    """A section of a page, whose style needs `COMPARISON_STYLE`."""
    said = sentence(comparison)
    return section(
        "comparison",
        f"Against {label(comparison.a)} (A)",
        f'<p class="{said.tone}"><b>{text(said.text)}</b></p>' if said else "",
        _rows(comparison),
        remarks(comparison.notes),
        _differences(comparison),
        part("Rows that came out another way", _counts(comparison), _flips(comparison)),
        part("Side by side", _sides(comparison)),
    )


def _rows(comparison: Comparison) -> Html:
    """Where not all are compared."""
    compared, *others = rows(comparison.rows)
    return note(SEPARATOR.join((compared, *others)) if others else "")


def _differences(comparison: Comparison) -> Html:
    shown = with_numbers(comparison.differences)
    spans = _spans(shown)
    caption = f"B minus A over the {some(comparison.rows.common, 'row')} that both have, paired row by row"
    lines = [_difference(one, spans[range_of(one.metric)]) for one in shown]
    hidden = len(worth_a_line(comparison.differences)) < len(comparison.differences)
    return Html(
        table(("metric", "A", "B", "B − A", "95 % interval", "", "p", ""), lines, caption=caption, words=(5, 7), kind="differences")
        + note(*reasons(comparison.differences), "the micro and weighted averages are left out" if hidden else "")
    )


def _spans(differences: Sequence[Difference]) -> Mapping[tuple[float, float], Span | None]:
    """By the range of a metric: those of one range share a scale, and all have zero in one place."""
    values: dict[tuple[float, float], list[float | None]] = {}
    for one in differences:
        values.setdefault(range_of(one.metric), []).extend((one.ci_low, one.difference, one.ci_high))
    return {of: Span.around_zero(found) for of, found in values.items()}


def _difference(one: Difference, span: Span | None) -> list[str]:
    found = Part("") if one.difference is None else finding(one)
    tone = str(found.tone) if one.is_told else "faint"
    a, b, by, within, p = numbers(one)
    drawn = whisker(span, one.ci_low, one.difference, one.ci_high, tone=tone)
    return [one.metric, a, b, toned(tone, by) if one.is_told else by, within, drawn, p, toned(found.tone, found.text)]


def _counts(comparison: Comparison) -> str:
    if comparison.flips is None:
        return ""
    words = (toned(one.tone, one.text) if one.tone in (Tone.GOOD, Tone.BAD) else text(one.text) for one in counts(comparison.flips))
    return f"<p>{SEPARATOR.join(words)}</p>"


def _flips(comparison: Comparison) -> Html:
    """The first of them open, so that what follows is not pages away."""
    lines = [list(_flip(flip, comparison)) for flip in comparison.examples]
    first, others = lines[:FLIPS_OPEN], lines[FLIPS_OPEN:]
    shown = _flip_table(first, "Those that got worse first, the largest changes first")
    return Html(shown + folded(f"{len(others)} more", _flip_table(others, "The others, in the same order")))


def _flip_table(lines: list[list[str]], caption: str) -> Html:
    return table(("row", "", "target", "A", "B"), lines, caption=caption, words=range(5), kind="flips")


def _flip(flip: Flip, comparison: Comparison) -> Iterator[str]:
    turned = turn(flip, comparison)
    yield row_name(flip)
    yield Html(toned(turned.tone, turned.text) + (folded("prompt", block(flip.prompt)) if flip.prompt else ""))
    yield _long(flip.target or "")
    yield _answer(flip.prediction_a, flip.output_a, flip.outcome_a)
    yield _answer(flip.prediction_b, flip.output_b, flip.outcome_b)


def _answer(prediction: str | None, output: str | None, outcome: str) -> Html:
    """What counted, and the whole output where that is something else."""
    counted = answer(prediction, output, outcome)
    if output is None or output.strip() in ("", counted.strip()):
        return _long(counted)
    return Html(f'{_long(counted)}<span class="said faint">{_long(output)}</span>')


def _long(words: str) -> Html:
    """What is very long is opened with a click."""
    return block(words) if len(words) <= SHORT else Html(block(f"{words[:SHORT]}…") + folded("all of it", block(words)))


def _sides(comparison: Comparison) -> str:
    settings = table(("", "A", "B"), setup(comparison), caption="What was measured", left=3)
    took = table(("", "A", "B", "change"), resources(comparison), caption="What each run took as a whole, over all of its rows")
    return beside(settings, took)


def remarks(notes: Sequence[str]) -> str:
    """What makes a comparison hard, one a line; "" without any."""
    lines = "".join(f"<li>{text(one)}</li>" for one in notes)
    return f'<ul class="warnings warn">{lines}</ul>' if lines else ""
