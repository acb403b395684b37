"""Tables for a paper, with booktabs: what is escaped compiles as it stands; other scripts than Latin want XeLaTeX or LuaLaTeX."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from evalsvc.compare.nouns import Comparison, Difference, Field
from evalsvc.report.comparing.ranking import between, metrics_of, ranked, what_can_be_said
from evalsvc.report.comparing.sides import label, labels
from evalsvc.report.comparing.told import digits_of, p_of, shown_from, signed, with_numbers, within
from evalsvc.report.plain import one_line
from evalsvc.report.words import NOTHING, interval, score, some

_SPECIAL: Final[Mapping[str, str]] = {
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "`": r"\textasciigrave{}",
    "≥": r"$\geq$",
    "→": r"$\to$",
}
_MARKS = re.compile("|".join(map(re.escape, _SPECIAL)))
_MDE: Final = (
    "MDE is the least true difference that so many rows would find four times out of five, given where a difference cannot be told from "
    "noise."
)


def as_latex(what: Comparison | Field) -> str:
    """One table of two runs; of several one of all metrics, and one of the pairs by the headline metric."""
    return "\n\n".join(["% needs \\usepackage{booktabs}", *(_of_several(what) if isinstance(what, Field) else _of_two(what))]) + "\n"


def escaped(text: str) -> str:
    r"""One line of text; two hyphens stay two.

    >>> escaped("f1_macro: 50 % of {a--b}"), escaped("\\^~")
    ('f1\\_macro: 50 \\% of \\{a-{}-b\\}', '\\textbackslash{}\\textasciicircum{}\\textasciitilde{}')
    """
    return _MARKS.sub(lambda found: _SPECIAL[found.group()], one_line(text)).replace("--", "-{}-")


def _of_two(comparison: Comparison) -> Iterator[str]:
    shown = with_numbers(comparison.differences)
    a, b, rows = escaped(label(comparison.a)), escaped(label(comparison.b)), some(comparison.rows.common, "row")
    yield _table(
        caption=f"{b} (B) against {a} (A) over the {rows} that both have. Intervals are paired. {_MDE}",
        ident="comparison",
        columns="lrrrcrr",
        headings=("Metric", "A", "B", r"B $-$ A", r"95\,\% interval", "$p$", "MDE"),
        rows=[[escaped(one.metric), _number(score(one.a)), _number(score(one.b)), *_difference(one)] for one in shown],
        comments=[f"{one.metric}: {one.signature}" for one in shown if one.signature],
    )


def _difference(one: Difference) -> list[str]:
    """Difference, interval, p and MDE."""
    least = "" if one.is_told else shown_from(one)
    return [_number(signed(one.difference, digits_of(one))), _number(within(one)), _number(p_of(one)), _number(least)]


def _of_several(field: Field) -> Iterator[str]:
    metrics = metrics_of(field)
    if not metrics:
        return
    headline, *others = metrics
    by_side = {metric: {place.side: place for place in ranked(field, metric)} for metric in metrics}
    yield _table(
        caption="Values of each run. Runs that share a letter in a column cannot be told apart (all pairs, Holm's correction, 5\\,\\%). "
        f"By {escaped(headline)}, {escaped(what_can_be_said(field, headline))}.",
        ident="runs",
        columns="lrc" + "r" * len(others),
        headings=("Run", escaped(headline), r"95\,\% interval", *map(escaped, others)),
        rows=[
            [
                escaped(place.name),
                _lettered(place.value, place.letters),
                _number(interval(place.ci_low, place.ci_high)),
                *(_lettered(by_side[metric][place.side].value, by_side[metric][place.side].letters) for metric in others),
            ]
            for place in ranked(field, headline)
        ],
    )
    yield _pairs(field, headline)


def _pairs(field: Field, metric: str) -> str:
    names = [escaped(name) for name in labels(field.sides)]
    found = [(f"{names[j]} $-$ {names[i]}", one) for i, j in field.pairs if (one := between(field, i, j, metric))]
    return _table(
        caption=f"Paired differences of {escaped(metric)}; $p$ with Holm's correction for all pairs. {_MDE}",
        ident="pairs",
        columns="lrcrr",
        headings=("Pair", "Difference", r"95\,\% interval", "$p$", "MDE"),
        rows=[[pair, *_difference(one)] for pair, one in found],
        comments=dict.fromkeys(f"{metric}: {one.signature}" for _, one in found if one.signature),
    )


def _lettered(value: float | None, letters: str) -> str:
    """
    >>> _lettered(0.95, "ab"), _lettered(None, "")
    ('$0.9500^{\\\\mathrm{ab}}$', '--')
    """
    return _number(score(value)) if value is None or not letters else f"${_digits(score(value))}^{{\\mathrm{{{letters}}}}}$"


def _number(words: str) -> str:
    """A number as `words` has it, set as mathematics, so that its minus is one.

    >>> _number("-0.0435"), _number("< 0.001"), _number("[-0.1, +1,234.5]"), _number("–"), _number("")
    ('$-0.0435$', '$< 0.001$', '$[-0.1, +1{,}234.5]$', '--', '')
    """
    return "--" if words == NOTHING else f"${_digits(words)}$" if words else ""


def _digits(words: str) -> str:
    return re.sub(r"(?<=\d),(?=\d)", "{,}", words)


def _table(
    *, caption: str, ident: str, columns: str, headings: Sequence[str], rows: Iterable[Sequence[str]], comments: Iterable[str] = ()
) -> str:
    lines = [
        *(f"% {one_line(comment)}" for comment in comments),
        r"\begin{table}",
        r"  \centering",
        f"  \\caption{{{caption}}}",
        f"  \\label{{tab:{ident}}}",
        f"  \\begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        f"    {' & '.join(headings)} \\\\",
        r"    \midrule",
        *(f"    {' & '.join(row)} \\\\" for row in rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines)
