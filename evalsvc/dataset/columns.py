"""Which column is the input, which the target, which the id …; and what is said when one is not there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from evalsvc.dataset.conversation import answer_text, last_user_text, refusal_of_other_kind, take_conversation
from evalsvc.dataset.nearest import nearest
from evalsvc.dataset.place import Place
from evalsvc.errors import UsageError
from evalsvc.jsonio import as_text

ABSENT: Final = object()  # a row without the target column, in place of a row whose target is null
SHOWN = 20
SHOWN_CHARS = 40
# Whole numbers are exact in a double up to here; JSON's larger ones may already have lost digits when they arrive as floats.
EXACT = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns with a meaning; None where the config names none."""

    input: str | None
    target: str | None
    id: str | None
    messages: str | None = None
    group: str | None = None
    stratify: str | None = None
    sends_input: bool = False  # as it stands: then null is nothing to send

    def check_header(self, where: str, names: Sequence[str]) -> None:
        """UsageError when a column with a meaning is not among the `names` that stand at `where`."""
        for role, name in self._roles():
            if name is not None and name not in names:
                raise no_column(role, name, names, where, advice=" A file without a header needs `dataset.columns`.")

    def check_row(self, path: Place, line: int, fields: dict[str, Any]) -> None:
        """UsageError when a row, its target taken out, lacks its input or its id."""
        if self.input is not None and self.input not in fields:
            raise no_column("input", self.input, fields, f"{path}:{line}")
        if self.sends_input and self.input is not None and fields[self.input] is None:
            raise UsageError(
                f"{path}:{line}: the input, column {self.input!r}, is null: there is nothing to send",
                hint=f"Leave such rows out (dataset.where: {self.input} is not none), or write prompt.user with what to send.",
            )
        if self.id is not None and self.id not in fields:
            raise no_column("id", self.id, fields, f"{path}:{line}")
        if self.group is not None:
            self.group_of(path, line, fields)

    def take_target(self, path: Place, line: int, row: dict[str, Any]) -> Any:
        """The target as the row has it, taken out of the row; ABSENT when the row has none.

        Of a conversation the answer at its end is taken out too, and is the target where no column is named.
        UsageError when the conversation is none.
        """
        if self.messages is not None:
            answer = self._take_answer(f"{path}:{line}", row, self.messages)
            if self.target is None:
                return answer
        return ABSENT if self.target is None else row.pop(self.target, ABSENT)

    def input_of(self, fields: dict[str, Any]) -> Any:
        """The value of the input column, else what the user said last in the row's conversation, else None."""
        if self.input is not None:
            return fields[self.input]
        return None if self.messages is None else last_user_text(fields[self.messages])

    def group_of(self, path: Place, line: int, fields: dict[str, Any]) -> str | None:
        """Which rows this one belongs with, as text; None where that is empty, or no group column is named.

        UsageError when the row has no such column.
        """
        if self.group is None:
            return None
        if self.group not in fields:
            raise no_column("group", self.group, fields, f"{path}:{line}")
        return as_text(fields[self.group])

    def id_of(self, path: Place, line: int, fields: dict[str, Any]) -> str | None:
        """The row's own id as text, None when no id column is named; UsageError when it is empty or may have lost digits."""
        if self.id is None:
            return None
        value = fields.get(self.id)
        if isinstance(value, float) and abs(value) >= EXACT:
            raise UsageError(
                f"{path}:{line}: the id {value!r} is a number too large to be exact", hint="Write ids of more than 15 digits in quotes."
            )
        text = as_text(value)
        if text is None:
            raise UsageError(
                f"{path}:{line}: the id in column {self.id!r} is empty",
                hint="Give every row an id, or remove `dataset.id`: ids are then hashes of the rows.",
            )
        return text

    def _roles(self) -> tuple[tuple[str, str | None], ...]:
        return (
            ("input", self.input),
            ("target", self.target),
            ("id", self.id),
            ("messages", self.messages),
            ("group", self.group),
            ("subsample.stratify", self.stratify),
        )

    def _take_answer(self, place: str, row: dict[str, Any], column: str) -> Any:
        if column not in row:
            raise refusal_of_other_kind(place, row) or no_column("messages", column, row, place)
        answer = take_conversation(place, row, column)
        if self.target is not None or answer is None:
            return ABSENT
        return answer_text(place, answer, column)


def target_text(value: Any) -> str | None:
    """A target as labels compare; None for an absent, null or empty one."""
    return None if value is ABSENT else as_text(value)


def nested_too_deeply(path: Place, line: int) -> UsageError:
    """The error for a row that cannot be written again as JSON."""
    return UsageError(f"{path}:{line}: the row is nested too deeply", hint="Flatten it, or keep it as text.")


def no_column(role: str, name: str, there: Iterable[str], where: str, *, advice: str = "") -> UsageError:
    """The error for a column that the config names and the data do not have."""
    names = list(there)
    near = nearest(name, names)
    hint = f"Did you mean {near!r}? " if near is not None else ""
    return UsageError(
        f"{where}: no column {name!r}; the columns are: {_listed(names)}",
        hint=f"{hint}Set `dataset.{role}` to a column that is there.{advice}",
    )


def _listed(names: Sequence[str]) -> str:
    # without a header, a "name" may be a whole text
    shown = [name if len(name) <= SHOWN_CHARS else f"{name[:SHOWN_CHARS]}…" for name in names[:SHOWN]]
    return (", ".join(shown) or "none") + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def columns_of(
    *,
    input: str | None,  # noqa: A002 - the config's own names
    target: str | None,
    id: str | None,  # noqa: A002
    messages: str | None = None,
    group: str | None = None,
    stratify: str | None = None,
) -> Columns:
    """UsageError when the target would have to be seen by the model, or be the id or the group."""
    for role, name in (("input", input), ("id", id), ("messages", messages), ("group", group)):
        if target is not None and name == target:
            raise UsageError(
                f"`dataset.{role}` and `dataset.target` both name the column {target!r}", hint="The target is never shown to the model."
            )
    if messages is not None and messages == input:
        raise UsageError(
            f"`dataset.input` and `dataset.messages` both name the column {messages!r}",
            hint="Remove `dataset.input`: templates see the last user message as `input`.",
        )
    return Columns(input=input, target=target, id=id, messages=messages, group=group, stratify=stratify)
