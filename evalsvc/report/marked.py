"""Markdown as GitHub reads it, in which what people and models wrote stays text.

Punctuation that could begin anything is written as a character reference, which never does (CommonMark 0.31, section 6.2);
that holds in table cells too, where a pipe would end the cell whatever stands before it.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from html import escape

from evalsvc.report.plain import one_line

_MARKS = re.compile(
    r"[\\`*|~#@$]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # inside a word it is no mark
    r"|\](?=[(\[:])"  # of links
    r"|:(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\."  # of addresses, which become links by themselves
)
_FIRST = re.compile(r"^(?:[-+>\[]|\d+[.)])")


def text(value: str) -> str:
    """One line of text.

    >>> text("f1_macro of _all_ is <b>0.9</b> [0.8, 1.0] | see @me at http://x")
    'f1_macro of &#95;all&#95; is &lt;b&gt;0.9&lt;/b&gt; [0.8, 1.0] &#124; see &#64;me at http&#58;//x'
    """
    return escape(_MARKS.sub(_reference, one_line(value)), quote=False).replace("\0", "&#")


def _reference(found: re.Match[str]) -> str:
    # the ampersand comes after all others have been escaped, and no other NUL is left in plain text
    return f"\0{ord(found.group())};"


def code(value: str) -> str:
    """One line in the type of code, in which nobody is mentioned and nothing is linked."""
    return f"<code>{text(value)}</code>" if one_line(value) else ""


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, words: Collection[int] = (0,)) -> str:
    """Finished cells; the columns in `words` (places from 0) to the left, all others to the right. "" without rows."""
    lines = [_line(row) for row in rows]
    ruler = _line([":--" if place in words else "--:" for place in range(len(headings))])
    return "\n".join([_line(headings), ruler, *lines]) if lines else ""


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def bullets(items: Iterable[str]) -> str:
    """A list of finished lines, none of which begins another list; "" without any.

    >>> bullets(["- a", "12. b", "c"])
    '- &#45; a\\n- &#49;2. b\\n- c'
    """
    return "\n".join(f"- {_FIRST.sub(_spelt_first, item)}" for item in items)


def _spelt_first(found: re.Match[str]) -> str:
    mark = found.group()
    return f"&#{ord(mark[0])};{mark[1:]}"


def folded(label: str, content: str) -> str:
    """Content that is opened with a click; "" where it is empty."""
    return f"<details><summary>{text(label)}</summary>\n\n{content}\n\n</details>" if content else ""


def document(parts: Iterable[str]) -> str:
    """Blocks with a blank line between them, those that are empty left out."""
    return "\n\n".join(filter(None, parts)) + "\n"
