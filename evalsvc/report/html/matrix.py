"""Which label was taken for which: a heat map that is a table, or the largest mistakes where there are too many labels for one."""

from collections.abc import Collection, Iterator

from evalsvc.records import Summary
from evalsvc.report.html.markup import Html, note, scrolling, table, text
from evalsvc.report.html.rows import rows_link
from evalsvc.report.matrix import Matrix, largest_mistakes, read_matrix
from evalsvc.report.words import count, percent, some

# True and predicted label, or the outcome without one, of rows that the page has.
Shown = Collection[tuple[str | None, str]]

LABELS_AT_MOST = 30
# Headings stand upright where they would make the columns wider than their numbers.
_UPRIGHT_FROM = 7
_DENSE_FROM = 13
_CAPTION = "Rows: the true label. Columns: what was answered. Shade and percentage: the share of the row."


def confusion_matrix(summary: Summary, shown: Shown = frozenset()) -> Html:
    """What of it is among the rows on the page is a link to them. "" without rows that have a label."""
    raw = summary["confusion_matrix"]
    if not raw or not any(map(any, raw["counts"])):
        return Html("")
    matrix = read_matrix(raw)
    return _mistakes(matrix, shown) if len(matrix.labels) > LABELS_AT_MOST else _heat_map(matrix, shown)


def _heat_map(matrix: Matrix, shown: Shown) -> Html:
    labels, others = len(matrix.labels), len(matrix.columns) - len(matrix.labels)
    upright = ' class="upright"' if labels + others >= _UPRIGHT_FROM else ""
    groups = f'<td></td><th scope="colgroup" colspan="{labels}">answered</th>' + (
        f'<th scope="colgroup" colspan="{others}" class="apart">no label</th>' if others else ""
    )
    headings = "".join(
        f'<th scope="col"{_apart(place == labels)}><span{upright}>{text(name)}</span></th>' for place, name in enumerate(matrix.columns)
    )
    body = "".join(
        f'<tr><th scope="row">{text(label)}</th>{"".join(_cells(matrix, line, shown))}</tr>' for line, label in enumerate(matrix.labels)
    )
    head = f'<thead><tr class="groups">{groups}</tr><tr><td class="corner">true ↓</td>{headings}</tr></thead>'
    dense = " dense" if labels >= _DENSE_FROM else ""
    return scrolling(
        f'<table class="matrix{dense}"><caption>{text(_CAPTION)}</caption>{head}<tbody>{body}</tbody></table>', "Confusion matrix"
    )


def _cells(matrix: Matrix, line: int, shown: Shown) -> Iterator[str]:
    """Right answers are tinted with one colour, mistakes with another, by their share of the row."""
    support, labels = sum(matrix.counts[line]), len(matrix.labels)
    for place, rows in enumerate(matrix.counts[line]):
        kinds = [*(["right"] if place == line else []), *(["apart"] if place == labels else [])]
        kind = f' class="{" ".join(kinds)}"' if kinds else ""
        if rows:
            amount = _linked(count(rows), matrix, matrix.labels[line], matrix.columns[place], shown)
            yield f'<td{kind} style="--share:{rows / support:.3f}">{amount} <small>{percent(rows, support)}</small></td>'
        else:
            yield f"<td{kind}>·</td>"


def _linked(amount: str, matrix: Matrix, true: str, answered: str, shown: Shown) -> Html:
    """The amount as a link to its rows, where the page has some of them."""
    predicted = answered if answered in matrix.labels else answered[1:-1]
    if (true, predicted) not in shown:
        return text(amount)
    return Html(f'<a href="{text(rows_link(target=true, predicted=predicted))}" title="{text(f"{true} → {answered}")}">{text(amount)}</a>')


def _apart(is_first_without_label: bool) -> str:
    return ' class="apart"' if is_first_without_label else ""


def _mistakes(matrix: Matrix, shown: Shown) -> Html:
    mistakes = largest_mistakes(matrix)
    rows = [
        (one.true, one.answered, _linked(count(one.rows), matrix, one.true, one.answered, shown), percent(one.rows, one.support))
        for one in mistakes
    ]
    lines = table(("true", "answered", "rows", "of the true label"), rows, caption="The largest mistakes", words=(1,))
    return Html((lines or note("no mistakes")) + note(f"the whole matrix of {some(len(matrix.labels), 'label')} is in summary.json"))
