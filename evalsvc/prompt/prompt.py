"""The conversation that a row becomes.

A template sees every column of its row but the target, and three names of its own, which win over columns that are
called the same:

    input   the value of `dataset.input`, where that is set and the row has one
    id      the id of the row
    row     all columns by name: `row["my column"]` where a name is no identifier, `row["id"]` where it is taken
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

from evalsvc.config.keypath import Where
from evalsvc.config.models import PromptConfig, PromptFile
from evalsvc.errors import NotAvailableYet, UsageError
from evalsvc.jsonio import as_text, dumps
from evalsvc.prompt.template import Template, compile_template
from evalsvc.records import Sample

_OWN_NAMES = frozenset({"input", "id", "row"})
_DEFAULT_USER = "{{ input }}"
_UNDEFINED = re.compile(r"^'(?P<name>.+)' is undefined$|has no (?:attribute|element) '?(?P<step>.+?)'?$", re.DOTALL)


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

    @classmethod
    def load(cls, config: PromptConfig, base_dir: Path, *, target_column: str | None, where: Where = str) -> Self:
        """The prompt of a config, its template files read from `base_dir`.

        UsageError with file and line for a template that cannot be read, is not valid, or names the target.
        """
        turns = tuple(
            Turn(role=role, template=None if content is None else _template(content, base_dir, key_path=key_path, where=where))
            for role, content, key_path in _conversation(config)
        )
        for turn in turns:
            _refuse_the_target(turn.template, target_column)
        return cls(turns=turns, target_column=target_column)

    @property
    def fingerprint(self) -> str:
        """16 hex digits over roles and template texts: equal exactly when the same rows become the same messages."""
        content = [[turn.role, turn.template.source if turn.template else _DEFAULT_USER] for turn in self.turns]
        return hashlib.blake2b(dumps(content), digest_size=8).hexdigest()

    def messages(self, sample: Sample) -> list[dict[str, str]]:
        """The conversation for one row; UsageError naming template and row when a template fails on it."""
        variables = _variables(sample)
        return [
            {
                "role": turn.role,
                "content": _input_text(sample) if turn.template is None else self._rendered(turn.template, variables, sample),
            }
            for turn in self.turns
        ]

    def _rendered(self, template: Template, variables: dict[str, Any], sample: Sample) -> str:
        try:
            return template.render(variables)
        except Exception as error:  # a template can raise anything that an expression can
            raise _explained(error, template, sample, self.target_column) from error


def _conversation(config: PromptConfig) -> Iterator[tuple[str, str | PromptFile | None, str]]:
    """Role, content and key path of each turn."""
    if config.messages is not None:
        for index, message in enumerate(config.messages):
            yield message.role, message.content, f"prompt.messages[{index}].content"
        return
    if config.system is not None:
        yield "system", config.system, "prompt.system"
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
    if template is not None and target_column in template.names - _OWN_NAMES:
        raise _target_named(template.place, target_column)


def _variables(sample: Sample) -> dict[str, Any]:
    if sample.input is None:
        return {**sample.fields, "id": sample.id, "row": sample.fields}
    return {**sample.fields, "input": sample.input, "id": sample.id, "row": sample.fields}


def _input_text(sample: Sample) -> str:
    value = sample.input
    if type(value) is str:
        return value
    if isinstance(value, list) and any(isinstance(item, Mapping) and "role" in item for item in value):
        raise NotAvailableYet(
            f"row {sample.id!r}: an input that is a list of chat messages is not available yet",
            hint="Write prompt.messages with templates that take the texts out of it.",
        )
    if (text := as_text(value)) is None:
        raise UsageError(
            f"row {sample.id!r} has no input to send",
            hint="Name the column in dataset.input, or write prompt.user with the columns to send.",
        )
    return text


def _explained(error: Exception, template: Template, sample: Sample, target_column: str | None) -> UsageError:
    place = template.at(template.line_that_raised(error))
    name = _undefined_name(error)
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


def _undefined_name(error: Exception) -> str | None:
    """The variable or the step that a template looked for in vain; None for any other error."""
    from jinja2 import UndefinedError

    found = _UNDEFINED.search(str(error)) if isinstance(error, UndefinedError) else None
    return (found["name"] or found["step"]) if found else None


def _target_named(place: str, name: str | None) -> UsageError:
    return UsageError(
        f"{place}: the template names {name}, the target column; the target is never visible to a template",
        hint="A prompt that holds the answer measures nothing; take the name out.",
    )
