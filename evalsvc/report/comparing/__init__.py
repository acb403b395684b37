"""Two runs, or several, held against each other: for a terminal, a program, a review, a paper or a browser.

told.py      what a difference says, in words that all of these share
sides.py     what differs between two runs besides their numbers: model, rows, cost, speed
flips.py     rows that came out another way
ranking.py   several runs, best first, and what can be said of them
table.py     two runs on a terminal            several.py   several runs on a terminal
delimited.py CSV      markdown.py GitHub      latex.py a paper      page.py a whole HTML page
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final, TextIO

from evalsvc.compare.nouns import Comparison, Field, as_json
from evalsvc.errors import UsageError
from evalsvc.jsonio import dumps
from evalsvc.report.streams import forgive_encoding

# By name: the module and its function, loaded when asked for.
_WRITTEN: Final[Mapping[str, tuple[str, str]]] = {
    "csv": ("delimited", "as_csv"),
    "markdown": ("markdown", "as_markdown"),
    "latex": ("latex", "as_latex"),
    "html": ("page", "as_page"),
}
FORMATS: Final = ("table", "json", *_WRITTEN)


def render(what: Comparison | Field, format: str, *, width: int = 100) -> str:  # noqa: A002  as the option is called
    """`what` as text in one of `FORMATS`, its last line ended; `width` is for "table" alone. UsageError for another format."""
    if format == "json":
        return dumps(as_json(what)).decode() + "\n"
    if format == "table":
        return _drawn(what, width)
    if format not in _WRITTEN:
        raise UsageError(f"there is no format {format!r}", hint=f"use one of {', '.join(FORMATS)}")
    module, function = _WRITTEN[format]
    write: Callable[[Comparison | Field], str] = getattr(import_module(f"{__name__}.{module}"), function)
    return write(what)


def print_comparison(what: Comparison | Field, *, stdout: TextIO | None, environ: Mapping[str, str]) -> None:
    """The view on `stdout`; on nothing when that is None, which is how Python has a closed one."""
    if stdout is None:
        return
    from evalsvc.report.console import open_console, show

    forgive_encoding(stdout)
    console = open_console(stdout, environ)
    show(console, _view(what, console.width), stdout)


def _drawn(what: Comparison | Field, width: int) -> str:
    """Without colour, as it goes to a file."""
    from io import StringIO

    from evalsvc.report.console import open_console, show

    stream = StringIO()
    show(open_console(stream, {}, width=width), _view(what, width), stream)
    return stream.getvalue()


def _view(what: Comparison | Field, width: int) -> Any:
    if isinstance(what, Field):
        from evalsvc.report.comparing.several import several_view

        return several_view(what, width=width)
    from evalsvc.report.comparing.table import pair_view

    return pair_view(what, width=width)
