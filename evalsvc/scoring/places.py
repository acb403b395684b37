"""Where in a reply the answer stands that a rule found there, and which of the reply's tokens begins it.

A rule of labels.py reads a levelled text and keeps no positions; here the label it found is looked for again, in the same part
of the reply: behind the field of a JSON object, behind the last "answer:", in the text that is left when thinking is cut away.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

from evalsvc.config.models import Scoring
from evalsvc.scoring.extract import ANSWER_WORDS, answer_starts
from evalsvc.thinking import without_thinking

_AFTER_THINKING = re.compile(r"</(?:think|thinking|reasoning)>", re.IGNORECASE)
_NAMED_FIELD = re.compile(rf"[\"']?(?:{'|'.join(ANSWER_WORDS)})[\"']?\s*[:=]\s*\[?\s*[\"']?\s*")
_ANY_FIELD = re.compile(r":\s*\[?\s*[\"']?\s*")
_PATTERN_READS_CHARS = 20_000
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
        self._to_the_letter = scoring.normalise == "none"
        self._marks = [mark for mark in "*`" if not any(mark in one for several in spellings.values() for one in several)]
        self._patterns = {label: self._pattern(several) for label, several in spellings.items()}
        self._regions = dict(_REGIONS)
        if scoring.extract:
            [(rule, value)] = scoring.extract.items()
            self._regions[rule] = _EXTRACTED[rule](value)

    def start(self, output: str, label: str, rule: str) -> int | None:
        """Where in `output` the `label` begins that `rule` found; None where it is not spelled there character by character."""
        base = _visible_from(output)
        raw = output[base:]
        text, places = self._levelled(raw)
        for begin, here in self._regions[rule](text, raw):
            found = self._patterns[label].match(text, begin) if here else self._patterns[label].search(text, begin)
            if found:
                return base + (found.start() if places is None else places[found.start()])
        return None

    def _levelled(self, text: str) -> tuple[str, Sequence[int] | None]:
        """`text` in the spelling of the patterns, and the place of each of its characters; None where all are in their own."""
        if self._to_the_letter:
            return text, None
        if text.isascii() and not any(mark in text for mark in self._marks):
            return text.lower(), None
        kept = [(place, _plain(character)) for place, character in enumerate(text) if character not in self._marks]
        return "".join(character for _, character in kept), [place for place, _ in kept]

    def _pattern(self, spellings: Sequence[str]) -> re.Pattern[str]:
        """Longest spellings first, whole words where a spelling begins or ends with a letter of a script that has words."""
        levelled = spellings if self._to_the_letter else [self._levelled(one)[0] for one in spellings]
        return re.compile("|".join(map(_whole, sorted(levelled, key=len, reverse=True))))


def _plain(character: str) -> str:
    """In NFKC and casefolded where that is one character too, so that places stay places."""
    plain = unicodedata.normalize("NFKC", character).casefold()
    return plain if len(plain) == 1 else character


def _whole(spelling: str) -> str:
    words = spelling.replace("_", " ").split() or [spelling]
    body = r"[\s_]+".join(map(re.escape, words))
    before = r"(?<![^\W_])" if words[0][0].isascii() and words[0][0].isalnum() else ""
    after = r"(?![^\W_])" if words[-1][-1].isascii() and words[-1][-1].isalnum() else ""
    return before + body + after


def _visible_from(output: str) -> int:
    """Where the text begins that is left when thinking is cut away."""
    if "<" not in output:
        return 0
    visible = without_thinking(output)
    if visible is not None and output.endswith(visible):
        return len(output) - len(visible)
    closed = [tag.end() for tag in _AFTER_THINKING.finditer(output)]
    return closed[-1] if closed else 0


# Places from which the label is looked for, best first, each with whether it must stand right there: of the levelled and the raw text.
Region = Callable[[str, str], Iterator[tuple[int, bool]]]


def _anywhere(_: str, __: str) -> Iterator[tuple[int, bool]]:
    yield 0, False


def _in_json(text: str, _: str) -> Iterator[tuple[int, bool]]:
    for pattern in (_NAMED_FIELD, _ANY_FIELD):
        for match in pattern.finditer(text):
            yield match.end(), True
    yield from _anywhere(text, "")


def _behind_answer(text: str, _: str) -> Iterator[tuple[int, bool]]:
    yield answer_starts(text) or 0, False


def _by_path(path: Any) -> Region:
    field = next((step for step in reversed(str(path).split(".")) if not step.isdecimal()), "")
    pattern = re.compile(rf"\"{re.escape(field)}\"\s*:\s*\[?\s*\"?\s*", re.IGNORECASE)

    def region(text: str, _: str) -> Iterator[tuple[int, bool]]:
        for match in pattern.finditer(text):
            yield match.end(), True
        yield from _anywhere(text, "")

    return region


def _by_pattern(pattern: Any) -> Region:
    compiled = re.compile(str(pattern))

    def region(text: str, raw: str) -> Iterator[tuple[int, bool]]:
        skipped = max(0, len(raw) - _PATTERN_READS_CHARS)
        matches = list(compiled.finditer(raw[skipped:]))
        if matches and len(text) == len(raw):
            yield skipped + matches[-1].start(1 if compiled.groups else 0), False

    return region


_REGIONS: Final[Mapping[str, Region]] = {"exact": _anywhere, "json": _in_json, "answer_line": _behind_answer, "word": _anywhere}
_EXTRACTED: Final[Mapping[str, Callable[[Any], Region]]] = {"json": _by_path, "regex": _by_pattern}
