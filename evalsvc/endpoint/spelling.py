"""Which of a prompt's tokens spell the text at its end. By their texts alone: nothing here knows a tokenizer.

Servers show a token that is no whole character in different ways, and all of them are read:

    U+FFFD for bytes that are no character          a tokenizer that decodes one token at a time; older vLLM
    nothing, and the whole character in the last    vLLM (LogprobsProcessor._correct_decoded_token)
    the bytes as Latin-1                            SGLang (_lossless_token_text)
    bytes:\\xe2\\x80                                  OpenAI
    <0xE2>, and U+2581 for a blank                  SentencePiece's own pieces
    a word without the blank before it              SentencePiece's tokens, decoded one by one
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import accumulate, takewhile

UNKNOWN = "\ufffd"
_PIECE = re.compile(r"<0x([0-9A-F]{2})>")
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")
_BLANK = 0x20
_FEW = 4  # places that are looked at one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelled:
    """Where a text begins among tokens."""

    first: int  # index of the first token that holds anything of it
    joint: bool = False  # that token also holds the end of what stands before


def spelled_form(tokens: Sequence[str], text: str) -> str | None:
    """`text` as the tokens have it at their end: itself, or without the blanks around it, which chat templates trim.

    >>> spelled_form(["<|end|>", "h", "am"], "ham "), spelled_form(["h", "am"], "spam")
    ('ham', None)
    """
    forms = dict.fromkeys((text, text.rstrip(), text.lstrip(), text.strip()))
    return next((form for form in forms if spelled_at_end(tokens, form) is not None), None)


def spelled_at_end(tokens: Sequence[str], text: str) -> Spelled | None:
    """The last tokens, as few as spell `text`; None when they spell something else, and for no text.

    A token that begins before the text and reaches into it counts as one of the text's: nothing of the text is left out.

    >>> spelled_at_end(["Answer", ":", " h", "am"], " ham")
    Spelled(first=2, joint=False)
    >>> spelled_at_end(["Answer", ":", " h", "am"], "ham")
    Spelled(first=2, joint=True)
    """
    if not text:
        return None
    data = text.encode("utf-8", "surrogatepass")
    found = _spelled_plainly(tokens, text) or _spelled_somehow(tokens, data) or _spelled_somehow(tokens, data, blanks_lost=True)
    if found is None or tokens[found.first].isascii():
        return found
    # a character of several tokens, all but the last of which are shown as nothing
    return replace(found, first=found.first - sum(1 for _ in takewhile(lambda token: not token, reversed(tokens[: found.first]))))


def _spelled_plainly(tokens: Sequence[str], text: str) -> Spelled | None:
    """What nearly all rows are: every token shows what it stands for."""
    for back, length in enumerate(accumulate(len(token) for token in reversed(tokens)), start=1):
        if length >= len(text):
            first = len(tokens) - back
            return Spelled(first=first, joint=length > len(text)) if "".join(tokens[first:]).endswith(text) else None
    return None


def _spelled_somehow(tokens: Sequence[str], text: bytes, *, blanks_lost: bool = False) -> Spelled | None:
    """Token by token from the end, with every place in `text` where the tokens so far may begin.

    Of several solutions the longest: of two U+FFFD that may be one character, both are.
    """
    of, found, shared = _Places(text), None, None
    places = 1 << len(text)
    for first in range(len(tokens) - 1, -1, -1):
        token = tokens[first]
        if any(len(reading) > end and reading.endswith(text[:end]) for reading in _readings(token) for end in _first_bits(places, reading)):
            shared = Spelled(first=first, joint=True)
        places = of.before(token, places, blanks_lost=blanks_lost)
        if places & 1:
            found = Spelled(first=first)
            places ^= 1
        if not places:
            break
    return found or shared


def _first_bits(places: int, reading: bytes) -> Iterator[int]:
    """The places before which there is less than `reading`."""
    return _bits(places & ((1 << len(reading)) - 1))


def _bits(places: int) -> Iterator[int]:
    while places:
        yield (places & -places).bit_length() - 1
        places &= places - 1


class _Places:
    """Sets of places in a text, as the bits of one integer each: a target in U+FFFD alone has thousands of them at every token."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._found: dict[bytes, int] = {}

    def before(self, token: str, ends: int, *, blanks_lost: bool) -> int:
        """Where the token may begin so that it ends at one of `ends`."""
        starts = self._unknown(token, ends) if UNKNOWN in token else 0
        for reading in _readings(token):
            exact = self._literal(reading, ends)
            starts |= exact
            if blanks_lost and reading and reading[0] != _BLANK:
                # the blank that a SentencePiece token loses when it is decoded alone
                starts |= (exact >> 1) & self._all(b" ")
        return starts

    def _unknown(self, token: str, ends: int) -> int:
        """U+FFFD stands for one to three bytes of a character that is not ASCII, or for itself."""
        high = self._high
        for index, part in enumerate(reversed(token.split(UNKNOWN))):
            if index:
                one = (ends >> 1) & high
                two = (one >> 1) & high
                ends = one | two | ((two >> 1) & high)
            ends = self._literal(part.encode("utf-8", "surrogatepass"), ends)
        return ends

    def _literal(self, reading: bytes, ends: int) -> int:
        if not reading or not ends:
            return ends
        starts = ends >> len(reading)
        if starts.bit_count() > _FEW:
            return starts & self._all(reading)
        return sum(1 << start for start in _bits(starts) if self._text.startswith(reading, start))

    def _all(self, reading: bytes) -> int:
        """Every place where `reading` stands."""
        if reading not in self._found:
            marks = bytearray(len(self._text) // 8 + 1)
            at = self._text.find(reading)
            while at >= 0:
                marks[at >> 3] |= 1 << (at & 7)
                at = self._text.find(reading, at + 1)
            self._found[reading] = int.from_bytes(marks, "little")
        return self._found[reading]

    @cached_property
    def _high(self) -> int:
        """The bytes of characters that are not ASCII."""
        return int("".join("1" if byte >= 0x80 else "0" for byte in reversed(self._text)) or "0", 2)


@lru_cache(maxsize=65_536)
def _readings(token: str) -> tuple[bytes, ...]:
    """The bytes that a shown token may stand for, each once."""
    plain = token.encode("utf-8", "surrogatepass")
    if token.isascii() and not token.startswith(("bytes:", "<0x")):
        return (plain,)
    found = [plain]
    if (piece := _PIECE.fullmatch(token)) is not None:
        found.append(bytes([int(piece[1], 16)]))
    if token.startswith("bytes:") and _ESCAPED.search(token):
        found.append(_unescaped(token.removeprefix("bytes:")))
    if "\u2581" in token:
        found.append(token.replace("\u2581", " ").encode("utf-8", "surrogatepass"))
    if all(character <= "\xff" for character in token):
        found.append(token.encode("latin-1"))
    return tuple(dict.fromkeys(found))


def _unescaped(text: str) -> bytes:
    parts = _ESCAPED.split(text)  # text, hex digits, text, hex digits, …, text
    return b"".join(bytes([int(part, 16)]) if index % 2 else part.encode() for index, part in enumerate(parts))
