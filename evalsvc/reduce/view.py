"""The data set as it is now, for journals that hold answers to more than one state of it."""

from dataclasses import dataclass
from types import EllipsisType
from typing import Any

from evalsvc.dataset import Dataset, id_hash
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
