"""A regular expression of the user's, on replies of a stranger's: it ends on every text.

`re` tries one way after the other, and some patterns have more ways than there is time: (a+)+$ on thirty a and a b. So it has
CPU_S of the processor. Where that is not enough, `walk` gives the answer that `re` would have given in the end, in time that
grows with the length of the text alone. Both give the same, so that no number depends on how fast a machine is. In a thread, where
nothing can end `re`, `walk` follows every text of a pattern that looks like such a one.
"""

import re
import signal
import threading
from collections import deque
from collections.abc import Callable
from functools import cached_property
from types import FrameType
from typing import TypeVar

from evalsvc.errors import UsageError
from evalsvc.scoring.walk import Match, Program, Span, Unwalkable, compile_program, may_explode

# The processor time for one text; a hundred times what a pattern without such an ambiguity takes for 20,000 characters.
CPU_S = 0.2
# How much of the end of a text is read, where the answers are.
READS_CHARS = 20_000

T = TypeVar("T")


class _Over(Exception):
    pass


class Pattern:
    """A compiled pattern; `place` is where the config has it. UsageError for what is no regular expression."""

    def __init__(self, pattern: str, *, place: str) -> None:
        try:
            self._quick = re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise UsageError(f"{place}: {pattern!r} is no regular expression: {error}") from error
        self._place = place
        self._program: Program | None = None  # once one text was too much for `re`

    def last(self, text: str) -> str | None:
        """The last match in the end of `text`: its first group, or all of it where there is none; None too where the group has no part."""
        span = self.where(text)
        return None if span is None else text[slice(*span)]

    def where(self, text: str) -> Span | None:
        """Where `last` begins and ends."""
        skipped = max(0, len(text) - READS_CHARS)
        found = self._either(lambda: _last(self._quick, text[skipped:]), lambda program: program.last(text[skipped:]))
        begin, end = (-1, -1) if found is None else found[1 if self._quick.groups else 0]
        return None if begin < 0 else (skipped + begin, skipped + end)

    def is_in(self, text: str) -> bool:
        """Whether it is found in the end of `text`."""
        end = text[-READS_CHARS:]
        return self._either(lambda: self._quick.search(end) is not None, lambda program: program.first(end) is not None)

    def is_all_of(self, text: str) -> bool:
        """False for texts of more than READS_CHARS."""
        return len(text) <= READS_CHARS and self._either(
            lambda: self._quick.fullmatch(text) is not None, lambda program: program.whole(text) is not None
        )

    def _either(self, quick: Callable[[], T], walked: Callable[[Program], T]) -> T:
        program = self._program or (None if _has_timer() else self._untimed)
        if program is None:
            try:
                return within(CPU_S, quick)
            except TimeoutError:
                program = self._program = self._compiled()
        return walked(program)

    @cached_property
    def _untimed(self) -> Program | None:
        """For where nothing could end `re`; None where it does by itself, as far as one can see, or where there is no other way."""
        try:
            return compile_program(self._quick) if may_explode(self._quick) else None
        except Unwalkable:
            return None

    def _compiled(self) -> Program:
        try:
            return compile_program(self._quick)
        except Unwalkable as why:
            raise UsageError(
                f"{self._place}: {self._quick.pattern!r} comes to no end on one of the replies, and {why} leaves no other way to follow it",
                hint="write it without repeats within repeats, or put (?>…) around the inner one; evalsvc score then does the rest",
            ) from None


def _last(pattern: re.Pattern[str], text: str) -> Match | None:
    matches = deque(pattern.finditer(text), maxlen=1)
    return (matches[0].span(), matches[0].span(1 if pattern.groups else 0)) if matches else None


def _has_timer() -> bool:
    return threading.current_thread() is threading.main_thread()


def within(cpu_s: float, work: Callable[[], T]) -> T:
    """What `work` gives. TimeoutError after `cpu_s` of this process's time; in a thread other than the main one there is no such limit."""
    if not _has_timer():
        return work()
    armed = True

    def over(_number: int, _frame: FrameType | None) -> None:
        if armed:  # else it came when `work` was just done
            raise _Over

    before = signal.signal(signal.SIGVTALRM, over)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s)
        try:
            return work()
        finally:
            armed = False
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except _Over:
        raise TimeoutError(f"not done after {cpu_s:g} s of processor time") from None
    finally:
        signal.signal(signal.SIGVTALRM, before)
