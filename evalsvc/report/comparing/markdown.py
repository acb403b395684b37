"""A comparison as a reviewer reads it on GitHub."""

from collections.abc import Iterator

from evalsvc.compare.nouns import Comparison, Difference, Field, Flip
from evalsvc.report.comparing.flips import answer, counts, row_name, turn
from evalsvc.report.comparing.ranking import LETTERS_MEAN, between, heading, metrics_of, notes_of, ranked, what_can_be_said
from evalsvc.report.comparing.sides import NOTHING_DIFFERS, TOOK, label, labels, model, resources, rows, settings, took
from evalsvc.report.comparing.told import finding, numbers, reasons, sentence, with_numbers
from evalsvc.report.marked import bullets, code, document, folded, table, text
from evalsvc.report.plain import shorten
from evalsvc.report.words import interval, score

TEXT_COLUMNS = 160


def as_markdown(what: Comparison | Field) -> str:
    return document(_of_several(what) if isinstance(what, Field) else _of_two(what))


def _of_two(comparison: Comparison) -> Iterator[str]:
    yield f"### {text(label(comparison.b))} (B) against {text(label(comparison.a))} (A)"
    if said := sentence(comparison):
        yield f"**{text(said.text)}**"
    yield bullets(_about(comparison))
    lines = [_difference(one) for one in with_numbers(comparison.differences)]
    yield table(("metric", "A", "B", "B − A", "95 % interval", "p", ""), lines, words=(0, 6))
    if comparison.flips is not None:
        yield text(" · ".join(part.text for part in counts(comparison.flips)))
    yield folded("rows that came out another way", _flips(comparison))
    took = table(("", "A", "B", "change"), [[*map(text, line)] for line in resources(comparison)])
    yield folded("cost and speed of the whole runs", took)
    yield bullets(text(note) for note in (*comparison.notes, *reasons(comparison.differences)))


def _about(comparison: Comparison) -> Iterator[str]:
    for name, side in (("A", comparison.a), ("B", comparison.b)):
        yield f"{name}: {code(side.path)}, {text(model(side))}" + (", **partial**" if side.summary["status"] == "partial" else "")
    yield f"rows: {text(' · '.join(rows(comparison.rows)))}"
    yield f"differs: {text(' · '.join(settings(comparison)) or NOTHING_DIFFERS)}"


def _difference(difference: Difference) -> list[str]:
    found = "" if difference.difference is None else text(finding(difference).text)
    return [code(difference.metric), *map(text, numbers(difference)), f"**{found}**" if difference.is_told else found]


def _flips(comparison: Comparison) -> str:
    return table(("", "row", "target", "A", "B"), [_flip(one, comparison) for one in comparison.examples], words=range(5))


def _flip(flip: Flip, comparison: Comparison) -> list[str]:
    a = answer(flip.prediction_a, flip.output_a, flip.outcome_a)
    b = answer(flip.prediction_b, flip.output_b, flip.outcome_b)
    texts = [code(shorten(one, TEXT_COLUMNS)) for one in (flip.target or "", a, b)]
    return [text(turn(flip, comparison).text), code(row_name(flip)), *texts]


def _of_several(field: Field) -> Iterator[str]:
    yield f"### {text(heading(field))}"
    lines = [[str(place), code(label(side)), text(model(side)), *map(text, took(side))] for place, side in enumerate(field.sides, start=1)]
    yield table(("", "run", "model", *TOOK), lines, words=(0, 1, 2))
    metrics = metrics_of(field)
    yield from _metric(field, metrics[0]) if metrics else ()
    yield folded("the other metrics", "\n\n".join(part for metric in metrics[1:] for part in _metric(field, metric)))
    yield bullets(text(note) for note in (LETTERS_MEAN, *notes_of(field)))


def _metric(field: Field, metric: str) -> Iterator[str]:
    yield f"**{text(metric)}**: {text(what_can_be_said(field, metric))}"
    places = ranked(field, metric)
    yield table(
        ("run", "value", "95 % interval", ""),
        [[code(one.name), score(one.value), text(interval(one.ci_low, one.ci_high)), one.letters] for one in places],
        words=(0, 3),
    )
    names = labels(field.sides)
    lines = [
        [f"{code(names[j])} − {code(names[i])}", *map(text, numbers(found)[2:]), text(finding(found).text)]
        for i, j in field.pairs
        if (found := between(field, i, j, metric))
    ]
    yield table(("pair", "difference", "95 % interval", "p", ""), lines, words=(0, 4))
