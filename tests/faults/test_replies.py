"""Replies that are none: cut, endless, packed, misspelt. None is scored, none stops the run, none fills the memory."""

import asyncio
import gzip
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from evalsvc.endpoint.answer import Action, Failure
from evalsvc.endpoint.apis import APIS
from evalsvc.records import Reply, Request
from tests.e2e.desk import environment
from tests.endpoint.conftest import serving
from tests.endpoint.contract.answers import ANSWERS, SPOKEN, WORDS
from tests.endpoint.contract.transports import TRANSPORTS
from tests.faults.desk import FaultDesk
from tests.faults.fuzz import KINDS
from tests.faults.promises import promise
from tests.faults.raw import completion, response, saying

SEED = 20261121
NAME = "a text of many scripts"
ASKED = [(api, streams) for api, streams, name in SPOKEN if name == NAME]
FRAMINGS = ("length", "chunks", "until close")
REQUEST = Request(
    id="42", repeat=0, row_hash=bytes(8), key="0" * 32, target="spam", messages=b"[]", body=b'{"model":"m"}', input_tokens_estimate=5
)  # fmt: skip

# cut anywhere ---------------------------------------------------------------------------------------------------------


def framed(body: bytes, framing: str, *, streams: bool) -> bytes:
    kind = "text/event-stream" if streams else "application/json"
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n".encode()
    if framing == "length":
        return head + b"content-length: %d\r\n\r\n" % len(body) + body
    if framing == "until close":
        return head + b"connection: close\r\n\r\n" + body
    # chunks of 7 bytes, so that events and characters are cut in two by them
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(body[at : at + 7]), body[at : at + 7]) for at in range(0, len(body), 7))
    return head + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def cut_at(ends: Sequence[int], whole: bytes, transport: str, api: str, *, streams: bool) -> list[Reply | Failure]:
    async def attempts() -> list[Reply | Failure]:
        left = iter(ends)

        async def say(writer: asyncio.StreamWriter) -> None:
            writer.write(whole[: next(left)])

        async with serving(say) as server, TRANSPORTS[transport](server.url, APIS[api], streams) as ask:
            return [(await ask(REQUEST)).result for _ in ends]

    return asyncio.run(attempts())


def check_cuts(ends: Sequence[int], transport: str, api: str, framing: str, *, streams: bool) -> None:
    words = WORDS[api]
    body = b"".join(words.events(NAME)) if streams else words.body(NAME)
    whole = framed(body, framing, streams=streams)
    for end, result in zip(ends, cut_at(ends, whole, transport, api, streams=streams), strict=True):
        if isinstance(result, Failure):
            assert (result.action, result.kind in KINDS) == (Action.RETRY, True), (end, result)
        else:
            # all that matters has come: of a stream the end of its answer, of a body until close the last brace
            assert streams or framing == "until close", end
            assert (result.output, result.finish_reason) == (ANSWERS[NAME].text, ANSWERS[NAME].finish), end


def length_of(api: str, framing: str, *, streams: bool) -> int:
    words = WORDS[api]
    return len(framed(b"".join(words.events(NAME)) if streams else words.body(NAME), framing, streams=streams))


@promise("6.1")
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize(("api", "streams"), ASKED)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_response_cut_anywhere_is_asked_for_again_and_never_another_answer(transport: str, api: str, streams: bool, framing: str) -> None:
    ends = Random(f"{SEED} {api} {streams} {framing}").sample(range(length_of(api, framing, streams=streams)), 12)
    check_cuts(ends, transport, api, framing, streams=streams)


@promise("6.1")
@pytest.mark.long
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize(("api", "streams"), ASKED)
def test_a_response_cut_at_every_byte_is_asked_for_again_and_never_another_answer(api: str, streams: bool, framing: str) -> None:
    check_cuts(range(length_of(api, framing, streams=streams)), "http", api, framing, streams=streams)


# endless --------------------------------------------------------------------------------------------------------------

# what may be kept of one reply: 16 MiB and four times that of a stream, in pieces and put together, and what they are read with
MOST_MIB = {"plain": 48, "streamed": 128}


def grown_mib(transport: str, kind: str) -> dict[str, Any]:
    """What became of one flood after the other in a process of its own, and by how much its memory has grown at the most."""
    flooded = subprocess.run(
        [sys.executable, "-m", "tests.faults.flooded", transport, kind],
        capture_output=True, check=True, text=True, timeout=120, env=environment({"PYTHONPATH": os.fspath(Path(__file__).parents[2])}),
    )  # fmt: skip
    told: dict[str, Any] = json.loads(flooded.stdout)
    return told


@promise("6.3", "6.4")
@pytest.mark.parametrize(
    ("transport", "kind"),
    [("http", "plain"), ("http", "streamed"), *(pytest.param("sdk", kind, marks=pytest.mark.long) for kind in MOST_MIB)],
)
def test_floods_and_bombs_are_cut_in_bounded_memory(transport: str, kind: str) -> None:
    told = grown_mib(transport, kind)
    assert told["grown_mib"] <= MOST_MIB[kind], told
    too_large = {name: result for name, result in told["results"].items() if not name.startswith(("head", "error", "stacked"))}
    assert set(too_large.values()) == {"response_too_large"}, told
    assert {result for name, result in told["results"].items() if name.startswith("head")} <= {"malformed"}
    assert {result for name, result in told["results"].items() if name.startswith("error")} <= {"overloaded"}
    assert {result for name, result in told["results"].items() if name.startswith("stacked")} <= {"malformed", "response_too_large"}


# misspelt -------------------------------------------------------------------------------------------------------------


def said(**changes: Any) -> bytes:
    """A good answer but for these fields of its message, its choice or itself."""
    root = json.loads(completion("spam"))
    for key, value in changes.items():
        where = root["choices"][0]["message"] if key in {"content", "tool_calls"} else root
        (root["choices"][0] if key in {"logprobs", "finish_reason"} else where)[key] = value
    return response(json.dumps(root).encode())


def flood(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n%b\r\n" % (b" " * 65536))


DEEP_CALL = completion("spam").replace(b'"content"', b'"tool_calls": [' + b'{"a":' * 900 + b"1" + b"}" * 900 + b'], "content"')
TWICE = b'{"choices":[{"message":{"content":"ham"},"finish_reason":"stop"}],'
SPOKEN_ODDLY: dict[str, tuple[Any, str | None]] = {  # what comes -> the kind of the row's error, or the output of its answer
    "html": (response(b"<!DOCTYPE html><html><body>It works!</body></html>"), None),
    "empty": (response(b""), None),
    "invalid UTF-8": (response(completion("spam").replace(b"spam", b"sp\xff\xfe")), None),
    "nested": (response(b"[" * 100_000), None),
    "details": (response(b'{"detail":' * 600 + b'"x"' + b"}" * 600), None),
    "deep call": (response(DEEP_CALL), None),
    "choices an object": (said(choices={"0": "spam"}), None),
    "choices empty": (said(choices=[]), None),
    "content a number": (said(content=7), None),
    "unfinished": (said(finish_reason=None), None),
    "half a gzip": (response(gzip.compress(completion("spam"))[:40], "content-encoding: gzip"), None),
    "surrogate": (said(content="spam \ud800"), "spam \ud800"),
    "separators": (said(content="spam \u2028\x00\x1b[31m\r\n"), "spam \u2028\x00\x1b[31m\r\n"),
    "said twice": (response(TWICE + completion("spam")[1:]), "spam"),
    "content in parts": (said(content=[{"type": "text", "text": "spam"}, 3, None]), "spam"),
    "content null": (said(content=None), ""),
    "usage a text": (said(usage="much"), "spam"),
    "usage enormous": (said(usage={"prompt_tokens": 2**63, "completion_tokens": -1}), "spam"),
    "usage enormous too": (said(usage={"prompt_tokens": 2**63, "completion_tokens": 1e30}), "spam"),
    "logprobs odd": (said(logprobs={"content": [None, {"token": 3}, {"token": "spam", "logprob": float("nan")}]}), "spam"),
    "odd header": (response(completion("spam"), "x-request-id: \xff\xfe", "retry-after: -1e9", "date: yesterday"), "spam"),
}  # fmt: skip


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultDesk]:
    """A finished run in which every reply is odd in a way of its own."""
    path = tmp_path_factory.mktemp("odd")
    replies = {name: reply for name, (reply, _) in SPOKEN_ODDLY.items()} | {"flood": flood}
    with saying(replies) as server:
        desk = FaultDesk(path=path, base_url=f"http://127.0.0.1:{server.port}/v1")
        names = ["good 1", *replies, "good 2"]
        desk.write_rows({"id": name, "text": f"<{name}>", "label": "spam"} for name in names)
        desk.write_config(
            dataset={"id": "id"},
            max_error_rate=1.0,
            limits={"max_retries": 1, "tokens_per_minute": 1_000_000},
            model={"max_output_tokens": 5},
        )
        end = desk.run("run", "eval.yaml")
        assert end.code == 0, end.err
        yield desk


@promise("6.4")
@pytest.mark.parametrize("name", SPOKEN_ODDLY)
def test_an_odd_reply_is_an_error_of_its_row_or_the_answer_that_it_holds(name: str, odd: FaultDesk) -> None:
    record, answer = odd.winners()[name], SPOKEN_ODDLY[name][1]
    if answer is None:
        assert (record["status"], record["error"]["kind"] in {"malformed", "cut"}) == ("error", True), record
        assert record["attempts"] == 3  # as max_retries says, and the sweep
    else:
        assert (record["status"], record["output"] or "") == ("ok", answer)


@promise("6.3")
def test_a_reply_without_end_is_an_error_of_its_row_at_the_first_attempt(odd: FaultDesk) -> None:
    record = odd.winners()["flood"]
    assert (record["error"]["kind"], record["attempts"]) == ("response_too_large", 1)


@promise("6.4")
def test_the_rest_of_the_run_is_whole_and_a_second_launch_has_nothing_to_ask(odd: FaultDesk) -> None:
    failed = sum(answer is None for _, answer in SPOKEN_ODDLY.values()) + 1
    assert odd.summary["rows"] == {"expected": len(SPOKEN_ODDLY) + 3, "ok": len(SPOKEN_ODDLY) + 3 - failed, "error": failed, "pending": 0}
    assert (odd.run_dir / "report.html").read_bytes()
    assert odd.summary["usage"]["input"] < 1000, "a count that no answer can have is none"
    again = odd.run("run", "eval.yaml")
    assert (again.code, "0 requests" in again.err) == (0, True), again.err
