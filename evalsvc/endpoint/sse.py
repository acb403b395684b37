"""Server-sent events, from bytes in any pieces (WHATWG HTML standard, "Interpreting an event stream"). No I/O.

Looser than the standard in two points that servers need: an event that the end of the stream cuts short of its blank
line still counts, and a field `error`, in which older llama.cpp servers report theirs, is data of an event of that type.
"""

from dataclasses import dataclass

_BOM = b"\xef\xbb\xbf"
_FIELDS = frozenset({b"data", b"event", b"error"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event. `data` is its data lines joined by newlines, as bytes: a character cut in two is whole again here."""

    data: bytes
    type: str = ""


class EventReader:
    """Bytes in, events out; where the bytes are cut makes no difference.

    >>> reader = EventReader()
    >>> reader.feed(b": hello\\n\\ndata: {}\\n"), reader.feed(b"\\nevent: end\\rdata: a\\rdata: b\\r\\r")
    ([], [Event(data=b'{}', type=''), Event(data=b'a\\nb', type='end')])
    """

    __slots__ = ("_after_cr", "_data", "_is_first", "_rest", "_type")

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # of a line that is not complete, joined once it is
        self._after_cr = False  # a newline right after it belongs to it
        self._is_first = True
        self._data: list[bytes] = []
        self._type = ""

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes."""
        if not data:
            return []
        if self._after_cr and data[0] == 0x0A:
            data = data[1:]
        self._after_cr = data.endswith(b"\r")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        first, *others = data.split(b"\n")
        self._rest.append(first)
        if not others:
            return []
        lines = [b"".join(self._rest), *others[:-1]]
        self._rest = [others[-1]]
        return [event for line in lines if (event := self._take(line)) is not None]

    def end(self) -> list[Event]:
        """What the end of the stream leaves: the last event, where it came without its blank line."""
        events = [self._take(b"".join(self._rest)), self._take(b"")]
        self._rest = []
        return [event for event in events if event is not None]

    def _take(self, line: bytes) -> Event | None:
        if self._is_first:
            self._is_first, line = False, line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        if name not in _FIELDS:
            return None  # a comment, `id`, `retry`, or nothing known
        value = value.removeprefix(b" ")
        if name == b"event":
            self._type = value.decode("utf-8", "replace")
            return None
        if name == b"error":
            self._type = "error"
        self._data.append(value)
        return None

    def _dispatch(self) -> Event | None:
        data, type_ = self._data, self._type
        self._data, self._type = [], ""
        return Event(data=b"\n".join(data), type=type_) if data else None
