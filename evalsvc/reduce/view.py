"""The data set as it is now: for journals that hold answers to more than one state of it, and for which rows belong together."""

import sys
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

from evalsvc.dataset import Dataset, id_hash
from evalsvc.errors import UsageError
from evalsvc.metrics.clusters import MOST_BUCKETS
from evalsvc.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class DataView:
    """Which records still belong to a row, and what its target is by now; 20 bytes a row and each target once."""

    ids: Any  # sorted numpy uint64, by dataset.id_hash
    rows: Any  # numpy uint64 row hashes, in the order of `ids`
    targets: Any  # numpy int32, index into `texts`
    texts: list[str | None]

    @classmethod
    def of(cls, dataset: Dataset) -> "DataView":
        import numpy as np

        ids, rows, targets, texts = bytearray(), bytearray(), [], dict[str | None, int]()
        for sample in dataset.samples(dataset.survey()):
            ids += id_hash(sample.id)
            rows += sample.row_hash
            targets.append(texts.setdefault(sample.target, len(texts)))
        unsorted = np.frombuffer(ids, dtype=np.uint64)
        order = np.argsort(unsorted)
        codes = np.array(targets, dtype=np.int32)
        return cls(ids=unsorted[order], rows=np.frombuffer(rows, dtype=np.uint64)[order], targets=codes[order], texts=list(texts))

    def target(self, record: Record) -> str | EllipsisType | None:
        """The target of the record's row today; the Ellipsis when the row is gone or has changed since."""
        import numpy as np

        wanted = np.frombuffer(id_hash(record.id), dtype=np.uint64)[0]
        at = int(np.searchsorted(self.ids, wanted))
        if at == len(self.ids) or self.ids[at] != wanted or self.rows[at] != np.frombuffer(record.row_hash, dtype=np.uint64)[0]:
            return ...
        return self.texts[int(self.targets[at])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Which bucket a row's group falls into; 10 bytes a row."""

    ids: "array[int]"  # sorted, by dataset.id_hash
    buckets: "array[int]"  # in the order of `ids`
    count: int  # groups there are

    @classmethod
    def of(cls, dataset: Dataset) -> "Groups":
        """A row that names no group is one of its own. Groups are their own buckets up to MOST_BUCKETS of them, then shared by hash."""
        import numpy as np

        ids, groups = bytearray(), bytearray()
        for sample in dataset.samples(dataset.survey()):
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
