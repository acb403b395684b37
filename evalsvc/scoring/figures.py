"""Numbers in running text, exact: signs, thousands, fractions, powers of ten, per cent, what stands around them.

What may be read in two ways is not read at all, so that it is missed in plain sight and never mistaken: `3,5` where the
decimal mark is a point, dates, clock times, versions, powers but those of ten, digits of a name (`GPT-4`, `x2`).
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Final, Literal

from evalsvc.scoring.extract import answer_starts
from evalsvc.scoring.text import level

Decimal = Literal[".", ","]
Percent = Literal["unit", "share"]

# Longer ones are no answers, and arithmetic with them takes long.
_MOST_DIGITS = 400
_MOST_POWERS = 400
_POWERS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("thousand",), 3),
    **dict.fromkeys(("million", "millions", "mio", "mn"), 6),
    **dict.fromkeys(("billion", "billions", "bn"), 9),
    **dict.fromkeys(("trillion", "trillions"), 12),
    **dict.fromkeys(("lakh", "lakhs"), 5),
    **dict.fromkeys(("crore", "crores"), 7),
    **dict.fromkeys(("万", "萬"), 4),
    **dict.fromkeys(("亿", "億"), 8),
}
_CURRENCY = r"(?:(?:us|a|c|r|hk)?[$€£¥₹₩₽₺₫¢]|(?:usd|eur|gbp|chf|jpy|cny|inr|aud|cad|rs\.?)(?![a-z]))"
_MINUS = "-−–‐"
# What has digits and is no number; `{name}` stands for none of it, so that each is passed over as a whole.
_NO_NUMBERS: Final = (
    r"\d{4}([-/.])\d{1,2}\1\d{1,2}(?!\d)",  # 2024-01-31
    r"\d{1,2}([-/.])\d{1,2}\2(?:\d{4}|\d{2})(?![\d.,]*\d)",  # 31.1.2024
    r"\d+(?::\d+)+",  # 12:30, 3:4
    r"0x[0-9a-f]+",
    r"(?:±|\+/?-)\s?[\d.,]*\d",  # the uncertainty behind a number
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number where it stands in a text."""

    value: Fraction
    at_end: bool  # nothing follows that ends it: where a reply was cut, more digits may have been to come
    of: int | None = None  # the denominator, where it is written as a fraction


def figures_in(text: str, *, decimal: Decimal = ".", percent: Percent = "unit") -> list[Figure]:
    """The numbers of a text, in order; of more than 100,000 characters, those of the end.

    `decimal` is the decimal mark; the other of the two, spaces, apostrophes and underscores part thousands. A per cent sign is
    a unit like any other, unless it is to make a `share`: then 45% is 0.45.

    >>> [str(figure.value) for figure in figures_in("Of 1,234.5 kg, −3/4 went for $1.2 million: 45%.")]
    ['2469/2', '-3/4', '1200000', '45']
    >>> [str(figure.value) for figure in figures_in("1.234,5 und 2½", decimal=",")], figures_in("3,5")
    (['2469/2', '5/2'], [])
    """
    if decimal == "." and (written := as_programs_write(text)) is not None:
        return [Figure(value=written, at_end=True)]
    plain = _without_markers(_levelled(text, decimal))
    return [figure for match in _pattern(decimal).finditer(plain) if (figure := _figure(match, decimal, percent)) is not None]


def figure_text(value: Fraction) -> str:
    """The shortest text of the nearest double: whole numbers without a point while doubles tell them apart.

    >>> figure_text(Fraction(3)), figure_text(Fraction(-1, 3)), figure_text(Fraction(10**20))
    ('3', '-0.3333333333333333', '1e+20')
    """
    return str(value.numerator) if value.denominator == 1 and abs(value) < 1 << 53 else repr(float(value))


def _levelled(text: str, decimal: Decimal) -> str:
    """NFKC and casefolded; fractions and superscripts, which NFKC would join to the digits before them, apart; LaTeX undone."""
    if not text.isascii():
        text = _SPECIAL.sub(_spelled_out, text)
    folded = level(text, markup="").folded
    if not folded.isascii():
        folded = _DIGITS.sub(lambda digit: str(unicodedata.decimal(digit[0])), folded).translate(_ARABIC[decimal])
    if "\\" in folded or "{" in folded:
        for pattern, written in _LATEX:
            folded = pattern.sub(written, folded)
    return folded


_SUPERSCRIPTS: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_SPECIAL = re.compile(r"[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+|[¼½¾⅐-⅞↉]")
_DIGITS = re.compile(r"[^\D0-9]")
_ARABIC: Final[Mapping[Decimal, Mapping[int, str]]] = {
    ".": {ord("٫"): ".", ord("٬"): ","},
    ",": {ord("٫"): ",", ord("٬"): "."},
}
_LATEX: Final = (
    (re.compile(r"\\[dt]?frac\s?\{(\d+)\}\s?\{(\d+)\}"), r" \1/\2"),
    (re.compile(r"(?<=\d)(?:\{,\}|\\,)(?=\d)"), ","),
    (re.compile(r"\\([$%])"), r"\1"),
    (re.compile(r"\\(?:times|cdot)\b"), "x"),
    (re.compile(r"\^\s?\{\s?([-+−]?\d+)\s?\}"), r"^\1"),
)


def _spelled_out(match: re.Match[str]) -> str:
    special = match[0]
    if special[0] in "⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹":
        return "^" + special.translate(_SUPERSCRIPTS)
    return " " + unicodedata.normalize("NFKC", special).replace("⁄", "/")


_MARKER = re.compile(r"(?m)^[ \t]*(\d{1,2})[.)](?=[ \t]+\S)")


def _without_markers(text: str) -> str:
    """Without the numbers of a numbered list: lines that begin with 1, 2 and so on."""
    if not {"1", "2"} <= {marker[1] for marker in _MARKER.finditer(text)}:
        return text
    return _MARKER.sub("", text)


@cache
def _pattern(decimal: Decimal) -> re.Pattern[str]:
    """One match for each number, and one for each of what has digits and is none: then no named group is set."""
    point, comma, other = (r"\.", ",", ",") if decimal == "." else (",", r"\.", r"\.")
    spaced = r"(?<!\d[ ]\d)(?<!\d[ ]\d\d)(?<!\d[ ]\d\d\d)(?:[ ]\d{3})+(?![ ]\d)"
    parted = rf"[1-9]\d{{0,2}}(?:(?P<by>[{comma}'_])\d{{3}}(?:(?P=by)\d{{3}})*|{spaced})"
    lakhs = rf"[1-9]\d?(?:{comma}\d\d)+{comma}\d{{3}}"
    digits = rf"(?:(?:{parted}|{lakhs}|\d+)(?!\d)(?:{point}\d+)?|(?<!\w){point}\d+)"
    exponent = rf"[{_MINUS}+]?\d{{1,4}}"
    to_the = r"\s?(?:\^|\*\*)\s?\(?"
    versions = rf"\d+(?:{point}\d+){{2,}}(?!{other}?\d)"
    number = rf"""
        (?<![a-z\d^])(?<![a-z][{_MINUS}+_])(?<!\d[.,'/])(?<!(?<!\w)[.,])
        (?:(?P<minus>(?:minus|negative)\s|(?<![\w)\]}}%])[{_MINUS}])|(?<![\w)\]}}%])\+)?
        (?:{_CURRENCY}\s?)?(?P<minus_2>(?<=[^\w\s])[{_MINUS}])?
        (?:
            (?:(?P<whole>\d+)[ ]{{1,2}}(?:and[ ]{{1,2}})?)?(?P<over>\d+)\s?/\s?(?P<under>\d+)(?![/.,]?\d)
          | (?<![x×*·])(?<![x×*·]\s)10{to_the}(?P<of_ten>{exponent})\)?
          | (?P<digits>{digits})(?:(?:e|\s?[x×*·]\s?10{to_the})(?P<power>{exponent})\)?)?(?![.,'/]?\d|e[-+]?\d|\s?\^|\*\*\w)
        )
        (?:\s?(?P<scale>{"|".join(_POWERS)})(?![a-z]))?
        (?P<percent>\s?(?:%|‰|per[ ]?cent))?
    """
    return re.compile(rf"(?<![\w.])(?:{'|'.join((*_NO_NUMBERS, versions))})|{number}", re.VERBOSE)


def _figure(match: re.Match[str], decimal: Decimal, percent: Percent) -> Figure | None:
    """None for what is passed over, for a division by zero and for what is too long."""
    value = _value(match, decimal)
    if value is None:
        return None
    if match["minus"] or match["minus_2"]:
        value = -value
    if match["scale"]:
        value *= 10 ** _POWERS[match["scale"]]
    if match["percent"] and percent == "share":
        value /= 1000 if "‰" in match["percent"] else 100
    return Figure(
        value=value,
        at_end=_TO_BE_CONTINUED.fullmatch(match.string, match.end()) is not None,
        of=int(match["under"]) if match["under"] else None,
    )


def _value(match: re.Match[str], decimal: Decimal) -> Fraction | None:
    if len(match[0]) > _MOST_DIGITS:
        return None
    if match["under"]:
        under = int(match["under"])
        return int(match["whole"] or 0) + Fraction(int(match["over"]), under) if under else None
    if match["of_ten"]:
        return _scaled(Fraction(1), match["of_ten"])
    if match["digits"] is None:
        return None
    bare = match["digits"].translate(_PARTING[decimal]).replace(",", ".")
    return _scaled(Fraction("0" + bare), match["power"] or "0")


_PARTING: Final[Mapping[Decimal, Mapping[int, None]]] = {
    ".": dict.fromkeys(map(ord, ",'_ ")),
    ",": dict.fromkeys(map(ord, ".'_ ")),
}


def _scaled(value: Fraction, power: str) -> Fraction | None:
    exponent = int(re.sub(f"[{_MINUS}]", "-", power))
    return value * Fraction(10) ** exponent if abs(exponent) <= _MOST_POWERS else None


# As programs write numbers, JSON among them.
_MACHINE = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?[0-3]?\d{1,2})?", re.ASCII)


def as_programs_write(text: str) -> Fraction | None:
    """The number that is all of `text`, with a point for its decimal mark and nothing else around it.

    >>> as_programs_write(" -3.5e2 "), as_programs_write("1,000"), as_programs_write("inf")
    (Fraction(-350, 1), None, None)
    """
    stripped = text.strip()
    return Fraction(stripped) if len(stripped) <= _MOST_DIGITS and _MACHINE.fullmatch(stripped) else None


def number_of(text: str, *, decimal: Decimal = ".", percent: Percent = "unit") -> Fraction | None:
    """The one number that `text` says; None where there is none, or two that differ.

    What programs write (`3.5`, `1e-3`) means the same whatever the decimal mark: targets come from such files.

    >>> number_of("3.5", decimal=","), number_of("3,5 kg", decimal=","), number_of("3 or 4"), number_of("n/a")
    (Fraction(7, 2), Fraction(7, 2), None, None)
    """
    written = as_programs_write(text)
    if written is not None:
        return written
    values = {figure.value for figure in figures_in(text, decimal=decimal, percent=percent)}
    return values.pop() if len(values) == 1 else None


_EMPHASIS = re.compile(r"(?<!\d)\*\*|\*\*(?!\d)")


def answer_lines(text: str) -> tuple[str, ...]:
    """Where the answer stands, the likeliest place first: the rest of the line behind the last "answer:" or the like, then all behind
    it. Without any such words, the text alone. Casefolded where there are.

    >>> answer_lines("12 steps. **Answer**: 42 kg\\nThat is all."), answer_lines("42")
    ((' 42 kg', ' 42 kg\\nthat is all.'), ('42',))
    """
    folded = _EMPHASIS.sub("", text).casefold()
    start = answer_starts(folded)
    if start is None:
        return (text,)
    line, _, _ = folded[start:].partition("\n")
    return line, folded[start:]


def may_go_on(figure: Figure, text: str, output: str) -> bool:
    """Whether more digits of `figure`, the last of `text`, may have been to come, had `output` not been cut.

    >>> may_go_on(figures_in("It is 12")[-1], "It is 12", "It is 12"), may_go_on(figures_in("12 kg")[-1], "12 kg", "12 kg")
    (True, False)
    """
    return figure.at_end and output.casefold().endswith(text[-_TAIL_CHARS:].casefold())


_TAIL_CHARS = 20
_TO_BE_CONTINUED = re.compile(r"(?:[.,'/^+-]|e[+-]?)?")
