"""The first pass: what a run must know before it sends its first request."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Any

from evalsvc.dataset.columns import ABSENT, nested_too_deeply, no_column, target_text
from evalsvc.dataset.duplicates import refuse_duplicate_ids
from evalsvc.dataset.hashes import HASH_BYTES, id_hash, quick_hash, row_hash, row_id, target_hash
from evalsvc.dataset.layout import Layout
from evalsvc.dataset.occurrences import repeats
from evalsvc.dataset.place import Place
from evalsvc.dataset.reader import Reader
from evalsvc.dataset.selection import refuse_none_chosen, select, told
from evalsvc.dataset.source import open_source
from evalsvc.dataset.stamp import Stamp
from evalsvc.errors import UsageError

# More distinct targets than this are free text, not labels.
MAX_LABELS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A data set as it stood at the first pass. Ordinals count rows from 0, through all files; hashes stand 8 bytes apart."""

    rows: int
    sha256: str  # of the file as stored, in hex; of several, over their digests in order
    labels: Mapping[str, int]  # target -> rows, in order of appearance
    labels_complete: bool  # False: more than MAX_LABELS targets, of which `labels` has the first
    without_target: int
    # bytearrays as they grew: a copy of them would double the peak of memory
    id_hashes: bytes | bytearray
    row_hashes: bytes | bytearray
    target_hashes: bytes | bytearray | None  # None unless asked for
    duplicate_texts: int  # rows that equal an earlier one in all but the target
    stamps: tuple[Stamp, ...]  # of the files, to notice a change before the second pass
    chosen: bytes | bytearray | None = None  # a byte for each row of the files, 1 for those counted here; None: all rows are
    notes: tuple[str, ...] = ()  # what whoever starts the run should be told
    repeated_rows: int = 0  # rows that equal an earlier one in all but id and target
    conflicting_rows: int | None = 0  # of them, those with a target that no earlier equal row has; None where targets are missing


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What the rows so far add up to."""

    layout: Layout
    target_hashes: bytearray | None
    labels: dict[str, int] = field(default_factory=dict)
    labels_complete: bool = True
    without_target: int = 0
    id_hashes: bytearray = field(default_factory=bytearray)
    row_hashes: bytearray = field(default_factory=bytearray)
    # Python's own hashes: they are compared within this pass alone, and cost a tenth
    questions: "array[int]" = field(default_factory=lambda: array("q"))  # where there are ids: of all but id and target
    answered: "array[int]" = field(default_factory=lambda: array("q"))  # where all rows have a target: of all but the id
    has_target_column: bool = False
    first_columns: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(self.row_hashes) // HASH_BYTES

    def add_rows(self, path: Place, reader: Reader[Any]) -> None:
        """All rows of one file, up to the limit of the whole data set."""
        columns, row_hashes, id_hashes = self.layout.columns, self.row_hashes, self.id_hashes
        line = 0
        try:
            for line, raw in islice(reader.raws, self.rows_left()):
                row = reader.parse(line, raw)
                if not row_hashes:
                    self.first_columns = list(row)
                target = self._add_target(columns.take_target(path, line, row))
                columns.check_row(path, line, row)
                digest = row_hash(row)
                row_hashes += digest
                id_hashes += id_hash(columns.id_of(path, line, row) or row_id(digest))
                question = hash(digest)
                if columns.id is not None:
                    del row[columns.id]
                    question = quick_hash(row)
                    self.questions.append(question)
                if not self.without_target:
                    self.answered.append(hash((question, target)))
        except RecursionError as error:
            raise nested_too_deeply(path, line) from error

    def rows_left(self) -> int | None:
        return None if self.layout.limit is None else self.layout.limit - self.rows

    def _add_target(self, value: Any) -> str | None:
        if value is not ABSENT:
            self.has_target_column = True
        target = target_text(value)
        if self.target_hashes is not None:
            self.target_hashes += target_hash(target)
        if target is None:
            self.without_target += 1
        elif target in self.labels:
            self.labels[target] += 1
        elif len(self.labels) < MAX_LABELS:
            self.labels[target] = 1
        else:
            self.labels_complete = False
        return target


def take_survey(layout: Layout, *, with_targets: bool) -> Survey:
    """Read all files once; see Dataset.survey."""
    tally = _Tally(layout=layout, target_hashes=bytearray() if with_targets else None)
    selection = select(layout)
    stamps, digests = [], []
    for path, stamp in zip(layout.files, selection.stamps, strict=True):
        with open_source(path) as source:
            if stamp is not None:
                source.refuse_change(stamp)
            if tally.rows_left() != 0:
                tally.add_rows(path, selection.pick(path, layout.reader(source)))
            digests.append(source.finish())
            stamps.append(source.stamp)
    if not tally.rows:
        refuse_none_chosen(layout, selection.flags)
    _refuse_unusable(layout, tally)
    duplicates = _settle_ids(layout, tally, selection.flags)
    repeated = duplicates if layout.columns.id is None else _repeats(tally.questions)
    return Survey(
        rows=tally.rows,
        sha256=_over(digests),
        labels=tally.labels,
        labels_complete=tally.labels_complete,
        without_target=tally.without_target,
        duplicate_texts=duplicates,
        id_hashes=tally.id_hashes,
        row_hashes=tally.row_hashes,
        target_hashes=tally.target_hashes,
        stamps=tuple(stamps),
        chosen=selection.flags,
        notes=(*selection.notes, *told(selection.flags, tally.rows), *layout.notes()),
        repeated_rows=repeated,
        conflicting_rows=_conflicting(tally, repeated),
    )


def _conflicting(tally: _Tally, repeated: int) -> int | None:
    if tally.without_target:
        return None
    return repeated - _repeats(tally.answered) if repeated else 0


def _repeats(hashes: "array[int]") -> int:
    return sum(1 for _ in repeats(memoryview(hashes).cast("B")))


def _settle_ids(layout: Layout, tally: _Tally, chosen: bytearray | None) -> int:
    """Refuse equal explicit ids; number equal rows that have no id of their own. How many rows equal an earlier one."""
    if layout.columns.id is not None:
        refuse_duplicate_ids(layout, tally.id_hashes, chosen)
    count = 0
    for ordinal, occurrence in repeats(tally.row_hashes):
        count += 1
        if layout.columns.id is None:
            at = slice(ordinal * HASH_BYTES, (ordinal + 1) * HASH_BYTES)
            tally.id_hashes[at] = id_hash(row_id(bytes(tally.row_hashes[at]), occurrence))
    return count


def _refuse_unusable(layout: Layout, tally: _Tally) -> None:
    where = ", ".join(map(str, layout.files[:3])) + (" …" if len(layout.files) > 3 else "")
    if not tally.rows:
        raise UsageError(f"{where}: the data set has no rows", hint="Set `dataset.path` to a file with at least one row.")
    target = layout.columns.target
    if target is not None and not tally.has_target_column:
        raise no_column("target", target, tally.first_columns, where)


def _over(digests: list[bytes]) -> str:
    return digests[0].hex() if len(digests) == 1 else sha256(b"".join(digests)).hexdigest()
