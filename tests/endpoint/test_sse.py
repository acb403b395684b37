"""Events out of bytes, however they are cut, ended and decorated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.endpoint.sse import Event, EventReader


def read(data: bytes, *, size: int | None = None) -> list[Event]:
    reader = EventReader()
    pieces = [data] if size is None else [data[at : at + size] for at in range(0, len(data), size)]
    events = [event for piece in pieces for event in reader.feed(piece)]
    return [*events, *reader.end()]


def datas(data: bytes) -> list[bytes]:
    return [event.data for event in read(data)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_may_end_in_any_of_three_ways(end: bytes) -> None:
    lines = [b"event: a", b"data: 1", b"", b": still here", b"data: 2", b"data: 3", b"", b""]
    expected = [Event(data=b"1", type="a"), Event(data=b"2\n3")]
    for size in (None, 1, 2, 3, 5):
        assert read(end.join(lines), size=size) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", []),
        (b"\n\n\n", []),
        (b": keep-alive\n\n: keep-alive\n\n", []),
        (b"event: ping\n\n", []),
        (b"data: {}\n\n", [b"{}"]),
        (b"data:{}\n\n", [b"{}"]),
        (b"data:  {}\n\n", [b" {}"]),
        (b"data\n\n", [b""]),
        (b"id: 7\nretry: 10\ndata: x\nunknown: y\n\n", [b"x"]),
        (b"data: a: b\n\n", [b"a: b"]),
        (b"\xef\xbb\xbfdata: x\n\n", [b"x"]),
        (b"data: x\n", [b"x"]),
        (b"data: x", [b"x"]),
        (b"data: x\n\ndata: y", [b"x", b"y"]),
        (b'{"choices": []}', []),
    ],
)
def test_what_is_an_event_and_what_is_not(text: bytes, expected: list[bytes]) -> None:
    assert datas(text) == expected


def test_an_event_without_data_leaves_no_type_to_the_next() -> None:
    assert read(b"event: ping\n\ndata: x\n\n") == [Event(data=b"x", type="")]


def test_a_field_called_error_is_an_event_of_that_type() -> None:
    assert read(b'error: {"code":500}\n\n') == [Event(data=b'{"code":500}', type="error")]


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=20), max_size=6), st.integers(1, 9))
def test_any_text_comes_through_cut_anywhere(texts: list[str], size: int) -> None:
    data = b"".join(b"data: " + text.encode() + b"\n\n" for text in texts)
    assert [event.data.decode() for event in read(data, size=size)] == texts


@given(st.binary(max_size=60), st.integers(1, 5))
def test_where_bytes_are_cut_makes_no_difference(data: bytes, size: int) -> None:
    assert read(data, size=size) == read(data)


def test_a_line_of_megabytes_in_small_pieces_is_put_together_once() -> None:
    reader = EventReader()
    for _ in range(20_000):
        assert reader.feed(b"data: " if _ == 0 else b"x" * 100) == []
    assert len(reader.feed(b"\n\n")[0].data) == 1_999_900
