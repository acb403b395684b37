"""The few pieces of HTML that every section of a page is built from.

What people and models wrote is text: `text` and `block` make it so. Cells, headings and captions are made so here too, unless
they are `Html`, which is what these functions give; the content of sections and figures is finished markup.
"""

from collections.abc import Collection, Sequence
from html import escape

from evalsvc.report.plain import one_line, plain


class Html(str):
    """Markup that is finished: it is not escaped again. Putting it into an f-string makes a plain `str` of it."""

    __slots__ = ()


def text(value: str) -> Html:
    """One line of text. Finished markup stays as it is.

    >>> text('<b> & "c"'), text(Html("<b>"))
    ('&lt;b&gt; &amp; &quot;c&quot;', '<b>')
    """
    return value if isinstance(value, Html) else Html(escape(one_line(value)))


def unseen(value: str) -> Html:
    """Text for those who are read to, where the others see what is meant."""
    return Html(f'<span class="unseen">{text(value)}</span>')


def block(value: str) -> Html:
    """Text with its line ends and blanks."""
    return Html(f'<span class="lines">{escape(plain(value))}</span>')


def toned(tone: str, value: str) -> Html:
    """Text in the colour of a tone: good, bad, warn, faint. Colour is never the only sign: the words must say it too."""
    return Html(f'<span class="{tone}">{text(value)}</span>')


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str, words: Collection[int] = (), kind: str = "", left: int = 1
) -> Html:
    """A table in a box that scrolls sideways where it must; "" without rows. The first column heads its row.

    The first `left` columns and those in `words` (places from 0) hold words, all others numbers, which stand to the right.
    `kind` is a class of its own for the table.
    """
    if not rows:
        return Html("")
    wordy = {*range(left), *words}
    head = "".join(f'<th scope="col"{_aligned(place in wordy)}>{text(heading)}</th>' for place, heading in enumerate(headings))
    body = "".join(f"<tr>{_cells(row, wordy)}</tr>" for row in rows)
    of_kind = f' class="{kind}"' if kind else ""
    return scrolling(
        f"<table{of_kind}><caption>{text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>", caption
    )


def scrolling(content: str, name: str) -> Html:
    """A box for what may be wider than the page; it can be reached and scrolled with the keyboard."""
    return Html(f'<div class="scroll" role="group" tabindex="0" aria-label="{text(name)}">{content}</div>')


def _cells(row: Sequence[str], wordy: Collection[int]) -> str:
    first, *others = row
    cells = (f"<td{_aligned(place in wordy)}>{text(cell)}</td>" for place, cell in enumerate(others, start=1))
    return f'<th scope="row"{_aligned(0 in wordy)}>{text(first)}</th>{"".join(cells)}'


def _aligned(words: bool) -> str:
    return "" if words else ' class="num"'


def section(ident: str, heading: str, *content: str) -> Html:
    """A part of the page with its heading (h2), to be reached as #ident; "" where all of its content is empty."""
    inside = "".join(content)
    if not inside:
        return Html("")
    return Html(f'<section id="{ident}" aria-labelledby="{ident}-heading"><h2 id="{ident}-heading">{text(heading)}</h2>{inside}</section>')


def part(heading: str, *content: str) -> Html:
    """A part of a section (h3); "" where all of its content is empty."""
    inside = "".join(content)
    return Html(f'<div class="part"><h3>{text(heading)}</h3>{inside}</div>' if inside else "")


def figure(svg: str, caption: str) -> Html:
    """A drawing, which is finished markup, and what is to be seen in it."""
    return Html(f"<figure>{svg}<figcaption>{text(caption)}</figcaption></figure>" if svg else "")


def folded(label: str, *content: str) -> Html:
    """Content that is opened with a click; "" where all of it is empty."""
    inside = "".join(content)
    return Html(f"<details><summary>{text(label)}</summary>{inside}</details>" if inside else "")


def note(*sentences: str) -> Html:
    """Small print: a line for each sentence."""
    return Html("".join(f'<p class="note">{text(sentence)}</p>' for sentence in sentences if sentence))


def beside(*parts: str) -> Html:
    """Sections next to each other where there is room."""
    there = [part for part in parts if part]
    return Html(f'<div class="beside">{"".join(there)}</div>' if len(there) > 1 else "".join(there))
