"""One look at all rows of a data file, before anybody has said what its columns mean."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from evalsvc.config import DatasetConfig
from evalsvc.dataset import open_dataset
from evalsvc.dataset.conversation import last_user_text, refusal_of_other_kind, take_conversation, text_of
from evalsvc.dataset.locate import find_files
from evalsvc.dataset.source import open_source
from evalsvc.errors import UsageError
from evalsvc.scoring.vocabulary import forms_of
from evalsvc.starting.column import Column, columns_of
from evalsvc.starting.roles import Roles, are_labels, roles_of
from evalsvc.starting.sniffing import Sniffed, sniff
from evalsvc.starting.tasks import CLASSIFICATION, GENERATION, Clue, task_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A data file and what its columns seem to be."""

    path: str  # as it was named
    format: str | None  # None where the file's ending says it
    header: tuple[str, ...] | None  # names given to the columns of a file that has none
    rows: int
    columns: Mapping[str, Column]
    roles: Roles
    answers: Column | None  # the targets: a column's, or the answers that end the conversations
    questions: Column | None  # what is asked, where one column holds it
    wordless: int = 0  # conversations that end with an answer without text, such as a tool call

    @property
    def labels(self) -> Mapping[str, int] | None:
        """The targets and their rows, the commonest first, each in its commonest spelling; None where they are no labels."""
        if self._guessed != CLASSIFICATION or self.answers is None or not are_labels(self.answers.values):
            return None
        rows = Counter[str]()
        for spelling, label in self._label_of.items():
            rows[label] += self.targets[spelling]
        return dict(sorted(rows.items(), key=lambda item: (-item[1], item[0]))) if len(rows) > 1 else None

    @property
    def task(self) -> str:
        """What the data set is for, as far as can be told; `classification` where nobody says what is right."""
        return GENERATION if self.answers is not None and self.labels is None and self._guessed == CLASSIFICATION else self._guessed

    @property
    def _guessed(self) -> str:
        if self.answers is None:
            return CLASSIFICATION
        return task_of(Clue(columns=tuple(self.columns), inputs=self.roles.inputs, answers=self.answers))

    @property
    def misspelled(self) -> Mapping[str, str]:
        """Targets that differ from a commoner one in case and spacing alone, and that one."""
        spelled = {} if self.labels is None else self._label_of
        return {spelling: label for spelling, label in spelled.items() if spelling != label}

    @property
    def targets(self) -> Mapping[str, int]:
        """The targets as they stand in the file, and their rows; none where they are too many to be labels."""
        return (self.answers.values if self.answers is not None else None) or {}

    @property
    def _label_of(self) -> Mapping[str, str]:
        """Each target, and the commonest spelling of it."""
        forms = forms_of(self.targets)
        rarest_first = sorted(forms, key=lambda spelling: (self.targets[spelling], spelling))
        commonest = {forms[spelling]: spelling for spelling in rarest_first}
        return {spelling: commonest[form] for spelling, form in forms.items()}


def look(path: str, base_dir: Path) -> Seen:
    """UsageError for what evalsvc cannot read, with the place of the fault."""
    sniffed = sniff(find_files(path, base_dir)[0])
    header = None if sniffed.width is None else tuple(f"column_{number}" for number in range(1, sniffed.width + 1))
    rows, columns = columns_of(_rows(_config(path, sniffed, header), base_dir))
    if not rows:
        raise UsageError(f"{path}: the data set has no rows", hint="Name a file with at least one row.")
    roles = roles_of(rows, columns)
    if header is not None:
        header, columns, roles = _named(header, columns, roles)
    seen = Seen(
        path=path,
        format=sniffed.format if sniffed.told else None,
        header=header,
        rows=rows,
        columns=columns,
        roles=roles,
        answers=columns.get(roles.target or ""),
        questions=columns[roles.inputs[0]] if len(roles.inputs) == 1 else None,
    )
    if roles.messages is not None:
        return _with_conversations(seen, _placed_rows(_config(path, sniffed, header), base_dir), roles.messages)
    if roles.target is None:
        _refuse_other_kinds(_placed_rows(_config(path, sniffed, header), base_dir))
    return seen


def _config(path: str, sniffed: Sniffed, header: tuple[str, ...] | None) -> DatasetConfig:
    return DatasetConfig(path=path, format=sniffed.format, columns=header)


def _rows(config: DatasetConfig, base_dir: Path) -> Iterator[dict[str, Any]]:
    return (row for _, row in _placed_rows(config, base_dir))


def _placed_rows(config: DatasetConfig, base_dir: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(file:line, row)"""
    layout = open_dataset(config, base_dir).layout
    for place in layout.files:
        with open_source(place) as source:
            reader = layout.reader(source)
            for line, raw in reader.raws:
                yield f"{place}:{line}", reader.parse(line, raw)


def _named(header: tuple[str, ...], columns: Mapping[str, Column], roles: Roles) -> tuple[tuple[str, ...], dict[str, Column], Roles]:
    """Names for the columns of a file without a header, after what they seem to be."""
    names = {name: name for name in header}
    if roles.target is not None:
        names[roles.target] = "label"
    if len(roles.inputs) == 1:
        names[roles.inputs[0]] = "text"
    target = None if roles.target is None else names[roles.target]
    inputs = tuple(names[name] for name in roles.inputs)
    renamed = {names[name]: replace(column, name=names[name]) for name, column in columns.items()}
    return tuple(names[name] for name in header), renamed, replace(roles, target=target, inputs=inputs)


def _with_conversations(seen: Seen, rows: Iterator[tuple[str, dict[str, Any]]], column: str) -> Seen:
    """The same, with the last question and the final answer of every conversation.

    UsageError at the first row that could not be asked; when no answer has a text, and no column holds the right ones.
    """
    count, parts = columns_of(_ends(place, row, column) for place, row in rows)
    wordless = parts["wordless"].filled if seen.answers is None and "wordless" in parts else 0
    if wordless == count:
        raise UsageError(
            f"{seen.path}: no answer in {column!r} has a text to compare replies with: all are tool calls or the like",
            hint="Add a column with the right answer as text, such as `label`. See docs/data.md#conversations.",
        )
    return replace(seen, answers=seen.answers or parts.get("answer"), questions=parts.get("question"), wordless=wordless)


def _ends(place: str, row: dict[str, Any], column: str) -> dict[str, Any]:
    """What a conversation asks last, and its answer, under `wordless` when that has no text; UsageError for what is no conversation."""
    if column not in row:
        raise UsageError(
            f"{place}: the row has no conversation in {column!r}", hint="Take it out, or give it one. See docs/data.md#conversations."
        )
    answer = take_conversation(place, row, column)
    question = {"question": last_user_text(row[column])}
    if answer is None:
        return question
    text = text_of(answer.get("content"))
    return {**question, "wordless": True} if text is None else {**question, "answer": text}


def _refuse_other_kinds(rows: Iterator[tuple[str, dict[str, Any]]]) -> None:
    """UsageError for files of conversations in another shape, by their first row."""
    for place, row in islice(rows, 1):
        if (refusal := refusal_of_other_kind(place, row)) is not None:
            raise refusal
