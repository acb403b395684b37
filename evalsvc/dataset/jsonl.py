"""JSON Lines: an object a line, each with columns of its own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from evalsvc.dataset.place import Place
from evalsvc.dataset.reader import not_utf8
from evalsvc.errors import UsageError
from evalsvc.jsonio import loads


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLines:
    """Objects as strict JSON (no NaN), lone surrogates included.

    Whole numbers beyond 64 bits become floats, as in every JavaScript: as ids they are refused, elsewhere they lose digits.
    """

    path: Place
    raws: Iterator[tuple[int, bytes]]
    columns: None = None

    def parse(self, line: int, raw: bytes, /) -> dict[str, Any]:
        try:
            row = loads(raw.decode())
        except UnicodeDecodeError as error:
            raise not_utf8(self.path, line, error) from error
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{self.path}:{line}: not valid JSON: {_said(error)}", hint="Each line must be one JSON object.") from error
        if not isinstance(row, dict):
            raise UsageError(
                f"{self.path}:{line}: a row must be a JSON object, and this is {_kind(row)}",
                hint='Write rows as {"text": "…", "label": "…"}, one a line.',
            )
        return row


def open_jsonl(path: Place, lines: Iterable[bytes]) -> JsonLines:
    return JsonLines(path=path, raws=((number, line) for number, line in enumerate(lines, 1) if not line.isspace()))


def _said(error: Exception) -> str:
    """What the parser objects to; its own "line 1" would only mislead beside the line of the file."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    message, column = getattr(error, "msg", None), getattr(error, "colno", None)
    return f"{message} at column {column}" if message else str(error)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names[type(value)]
