"""Several runs on a terminal: for each metric the runs, best first, and how each stands to each."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from evalsvc.compare.nouns import Difference, Field
from evalsvc.report.columns import columns, width_of
from evalsvc.report.comparing.ranking import LETTERS_MEAN, Place, between, heading, metrics_of, notes_of, ranked, what_can_be_said
from evalsvc.report.comparing.sides import TOOK, label, labels, model, took
from evalsvc.report.comparing.table import notes
from evalsvc.report.comparing.told import digits_of, p_of, sense, shown_from, signed, within
from evalsvc.report.console import STYLES
from evalsvc.report.plain import one_line, shorten
from evalsvc.report.words import NOTHING, interval, score

NAME_COLUMNS = 28
# With more metrics than these only the headline's pairs are shown.
ALL_PAIRS_UP_TO = 3


def several_view(field: Field, *, width: int) -> RenderableType:
    """Everything worth reading of several runs in at most `width` columns."""
    metrics = metrics_of(field)
    shown = metrics if len(metrics) <= ALL_PAIRS_UP_TO else metrics[:1]
    return Group(
        Text(heading(field), style="bold"),
        _runs(field, width),
        *(part for metric in metrics for part in _metric(field, metric, width, pairs=metric in shown)),
        Text(""),
        *(Padding(Text(line, style="dim"), (0, 0, 0, 2)) for line in _legend(all_pairs=shown == metrics)),
        *notes(notes_of(field)),
    )


def _legend(*, all_pairs: bool) -> Iterator[str]:
    yield LETTERS_MEAN
    yield "≥ under a pair that cannot be told apart: the difference that would have shown"
    if not all_pairs:
        yield "the pairs of the other metrics: --metric NAME, or --format csv"


def _runs(field: Field, width: int) -> RenderableType:
    """Which number is which run, the same in all tables; and what each took, where there is room for it."""
    lines = [
        [Text(str(place)), Text(label(side)), Text(model(side)), *map(Text, took(side))] for place, side in enumerate(field.sides, start=1)
    ]
    headings = ("", "run", "model", *TOOK)
    if width_of(headings, lines) <= width:
        return columns(headings, lines, width=width, left=3)
    return columns(headings[:3], [line[:3] for line in lines], width=width, left=3)


def _metric(field: Field, metric: str, width: int, *, pairs: bool) -> Iterator[RenderableType]:
    yield Text("")
    yield Text(one_line(metric), style="bold")
    yield Padding(Text(what_can_be_said(field, metric)), (0, 0, 0, 2))
    lines = [_place_cells(place) for place in ranked(field, metric)]
    yield _last_left(columns(("", "run", "value", "95 % interval", ""), lines, width=width, left=2))
    if pairs:
        yield Text("")
        yield _pairs(field, metric, width)


def _last_left(table: Table) -> Table:
    table.columns[-1].justify = "left"
    return table


def _place_cells(place: Place) -> list[Text]:
    name, ends = shorten(place.name, NAME_COLUMNS), interval(place.ci_low, place.ci_high)
    return [Text(str(place.side + 1)), Text(name), Text(score(place.value)), Text(ends), Text(place.letters, style="bold")]


def _pairs(field: Field, metric: str, width: int) -> RenderableType:
    """Each run minus each one before it, with p below; as a list where the matrix is too wide."""
    names = labels(field.sides)
    headings = ["row minus column", *(str(place + 1) for place in range(len(names) - 1))]
    lines = [line for row in range(1, len(names)) for line in _matrix_lines(field, metric, row, names)]
    if width_of(headings, lines) <= width:
        return columns(headings, lines, width=width)
    listed = [_pair_cells(field, metric, i, j) for i, j in field.pairs]
    return columns(("", "difference", "95 % interval", "p", "≥"), listed, width=width)


def _matrix_lines(field: Field, metric: str, row: int, names: Sequence[str]) -> Iterator[list[Text]]:
    """Differences; p; and what would have shown, where one of them cannot be told."""
    found = [between(field, column, row, metric) for column in range(row)]
    blank = [Text("")] * (len(names) - 1 - row)
    yield [Text(f"{row + 1} {shorten(names[row], NAME_COLUMNS)}"), *map(_by, found), *blank]
    yield [Text(""), *(Text(f"p {p_of(one)}" if one and one.p is not None else "", style="dim") for one in found), *blank]
    least = [_unseen(one) for one in found]
    if any(least):
        yield [Text(""), *(Text(f"≥ {one}" if one else "", style="dim") for one in least), *blank]


def _by(difference: Difference | None) -> Text:
    if difference is None or difference.difference is None:
        return Text(NOTHING)
    style = STYLES[sense(difference.metric, difference.difference).tone] if difference.is_told else ""
    return Text(signed(difference.difference, digits_of(difference)), style=style)


def _unseen(difference: Difference | None) -> str:
    return "" if difference is None or difference.is_told else shown_from(difference)


def _pair_cells(field: Field, metric: str, first: int, second: int) -> list[Text]:
    found = between(field, first, second, metric)
    name = Text(f"{second + 1} minus {first + 1}")
    if found is None:
        return [name, Text(NOTHING), Text(""), Text(""), Text("")]
    return [name, _by(found), Text(within(found)), Text(p_of(found)), Text(_unseen(found))]
