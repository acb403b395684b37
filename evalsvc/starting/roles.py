"""Which column is what: a guess from names, values and lengths, so that a person only has to correct it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evalsvc.starting.column import Column
from evalsvc.starting.languages import language

MOST_LABELS = 50
LONGEST_LABEL = 60
_TARGETS = (
    *("label", "labels", "target", "class", "category", "gold", "answer", "expected", "expected_output", "ground_truth"),
    *("summary", "highlights", "tldr", "translation", "translations", "answers"),
    *("reference", "references", "ref", "refs", "ideal", "intent", "sentiment", "topic", "output", "completion", "response"),
    *("continuation", "y"),
)
_INPUTS = (
    *("text", "input", "question", "prompt", "query", "sentence", "message", "review", "content", "body", "document", "utterance"),
    *("article", "dialogue", "source", "src", "problem", "opening", "q"),
)
# The text that a question is about: both are shown.
CONTEXTS = ("context", "passage")
_ABOUT_A_CONTEXT = ("question", "query", "q")
# Of numbers that are not labels, which are measured.
_MEASURES = ("score", "rating", "value", "price", "y_true")
_ID = re.compile(r"(?:^|[_-])(id|uuid|guid|key|idx|index)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """`inputs` are what the model is shown: one column, or several that a template puts together."""

    messages: str | None
    target: str | None
    inputs: tuple[str, ...]
    id: str | None


def roles_of(rows: int, columns: Mapping[str, Column]) -> Roles:
    """Fine-tuning files keep all in one column; elsewhere the target is found first, and the input among the rest."""
    id_ = next((name for name, column in columns.items() if _is_id(rows, column)), None)
    others = [column for name, column in columns.items() if name != id_ and column.filled]
    # not of all its values: a row that is none is then told of, with its line
    conversation = next((column.name for column in others if 2 * column.conversations > column.filled), None)
    if conversation is not None:
        others = [column for column in others if not column.structures]
        return Roles(messages=conversation, target=_named(others, _TARGETS), inputs=(), id=id_)
    target = _target(rows, others)
    rest = [column for column in others if column.name != target and not _ID.search(column.name)]
    return Roles(messages=None, target=target, inputs=_inputs(rest), id=id_)


def are_labels(values: Mapping[str, int] | None) -> bool:
    """Whether targets are labels rather than texts: few, short, and coming again.

    >>> are_labels({"spam": 2, "ham": 9}), are_labels({"Paris": 1, "Rome": 1, "Oslo": 1}), are_labels(None)
    (True, False, False)
    """
    if values is None or not 2 <= len(values) <= MOST_LABELS or max(map(len, values)) > LONGEST_LABEL:
        return False
    return len(values) == 2 or 2 * len(values) <= sum(values.values())


def _is_id(rows: int, column: Column) -> bool:
    return _ID.search(column.name) is not None and column.filled == rows and column.hashes is not None and column.repeats == 0


def _target(rows: int, columns: Sequence[Column]) -> str | None:
    """By name; else the column with the fewest values that could be labels, as long as something is left to ask about; else a measure."""
    named = _named(columns, _TARGETS) or (_named(columns, ("a",)) if _named(columns, ("q",)) is not None else None)
    if named is not None or len(columns) < 2:
        return named
    languages = [column.name for column in columns if language(column.name) is not None]
    if len(languages) == 2:
        return languages[1]
    labels = [column for column in columns if are_labels(column.values) and 2 * column.filled > rows]
    # words before numbers, few before many
    best = min(labels, key=lambda column: (not column.is_text, len(column.values or ())), default=None)
    return best.name if best is not None else _measured(columns)


def _measured(columns: Sequence[Column]) -> str | None:
    """A column of numbers by its name; else the one beside a single text."""
    numbers = [column for column in columns if column.is_number and not _ID.search(column.name)]
    alone = len(columns) == 2 and len(numbers) == 1 and any(column.is_text for column in columns)
    return numbers[0].name if alone else _named(numbers, _MEASURES)


def _inputs(columns: Sequence[Column]) -> tuple[str, ...]:
    """By name; else the texts of several words; else everything there is."""
    named = _named(columns, _INPUTS)
    if named is not None:
        context = _named(columns, CONTEXTS)
        return (context, named) if context is not None and named.strip().lower() in _ABOUT_A_CONTEXT else (named,)
    texts = [column for column in columns if column.is_text and column.words > 2 * column.filled]
    return tuple(column.name for column in texts or columns)


def _named(columns: Iterable[Column], names: Sequence[str]) -> str | None:
    """The column whose name comes first among `names`, case and separators aside."""
    by_name = {re.sub(r"[ -]", "_", column.name.strip().lower()): column.name for column in columns}
    return next((by_name[name] for name in names if name in by_name), None)
