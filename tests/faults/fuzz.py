"""What no server should send: replies that real servers gave, spoilt in every way that their form allows."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from evalsvc.endpoint import errors
from evalsvc.endpoint.answer import Failure
from evalsvc.endpoint.errors import Meaning
from evalsvc.journal.line import decode, encode
from evalsvc.records import Record, Reply, Request
from tests.endpoint.test_recorded import FILES, exchange

# What a failed attempt can be called: the rows of the error table.
KINDS: Final = frozenset(meaning.kind for meaning in vars(errors).values() if isinstance(meaning, Meaning))


def _nested(levels: int, key: str = "a") -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {key: value}
    return value


# Of every type, and at the edges of each.
ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1.5, -0.0, 2**31, 2**63, 2**64, 10**400, 1e308, float("nan"), float("-inf"),
    "", "\ud800", "\0", "\u2028", "stop", "error", "x" * 5000, "<" * 5000, [], [None], [[]], [1, "a", {}], {}, {"": None},
    {"error": {}}, {"message": {"content": {}}}, {"text": []}, _nested(80), _nested(600), _nested(850),
    _nested(600, "detail"), {"index": 0, "function": _nested(600)},
)  # fmt: skip
_PIECES: Final = (
    b"",
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\n\n",
    b"\r",
    b"data: ",
    b"{",
    b"[" * 3000,
    b"}",
    b'"',
    b"\\ud800",
    b"1e999",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """An exchange that took place, or was written down after one."""

    name: str
    api: str
    status: int
    request: Request
    streams: bool
    body: Any  # JSON; of a stream its events
    data: bytes


def _real(path: Any) -> Real:
    recorded, data = exchange(path)
    asked = json.dumps(recorded["request"], separators=(",", ":")).encode()
    streams = "event-stream" in recorded["content_type"] and isinstance(recorded["body"], list)
    return Real(
        name=f"{path.parent.name}/{path.stem}",
        api=recorded["api"],
        status=recorded["status"],
        request=Request(
            id="1", repeat=0, row_hash=bytes(8), key="0" * 32, target="spam", messages=b"[]", body=asked, input_tokens_estimate=1
        ),
        streams=streams,
        body=recorded["body"],
        data=data,
    )  # fmt: skip


REAL: Final = tuple(real for real in map(_real, FILES) if real.api != "models")


def spoilt_value(value: Any, random: Random) -> Any:
    """`value` with something in it replaced, left out, said twice, or put one level deeper."""
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = random.choice(sorted(value))
        kept = dict(value)
        match random.randrange(8):
            case 0:
                del kept[key]
            case 1:
                kept[random.choice(sorted(value))] = value[key]
            case _:
                kept[key] = spoilt_value(value[key], random)
        return kept
    if isinstance(value, list) and value and random.random() < 0.85:
        at, other = random.randrange(len(value)), list(value)
        match random.randrange(8):
            case 0:
                del other[at]
            case 1:
                other.insert(at, value[at])
            case _:
                other[at] = spoilt_value(value[at], random)
        return other
    return random.choice((*ODD, [value], {"value": value}))


def each_spoilt_once(value: Any) -> Iterator[Any]:
    """`value` with one of its values, at any depth, gone or one of an odd few."""
    if isinstance(value, dict):
        for key in value:
            kept = {name: inner for name, inner in value.items() if name != key}
            yield kept
            yield from ({**value, key: other} for other in each_spoilt_once(value[key]))
    elif isinstance(value, list):
        for at, inner in enumerate(value[:3]):
            yield from ([*value[:at], other, *value[at + 1 :]] for other in each_spoilt_once(inner))
    yield from (None, 7, "", [], {}, [{}], {"a": [1]})


def spoilt_bytes(data: bytes, random: Random) -> bytes:
    """`data` with a piece cut out, put in, changed or said twice."""
    first, last = sorted(random.randrange(len(data) + 1) for _ in range(2))
    match random.randrange(5):
        case 0:
            return data[:last]
        case 1:
            return data[:first] + data[last:]
        case 2:
            return data[:first] + random.choice(_PIECES) + data[first:]
        case 3:
            return data[:last] + data[first:]
        case _:
            changed = bytearray(data)
            for _ in range(3):
                changed[random.randrange(len(changed))] = random.randrange(256)
            return bytes(changed)


def said_twice(data: bytes, random: Random) -> bytes:
    """JSON whose first object says one of its own keys twice, the first time with another value."""
    start = data.find(b"{") + 1
    key = random.choice((b'"choices"', b'"error"', b'"output"', b'"usage"', b'"status"', b'"message"'))
    return data[:start] + key + b":" + json.dumps(random.choice(ODD)).encode() + b"," + data[start:]


def spoilt(real: Real, random: Random) -> bytes:
    """What came of `real` after one to three accidents."""
    body, data = real.body, real.data
    for _ in range(random.randint(1, 3)):
        body = spoilt_value(body, random)
    if random.random() < 0.75:
        data = written(body if isinstance(body, list) else [body], streams=real.streams)
    how: Callable[[bytes, Random], bytes] = random.choice((lambda data, _: data, spoilt_bytes, said_twice))
    return how(data, random) if data else data


def written(events: Sequence[Any], *, streams: bool) -> bytes:
    """The events of a stream, or the one value of a body in one piece."""
    if streams:
        return b"".join(b"data: " + _written(event) + b"\n\n" for event in events)
    return _written(events[0] if len(events) == 1 else list(events))


def _written(value: Any) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else json.dumps(value).encode()


def pieces(data: bytes, random: Random) -> list[bytes]:
    """`data` in a few pieces, cut anywhere."""
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.randrange(6)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def http_response(real: Real, body: bytes, random: Random) -> bytes:
    """`body` as a server sends it, with its length told, in chunks, or until it hangs up."""
    kind = b"text/event-stream" if real.streams else b"application/json"
    head = b"HTTP/1.1 %d OK\r\ncontent-type: %b\r\nconnection: close\r\n" % (real.status, kind)
    match random.randrange(3):
        case 0:
            return head + b"content-length: %d\r\n\r\n" % len(body) + body
        case 1:
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces(body, random) if piece)
            return head + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
        case _:
            return head + b"\r\n" + body


def check(result: Reply | Failure) -> None:
    """Whatever came is a failure that the table knows, or a reply that the journal gives back as it was."""
    if isinstance(result, Failure):
        assert result.kind in KINDS, result
        assert len(result.message) <= 500
        return
    record = Record(
        id="1", repeat=0, row_hash=bytes(8), key="0" * 32, target="spam", messages=b"[]", reply=result, error=None, attempts=1,
        waited_s=0.0, at="2026-11-20T02:13:44.120Z",
    )  # fmt: skip
    line = encode(record)
    assert line.count(b"\n") == 1
    read = decode(line[:-1])
    assert read.reply is not None
    assert read.reply.output == result.output
