"""The second pass: rows become Samples, and those already answered are passed over unparsed."""

from collections.abc import Generator, Iterator
from itertools import islice
from typing import Any

from evalsvc.dataset.columns import target_text
from evalsvc.dataset.hashes import HASH_BYTES, row_hash, row_id
from evalsvc.dataset.layout import Layout
from evalsvc.dataset.occurrences import repeats
from evalsvc.dataset.place import Place
from evalsvc.dataset.selection import picker
from evalsvc.dataset.source import changed, open_source
from evalsvc.dataset.survey import Survey
from evalsvc.records import Sample

Skip = bytes | bytearray | memoryview


class _Occurrences:
    """How many rows equal to this one there were up to here, this one included; asked in rising order, some left out."""

    def __init__(self, known: Iterator[tuple[int, int]]) -> None:
        self._known = known
        self._ordinal, self._occurrence = -1, 1

    def at(self, ordinal: int) -> int:
        while self._ordinal < ordinal:
            self._ordinal, self._occurrence = next(self._known, _NO_MORE)
        return self._occurrence if self._ordinal == ordinal else 1


_NO_MORE = (1 << 62, 1)


def read_samples(layout: Layout, survey: Survey, skip: Skip | None) -> Generator[Sample, None, None]:
    """Read all files once more; see Dataset.samples."""
    if skip is not None and len(skip) < survey.rows:
        raise ValueError(f"skip has {len(skip)} entries for {survey.rows} rows")
    occurrences = _Occurrences(repeats(survey.row_hashes) if layout.columns.id is None else iter(()))
    columns, pick, done = layout.columns, picker(survey.chosen), 0
    for path, stamp in zip(layout.files, survey.stamps, strict=True):
        with open_source(path) as source:
            source.refuse_change(stamp)
            reader = pick(path, layout.reader(source))
            for line, raw in islice(reader.raws, survey.rows - done):
                ordinal, done = done, done + 1
                if skip is not None and skip[ordinal]:
                    continue
                row = reader.parse(line, raw)
                target = target_text(columns.take_target(path, line, row))
                digest = _known_hash(path, survey, ordinal, row)
                id_ = columns.id_of(path, line, row) or row_id(digest, occurrences.at(ordinal))
                group = columns.group_of(path, line, row) if columns.group is not None else None
                yield Sample(id=id_, row_hash=digest, fields=row, input=columns.input_of(row), target=target, group=group)
    if done < survey.rows:
        raise changed(layout.files[-1])


def _known_hash(path: Place, survey: Survey, ordinal: int, fields: dict[str, Any]) -> bytes:
    """The row's hash, which must be that of the first pass: a run reads for hours, and files get edited."""
    digest = row_hash(fields)
    if digest != survey.row_hashes[ordinal * HASH_BYTES : (ordinal + 1) * HASH_BYTES]:
        raise changed(path)
    return digest
