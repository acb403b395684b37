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
from functools import lru_cache
from itertools import accumulate, takewhile

UNKNOWN = "\ufffd"
_PIECE = re.compile(r"<0x([0-9A-F]{2})>")
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")
_BLANK = 0x20


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
    places, found, shared = {len(text)}, None, None
    for first in range(len(tokens) - 1, -1, -1):
        token = tokens[first]
        if any(reading.endswith(text[:end]) and len(reading) > end for end in places for reading in _readings(token)):
            shared = Spelled(first=first, joint=True)
        places = {start for end in places for start in _starts(token, text, end, blanks_lost=blanks_lost)}
        if 0 in places:
            found = Spelled(first=first)
            places.discard(0)
        if not places:
            break
    return found or shared


def _starts(token: str, text: bytes, end: int, *, blanks_lost: bool) -> Iterator[int]:
    """Where in `text` the token may begin so that it ends at `end`."""
    if UNKNOWN in token:
        pattern, length = _with_unknown_bytes(token)
        for start in range(max(end - length, 0), end):
            if pattern.fullmatch(text, start, end):
                yield start
    for reading in _readings(token):
        start = end - len(reading)
        if start >= 0 and text.startswith(reading, start):
            yield start
            if blanks_lost and start and reading and text[start - 1] == _BLANK and reading[0] != _BLANK:
                yield start - 1  # the blank that a SentencePiece token loses when it is decoded alone


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


@lru_cache(maxsize=65_536)
def _with_unknown_bytes(token: str) -> tuple[re.Pattern[bytes], int]:
    """U+FFFD stands for one to three bytes of a character that is not ASCII, or for itself; and the most bytes in all."""
    literal = [re.escape(part.encode("utf-8", "surrogatepass")) for part in token.split(UNKNOWN)]
    return re.compile(b"[\x80-\xff]{1,3}".join(literal), re.DOTALL), len(token.encode("utf-8", "surrogatepass"))
