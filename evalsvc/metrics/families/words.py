"""Text -> the words that overlap is counted in, and how many letters are lost on the way."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Final

from evalsvc.metrics.families.porter import stem

# Pure; a line end parts words in all of them.
Tokenize = Callable[[str], list[str]]

_ALPHANUMERIC = re.compile(r"[a-z0-9]+")
_ASCII = re.compile(r"[\x00-\x7f]+")
_NO_LETTERS: Final = bytes(byte for byte in range(256) if not bytes((byte,)).isalpha())
# Variation selectors, Mongolian ones first: they choose among the looks of a character.
_SELECTORS: Final = (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
_ZERO_WIDTH_SPACE: Final = "\u200b"
_STEMS_KEPT: Final = 100_000
_LONGEST_KEPT: Final = 40


def rouge_words(text: str) -> list[str]:
    """Runs of a to z and 0 to 9 in lower case, as `rouge_score.tokenize.tokenize`: all other letters part words and vanish.

    >>> rouge_words("Don't panic: naïve 東京"), rouge_words("東京")
    (['don', 't', 'panic', 'na', 've'], [])
    """
    return _ALPHANUMERIC.findall(text.lower())


def unicode_words(text: str) -> list[str]:
    """Runs of letters and digits of any script, with the marks that follow them, of the `folded` text.

    Marks count, because most scripts of India write their vowels so: without them, the words would fall into pieces. Of ASCII text the same
    words as `rouge_words`. Chinese, Japanese, Thai, Lao, Khmer and Burmese write no spaces: a clause is one word here.

    >>> unicode_words("Naïve ﬁle_name, हिन्दी")
    ['naïve', 'file', 'name', 'हिन्दी']
    """
    if text.isascii():
        return rouge_words(text)
    return _word_pattern().findall(folded(text).replace("_", " "))


def characters(text: str) -> list[str]:
    """Every code point of the `folded` text but whitespace, zero width space included; punctuation counts.

    >>> characters("Ｔokyo 東京。")
    ['t', 'o', 'k', 'y', 'o', '東', '京', '。']
    """
    return list("".join(folded(text).replace(_ZERO_WIDTH_SPACE, "").split()))


TOKENIZERS: Final[Mapping[str, Tokenize]] = {"rouge": rouge_words, "unicode": unicode_words, "char": characters}


def folded(text: str) -> str:
    """`text` so that what looks the same is the same: NFKC, case folded, without what is not seen.

    That is soft hyphens, joiners, direction marks and variation selectors; nearly the NFKC_Casefold of Unicode 3.13. The zero width space
    stays, because it parts words in Khmer and Thai.

    >>> folded("Stra\N{SOFT HYPHEN}ße №①")
    'strasse no1'
    """
    if text.isascii():
        return text.lower()
    seen = text.translate(_unseen())
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())


def letters_of(texts: Iterable[str]) -> tuple[int, int]:
    """How many letters there are (Unicode's category L; a vowel sign is a mark and no letter), and how many `rouge_words` keeps.

    >>> letters_of(["Größe 42", "東京"])
    (7, 3)
    """
    there = kept = 0
    for text in texts:
        ascii_letters = _ascii_letters(text)
        there += ascii_letters
        if text.isascii():
            kept += ascii_letters
        else:
            there += sum(map(str.isalpha, _ASCII.sub("", text)))
            # in lower case, because the Kelvin sign becomes a k
            kept += _ascii_letters(text.lower())
    return there, kept


def _ascii_letters(text: str) -> int:
    return len(text.encode("ascii", "ignore").translate(None, _NO_LETTERS))


class Stems(dict[str, str]):
    """Stems by word, remembered: most words of a text were seen before. Bounded, in number and in length."""

    def __missing__(self, word: str) -> str:
        """Words of up to three letters are their own stem, as in rouge-score."""
        found = stem(word) if len(word) > 3 else word
        if len(word) <= _LONGEST_KEPT:
            if len(self) >= _STEMS_KEPT:
                self.clear()
            self[word] = found
        return found


@cache
def stems() -> Stems:
    """Those of this process."""
    return Stems()


def _of_category(*categories: str) -> list[str]:
    """All marks and format characters lie in the first two planes of Unicode and in the 15th."""
    points = (*range(0x20000), *range(0xE0000, 0xE1000))
    return [chr(point) for point in points if unicodedata.category(chr(point)) in categories]


@cache
def _word_pattern() -> re.Pattern[str]:
    # without the enclosing ones, which make a keycap of a digit; in two classes, because one with both planes is searched 20 times slower
    marks = _of_category("Mn", "Mc")
    near, far = "".join(filter("\uffff".__ge__, marks)), "".join(filter("\uffff".__lt__, marks))
    return re.compile(rf"\w+(?:(?![\x00-\x7f])(?:[{near}]+|[{far}]+)\w*)*")


@cache
def _unseen() -> Mapping[int, None]:
    formats = (ord(character) for character in _of_category("Cf") if character != _ZERO_WIDTH_SPACE)
    return dict.fromkeys((*formats, *_SELECTORS))
