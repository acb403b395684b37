"""How a stream of events can go wrong before it is sent. Pure: pieces in, pieces out."""

from collections.abc import Callable, Mapping, Sequence

Pieces = Sequence[bytes]

_COMMENT = b": keep-alive\n\n"


def edited(pieces: Pieces, how: str, error: bytes) -> Pieces:
    """The stream as the edit `how` leaves it; `error` is the event that tells of one.

    >>> edited([b"1", b"2", b"3", b"[DONE]"], "stream-error", b"no")
    [b'1', b'2', b'no']
    """
    return EDITS[how](pieces, error)


def half(pieces: Pieces) -> Pieces:
    """The first half, one piece at least."""
    return pieces[: max(1, len(pieces) // 2)]


def _half(pieces: Pieces, _error: bytes) -> Pieces:
    return half(pieces)


def _without_end(pieces: Pieces, _error: bytes) -> Pieces:
    return pieces[:-1]


def _broken_off(pieces: Pieces, error: bytes) -> Pieces:
    return [*half(pieces), error]


def _kept_alive(pieces: Pieces, _error: bytes) -> Pieces:
    return [piece for event in pieces for piece in (_COMMENT, event)]


EDITS: Mapping[str, Callable[[Pieces, bytes], Pieces]] = {
    "stream-half": _half,
    "no-done": _without_end,
    "stream-error": _broken_off,
    "keep-alive": _kept_alive,
}
