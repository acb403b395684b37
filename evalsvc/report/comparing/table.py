"""Two runs on a terminal: what can be said first, then every number, then the rows that came out another way."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from evalsvc.compare.nouns import Comparison, Difference, Flip, SideInfo
from evalsvc.report.columns import columns, width_of
from evalsvc.report.comparing.flips import answer, counts, row_name, turn
from evalsvc.report.comparing.sides import NOTHING_DIFFERS, label, model, resources, rows, settings
from evalsvc.report.comparing.told import CANNOT_TELL, by_finding, finding, numbers, reasons, sentence, shown_from, with_numbers
from evalsvc.report.console import STYLES, rich_block, rich_part
from evalsvc.report.facts import Fact, Part, Tone, fact
from evalsvc.report.headline import worth_a_line
from evalsvc.report.plain import one_line, plain, shorten

SHORT_ANSWER = 24
TEXT_LINES = 2
_HEADINGS = ("metric", "A", "B", "B - A", "95 % interval", "p")


def pair_view(comparison: Comparison, *, width: int) -> RenderableType:
    """Everything worth reading of two runs in at most `width` columns."""
    return Group(
        *_heading(comparison),
        *_after_a_gap(_differences(with_numbers(comparison.differences), width)),
        *_after_a_gap(_left_out(comparison)),
        *_after_a_gap(_flips(comparison, width)),
        *_after_a_gap(_resources(comparison, width)),
        *_after_a_gap(notes(comparison.notes)),
    )


def _after_a_gap(content: Iterator[RenderableType]) -> Iterator[RenderableType]:
    for place, one in enumerate(content):
        if place == 0:
            yield Text("")
        yield one


def _heading(comparison: Comparison) -> Iterator[RenderableType]:
    yield Text(f"{label(comparison.b)} (B) against {label(comparison.a)} (A)", style="bold")
    if said := sentence(comparison):
        yield Padding(rich_part(said), (0, 0, 0, 2))
    differs: list[str | Part] = [*settings(comparison)] or [Part(NOTHING_DIFFERS, Tone.FAINT)]
    yield rich_block(
        [
            fact("A", *_side(comparison.a)),
            fact("B", *_side(comparison.b)),
            fact("rows", *rows(comparison.rows)),
            fact("differs", *differs),
        ]
    )


def _side(side: SideInfo) -> tuple[str | Part, ...]:
    partial = Part("partial", Tone.WARN) if side.summary["status"] == "partial" else ""
    return one_line(side.path), model(side), partial


def _differences(differences: Sequence[Difference], width: int) -> Iterator[RenderableType]:
    """What was found stands beside its numbers where there is room, else below all of them."""
    cells = [_difference_cells(one) for one in differences]
    if not cells:
        return
    headings = (*_HEADINGS, "")
    if width_of(headings, cells) <= width:
        table = columns(headings, cells, width=width)
        table.columns[-1].justify = "left"
        yield table
        return
    yield columns(_HEADINGS, [row[:-1] for row in cells], width=width)
    found = by_finding(differences)
    yield rich_block(_found(word, found[word]) for word in found)


def _difference_cells(difference: Difference) -> list[Text]:
    found = Part("") if difference.difference is None else finding(difference)
    style = STYLES[found.tone] if difference.is_told else ""
    a, b, by, within, p = numbers(difference)
    cells = (Text(a), Text(b), Text(by, style=style), Text(within), Text(p, style=style))
    return [Text(one_line(difference.metric)), *cells, rich_part(found)]


def _found(word: str, differences: Sequence[Difference]) -> Fact:
    """One line for a finding: which metrics it is of."""
    if word != CANNOT_TELL:
        return fact(word, Part(", ".join(one_line(one.metric) for one in differences), finding(differences[0]).tone))
    least = ", ".join(one_line(one.metric) + (f" ≥ {least}" if (least := shown_from(one)) else "") for one in differences)
    return fact("unclear", Part(f"{CANNOT_TELL}; would have shown: {least}", Tone.FAINT))


def _left_out(comparison: Comparison) -> Iterator[RenderableType]:
    """Why metrics have no difference; and which have no line."""
    for reason in reasons(comparison.differences):
        yield Padding(Text(reason, style="yellow"), (0, 0, 0, 2))
    if len(worth_a_line(comparison.differences)) < len(comparison.differences):
        yield Text("  the micro and weighted averages are in --format csv", style="dim")


def _flips(comparison: Comparison, width: int) -> Iterator[RenderableType]:
    if comparison.flips is not None:
        yield rich_block([Fact("answers", tuple(counts(comparison.flips)))])
    if all(len(text) <= SHORT_ANSWER for flip in comparison.examples for text in _answers(flip)):
        yield from _flips_in_lines(comparison, width)
    else:
        yield from (rich_block(_flip_in_full(flip, comparison, width)) for flip in comparison.examples)


def _answers(flip: Flip) -> tuple[str, str, str]:
    """The target, and what counted as the answer in A and in B."""
    a = answer(flip.prediction_a, flip.output_a, flip.outcome_a)
    b = answer(flip.prediction_b, flip.output_b, flip.outcome_b)
    return flip.target or "", a, b


def _flips_in_lines(comparison: Comparison, width: int) -> Iterator[RenderableType]:
    cells = [
        [rich_part(turn(flip, comparison)), Text(shorten(row_name(flip), 28)), *(Text(one_line(text)) for text in _answers(flip))]
        for flip in comparison.examples
    ]
    if cells:
        yield columns(("", "row", "target", "A", "B"), cells, width=width, left=5)


def _flip_in_full(flip: Flip, comparison: Comparison, width: int) -> Iterator[Fact]:
    target, a, b = _answers(flip)
    room = TEXT_LINES * max(20, width - 14)
    turned = turn(flip, comparison)
    yield fact("row", Part(shorten(row_name(flip), 40), Tone.STRONG), turned)
    if flip.target is not None:
        yield fact("  target", _cut(target, room))
    yield fact("  A", _cut(a, room))
    yield fact("  B", Part(_cut(b, room), turned.tone))


def _cut(text: str, room: int) -> str:
    text = one_line(text)
    return (text if len(text) <= room else f"{text[: room - 1]}…") or "(empty)"


def _resources(comparison: Comparison, width: int) -> Iterator[RenderableType]:
    lines = [[Text(word) for word in line] for line in resources(comparison)]
    if lines:
        yield columns(("whole runs", "A", "B", "change"), lines, width=width)


def notes(of: Sequence[str]) -> Iterator[RenderableType]:
    """What makes the comparison hard, one a line."""
    if of:
        yield rich_block(fact("note", Part(plain(note), Tone.WARN)) for note in of)
