"""How a reply is made comparable: thinking cut away, a fence opened, spellings levelled, decoration stripped."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_FENCE = "```"
# Zero-width characters, soft hyphen and variation selector say nothing; the curly apostrophe is an apostrophe.
_INVISIBLE: dict[int, str | None] = {**dict.fromkeys((0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFE0F, 0xFEFF)), 0x2019: "'"}
_PIECE_CHARS = 200
# A label further from the end of a reply than this is not its answer.
_READS_CHARS = 100_000
_PIECES = re.compile(rf"\S{{1,{_PIECE_CHARS}}}\s*|\s+")


def unfenced(text: str) -> str:
    """What stands inside the one code fence that is all of `text`; any other text as it is.

    >>> unfenced("```json\\nspam\\n```"), unfenced("```spam```"), unfenced("spam")
    ('spam\\n', 'spam', 'spam')
    """
    body = text.strip()
    inner = body[len(_FENCE) : -len(_FENCE)]
    if not (body.startswith(_FENCE) and body.endswith(_FENCE) and inner) or _FENCE in inner:
        return text
    first, _, rest = inner.partition("\n")
    names_a_language = not first.strip() or first.strip().isalnum()
    return rest if rest.strip() and names_a_language else inner


@dataclass(frozen=True, slots=True)
class Levelled:
    """A text in the spelling in which labels are compared."""

    cased: str
    folded: str  # the same, casefolded

    @property
    def aligned(self) -> bool:
        """Whether a position in one is the same position in the other; casefolding ß, for one, changes the length."""
        return len(self.cased) == len(self.folded)


def level(text: str, markup: Iterable[str] = "*`") -> Levelled:
    """`text` in NFKC without invisible characters and without the `markup` characters; of a very long one, the end.

    >>> level("**Ｓpam** isn’t").folded
    "spam isn't"
    """
    text = text[-_READS_CHARS:]
    if not text.isascii():
        text = _nfkc(text.translate(_INVISIBLE))[-_READS_CHARS:]
    for mark in markup:
        text = text.replace(mark, "")
    return Levelled(text, text.casefold())


def _nfkc(text: str) -> str:
    """NFKC of `text`, in pieces when it is long: its time grows with the square of a run of combining marks."""
    if len(text) <= _PIECE_CHARS:
        return unicodedata.normalize("NFKC", text)
    return "".join(unicodedata.normalize("NFKC", piece) for piece in _PIECES.findall(text))


def one_spaced(text: str) -> str:
    """Runs of whitespace and underscores as one space: `not_spam` and `not spam` are one spelling."""
    return " ".join(text.replace("_", " ").split())


def bare(text: str, keep_left: Collection[str] = (), keep_right: Collection[str] = ()) -> str:
    """`text` without the punctuation, symbols and whitespace at its ends; characters in `keep_…` end the stripping.

    A minus before a digit and a per cent sign after one are not decoration: then the text stays as it is.

    >>> bare("> 'spam'!"), bare("(c++)", "", "+"), bare("-1"), bare("- 1."), bare("1%")
    ('spam', 'c++', '-1', '1', '1%')
    """
    start, end = 0, len(text)
    while start < end and text[start] not in keep_left and _is_decoration(text[start]):
        start += 1
    while end > start and text[end - 1] not in keep_right and _is_decoration(text[end - 1]):
        end -= 1
    return text if _is_part_of_a_number(text, start, end) else text[start:end]


def _is_decoration(character: str) -> bool:
    return not character.isalnum() and unicodedata.category(character)[0] in "PSZC"


def _is_part_of_a_number(text: str, start: int, end: int) -> bool:
    if start == end:
        return False
    signed = text[start].isdigit() and text[start - 1 : start] in {"-", "\u2212", "."}
    return signed or (text[end - 1].isdigit() and text[end : end + 1] == "%")
