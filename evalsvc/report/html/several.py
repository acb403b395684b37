"""Several runs on a page: for each metric the runs, best first, with their intervals drawn, and how each stands to each."""

from collections.abc import Iterator

from evalsvc.compare.nouns import Difference, Field
from evalsvc.report.comparing.ranking import LETTERS_MEAN, Place, between, metrics_of, notes_of, ranked, what_can_be_said
from evalsvc.report.comparing.sides import TOOK, label, labels, model, took
from evalsvc.report.comparing.told import finding, numbers
from evalsvc.report.html.comparison import remarks
from evalsvc.report.html.markup import Html, folded, part, section, table, text, toned
from evalsvc.report.html.whisker import Span, whisker
from evalsvc.report.words import interval, score


def several_sections(field: Field) -> Iterator[str]:
    """Sections of a page, whose style needs `whisker.WHISKER_STYLE`."""
    yield section("runs", "Runs", _runs(field), remarks(notes_of(field)))
    for place, metric in enumerate(metrics_of(field)):
        pairs = _pairs(field, metric)
        yield section(
            f"metric-{place}",
            metric,
            f"<p><b>{text(what_can_be_said(field, metric))}</b></p>",
            _places(field, metric),
            part("Pairs", pairs) if place == 0 else folded("all pairs", pairs),
        )


def _runs(field: Field) -> Html:
    lines = [[str(place), label(side), model(side), *took(side)] for place, side in enumerate(field.sides, start=1)]
    return table(("", "run", "model", *TOOK), lines, caption="What is compared, and what each run took as a whole", words=(1, 2))


def _places(field: Field, metric: str) -> Html:
    places = ranked(field, metric)
    span = Span.of(end for one in places for end in (one.ci_low, one.value, one.ci_high))
    lines = [_place(one, span) for one in places]
    return table(("run", "value", "95 % interval", "", ""), lines, caption=f"Best first; {LETTERS_MEAN}", words=(3, 4))


def _place(one: Place, span: Span | None) -> list[str]:
    drawn = whisker(span, one.ci_low, one.value, one.ci_high)
    return [one.name, score(one.value), interval(one.ci_low, one.ci_high), drawn, Html(f"<b>{text(one.letters)}</b>")]


def _pairs(field: Field, metric: str) -> Html:
    names = labels(field.sides)
    found = [(f"{names[j]} − {names[i]}", one) for i, j in field.pairs if (one := between(field, i, j, metric))]
    span = Span.of(end for _, one in found for end in (0.0, one.ci_low, one.difference, one.ci_high))
    lines = [_pair(name, one, span) for name, one in found]
    caption = "Paired differences, over the rows that both have; p corrected for all pairs (Holm)"
    return table(("pair", "difference", "95 % interval", "", "p", ""), lines, caption=caption, words=(3, 5), kind="differences")


def _pair(name: str, one: Difference, span: Span | None) -> list[str]:
    said = finding(one)
    tone = str(said.tone) if one.is_told else "faint"
    _, _, by, within, p = numbers(one)
    return [name, by, within, whisker(span, one.ci_low, one.difference, one.ci_high, tone=tone), p, toned(tone, said.text)]
