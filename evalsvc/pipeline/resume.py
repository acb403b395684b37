"""What is left to ask: the data set as it is now, row by row against the journal."""

from dataclasses import dataclass
from typing import Any

from evalsvc.dataset import Survey
from evalsvc.journal.scan import ERROR, Scan


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """`skip` has a byte for each row of the data set: 0 where it is to be asked."""

    skip: bytes | None  # None: ask every row
    done: int = 0  # rows with a final record that still answers them; failed ones included
    failed: int = 0  # of them in error
    new: int = 0
    changed: int = 0
    vanished: int = 0
    relabelled: int = 0

    @property
    def data_changed(self) -> bool:
        return bool(self.changed or self.vanished or self.relabelled)


def compare(survey: Survey, scan: Scan, *, retry_failed: bool) -> Resume:
    """Join by id hash; the last record of an id counts. `scan` has target hashes, and so has `survey`, when targets may have changed."""
    if not scan.records:
        return Resume(skip=None, new=survey.rows)
    import numpy as np

    ids, last = _last_of_each(scan)
    wanted = np.frombuffer(survey.id_hashes, dtype=np.uint64)
    at = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    known = ids[at] == wanted
    record = last[at]
    same = known & (np.frombuffer(scan.row_hashes, dtype=np.uint64)[record] == np.frombuffer(survey.row_hashes, dtype=np.uint64))
    failed = same & (np.frombuffer(scan.statuses, dtype=np.uint8)[record] == ERROR)
    skip = same & ~failed if retry_failed else same
    relabelled = 0
    if scan.target_hashes is not None and survey.target_hashes is not None:
        then = np.frombuffer(scan.target_hashes, dtype=np.uint64)[record]
        relabelled = int((same & (then != np.frombuffer(survey.target_hashes, dtype=np.uint64))).sum())
    return Resume(
        skip=skip.astype(np.uint8).tobytes(),
        done=int(skip.sum()),
        failed=int(failed.sum()),
        new=int((~known).sum()),
        changed=int((known & ~same).sum()),
        vanished=len(ids) - int(known.sum()),
        relabelled=relabelled,
    )


def _last_of_each(scan: Scan) -> tuple[Any, Any]:
    """Sorted id hashes, each once, and the index of the last record of each."""
    import numpy as np

    ids = np.frombuffer(scan.id_hashes, dtype=np.uint64)
    unique, first_from_behind = np.unique(ids[::-1], return_index=True)
    return unique, len(ids) - 1 - first_from_behind
