"""Runs of n words or n characters, counted: what two texts have, and what they share (each run as often as both have it)."""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

# Below so many characters in both texts, counting in a dictionary is quicker than starting to sort.
_WORTH_SORTING = 50
_BITS = 63


def counted(items: Sequence[Hashable], n: int) -> "Counter[tuple[Hashable, ...]]":
    """
    >>> counted("abab", 2)
    Counter({('a', 'b'): 2, ('b', 'a'): 1})
    """
    return Counter(zip(*(items[start:] for start in range(n)), strict=False))


def how_many(items: Sequence[Hashable], n: int) -> int:
    return max(0, len(items) - n + 1)


def shared(left: "Counter[tuple[Hashable, ...]]", right: "Counter[tuple[Hashable, ...]]") -> int:
    """
    >>> shared(counted("abab", 1), counted("aabc", 1))
    3
    """
    both = left.keys() & right.keys()
    return sum(map(min, map(left.__getitem__, both), map(right.__getitem__, both)))


def shared_characters(left: str, right: str, order: int) -> list[int]:
    """How many runs of 1 to `order` characters two texts share.

    >>> shared_characters("abab", "aabc", 3)
    [3, 1, 0]
    """
    if not left or not right:
        return [0] * order
    found = None if len(left) + len(right) < _WORTH_SORTING else _sorted_and_shared(left, right, order)
    return [shared(counted(left, n), counted(right, n)) for n in range(1, order + 1)] if found is None else found


def _sorted_and_shared(left: str, right: str, order: int) -> list[int] | None:
    """Runs of `order` characters as integers, both texts in one sorted list: equal shorter runs then stand together too.

    None where characters are too many for 63 bits.
    """
    import numpy as np

    characters = _numbered(left + right)
    bits = int(characters.max()).bit_length()
    if bits * order + 1 > _BITS:
        return None
    gap = np.zeros(order - 1, dtype=np.int64)
    text = np.concatenate((characters[: len(left)], gap, characters[len(left) :], gap))
    size = len(text) - len(gap)
    runs = np.zeros(size, dtype=np.int64)
    for start in range(order):
        runs = runs << bits | text[start : start + size]
    runs <<= 1
    runs[len(left) + len(gap) :] |= 1  # of the right text
    runs.sort()
    return _shared_of_each_length(runs, bits, order)  # those that begin in the gap are in the left text alone


def _numbered(text: str) -> "Integers":
    """Characters as numbers from 1, as small as they can be had without effort."""
    import numpy as np

    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    if int(codes.max()) < 1 << 8:
        return codes.astype(np.int64) + 1
    return np.unique(codes, return_inverse=True)[1].astype(np.int64) + 1


def _shared_of_each_length(runs: "Integers", bits: int, order: int) -> list[int]:
    """`runs` sorted, the lowest bit 1 for those of the right text, then `bits` for each character, 0 behind the end of a text."""
    import numpy as np

    shifts = 1 + bits * np.arange(order - 1, -1, -1, dtype=np.int64)
    keys = runs >> shifts[:, None]
    last = np.ones(keys.shape, dtype=bool)  # of the runs that are equal
    np.not_equal(keys[:, 1:], keys[:, :-1], out=last[:, :-1])
    ends = np.flatnonzero(last)
    rights = np.diff(np.cumsum(np.tile(runs & 1, order))[ends], prepend=0)
    lefts = np.diff(ends, prepend=-1) - rights
    whole = keys.ravel()[ends] & ((1 << bits) - 1) != 0
    return [int(one) for one in np.bincount(ends // len(runs), weights=np.minimum(lefts, rights) * whole, minlength=order)]
