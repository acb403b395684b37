"""Whether a connection is used again after a stream.

Most servers keep it open. Some, llama.cpp's among them, announce that and close it right behind the last byte, and a
request that is already on its way into it is lost: a quarter of all, measured on loopback. So resets are counted, and
where they are more than one in fifty streams, every stream gets a connection of its own until they are not.
"""

from dataclasses import dataclass

STREAMS_PER_RESET = 50


@dataclass(slots=True)
class Reuse:
    """Counts what became of streams.

    >>> reuse = Reuse()
    >>> reuse.allowed
    True
    >>> reuse.reset()
    >>> reuse.allowed
    False
    >>> for _ in range(STREAMS_PER_RESET): reuse.ended()
    >>> reuse.allowed
    True
    """

    _streams: int = 0
    _resets: int = 0

    @property
    def allowed(self) -> bool:
        return self._resets * STREAMS_PER_RESET <= self._streams

    def ended(self) -> None:
        """A stream came to its end."""
        self._streams += 1

    def reset(self) -> None:
        """A connection was lost before or in an answer."""
        self._resets += 1
