"""Which task a data set is for: a guess from the names of its columns and from its right answers, and what a first config says of it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evalsvc.starting.column import Column
from evalsvc.starting.languages import language
from evalsvc.starting.roles import LONGEST_LABEL, are_labels

CLASSIFICATION, GENERATION = "classification", "generation"
MOST_CLASSES_IN_NUMBERS = 10  # more different numbers than this are measured, not named
_LANGUAGE_COLUMN: Final = ("target_lang", "tgt_lang", "target_language", "language", "lang")
_LABEL: Final = ("label", "labels", "class", "category", "intent", "sentiment", "topic")
_SUMMARY: Final = ("summary", "summaries", "highlights", "tldr", "abstract")
_ARTICLE: Final = ("article", "document", "dialogue", "report", "transcript")
_TRANSLATION: Final = ("translation", "translations", "target_text", "tgt", "mt_reference")
_QUESTION: Final = ("question", "problem", "query", "q")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clue:
    """What there is to guess from."""

    columns: Sequence[str]  # names of all columns
    inputs: Sequence[str]  # of those that the model is shown
    answers: Column  # the right answers


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """What a first config says of a task. A gate's number is for its owner to choose: it stands in a comment."""

    system: str | None  # what the model is told, unless there is more to say
    sandbox: str  # the model that can be tried without a key; those that learn are fitted on the data itself
    gate: str


FIRST: Final[Mapping[str, First]] = {
    GENERATION: First(system=None, sandbox="nearest", gate="rougeL >= 0.40"),
    "translation": First(system="Translate the text. Answer with the translation alone.", sandbox="translator", gate="chrf >= 50"),
    "summarization": First(system="Summarise the text in a few sentences.", sandbox="lead", gate="rougeL >= 0.20"),
    "qa": First(system="Answer with as few words as possible.", sandbox="nearest", gate="accuracy >= 0.50"),
    "regression": First(system="Answer with one number and nothing else.", sandbox="regressor", gate="r2 >= 0.30"),
}
# These know what to say without having seen the data.
UNTRAINED: Final = frozenset({"lead", "reader"})


def task_of(clue: Clue) -> str:
    """The task that fits best. Labels are classes, unless they are too many numbers; texts are what their columns are called."""
    if _are_measured(clue.answers):
        return GENERATION if _has(clue.inputs, _QUESTION) else "regression"
    if are_labels(clue.answers.values) or _are_called_labels(clue.answers):
        return CLASSIFICATION
    return next((task for task, is_it in _TEXTS.items() if is_it(clue)), GENERATION)


def _are_called_labels(answers: Column) -> bool:
    """Labels by name, of a file so short that hardly one of them comes again."""
    return _has([answers.name], _LABEL) and answers.values is not None and max(map(len, answers.values), default=0) <= LONGEST_LABEL


def language_column(columns: Iterable[str]) -> str | None:
    """The column that names the language to translate into."""
    return next((name for name in columns if _plain(name) in _LANGUAGE_COLUMN), None)


def _are_measured(answers: Column) -> bool:
    """Whether the answers are numbers that say how much: too many different ones to be classes, or with a decimal point."""
    if not answers.is_number:
        return False
    values = answers.values
    if values is None or not are_labels(values):
        return len(values or ()) != 1
    return any(_is_fraction(value) for value in values) or (len(values) > MOST_CLASSES_IN_NUMBERS and not _are_numbered(values))


def _is_fraction(text: str) -> bool:
    return re.fullmatch(r"\s*[-+]?\d*\.\d*[1-9]\d*\s*", text) is not None


def _are_numbered(values: Iterable[str]) -> bool:
    """Whether the numbers are names: 0, 1, 2 … or 1, 2, 3 … without a gap.

    >>> _are_numbered(["2", "0", "1"]), _are_numbered(["0", "10", "20"])
    (True, False)
    """
    found = sorted(int(value) for value in values if re.fullmatch(r"\d{1,6}", value.strip()))
    return bool(found) and found[0] in (0, 1) and found == list(range(found[0], found[0] + len(found)))


def _is_translation(clue: Clue) -> bool:
    in_languages = language(clue.answers.name) is not None and any(language(name) is not None for name in clue.inputs)
    return in_languages or _has([clue.answers.name], _TRANSLATION) or (language_column(clue.columns) is not None and _has_source(clue))


def _has_source(clue: Clue) -> bool:
    return _has(clue.inputs, ("source", "src", "source_text"))


def _is_summary(clue: Clue) -> bool:
    return _has([clue.answers.name], _SUMMARY) or _has(clue.inputs, _ARTICLE)


def _is_qa(clue: Clue) -> bool:
    return _has(clue.inputs, _QUESTION) and _has([clue.answers.name], ("answer", "answers", "gold", "target", "label", "a"))


_TEXTS: Final[Mapping[str, Callable[[Clue], bool]]] = {
    "translation": _is_translation,
    "summarization": _is_summary,
    "qa": _is_qa,
}


def _has(names: Iterable[str], known: Sequence[str]) -> bool:
    return any(_plain(name) in known for name in names)


def _plain(name: str) -> str:
    return re.sub(r"[ -]", "_", name.strip().lower())
