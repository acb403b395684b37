"""Longest common subsequences, a whole row of the table at a time: the bits of one integer are its columns.

Allison and Dix 1986, in the form of Hyyrö 2004 (Bit-parallel LCS-length computation revisited). After each item of the other sequence, bit
i of `state` is 0 where the prefix of i + 1 items has a longer common subsequence with what was read than the prefix of i items.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import repeat
from typing import Final

# How many bits of states are kept to walk back over; of longer sequences, some states are computed again. 32 MB.
_KEPT_BITS: Final = 1 << 28

Items = Sequence[Hashable]


def lcs_length(one: Items, other: Items) -> int:
    """How long the longest common subsequence is. Time grows with the product of the lengths over about 60.

    >>> lcs_length("the cat sat".split(), "the dog sat there".split())
    2
    """
    if len(one) < len(other):
        one, other = other, one
    common = set(other).intersection(one)
    if not common:
        return 0
    places = _places(one, common)
    full = state = (1 << len(one)) - 1
    for item in other:
        if item in places:
            state = _after(state, places[item], full)
    return len(one) - state.bit_count()


def union_lcs_hits(reference: Sequence[Items], candidate: Sequence[Items], *, kept_bits: int = _KEPT_BITS) -> int:
    """Hits of the union LCS over the lines of two texts (Lin 2004, 3.2), counted as ROUGE-1.5.5 and rouge-score do.

    Of each reference line, the items in one longest common subsequence with any candidate line; an item counts no more often than it is in
    the candidate. Which of several longest subsequences it is can decide how large the union is: it is the one that
    `rouge_score.rouge_scorer._backtrack_norec` reads out.

    >>> union_lcs_hits(["abcde"], ["abz", "cez"]), union_lcs_hits(["ab", "ab"], ["ab"])
    (4, 2)
    """
    found: Counter[Hashable] = Counter()
    items_of_candidate = Counter(item for line in candidate for item in line)
    for line in reference:
        places = _places(line, items_of_candidate)
        taken = _union(places, len(line), candidate, kept_bits) if places else 0
        if taken:
            for item, mask in places.items():
                found[item] += (mask & taken).bit_count()
    return sum(min(times, items_of_candidate[item]) for item, times in found.items())


def _places(items: Items, wanted: Mapping[Hashable, int] | set[Hashable]) -> dict[Hashable, int]:
    """Where each of the `wanted` items stands, as bits."""
    places: dict[Hashable, int] = {}
    for index, item in enumerate(items):
        if item in wanted:
            places[item] = places.get(item, 0) | 1 << index
    return places


def _after(state: int, mask: int, full: int) -> int:
    """The next state, of an item that stands at `mask`. `full` cuts what the sum carries out at the top."""
    both = state & mask
    return ((state + both) | (state - both)) & full


def _union(places: Mapping[Hashable, int], length: int, lines: Sequence[Items], kept_bits: int) -> int:
    """The places that are in the subsequence with any of the `lines`, as bits."""
    full, taken = (1 << length) - 1, 0
    for line in lines:
        masks = [*map(places.get, line, repeat(0))]
        if any(masks):
            taken |= _walk_back(masks, full, full, full, kept_bits)[0]
    return taken


def _walk_back(masks: Sequence[int], state: int, below: int, full: int, kept_bits: int) -> tuple[int, int]:
    """Which places one longest common subsequence takes, and those below the last taken.

    `masks`: where each item of the other sequence stands; `state` before them; `below`: the places that may be taken.

    From the last item back: an item that stands at the highest place left is taken; else that place goes when the subsequence is no shorter
    without it, and only then the item. So in every row the highest place that either matches or makes the subsequence longer decides.
    """
    if len(masks) > 1 and len(masks) * full.bit_length() > kept_bits:
        return _walk_back_halves(masks, state, below, full, kept_bits)
    rows, gap = [], state == full
    for mask in masks:
        if mask:
            state = _after(state, mask, full)
            rows.append((mask, mask | ~state))
            gap = False
        elif not gap:
            rows.append((0, ~state))
            gap = True
    taken = 0
    for mask, row in reversed(rows):
        there = row & below
        if not there:
            break
        highest = 1 << (there.bit_length() - 1)
        if mask & highest:
            taken |= highest
            below = highest - 1
        else:
            below = (highest << 1) - 1
    return taken, below


def _walk_back_halves(masks: Sequence[int], state: int, below: int, full: int, kept_bits: int) -> tuple[int, int]:
    """The same with the rows of one half at a time."""
    half = len(masks) // 2
    middle = state
    for mask in masks[:half]:
        middle = _after(middle, mask, full)
    late, below = _walk_back(masks[half:], middle, below, full, kept_bits)
    early, below = _walk_back(masks[:half], state, below, full, kept_bits)
    return early | late, below
