"""Text from models and providers, made harmless: nothing in it may move the cursor, recolour or reorder the screen."""

import re

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor moves
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"  # OSC, DCS, SOS, PM, APC: titles, links, clipboard
    r"|\x1b[ -/]*[0-~]"  # two-byte and charset escapes
    r"|\x9b[0-?]*[ -/]*[@-~]"  # CSI in one byte
    r"|[\x9d\x90\x98\x9e\x9f].*?(?:\x07|\x1b\\|\x9c|$)"
)
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_CONTROLS = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}]")
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_RAW_IN_JSON = re.compile(rf"[\x7f-\x9f\u2028\u2029{_BIDI}]")


def plain(text: str) -> str:
    r"""`text` without ANSI escapes, C0 and C1 controls and bidirectional overrides; tabs and line ends stay.

    Lone surrogates, which no terminal can be sent, are spelt out.

    >>> plain("\x1b[31mspam\x1b[0m\x07 and\r\n\u202eham \ud800")
    'spam and\nham \\ud800'
    """
    text = _CONTROLS.sub("", _ESCAPES.sub("", _LINE_ENDS.sub("\n", text)))
    return _SURROGATES.sub(_spelt_out, text)


def one_line(text: str) -> str:
    r"""`plain` text with every run of white space as one blank.

    >>> one_line("  a\n\tb ")
    'a b'
    """
    return " ".join(plain(text).split())


def shorten(text: str, width: int) -> str:
    """One line of at most `width` characters; what is cut is cut from the middle, as the ends tell names apart.

    >>> shorten("ft:gpt-4.1-mini:acme::abc123", 17), shorten("spam", 17)
    ('ft:gpt-4…::abc123', 'spam')
    """
    text = one_line(text)
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def clip(text: str, *, lines: int, columns: int) -> str:
    r"""`text` cut to what fits in `lines` lines of `columns` columns, and how much more there was.

    >>> clip("a\nb\nc", lines=2, columns=10)
    'a\nb\n… 1 more character'
    >>> clip("x" * 25, lines=2, columns=10)
    'xxxxxxxxxxxxxxxxxxxx\n… 5 more characters'
    >>> clip("short", lines=2, columns=10)
    'short'
    """
    kept: list[str] = []
    room = lines
    for line in text.split("\n"):
        if room <= 0:
            break
        kept.append(line[: room * columns])
        room -= max(1, -(-len(line) // columns))
    shown = "\n".join(kept)
    left = len(text) - len(shown)
    # the line end at the cut is nothing to see
    left -= text[len(shown) : len(shown) + 1] == "\n"
    return shown if left <= 0 else f"{shown}\n… {left:,} more {'character' if left == 1 else 'characters'}"


def json_for_terminals(line: str) -> str:
    r"""The same JSON value, with the control characters that JSON allows in strings escaped, for it may land on a screen.

    >>> json_for_terminals('{"a":"\u202eb"}')
    '{"a":"\\u202eb"}'
    """
    return _RAW_IN_JSON.sub(_spelt_out, line)


def _spelt_out(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"
