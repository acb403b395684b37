"""Whether a run stands still: a pure decision, made again and again with the time passed in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """A run under way, as far as its standing still is concerned. Times are of one monotonic clock."""

    last_answer_at: float  # or when the run began to wait for the first one
    done: int
    expected: int
    waiting_for: str | None  # in words


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a pulse says."""

    stalled: bool  # and not told yet
    again_in_s: float


def look(now: float, last_answer_at: float, *, stall_s: float, told_of: float | None) -> Look:
    """`told_of` is `last_answer_at` of the stall that was told last: each is told once, the next one only after an answer between.

    >>> look(0.0, 0.0, stall_s=600, told_of=None)
    Look(stalled=False, again_in_s=600.0)
    >>> look(600.0, 0.0, stall_s=600, told_of=None)
    Look(stalled=True, again_in_s=600)
    >>> look(1200.0, 0.0, stall_s=600, told_of=0.0).stalled, look(1800.0, 1200.0, stall_s=600, told_of=0.0).stalled
    (False, True)
    """
    silent_s = now - last_answer_at
    if last_answer_at == told_of:
        return Look(False, stall_s)
    return Look(True, stall_s) if silent_s >= stall_s else Look(False, stall_s - silent_s)
