"""What is kept of a column while all rows go by: bounded, whatever the file's size."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalsvc.jsonio import as_text

MOST_VALUES = 1000  # more different ones than this are texts or ids, not labels
MOST_HASHES = 500_000  # values of a column that are told apart
Rows = Iterable[Mapping[str, Any]]


@dataclass(slots=True, kw_only=True)
class Column:
    """One column. Lengths are in characters, values as labels compare: as text."""

    name: str
    present: int = 0  # rows that have it, if only as null
    filled: int = 0
    longest: int = 0
    characters: int = 0
    words: int = 0  # of the values, added up
    texts: int = 0  # values that are text and no number
    numbers: int = 0  # values that are numbers, also as text
    structures: int = 0  # lists and mappings
    conversations: int = 0
    values: Counter[str] | None = field(default_factory=Counter)  # None: more than MOST_VALUES
    hashes: set[int] | None = field(default_factory=set)  # None: more than MOST_HASHES

    def add(self, value: Any) -> None:
        self.present += 1
        text = as_text(value)
        if text is None:
            return
        self.filled += 1
        self.longest = max(self.longest, len(text))
        self.characters += len(text)
        is_number = _is_number(text) and not isinstance(value, bool)
        self.numbers += is_number
        if isinstance(value, str):
            self.texts += not is_number
            self.words += text.count(" ") + 1
        elif isinstance(value, list | dict):
            self.structures += 1
            self.conversations += is_conversation(value)
        self._count(text)

    def _count(self, text: str) -> None:
        if self.values is not None:
            self.values[text] += 1
            if len(self.values) > MOST_VALUES:
                self.values = None
        if self.hashes is not None:
            self.hashes.add(hash(text))
            if len(self.hashes) > MOST_HASHES:
                self.hashes = None

    @property
    def mean_length(self) -> float:
        return self.characters / self.filled if self.filled else 0.0

    @property
    def is_text(self) -> bool:
        return self.texts * 2 > self.filled

    @property
    def is_number(self) -> bool:
        return self.numbers * 2 > self.filled

    @property
    def kind(self) -> str:
        """In a word, of what are no labels."""
        return "numbers" if self.is_number else "texts"

    @property
    def repeats(self) -> int:
        """Values that equal an earlier one; 0 where there were too many to tell."""
        return 0 if self.hashes is None else self.filled - len(self.hashes)


def columns_of(rows: Rows) -> tuple[int, dict[str, Column]]:
    """How many rows there are, and their columns in order of appearance."""
    count, columns = 0, dict[str, Column]()
    for row in rows:
        count += 1
        for name, value in row.items():
            if name not in columns:
                columns[name] = Column(name=name)
            columns[name].add(value)
    return count, columns


def is_conversation(value: Any) -> bool:
    """
    >>> is_conversation([{"role": "user", "content": "hi"}]), is_conversation(["hi"]), is_conversation([])
    (True, False, False)
    """
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) and "role" in item for item in value)


def _is_number(text: str) -> bool:
    if not text[:1].isdigit() and text[:1] not in "+-.":
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True
