"""Regular expressions followed in time that grows with text times pattern.

It backtracks as `re` does, in the same order, and remembers where it was: from the same place of the pattern at the same
character nothing better comes the second time (as the BitState matcher of RE2, Cox 2010). That holds as long as what follows does
not depend on how one came there, so a pattern with backreferences cannot be walked, nor one with open-ended lookarounds or such with
groups.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import Any, Final

Span = tuple[int, int]
# Of all of the match, and of its first group; (-1, -1) where that took no part.
Match = tuple[Span, Span]
Holds = Callable[[str, int], bool]

MOST_STEPS: Final = 5_000
MOST_IN_A_ROW: Final = 3  # open-ended repeats: `re` tries each start and end of each
MOST_LOOPS: Final = 3  # whose body may match nothing


class Unwalkable(Exception):
    """Says what in the pattern it is."""


@dataclass(slots=True, kw_only=True)
class _Step:
    """`kind`: char, at, fork, loop, jump, open, shut, match. A fork tries `ways` in order."""

    kind: str
    holds: Holds | None = None  # of a char and an at
    ways: tuple[int, ...] = ()
    to: int = -1  # of a jump
    place: int = -1  # of a fork: its number among the forks
    loop: int = -1  # of a fork whose first or second way is a body that may match nothing: the loop's number
    body: int = -1  # of such a fork: that way


@dataclass(slots=True)
class Program:
    steps: list[_Step] = field(default_factory=list)
    forks: int = 0
    loops: int = 0

    def first(self, text: str) -> Match | None:
        return next(self._matches(text), None)

    def last(self, text: str) -> Match | None:
        """The last of those that `re.finditer` gives."""
        last: Match | None = None
        for match in self._matches(text):
            last = match
        return last

    def whole(self, text: str) -> Match | None:
        return _Walk(self, text, whole=True).match(0)

    def _matches(self, text: str) -> Iterator[Match]:
        walk, start, must_advance = _Walk(self, text), 0, False
        while start <= len(text):
            found = walk.match(start, must_advance=must_advance)
            if found is None:
                start, must_advance = start + 1, False
                continue
            yield found
            _, end = found[0]
            # as `re` goes on: behind the match, where an empty one may not come twice
            start, must_advance = end, end == start


class _Walk:
    """One text. What it has seen to fail, it knows for all starts."""

    def __init__(self, program: Program, text: str, *, whole: bool = False) -> None:
        self._steps, self._loops, self._text, self._whole = program.steps, program.loops, text, whole
        self._width = len(text) + 1
        self._seen = bytearray((program.forks * self._width) << program.loops)

    def match(self, start: int, *, must_advance: bool = False) -> Match | None:
        """The match that begins at `start`; with `must_advance`, one that is not empty."""
        steps, text, length, seen = self._steps, self._text, len(self._text), self._seen
        path: list[int] = []  # the forks that lead here
        # step, position, first group's start and end, where the last round of each loop began, forks before it
        stack = [(0, start, -1, -1, (-1,) * self._loops, 0)]
        while stack:
            at, position, opened, shut, rounds, depth = stack.pop()
            del path[depth:]
            while (step := steps[at]).kind != "match":
                if step.holds is not None:
                    if not step.holds(text, position):
                        break
                    position, at = position + (step.kind == "char"), at + 1
                elif step.kind == "fork":
                    key = self._key(step, position, rounds)
                    if seen[key]:
                        break
                    seen[key] = 1
                    path.append(key)
                    (at, rounds), *others = _ways(step, position, rounds)
                    stack += [(to, position, opened, shut, then, len(path)) for to, then in reversed(others)]
                elif step.kind == "jump":
                    at = step.to
                else:
                    opened, shut = (position, shut) if step.kind == "open" else (opened, position)
                    at += 1
            else:
                if not (self._whole and position < length) and not (must_advance and position == start):
                    for key in path:  # all else that was seen has failed, and will again
                        seen[key] = 0
                    return (start, position), ((opened, shut) if shut >= 0 else (-1, -1))
        return None

    def _key(self, step: _Step, position: int, rounds: Sequence[int]) -> int:
        key = (step.place * self._width + position) << self._loops
        for number, began in enumerate(rounds):
            key |= (began == position) << number
        return key


Rounds = tuple[int, ...]


def _ways(step: _Step, position: int, rounds: Rounds) -> list[tuple[int, Rounds]]:
    """Where a fork leads, in order. A round of a loop that matched nothing is its last one."""
    if step.loop < 0:
        return [(way, rounds) for way in step.ways]
    before, behind = rounds[: step.loop], rounds[step.loop + 1 :]
    again = rounds[step.loop] != position
    return [(way, (*before, position if way == step.body else -1, *behind)) for way in step.ways if again or way != step.body]


def compile_program(pattern: re.Pattern[str]) -> Program:
    """Raises Unwalkable."""
    tree = _parser.parse(pattern.pattern, pattern.flags)
    building = _Building()
    building.add(tree, pattern.flags)
    building.step(kind="match")
    return building.program


def may_explode(pattern: re.Pattern[str]) -> bool:
    """Whether it looks as if `re` may take longer than anybody waits: a repeat of what has several ways, or many repeats in a row."""
    nodes = [*_nodes(_parser.parse(pattern.pattern, pattern.flags))]
    repeats = [value for kind, value in nodes if kind in _REPEATS and value[1] > 1]
    in_a_row = sum(most is _constants.MAXREPEAT for _, most, _ in repeats)
    return in_a_row > MOST_IN_A_ROW or any(kind in (*_REPEATS, _constants.BRANCH) for *_, body in repeats for kind, _ in _nodes(body))


def _nodes(part: Any) -> Iterator[tuple[Any, Any]]:
    """All of what `re` has parsed, whatever stands around it: a node, its value, a sequence of them."""
    if isinstance(part, _parser.SubPattern | list | tuple):
        if len(part) == 2 and isinstance(part[0], type(_constants.LITERAL)):
            yield part[0], part[1]
        for inner in part:
            yield from _nodes(inner)


class _Building:
    """Steps, one after the other, of what `re` itself has parsed."""

    def __init__(self) -> None:
        self.program = Program()

    def step(self, **fields: Any) -> _Step:
        if len(self.program.steps) >= MOST_STEPS:
            raise Unwalkable("its length")
        made = _Step(**fields)
        self.program.steps.append(made)
        return made

    @property
    def _here(self) -> int:
        return len(self.program.steps)

    def _fork(self, **fields: Any) -> _Step:
        made = self.step(kind="fork", place=self.program.forks, **fields)
        self.program.forks += 1
        return made

    def add(self, nodes: Any, flags: int) -> None:
        for node in nodes:
            kind, value = node
            if kind in _ONE_CHARACTER:
                self.step(kind="char", holds=_one_character(_alone(node, flags)))
            elif kind is _constants.AT or (kind in _LOOKS and _is_apart(value[1])):
                found = _alone(node, flags)
                self.step(kind="at", holds=lambda text, position, found=found: found.match(text, position) is not None)
            elif kind is _constants.SUBPATTERN:
                self._group(value, flags)
            elif kind is _constants.BRANCH:
                self._branch(value[1], flags)
            elif kind in _REPEATS:
                self._repeat(value, flags, lazy=kind is _constants.MIN_REPEAT)
            else:
                raise Unwalkable(_NAMES.get(kind, "a part of it"))

    def _group(self, group: Any, flags: int) -> None:
        number, more, less, nodes = group
        if more & _parser.TYPE_FLAGS:
            raise Unwalkable("a part with (?a: or (?u:")  # `re` searches for some of these otherwise than it matches them
        if number == 1:
            self.step(kind="open")
        self.add(nodes, (flags | more) & ~less)
        if number == 1:
            self.step(kind="shut")

    def _branch(self, branches: Sequence[Any], flags: int) -> None:
        fork, ways, jumps = self._fork(), [], []
        for branch in branches:
            ways.append(self._here)
            self.add(branch, flags)
            jumps.append(self.step(kind="jump"))
        fork.ways = tuple(ways)
        for jump in jumps:
            jump.to = self._here

    def _repeat(self, repeat: Any, flags: int, *, lazy: bool) -> None:
        least, most, nodes = repeat
        may_be_empty = nodes.getwidth()[0] == 0
        if may_be_empty and (least or most not in (1, _constants.MAXREPEAT)):
            raise Unwalkable("a counted repeat of what may be empty")
        for _ in range(least):
            self.add(nodes, flags)
        if most is _constants.MAXREPEAT:
            self._loop(nodes, flags, lazy=lazy, may_be_empty=may_be_empty)
            return
        forks = []
        for _ in range(most - least):
            forks.append((self._fork(), self._here))
            self.add(nodes, flags)
        for fork, body in forks:
            fork.ways = (self._here, body) if lazy else (body, self._here)

    def _loop(self, nodes: Any, flags: int, *, lazy: bool, may_be_empty: bool) -> None:
        head, fork = self._here, self._fork()
        if may_be_empty:
            fork.loop, self.program.loops = self.program.loops, self.program.loops + 1
            if self.program.loops > MOST_LOOPS:
                raise Unwalkable("so many repeats of what may be empty")
        fork.body = self._here
        self.add(nodes, flags)
        self.step(kind="jump", to=head)
        fork.ways = (self._here, fork.body) if lazy else (fork.body, self._here)


_ONE_CHARACTER: Final = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN)
_LOOKS: Final = (_constants.ASSERT, _constants.ASSERT_NOT)
_REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)
_GROUPS: Final = (_constants.GROUPREF, _constants.GROUPREF_EXISTS)
_LOOKAROUND: Final = "a lookaround that is open-ended or has a group"
_NAMES: Final = {
    _constants.GROUPREF: "a backreference",
    _constants.GROUPREF_EXISTS: "a condition on a group",
    _constants.ASSERT: _LOOKAROUND,
    _constants.ASSERT_NOT: _LOOKAROUND,
}


def _alone(node: Any, flags: int) -> re.Pattern[str]:
    state = _parser.State()  # one of its own, as that of the whole pattern has flags that may not hold here
    state.flags = flags
    pattern: re.Pattern[str] = _compiler.compile(_parser.SubPattern(state, [node]), flags)
    return pattern


def _one_character(pattern: re.Pattern[str]) -> Holds:
    known: dict[str, bool] = {}

    def holds(text: str, position: int) -> bool:
        character = text[position : position + 1]
        held = known.get(character)
        if held is None:
            held = known[character] = pattern.fullmatch(character) is not None
        return held

    return holds


def _is_apart(nodes: Any) -> bool:
    """Whether `re` itself can look there: no further than a few characters, and for no group, be it to set one or to ask for it."""
    return int(nodes.getwidth()[1]) <= 100 and not any(
        kind in _GROUPS or (kind is _constants.SUBPATTERN and value[0] is not None) for kind, value in _nodes(nodes)
    )
