"""Edits with shifts between two texts: the counting of TER (Snover et al. 2006), as sacreBLEU 2 does it after Tercom.

Finding the fewest edits with shifts is NP-hard; Tercom is greedy. It looks at every run of words that the two texts share and
that stands wrong, moves the one that saves most, and starts again until nothing is saved. The numbers below are part of the
definition: another beam or another limit gives another TER on long or bad answers.

What makes this quicker than a table of edit distances for each move: a column of the table is two integers (Hyyrö 2003), a
moved text begins with the columns of the text before, ends as soon as its column is again the one before, and moves are
looked at best bound first. The results are those of the plain way, which is taken where a text strays from the beam.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, floor
from typing import Final, NamedTuple, Self

_LONGEST_SHIFT = 10  # words
_FARTHEST_SHIFT = 50  # words between where a run stands and where it should
_MOST_CANDIDATES = 1000  # of one pair of texts, all rounds together
_BEAM = 25  # words around the diagonal that an alignment may stray
_UNREACHED: Final = 10**16

Words = Sequence[str]
# Of two moves that save the same, the greater is made: the longer run, then the one that stands first, then the first target.
Preference = tuple[int, int, int]


class Move(NamedTuple):
    """Two adjacent runs of words change places."""

    first: int
    second: int
    end: int

    def made(self, words: Words) -> list[str]:
        return [*words[: self.first], *words[self.second : self.end], *words[self.first : self.second], *words[self.end :]]

    @property
    def saves_at_most(self) -> int:
        """The shorter run could as well be deleted in one place and inserted in the other."""
        return 2 * min(self.second - self.first, self.end - self.second)


def edits(answer: Words, reference: Words) -> int:
    """How many insertions, deletions, substitutions and shifts make `answer` into `reference`, each counted as 1.

    >>> edits("a b c".split(), "a c".split()), edits("d a b c".split(), "a b c d".split()), edits([], ["a"]), edits(["a"], [])
    (1, 1, 1, 1)
    """
    if not reference or answer == reference:
        return 0 if answer == reference else len(answer)
    words, candidates, shifts = list(answer), 0, 0
    table = _Table(reference)
    while True:
        before = table.alignment(words)
        moves = list(_moves(words, reference, before))
        candidates += len(moves)
        move = _best(table, words, before.distance, dict(sorted(moves))) if candidates < _MOST_CANDIDATES else None
        if move is None:
            return shifts + before.distance
        words = move.made(words)
        shifts += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alignment:
    distance: int
    stands_at: Sequence[int]  # for each word of the reference: the last word of the answer used up there; -1: none yet
    wrong_here: Sequence[int]  # 1 for each word of the answer that is edited
    wrong_there: Sequence[int]  # 1 for each word of the reference that is

    @classmethod
    def of(cls, steps: str) -> Self:
        """`steps` in order: '=' and 's' use up a word of each text, 'd' one of the answer, 'i' one of the reference."""
        stands_at: list[int] = []
        here: list[int] = []
        there: list[int] = []
        for step in steps:
            edited = 0 if step == "=" else 1
            if step != "i":
                here.append(edited)
            if step != "d":
                stands_at.append(len(here) - 1)
                there.append(edited)
        return cls(distance=len(steps) - steps.count("="), stands_at=stands_at, wrong_here=here, wrong_there=there)


def _moves(words: Words, reference: Words, before: _Alignment) -> Iterator[tuple[Move, Preference]]:
    """The moves that Tercom tries. One may come several times, and counts each time; it ends with the limit."""
    left = _MOST_CANDIDATES
    here = list(accumulate(before.wrong_here, initial=0))
    there = list(accumulate(before.wrong_there, initial=0))
    for start, goal, length in _shared_runs(words, reference):
        stands_right = here[start] == here[start + length] or there[goal] == there[goal + length]
        if stands_right or start <= before.stands_at[goal] < start + length:
            continue
        for target in _targets(before.stands_at, goal, length):
            yield _move(start, length, target, len(words)), (length, -start, -target)
            left -= 1
        if left <= 0:
            return


def _shared_runs(words: Words, reference: Words) -> Iterator[tuple[int, int, int]]:
    """(place in `words`, place in `reference`, length) of all runs that are equal, the parts of longer ones included."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(reference):
        places.setdefault(word, []).append(place)
    for start, word in enumerate(words):
        for goal in places.get(word, ()):
            if abs(goal - start) > _FARTHEST_SHIFT:
                continue
            for length in range(1, min(_LONGEST_SHIFT, len(words) - start, len(reference) - goal) + 1):
                if words[start + length - 1] != reference[goal + length - 1]:
                    break
                yield start, goal, length


def _targets(stands_at: Sequence[int], goal: int, length: int) -> Iterator[int]:
    """Before which words of the answer a run may be put whose like stands at `goal` in the reference."""
    last = -1
    for place in range(goal - 1, goal + length):
        target = stands_at[place] + 1 if place >= 0 else 0
        if target != last:
            yield target
        last = target


def _move(start: int, length: int, target: int, words: int) -> Move:
    if target < start:
        return Move(target, start, start + length)
    if target > start + length:
        return Move(start, start + length, target)
    # a target inside the run itself: it goes on by as many words
    return Move(start, start + length, min(length + target, words))


def _best(table: "_Table", words: Words, distance: int, moves: Mapping[Move, Preference]) -> Move | None:
    """The move that saves most, by preference among equals; None where none saves anything."""
    if not moves:
        return None
    columns = table.columns(words)
    strayed = distance - columns[-1][2]  # what the beam costs here, and a move may save besides
    bounded = sorted(((strayed + move.saves_at_most, preference, move) for move, preference in moves.items()), reverse=True)
    best: tuple[int, Preference] = (0, (0, 0, 0))
    found = None
    for most, preference, move in bounded:
        if most == 0 or (most, preference) <= best:
            break
        saved = distance - table.moved(words, columns, move, enough=distance - max(best[0], 1)), preference
        if saved[0] > 0 and saved > best:
            best, found = saved, move
    return found


# The distances of the answer's first i words to each beginning of the reference: where they rise by 1 from one beginning to
# the next, where they fall by 1, and the last. The first of them is i.
Column = tuple[int, int, int]


class _Table:
    """Edit distances to one reference (Levenshtein 1966), in columns of bits (Myers 1999, in the form of Hyyrö 2003)."""

    def __init__(self, reference: Words) -> None:
        self._reference = reference
        self._all = (1 << len(reference)) - 1
        self._last = 1 << (len(reference) - 1)
        self._where: dict[str, int] = {}
        for place, word in enumerate(reference):
            self._where[word] = self._where.get(word, 0) | 1 << place

    def columns(self, words: Words) -> list[Column]:
        """One before the first word, and one after each."""
        column = (self._all, 0, len(self._reference))
        return [column, *(column := self._next(column, word)[0] for word in words)]

    def alignment(self, words: Words) -> _Alignment:
        """The cheapest inside the beam; from the end, substitutions are preferred to deletions, these to insertions."""
        steps = self._steps(words)
        inside = _in_beam(steps, len(words), len(self._reference))
        return _Alignment.of(steps if inside else _plain_steps(words, self._reference))

    def moved(self, words: Words, columns: Sequence[Column], move: Move, *, enough: int) -> int:
        """The distance after a move of `words`, whose `columns` are given. More than `enough`, it may be less than it is."""
        column = columns[move.first]
        for word in (*words[move.second : move.end], *words[move.first : move.second]):
            column = self._next(column, word)[0]
        for place in range(move.end, len(words)):
            if column == columns[place]:
                column = columns[-1]
                break
            column = self._next(column, words[place])[0]
        distance = column[2]
        # What strays from the beam costs more: with so few edits nothing does.
        few = distance + abs(len(self._reference) - len(words)) <= 2 * (_BEAM - 2)
        return distance if few or distance > enough else self.alignment(move.made(words)).distance

    def _next(self, column: Column, word: str) -> tuple[Column, int, int]:
        """The next column; the places that cost no more than those diagonally before; those that cost 1 more than in the last."""
        plus, minus, foot = column
        equal = self._where.get(word, 0)
        same = ((((equal & plus) + plus) ^ plus) | equal | minus) & self._all
        rises = minus | (self._all & ~(same | plus))
        falls = same & plus
        if rises & self._last:
            foot += 1
        elif falls & self._last:
            foot -= 1
        shifted = (rises << 1 | 1) & self._all
        return (((falls << 1) & self._all) | (self._all & ~(same | shifted)), shifted & same, foot), same, rises

    def _steps(self, words: Words) -> str:
        column = (self._all, 0, len(self._reference))
        kept: list[tuple[int, int]] = []
        for word in words:
            column, same, rises = self._next(column, word)
            kept.append((same, rises))
        here, there, back = len(words), len(self._reference), []
        while here and there:
            same, rises = kept[here - 1]
            bit = 1 << (there - 1)
            if words[here - 1] == self._reference[there - 1]:
                step = "="
            elif not same & bit:
                step = "s"
            else:
                step = "d" if rises & bit else "i"
            back.append(step)
            here -= step != "i"
            there -= step != "d"
        return "".join(("d" * here, "i" * there, *reversed(back)))


def _beam(answer: int, reference: int) -> Iterator[range]:
    """Which beginnings of a reference are compared with the first 1, 2 … words of an answer, by their lengths in words."""
    ratio = reference / answer if answer else 1.0
    width = ceil(ratio / 2 + _BEAM) if ratio / 2 > _BEAM else _BEAM
    for here in range(1, answer + 1):
        middle = floor(here * ratio)
        yield range(max(0, middle - width), min(reference + 1, middle + width))


def _in_beam(steps: str, answer: int, reference: int) -> bool:
    if len(steps) - steps.count("=") + abs(reference - answer) <= 2 * (_BEAM - 2):
        return True
    beam = [range(reference + 1), *_beam(answer, reference)]
    here = there = 0
    for step in steps:
        here += step != "i"
        there += step != "d"
        if there not in beam[here]:
            return False
    return True


def _plain_steps(words: Words, reference: Words) -> str:
    """The steps of the cheapest alignment inside the beam, by the part of the table that lies in it."""
    ahead = (None, *reference)
    above, above_from = list(range(len(ahead))), 0
    taken = [(0, "i" * len(ahead))]
    for word, beam in zip(words, _beam(len(words), len(reference)), strict=True):
        before = beam.start - 1 - above_from  # the first cell's diagonal, as a place in the column before
        known = [_UNREACHED] * -before + above[max(0, before) :]
        known += [_UNREACHED] * (len(beam) + 1 - len(known))
        above, steps = _plain_column(word, ahead[beam.start : beam.stop], known)
        above_from = beam.start
        taken.append((beam.start, steps))
    return _back(taken, len(reference))


def _plain_column(word: str, ahead: Sequence[str | None], known: Sequence[int]) -> tuple[list[int], str]:
    """Costs and steps; `known` are the costs diagonally before the first cell, before it, before the second …"""
    costs: list[int] = []
    steps: list[str] = []
    least = _UNREACHED
    for diagonal, before, other in zip(known, known[1:], ahead, strict=False):
        inserted = least + 1
        if word == other:
            least, step = diagonal, "="
        else:
            least, step = diagonal + 1, "s"
        if before + 1 < least:
            least, step = before + 1, "d"
        if inserted < least:
            least, step = inserted, "i"
        costs.append(least)
        steps.append(step)
    return costs, "".join(steps)


def _back(taken: Sequence[tuple[int, str]], there: int) -> str:
    here, back = len(taken) - 1, []
    while here or there:
        start, steps = taken[here]
        step = steps[there - start]
        back.append(step)
        here -= step != "i"
        there -= step != "d"
    return "".join(reversed(back))
