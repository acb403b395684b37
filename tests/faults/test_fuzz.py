"""No body, stream, error, header or byte of HTTP whatever makes the client crash or hang.

Each example is a seed; the same seeds are tried every time. The long tests try many more of them.
"""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.endpoint.answer import Failure
from evalsvc.endpoint.apis import APIS
from evalsvc.endpoint.bodies import unredacted
from evalsvc.endpoint.errors import classify
from evalsvc.endpoint.limits import read_allowance
from evalsvc.records import Reply, Request
from tests.endpoint.conftest import serving
from tests.endpoint.contract.transports import TRANSPORTS
from tests.faults.fuzz import REAL, Real, check, each_spoilt_once, http_response, pieces, spoilt, spoilt_bytes, written
from tests.faults.promises import promise

SEEDS = st.integers(0, 2**64)
MOST_EVENTS = 6  # of a stream, the others are like them
QUICK = settings(max_examples=400, derandomize=True, database=None, deadline=None)
LONG = settings(QUICK, max_examples=4_000)
ABOUT: dict[str, Any] = {"latency_s": 1.0, "request_id": None, "redact": unredacted}
ODD_TEXTS = (
    "",
    "0",
    "-1",
    "1e9",
    "1000000000",
    "9" * 400,
    "NaN",
    "inf",
    "soon",
    "²",
    "٣",
    "\udcff\udcfe",
    "Fri, 31 Feb 2026 25:00:00 GMT",
    "x" * 8000,
)
HEADERS = (
    "retry-after",
    "retry-after-ms",
    "date",
    "location",
    "x-should-retry",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-tokens",
)


def an_answer(seed: int) -> None:
    random = Random(seed)
    real = random.choice(REAL)
    body = spoilt(real, random)
    api = APIS[real.api]
    check(api.parse(body, request=real.request, status=200, **ABOUT))
    if api.stream is not None:
        stream = api.new_stream(real.request)
        for piece in pieces(body, random):
            stream.feed(piece, 0.5)
        check(stream.result(status=200, **ABOUT))


def an_error(seed: int) -> None:
    random = Random(seed)
    headers = {name: random.choice(ODD_TEXTS) for name in HEADERS if random.random() < 0.5}
    failure = classify(random.choice((*range(200, 600), 0, 100, 999)), headers, spoilt(random.choice(REAL), random), now_s=0.0)
    check(failure)
    assert failure.retry_after_s is None or 0 <= failure.retry_after_s <= 300
    read_allowance(headers)


@promise("6.4", "6.7")
@pytest.mark.parametrize("real", [real for real in REAL if real.status == 200], ids=lambda real: real.name)
def test_any_one_value_of_a_real_answer_may_be_odd_or_missing(real: Real) -> None:
    api = APIS[real.api]
    if not real.streams or api.stream is None:
        for odd in each_spoilt_once(real.body):
            check(api.parse(written([odd], streams=False), request=real.request, status=200, **ABOUT))
        return
    for at, event in enumerate(real.body[:MOST_EVENTS]):
        for odd in each_spoilt_once(event):
            stream = api.new_stream(real.request)
            stream.feed(written([*real.body[:at], odd, *real.body[at + 1 :]], streams=True), 0.5)
            check(stream.result(status=200, **ABOUT))


@promise("6.7")
@QUICK
@given(SEEDS)
def test_no_spoilt_answer_breaks_a_parser_or_the_journal(seed: int) -> None:
    an_answer(seed)


@promise("6.7")
@QUICK
@given(SEEDS)
def test_no_spoilt_error_or_header_is_beyond_the_table(seed: int) -> None:
    an_error(seed)


@promise("6.7")
@pytest.mark.long
@pytest.mark.parametrize("one", [an_answer, an_error])
def test_nor_do_four_thousand_of_them(one: Callable[[int], None]) -> None:
    LONG(given(SEEDS)(one))()


def all_asked(transport: str, streams: bool, responses: Sequence[tuple[Request, bytes]]) -> list[Reply | Failure]:
    """What becomes of each response to a request of its own, one after the other. Real time: none may take longer than its deadline."""
    api = next(real.api for real in REAL if real.streams == streams and real.api == "chat")

    async def asked() -> list[Reply | Failure]:
        left = iter(responses)

        async def say(writer: asyncio.StreamWriter) -> None:
            writer.write(next(left)[1])

        async with serving(say) as server, TRANSPORTS[transport](server.url, APIS[api], streams) as ask:
            return [(await asyncio.wait_for(ask(request), 8)).result for request, _ in responses]

    return asyncio.run(asked())


def responses(seed: int, count: int, *, streams: bool) -> list[tuple[Request, bytes]]:
    """Responses of which the body is spoilt, or the HTTP around it, or both."""
    random = Random(seed)
    found = [real for real in REAL if real.api == "chat" and real.streams == streams]

    def one(real: Real) -> tuple[Request, bytes]:
        body = spoilt(real, random) if random.random() < 0.5 else real.data
        response = http_response(real, body, random)
        head = response.index(b"\r\n\r\n") + 4
        return real.request, spoilt_bytes(response[:head], random) + response[head:] if random.random() < 0.7 else spoilt_bytes(
            response, random
        )

    return [one(random.choice(found)) for _ in range(count)]


@promise("6.7")
@pytest.mark.parametrize("streams", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("transport", ["http", "sdk"])
def test_no_spoilt_http_breaks_a_transport(transport: str, streams: bool) -> None:
    for result in all_asked(transport, streams, responses(20261121, 100, streams=streams)):
        check(result)


@promise("6.7")
@pytest.mark.long
@pytest.mark.parametrize("streams", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_nor_do_hundreds_of_them(transport: str, streams: bool) -> None:
    for result in all_asked(transport, streams, responses(7, 600, streams=streams)):
        check(result)
