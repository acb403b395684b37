"""Where in a reply the answer stands that a rule found there, and which of the reply's tokens begins it.

A rule of labels.py reads a levelled text and keeps no positions; here the label it found is looked for again, in the same part
of the reply: behind the field of a JSON object, behind the last "answer:", in the text that is left when thinking is cut away.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from json import JSONDecoder
from typing import Any, Final

from evalsvc.config.models import Scoring
from evalsvc.scoring.extract import ANSWER_WORDS, answer_starts
from evalsvc.scoring.patterns import Pattern
from evalsvc.scoring.text import Levelled, unfenced
from evalsvc.scoring.vocabulary import Vocabulary
from evalsvc.thinking import without_thinking

_AFTER_THINKING = re.compile(r"</(?:think|thinking|reasoning)>", re.IGNORECASE)
_decode = JSONDecoder(strict=False).raw_decode
# How tokenizers write a space or a line end that begins a token, where a server sends its pieces as they are.
_MARKERS: Final[Mapping[str, str]] = {"Ġ": " ", "▁": " ", "Ċ": "\n"}
_GAP_CHARS = 8  # of the text, for each token that spells no whole characters

# Of an answer: the token that begins it, and how many of that token's characters stand before it.
Begins = tuple[int, int]


def unmarked(token: str) -> str:
    """`token` with a tokenizer's mark at its beginning as the character that it stands for.

    >>> unmarked("Ġspam"), unmarked("▁spam"), unmarked("ħobżĠ")
    (' spam', ' spam', 'ħobżĠ')
    """
    mark = _MARKERS.get(token[:1])
    return token if mark is None else mark + token[1:]


def token_at(tokens: Sequence[str], text: str, start: int) -> Begins | None:
    """Which of `tokens` holds the character of `text` at `start`; None where the tokens do not spell it.

    `text` may be part of what the tokens spell: a server may cut away thinking, special tokens and blanks, but keep their
    tokens. Of a character that several tokens spell in parts, none is known to hold it.

    >>> token_at([" Answer", ":", " sp", "am", "<|end|>"], "Answer: spam", 8)
    (2, 1)
    """
    for spelled in (tokens, [unmarked(token) for token in tokens]):
        joined = "".join(spelled)
        base = joined.rfind(text)
        if base >= 0:
            ends = list(accumulate(map(len, spelled)))
            index = next(index for index, end in enumerate(ends) if end > base + start)
            return index, base + start - (ends[index] - len(spelled[index]))
    return _holding(_aligned(tokens, text), tokens, start)


def _aligned(tokens: Sequence[str], text: str) -> list[int | None]:
    """Where each token begins in `text`; None for those that spell parts of characters."""
    places: list[int | None] = []
    at = gap = 0
    for token in tokens:
        found = text.find(token, at, at + len(token) + _GAP_CHARS * gap) if token.strip() else -1
        if found < 0:
            gap += 1
            places.append(None)
            continue
        places.append(found)
        at, gap = found + len(token), 0
    return places


def _holding(places: Sequence[int | None], tokens: Sequence[str], start: int) -> Begins | None:
    for index, place in enumerate(places):
        if place is not None and place <= start < place + len(tokens[index]):
            return index, start - place
    return None


class AnswerPlaces:
    """Finds a label again where a rule found it. `spellings` are those of each label, its aliases among them."""

    def __init__(self, spellings: Mapping[str, Sequence[str]], scoring: Scoring) -> None:
        self._spellings = spellings
        self._vocabulary = None if scoring.normalise == "none" else Vocabulary(list(spellings), scoring.aliases)
        self._regions = dict(_REGIONS)
        if scoring.extract:
            [(rule, value)] = scoring.extract.items()
            self._regions[rule] = _EXTRACTED[rule](value)

    def start(self, output: str, label: str, rule: str) -> int | None:
        """Where in `output` the `label` begins that `rule` found; None where it is not spelled there character by character."""
        base, raw = _visible(output)
        text = _Text.of(raw, self._vocabulary)
        for begin, end, start in self._regions[rule](text):
            found = self._first(label, text.part(begin, end), start)
            if found is not None:
                return base + text.place(begin + found)
        return None

    def _first(self, label: str, part: Levelled, start: int) -> int | None:
        if self._vocabulary is not None:
            return self._vocabulary.first(label, part, start)
        places = [part.cased.find(spelling.strip(), start) for spelling in self._spellings[label]]
        return min((place for place in places if place >= 0), default=None)


@dataclass(frozen=True, slots=True)
class _Text:
    """The part of a reply in which a rule looked, in the spelling in which labels are compared."""

    raw: str
    levelled: Levelled
    places: Sequence[int] | None  # in `raw`, of each character; None where all are in their own

    @classmethod
    def of(cls, raw: str, vocabulary: Vocabulary | None) -> "_Text":
        if vocabulary is None:
            return cls(raw, Levelled(raw, raw), None)
        if raw.isascii() and len((whole := vocabulary.level(raw)).folded) == len(raw):
            return cls(raw, whole, None)
        pieces = [(piece.start(), vocabulary.level(piece[0])) for piece in _COMPOSED.finditer(raw)]
        levelled = Levelled("".join(piece.cased for _, piece in pieces), "".join(piece.folded for _, piece in pieces))
        return cls(raw, levelled, [place for place, piece in pieces for _ in piece.folded])

    def part(self, begin: int, end: int) -> Levelled:
        return (
            self.levelled if (begin, end) == (0, len(self)) else Levelled(self.levelled.cased[begin:end], self.levelled.folded[begin:end])
        )

    def place(self, at: int) -> int:
        """In `raw`."""
        return at if self.places is None else self.places[at]

    def at(self, place: int) -> int:
        """The inverse."""
        return place if self.places is None else bisect_left(self.places, place)

    def __len__(self) -> int:
        return len(self.levelled.folded)


# A character and the marks that are written on it: together they may be one.
_COMPOSED = re.compile(rf".[{''.join(map(chr, range(0x300, 0x370)))}\u3099\u309a]*", re.DOTALL)


def _visible(output: str) -> tuple[int, str]:
    """Where the text begins that is left when thinking is cut away and a fence is opened, and that text."""
    base = _visible_from(output)
    raw = output[base:]
    inner = unfenced(raw)
    return (base, raw) if inner is raw else (base + raw.rfind(inner), inner)


def _visible_from(output: str) -> int:
    if "<" not in output:
        return 0
    visible = without_thinking(output)
    if visible is not None and output.endswith(visible):
        return len(output) - len(visible)
    closed = [tag.end() for tag in _AFTER_THINKING.finditer(output)]
    return closed[-1] if closed else 0


# Parts of the levelled text in which the label is looked for, best first: where each begins and ends, and from where in it on.
Region = Callable[[_Text], Iterator[tuple[int, int, int]]]


def _anywhere(text: _Text) -> Iterator[tuple[int, int, int]]:
    yield 0, len(text), 0


def _behind_answer(text: _Text) -> Iterator[tuple[int, int, int]]:
    yield 0, len(text), answer_starts(text.levelled.folded) or 0


def _in_json(text: _Text) -> Iterator[tuple[int, int, int]]:
    """The values of the fields named like an answer; without any, those that are text."""
    members = _members(text.raw, text.raw.find("{"))
    named = [span for name, span in members.items() if name.casefold() in ANSWER_WORDS]
    for begin, end in named or members.values():
        yield text.at(begin), text.at(end), 0


def _by_path(path: Any) -> Region:
    def region(text: _Text) -> Iterator[tuple[int, int, int]]:
        begin, end = text.raw.find("{"), len(text.raw)
        for step in str(path).split("."):
            begin, end = _members(text.raw, begin).get(step, (-1, -1))
        if begin >= 0:
            yield text.at(begin), text.at(end), 0

    return region


def _members(text: str, at: int) -> dict[str, tuple[int, int]]:
    """Where the values of the JSON object or list begin and end that begins at `at`, by name or number; as far as it is JSON.

    >>> _members('see {"a": "x", "b": [1, 2]}', 4), _members("[true, 10]", 0), _members("no", -1)
    ({'a': (10, 13), 'b': (20, 26)}, {'0': (1, 5), '1': (7, 9)}, {})
    """
    found: dict[str, tuple[int, int]] = {}
    opens = text[at : at + 1] if at >= 0 else ""
    if opens not in {"{", "["}:
        return found
    at = _no_blank(text, at + 1)
    try:
        while text[at : at + 1] not in {"}", "]", ""}:
            name = str(len(found))
            if opens == "{":
                name, at = _decode(text, at)
                at = _no_blank(text, _no_blank(text, at) + 1)
            _, end = _decode(text, at)
            found[name] = at, end
            at = _no_blank(text, end)
            at = _no_blank(text, at + 1) if text[at : at + 1] == "," else at
    except (ValueError, RecursionError):
        pass
    return found


def _no_blank(text: str, at: int) -> int:
    while text[at : at + 1] in {" ", "\t", "\n", "\r"}:
        at += 1
    return at


def _by_pattern(pattern: Any) -> Region:
    compiled = Pattern(str(pattern), place="scoring.extract.regex")

    def region(text: _Text) -> Iterator[tuple[int, int, int]]:
        span = compiled.where(text.raw)
        if span is not None:
            begin, end = span
            yield text.at(begin), text.at(end), 0

    return region


_REGIONS: Final[Mapping[str, Region]] = {"exact": _anywhere, "json": _in_json, "answer_line": _behind_answer, "word": _anywhere}
_EXTRACTED: Final[Mapping[str, Callable[[Any], Region]]] = {"json": _by_path, "regex": _by_pattern}
