"""What each row of the files asks, for whoever must not ask it too."""

from collections.abc import Generator, Mapping
from contextlib import closing
from typing import Any

from evalsvc.dataset.columns import Columns
from evalsvc.dataset.conversation import conversation_column, text_of
from evalsvc.dataset.layout import Layout
from evalsvc.dataset.place import Place
from evalsvc.dataset.source import open_source
from evalsvc.errors import UsageError


def all_questions(layout: Layout) -> Generator[tuple[dict[str, Any], Any], None, None]:
    """(fields, question) of every row, whatever `where`, `subsample` and `limit` leave of them."""
    for path in layout.files:
        with open_source(path) as source:
            reader = layout.reader(source)
            for line, raw in reader.raws:
                fields = reader.parse(line, raw)
                yield fields, _take_question(layout.columns, path, line, fields)


def conversations_in(layout: Layout) -> str | None:
    """The column of the first row that looks like a conversation, for a hint."""
    with closing(all_questions(layout)) as rows:
        first = next(rows, None)
    return None if first is None else conversation_column(first[0])


def question_of(columns: Columns, fields: Mapping[str, Any]) -> Any:
    """The row's input, or all that the user says in its conversation; None where templates name columns themselves."""
    if columns.input is not None:
        return fields.get(columns.input)
    if columns.messages is None:
        return None
    said = (text_of(message["content"]) for message in fields[columns.messages] if message["role"] == "user")
    return "\n".join(text for text in said if text is not None)


def _take_question(columns: Columns, path: Place, line: int, fields: dict[str, Any]) -> Any:
    try:
        columns.take_target(path, line, fields)
    except UsageError:
        # a row that cannot be asked, and that `where` may leave out: told by the passes that ask
        return None
    return question_of(columns, fields)
