"""Which hashes in a long row of them occurred before, without a Python object for each."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from evalsvc.dataset.hashes import HASH_BYTES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Below this many hashes a dict is quicker than importing numpy.
SMALL = 4096
PARTS = 16


def repeats(hashes: bytes | bytearray | memoryview) -> Iterator[tuple[int, int]]:
    """(ordinal, occurrence) of every hash that occurred before, by ordinal; the second of two equal ones is occurrence 2.

    >>> list(repeats(b"AAAAAAAA" + b"BBBBBBBB" + b"AAAAAAAA" * 2))
    [(2, 2), (3, 3)]
    """
    return _counted(hashes) if len(hashes) <= SMALL * HASH_BYTES else _sorted(hashes)


def _counted(hashes: bytes | bytearray | memoryview) -> Iterator[tuple[int, int]]:
    seen: dict[bytes, int] = {}
    for ordinal in range(len(hashes) // HASH_BYTES):
        value = bytes(hashes[ordinal * HASH_BYTES : (ordinal + 1) * HASH_BYTES])
        seen[value] = occurrence = seen.get(value, 0) + 1
        if occurrence > 1:
            yield ordinal, occurrence


def _sorted(hashes: bytes | bytearray | memoryview) -> Iterator[tuple[int, int]]:
    """The same by sorting, a sixteenth at a time: 2 bytes a hash while it works, 16 bytes a repeat while it is read."""
    import numpy as np

    values = np.frombuffer(hashes, dtype="<u8")
    part_of = np.frombuffer(hashes, dtype=np.uint8)[::HASH_BYTES] % PARTS
    parts = [_repeats_among(values, np.flatnonzero(part_of == part)) for part in range(PARTS)]
    ordinals = np.concatenate([found for found, _ in parts])
    occurrences = np.concatenate([counts for _, counts in parts])
    by_ordinal = np.argsort(ordinals)
    # a buffer makes its ints one by one; tolist() would make all of them at once
    yield from zip(ordinals[by_ordinal].data, occurrences[by_ordinal].data, strict=True)


def _repeats_among(values: "NDArray[np.uint64]", ordinals: "NDArray[np.intp]") -> tuple["NDArray[np.intp]", "NDArray[np.intp]"]:
    """(ordinals, occurrences) of those rows of `ordinals` whose value occurred before among them."""
    import numpy as np

    chosen = values[ordinals]
    order = np.argsort(chosen, kind="stable")
    arranged = chosen[order]
    is_repeat = np.concatenate((np.zeros(min(1, len(order)), dtype=bool), arranged[1:] == arranged[:-1]))
    positions, firsts = np.flatnonzero(is_repeat), np.flatnonzero(~is_repeat)
    return ordinals[order[positions]], positions - firsts[np.searchsorted(firsts, positions) - 1] + 1
