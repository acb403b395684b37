"""Everything a pass needs to know, settled before the first byte is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from evalsvc.config.models import Subsample
from evalsvc.dataset.columns import Columns
from evalsvc.dataset.condition import Condition
from evalsvc.dataset.formats import Format
from evalsvc.dataset.place import Place
from evalsvc.dataset.reader import Reader
from evalsvc.dataset.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which files, of which format, with which columns, and how many of their rows."""

    files: tuple[Place, ...]
    format: Format
    columns: Columns
    header: tuple[str, ...] | None  # column names of files without a header
    limit: int | None
    where: Condition | None = None
    subsample: Subsample | None = None
    notes: Callable[[], Sequence[str]] = tuple  # what the last pass found that whoever starts a run should be told

    def reader(self, source: Source) -> Reader[Any]:
        """The rows of one of the files; UsageError when its header lacks a column with a meaning."""
        reader = self.format(source, self.header)
        # an empty file has no header to check
        if reader.columns:
            self.columns.check_header("`dataset.columns`" if self.header else f"{source.path}:1", reader.columns)
        return reader
