"""Runs that cannot be told apart, as letters: the compact letter display of Piepho (2004), by insertion and absorption."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count, product
from string import ascii_lowercase


def letters(names: Sequence[str], told: Mapping[tuple[int, int], bool]) -> list[str]:
    """The letters of each of `names`, which are given best first. Two share a letter exactly where `told` says False of them.

    Keys of `told` are places in `names`, in either order; a pair that is not there cannot be told apart.

    >>> letters(["a", "b", "c"], {(0, 1): False, (0, 2): True, (1, 2): False})
    ['a', 'ab', 'b']
    """
    groups = [frozenset(range(len(names)))] if names else []
    for (left, right), differ in sorted(told.items()):
        if differ:
            groups = _absorbed([part for group in groups for part in _split(group, left, right)])
    ordered = sorted(groups, key=sorted)
    shown = [letter for letter, _ in zip(_alphabet(), ordered, strict=False)]
    return ["".join(letter for letter, group in zip(shown, ordered, strict=True) if place in group) for place in range(len(names))]


def _split(group: frozenset[int], left: int, right: int) -> list[frozenset[int]]:
    """Without one and without the other, where both are in it."""
    return [group - {left}, group - {right}] if left in group and right in group else [group]


def _absorbed(groups: Sequence[frozenset[int]]) -> list[frozenset[int]]:
    """Without groups that another one holds."""
    distinct = list(dict.fromkeys(groups))
    return [group for group in distinct if not any(group < other for other in distinct)]


def _alphabet() -> Iterator[str]:
    """a to z, then aa, ab …"""
    for length in count(1):
        for letter in product(ascii_lowercase, repeat=length):
            yield "".join(letter)
