"""The conversation that a row becomes: system message, answered examples, and the question.

The question is what the templates say; without one it is the row's own conversation (`dataset.messages`), else its input.
A template sees every column of its row but the target, and names of its own, which win over columns that are called the
same:

    input     the value of `dataset.input`, where that is set and the row has one; else what the user said last in the
              row's conversation
    messages  the row's conversation without its answer, where `dataset.messages` is set
    id        the id of the row
    row       all columns by name: `row["my column"]` where a name is no identifier, `row["id"]` where it is taken
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

from evalsvc.config.keypath import Where
from evalsvc.config.models import PromptConfig, PromptFile
from evalsvc.dataset.conversation import EXTRAS, SYSTEM_ROLES, is_conversation
from evalsvc.errors import UsageError
from evalsvc.jinja import undefined_name
from evalsvc.jsonio import as_text, dumps
from evalsvc.prompt.likelihood import with_target
from evalsvc.prompt.template import Template, compile_template
from evalsvc.records import Sample

OWN_NAMES = frozenset({"input", "messages", "id", "row"})
_DEFAULT_USER = "{{ input }}"

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of the conversation."""

    role: str
    template: Template | None  # None: the row's input itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """Sample -> messages."""

    turns: tuple[Turn, ...]
    target_column: str | None  # for messages only: no template ever sees it
    messages_column: str | None = None
    input_column: str | None = None
    asks_own: bool = False  # the row's conversation follows the turns, which are its system message if any
    examples: tuple[Message, ...] = ()  # after the system messages, the same for every row
    scores_target: bool = False  # the target stands at the end, for its likelihood to be told: prompt/likelihood.py

    @classmethod
    def load(
        cls,
        config: PromptConfig,
        base_dir: Path,
        *,
        target_column: str | None,
        messages_column: str | None = None,
        input_column: str | None = None,
        scores_target: bool = False,
        where: Where = str,
    ) -> Self:
        """The prompt of a config, without its examples, its template files read from `base_dir`.

        UsageError with file and line for a template that cannot be read, is not valid, or names the target.
        """
        asks_own = messages_column is not None and config.user is None and config.messages is None
        turns = tuple(
            Turn(role=role, template=None if content is None else _template(content, base_dir, key_path=key_path, where=where))
            for role, content, key_path in _conversation(config, asks_own=asks_own)
        )
        for turn in turns:
            _refuse_the_target(turn.template, target_column)
        return cls(
            turns=turns,
            target_column=target_column,
            messages_column=messages_column,
            input_column=input_column,
            asks_own=asks_own,
            scores_target=scores_target,
        )

    def with_examples(self, samples: Sequence[Sample]) -> Self:
        """The same with answered examples in front of the question, each asked as a row is, and answered with its target.

        UsageError when a template fails on one of them.
        """
        return replace(self, examples=tuple(message for sample in samples for message in self._example(sample)))

    @property
    def roles(self) -> tuple[str, ...]:
        """Those of the messages that every row gets, in no order."""
        roles = (*(turn.role for turn in self.turns), *(message["role"] for message in self.examples))
        begun = bool(self.turns) and not self.asks_own and self.turns[-1].role == "assistant"
        return (*roles, "assistant") if self.scores_target and not begun else roles

    @property
    def fingerprint(self) -> str:
        """16 hex digits over roles, template texts and examples: equal exactly when the same rows become the same messages."""
        content: list[Any] = [[turn.role, turn.template.source if turn.template else _DEFAULT_USER] for turn in self.turns]
        if self.asks_own:
            content.append({"messages": self.messages_column})
        if any(turn.template is None or "input" in turn.template.names for turn in self.turns):
            content.append({"input": self.input_column})
        if self.examples:
            content.append({"examples": self.examples})
        if self.scores_target:
            content.append({"scored": "target"})
        return hashlib.blake2b(dumps(content), digest_size=8).hexdigest()

    def messages(self, sample: Sample) -> list[Message]:
        """The conversation for one row; UsageError naming template and row when a template fails on it.

        With `scores_target` the target is its end; UsageError for a row that has none.
        """
        messages = self._asked(sample)
        return with_target(messages, sample) if self.scores_target else messages

    def _asked(self, sample: Sample) -> list[Message]:
        messages = self._said(self.turns, sample)
        if self.asks_own:
            opening, question = self._own(sample)
            return [*(messages or opening), *self.examples, *question]
        if self.examples:
            at = _system_messages(messages)
            messages[at:at] = self.examples
        return messages

    def beside(self, sample: Sample) -> dict[str, Any]:
        """What the row's own conversation brings beside its messages: tools, and how they may be called."""
        return {name: sample.fields[name] for name in EXTRAS if sample.fields.get(name) is not None}

    def _own(self, sample: Sample) -> tuple[list[Message], list[Message]]:
        """The system messages at the start of the row's conversation, and the rest of it."""
        conversation = sample.fields[self.messages_column or ""]
        at = _system_messages(conversation)
        return conversation[:at], conversation[at:]

    def _example(self, sample: Sample) -> Iterator[Message]:
        yield from self._own(sample)[1] if self.asks_own else self._said(self._question_turns(), sample)
        yield {"role": "assistant", "content": sample.target or ""}

    def _question_turns(self) -> tuple[Turn, ...]:
        """The turns after the system messages and the last hand-written answer."""
        answers = [index + 1 for index, turn in enumerate(self.turns) if turn.role == "assistant"]
        return tuple(turn for turn in self.turns[max(answers, default=0) :] if turn.role not in SYSTEM_ROLES)

    def _said(self, turns: tuple[Turn, ...], sample: Sample) -> list[Message]:
        variables = self._variables(sample)
        return [
            {
                "role": turn.role,
                "content": _input_text(sample) if turn.template is None else self._rendered(turn.template, variables, sample),
            }
            for turn in turns
        ]

    def _variables(self, sample: Sample) -> dict[str, Any]:
        fields = sample.fields
        if self.messages_column is not None:
            fields = {**fields, "messages": fields[self.messages_column]}
        if sample.input is None:
            return {**fields, "id": sample.id, "row": sample.fields}
        return {**fields, "input": sample.input, "id": sample.id, "row": sample.fields}

    def _rendered(self, template: Template, variables: dict[str, Any], sample: Sample) -> str:
        try:
            return template.render(variables)
        except Exception as error:  # a template can raise anything that an expression can
            raise _explained(error, template, sample, self.target_column) from error


def _system_messages(messages: Sequence[Message]) -> int:
    """How many there are at the start."""
    return next((index for index, message in enumerate(messages) if message["role"] not in SYSTEM_ROLES), len(messages))


def _conversation(config: PromptConfig, *, asks_own: bool) -> Iterator[tuple[str, str | PromptFile | None, str]]:
    """Role, content and key path of each turn; no question where the row has its own."""
    if config.messages is not None:
        for index, message in enumerate(config.messages):
            yield message.role, message.content, f"prompt.messages[{index}].content"
        return
    if config.system is not None:
        yield "system", config.system, "prompt.system"
    if not asks_own:
        yield "user", config.user, "prompt.user"


def _template(content: str | PromptFile, base_dir: Path, *, key_path: str, where: Where) -> Template:
    if isinstance(content, str):
        return compile_template(content, place=where(key_path), in_file=False)
    path = base_dir / content.file
    try:
        source = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else f"not UTF-8 at byte {error.start}"
        place = where(f"{key_path}.file")
        raise UsageError(f"{place}: the template {path} cannot be read: {reason}", hint="Paths are relative to the config file.") from error
    return compile_template(source, place=str(path), in_file=True)


def _refuse_the_target(template: Template | None, target_column: str | None) -> None:
    if template is not None and target_column in template.names - OWN_NAMES:
        raise _target_named(template.place, target_column)


def _input_text(sample: Sample) -> str:
    value = sample.input
    if type(value) is str:
        return value
    if is_conversation(value):
        raise UsageError(
            f"row {sample.id!r}: the input is a list of chat messages",
            hint="Name its column in dataset.messages in place of dataset.input. See docs/data.md#conversations.",
        )
    if (text := as_text(value)) is None:
        raise UsageError(
            f"row {sample.id!r} has no input to send",
            hint="Name the column in dataset.input, or write prompt.user with the columns to send.",
        )
    return text


def _explained(error: Exception, template: Template, sample: Sample, target_column: str | None) -> UsageError:
    place = template.at(template.line_that_raised(error))
    name = undefined_name(error)
    if name is None:
        return UsageError(f"{place}: the template fails on row {sample.id!r}: {type(error).__name__}: {error}")
    if name == target_column and name not in sample.fields:
        return _target_named(place, name)
    columns = list(sample.fields)
    near = get_close_matches(name, columns, n=1)
    advice = f"did you mean {near[0]}?" if near else f"its columns: {', '.join(columns)}"
    return UsageError(
        f"{place}: the template names {name}, which row {sample.id!r} does not have; {advice}",
        hint="A column that only some rows have: {{ column | default('') }}.",
    )


def _target_named(place: str, name: str | None) -> UsageError:
    return UsageError(
        f"{place}: the template names {name}, the target column; the target is never visible to a template",
        hint="A prompt that holds the answer measures nothing; take the name out.",
    )
