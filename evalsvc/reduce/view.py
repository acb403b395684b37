"""The data set as it is now: for journals that hold answers to more than one state of it, and for which rows belong together."""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from difflib import get_close_matches
from types import EllipsisType
from typing import Any

from evalsvc.dataset import Dataset, Survey, id_hash
from evalsvc.errors import UsageError
from evalsvc.jsonio import as_text
from evalsvc.metrics.clusters import MOST_BUCKETS
from evalsvc.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class DataView:
    """Which records still belong to a row, and what its target is by now; 20 bytes a row and each target once."""

    ids: Any  # sorted numpy uint64, by dataset.id_hash
    rows: Any  # numpy uint64 row hashes, in the order of `ids`
    targets: Any  # numpy int32, index into `texts`
    texts: list[str | None]
    asks_target: bool = False  # the target is part of the question

    @classmethod
    def of(cls, dataset: Dataset, *, asks_target: bool = False) -> "DataView":
        import numpy as np

        ids, rows, targets, texts = bytearray(), bytearray(), [], dict[str | None, int]()
        for sample in dataset.samples(dataset.survey()):
            ids += id_hash(sample.id)
            rows += sample.row_hash
            targets.append(texts.setdefault(sample.target, len(texts)))
        unsorted = np.frombuffer(ids, dtype=np.uint64)
        order = np.argsort(unsorted)
        codes = np.array(targets, dtype=np.int32)
        return cls(
            ids=unsorted[order],
            rows=np.frombuffer(rows, dtype=np.uint64)[order],
            targets=codes[order],
            texts=list(texts),
            asks_target=asks_target,
        )

    def target(self, record: Record) -> str | EllipsisType | None:
        """The target of the record's row today; the Ellipsis when the row is gone or asks something else now."""
        import numpy as np

        wanted = np.frombuffer(id_hash(record.id), dtype=np.uint64)[0]
        at = int(np.searchsorted(self.ids, wanted))
        if at == len(self.ids) or self.ids[at] != wanted or self.rows[at] != np.frombuffer(record.row_hash, dtype=np.uint64)[0]:
            return ...
        now = self.texts[int(self.targets[at])]
        return ... if self.asks_target and now != record.target else now


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Which bucket a row's group falls into; 10 bytes a row."""

    ids: "array[int]"  # sorted, by dataset.id_hash
    buckets: "array[int]"  # in the order of `ids`
    count: int  # groups there are

    @classmethod
    def of(cls, dataset: Dataset, survey: Survey) -> "Groups":
        """A row that names no group is one of its own. Groups are their own buckets up to MOST_BUCKETS of them, then shared by hash."""
        import numpy as np

        ids, groups = bytearray(), bytearray()
        for sample in dataset.samples(survey):
            own = id_hash(sample.id)
            ids += own
            groups += own if sample.group is None else id_hash(f"group {sample.group}")
        distinct, codes = np.unique(np.frombuffer(groups, dtype=np.uint64), return_inverse=True)
        shared = np.frombuffer(groups, dtype=np.uint64) % MOST_BUCKETS
        buckets = (codes if len(distinct) <= MOST_BUCKETS else shared).astype(np.uint16)
        unsorted = np.frombuffer(ids, dtype=np.uint64)
        order = np.argsort(unsorted)
        return cls(
            ids=array("Q", unsorted[order].tobytes()),
            buckets=array("H", buckets[order].tobytes()),
            count=len(distinct),
        )

    def bucket(self, id_: str) -> int:
        """UsageError for a row that the data set does not have."""
        wanted = int.from_bytes(id_hash(id_), sys.byteorder)
        at = bisect_left(self.ids, wanted)
        if at == len(self.ids) or self.ids[at] != wanted:
            raise UsageError(
                f"dataset.group: the row {id_!r} is not in the data set, so nobody can tell its group",
                hint="put the data set back as it was asked, or run the evaluation again",
            )
        return self.buckets[at]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What rows have in some columns, as text; 8 bytes a row, 4 for each column, and each value once."""

    columns: tuple[str, ...]
    ids: "array[int]"  # sorted, by dataset.id_hash
    codes: "tuple[array[int], ...]"  # of each column, in the order of `ids`: an index into its texts
    texts: tuple[list[str | None], ...]

    @classmethod
    def of(cls, dataset: Dataset, survey: Survey, columns: Sequence[str]) -> "Fields":
        """UsageError for a column that no row has."""
        import numpy as np

        ids, codes = bytearray(), [array("I") for _ in columns]
        seen: list[dict[str | None, int]] = [{} for _ in columns]
        target = dataset.layout.columns.target
        there = dict[str, None]()
        for sample in dataset.samples(survey):
            ids += id_hash(sample.id)
            there.update(dict.fromkeys(sample.fields))
            for column, known, code in zip(columns, seen, codes, strict=True):
                value = sample.target if column == target else as_text(sample.fields.get(column))
                code.append(known.setdefault(value, len(known)))
        _refuse_unknown(dict.fromkeys(columns, "`slices`, or a metric's `by`"), [*there, *([target] if target is not None else [])])
        unsorted = np.frombuffer(ids, dtype=np.uint64)
        order = np.argsort(unsorted)
        return cls(
            columns=tuple(columns),
            ids=array("Q", unsorted[order].tobytes()),
            codes=tuple(array("I", np.frombuffer(code, dtype=np.uint32)[order].tobytes()) for code in codes),
            texts=tuple(list(known) for known in seen),
        )

    def of_row(self, id_: str) -> dict[str, str]:
        """The row's values by column, without those it does not have; empty for a row that the data set does not have."""
        wanted = int.from_bytes(id_hash(id_), sys.byteorder)
        at = bisect_left(self.ids, wanted)
        if at == len(self.ids) or self.ids[at] != wanted:
            return {}
        values = zip(self.columns, self.codes, self.texts, strict=True)
        return {column: text for column, codes, texts in values if (text := texts[codes[at]]) is not None}


def check_columns(dataset: Dataset, survey: Survey, columns: Mapping[str, str]) -> None:
    """UsageError for one of `columns`, each with the place where it was named, that no row has. Reads on until all have been seen,
    which as a rule is one row.
    """
    target = dataset.layout.columns.target
    there = dict[str, None]() if target is None else {target: None}
    if columns.keys() <= there.keys():
        return
    with closing(dataset.samples(survey)) as samples:
        for sample in samples:
            there.update(dict.fromkeys(sample.fields))
            if columns.keys() <= there.keys():
                return
    _refuse_unknown(columns, list(there))


def _refuse_unknown(columns: Mapping[str, str], there: Sequence[str]) -> None:
    for column, place in columns.items():
        if column not in there:
            near = get_close_matches(column, there, n=1)
            raise UsageError(
                f"{place}: no row has a column {column!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
                hint=f"the columns are {', '.join(there)}",
            )
