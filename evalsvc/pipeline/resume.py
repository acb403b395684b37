"""What is left to ask: the data set as it is now, row by row and repeat by repeat, against the journal."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evalsvc.dataset import Survey, repeat_mask
from evalsvc.journal.scan import ERROR, Scan


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Rows are samples times repeats. `skip` has a byte for each of them, first the whole data set, then all of it again
    for the next repeat: 0 where a row is to be asked."""

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

    def passes(self, samples: int, repeats: int) -> Iterator[tuple[int, memoryview | None]]:
        """(repeat, which samples to skip) for each pass over the data set that has something to ask.

        Repeat by repeat, so that a run that ends early, for whatever reason, has asked as many different rows as it could.

        >>> [(repeat, skip.tolist()) for repeat, skip in Resume(skip=bytes([1, 1, 0, 1])).passes(2, 2)]
        [(1, [0, 1])]
        """
        for repeat in range(repeats):
            if self.skip is None:
                yield repeat, None
            elif not all(part := memoryview(self.skip)[repeat * samples : (repeat + 1) * samples]):
                yield repeat, part


@dataclass(frozen=True, slots=True, kw_only=True)
class _Joined:
    """One repeat of the data set beside the journal: a flag for each sample."""

    skip: Any
    failed: int
    known: int
    same: int
    relabelled: int


def compare(survey: Survey, scan: Scan, *, retry_failed: bool, repeats: int = 1, asks_target: bool = False) -> Resume:
    """Join by id hash and repeat; the last record of each counts.

    `scan` has target hashes, and so has `survey`, when targets may have changed. `asks_target`: the target is part of what is
    asked, so that a row with another one is a changed row, not a relabelled one.
    """
    if not scan.records:
        return Resume(skip=None, new=survey.rows * repeats)
    ids, last = _last_of_each(scan)
    joined = [
        _join(survey, scan, ids, last, repeat=repeat, retry_failed=retry_failed, asks_target=asks_target) for repeat in range(repeats)
    ]
    known, same = sum(part.known for part in joined), sum(part.same for part in joined)
    skip = b"".join(part.skip.tobytes() for part in joined)
    return Resume(
        skip=skip,
        done=skip.count(1),
        failed=sum(part.failed for part in joined),
        new=survey.rows * repeats - known,
        changed=known - same,
        vanished=len(ids) - known,
        relabelled=sum(part.relabelled for part in joined),
    )


def _join(survey: Survey, scan: Scan, ids: Any, last: Any, *, repeat: int, retry_failed: bool, asks_target: bool) -> _Joined:
    """`ids` and `last` are those of `_last_of_each`."""
    import numpy as np

    wanted = np.frombuffer(survey.id_hashes, dtype="<u8") ^ np.uint64(repeat_mask(repeat))
    at = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    known = ids[at] == wanted
    record = last[at]
    same = known & (np.frombuffer(scan.row_hashes, dtype="<u8")[record] == np.frombuffer(survey.row_hashes, dtype="<u8"))
    relabelled = 0
    if scan.target_hashes is not None and survey.target_hashes is not None:
        then = np.frombuffer(scan.target_hashes, dtype="<u8")[record]
        other_target = then != np.frombuffer(survey.target_hashes, dtype="<u8")
        relabelled = 0 if asks_target else int((same & other_target).sum())
        same = same & ~other_target if asks_target else same
    failed = same & (np.frombuffer(scan.statuses, dtype=np.uint8)[record] == ERROR)
    skip = (same & ~failed if retry_failed else same).astype(np.uint8)
    return _Joined(skip=skip, failed=int(failed.sum()), known=int(known.sum()), same=int(same.sum()), relabelled=relabelled)


def _last_of_each(scan: Scan) -> tuple[Any, Any]:
    """Sorted id hashes, each once, and the index of the last record of each."""
    import numpy as np

    ids = np.frombuffer(scan.id_hashes, dtype="<u8")
    unique, first_from_behind = np.unique(ids[::-1], return_index=True)
    return unique, len(ids) - 1 - first_from_behind
