"""Which label a reply means. The rules are tried in order; the first one that applies decides, and its name is kept.

    thinking blocks are cut away, a code fence around everything is opened, then
    exact         the reply is a label, but for case, markdown, quotes and punctuation
    json          a JSON object: its field label, answer, class, category, prediction or result
    answer_line   behind the last "answer:", "label:", "final answer is"
    word          one label, and no other, stands in the text as a whole word

With `scoring.extract` only `json` or `regex` applies; with `normalise: none`, only `exact`, to the letter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evalsvc.config.models import Scoring
from evalsvc.errors import UsageError
from evalsvc.scoring.extract import Extract, answer_starts, extract_from, json_object, named_answers
from evalsvc.scoring.text import Levelled, unfenced
from evalsvc.scoring.vocabulary import Vocabulary
from evalsvc.thinking import without_thinking


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was read in one reply. `ambiguous`: several labels, or one behind a negation; then there is no `label`."""

    label: str | None = None
    rule: str | None = None  # None: no rule found any label
    ambiguous: bool = False
    thinking_open: bool = False  # the reply never came to an end of its thinking


NOTHING = Found()
_THINKING_OPEN = Found(thinking_open=True)

# Classification replies repeat: short ones are read once.
_MEMO_CHARS = 200
_MEMO_ENTRIES = 4096

# (label, several) of a text that holds an answer and little else.
Read = Callable[[str], tuple[str | None, bool]]
Rule = Callable[[str, Levelled], Found | None]


def check_labels(labels: Sequence[str], scoring: Scoring) -> None:
    """UsageError for labels, aliases or an extraction that cannot work."""
    _finder(labels, scoring)


class LabelFinder:
    """Reads the label out of replies. UsageError for labels, aliases or an extraction that cannot work."""

    def __init__(self, labels: Sequence[str], scoring: Scoring) -> None:
        self._memo: dict[str, Found] = {}
        self._find = _finder(labels, scoring)

    def find(self, text: str) -> Found:
        """The label that `text` means; a pure function of it."""
        found = self._memo.get(text)
        if found is None:
            found = self._read(text)
            if len(text) <= _MEMO_CHARS:
                if len(self._memo) >= _MEMO_ENTRIES:
                    self._memo.clear()
                self._memo[text] = found
        return found

    def _read(self, text: str) -> Found:
        visible = without_thinking(text)
        return _THINKING_OPEN if visible is None else self._find(unfenced(visible))


def _finder(labels: Sequence[str], scoring: Scoring) -> Callable[[str], Found]:
    if scoring.normalise == "none":
        spelled = _to_the_letter(labels, scoring.aliases)
        return _extracted(*extract_from(scoring.extract), spelled) if scoring.extract else _extracted("exact", str.strip, spelled)
    vocabulary = Vocabulary(labels, scoring.aliases)
    return _extracted(*extract_from(scoring.extract), vocabulary.read) if scoring.extract else _by_rules(vocabulary)


def _extracted(rule: str, extract: Extract, read: Read) -> Callable[[str], Found]:
    def find(text: str) -> Found:
        answer = extract(text)
        return NOTHING if answer is None else _found(rule, read(answer))

    return find


def _by_rules(vocabulary: Vocabulary) -> Callable[[str], Found]:
    rules = _rules(vocabulary)

    def find(text: str) -> Found:
        levelled = vocabulary.level(text)
        return next((found for rule in rules if (found := rule(text, levelled)) is not None), NOTHING)

    return find


def _rules(vocabulary: Vocabulary) -> tuple[Rule, ...]:
    """The default rules in order. One that does not apply gives None; one that applies and finds no label ends the search."""

    def exact(_: str, text: Levelled) -> Found | None:
        label = vocabulary.exact(text)
        return None if label is None else Found(label=label, rule="exact")

    def json(raw: str, _: Levelled) -> Found | None:
        found = json_object(raw)
        return None if found is None else _agreed("json", [vocabulary.read(answer) for answer in named_answers(found)])

    def answer_line(_: str, text: Levelled) -> Found | None:
        start = answer_starts(text.folded)
        if start is None:
            return None
        end = text.folded.find("\n", start)
        on_the_line = vocabulary.mentioned(text, start, None if end < 0 else end)
        return _found("answer_line", on_the_line if on_the_line != (None, False) else vocabulary.mentioned(text, start))

    def word(_: str, text: Levelled) -> Found | None:
        return _found("word", vocabulary.mentioned(text))

    return exact, json, answer_line, word


def _agreed(rule: str, answers: Sequence[tuple[str | None, bool]]) -> Found:
    """One finding of several places: the label that they agree on."""
    labels = {label for label, _ in answers if label is not None}
    if len(labels) > 1 or any(several for _, several in answers):
        return _found(rule, (None, True))
    return _found(rule, (labels.pop() if labels else None, False))


def _found(rule: str, answer: tuple[str | None, bool]) -> Found:
    label, several = answer
    return NOTHING if label is None and not several else Found(label=label, rule=rule, ambiguous=several)


def _to_the_letter(labels: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> Read:
    label_of: dict[str, str] = {}
    for label in labels:
        for spelling in (label, *aliases.get(label, ())):
            other = label_of.setdefault(spelling.strip(), label)
            if other != label:
                raise UsageError(f"scoring.labels: {spelling!r} stands for both {other!r} and {label!r}", hint="rename one")
    return lambda text: (label_of.get(text.strip()), False)
