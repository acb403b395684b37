"""Every call is in the log, whatever became of it."""

import asyncio
from pathlib import Path

import aiohttp

from evalsvc.sandbox.embed import start_sandbox
from evalsvc.sandbox.questions import digest
from tests.sandbox.client import ask, asked, conversing, logged, question


def test_every_call_is_logged_once(call_log: Path) -> None:
    async def many(session: aiohttp.ClientSession) -> None:
        await asyncio.gather(*[ask(session, sandbox.url, question(f"text {number % 50}")) for number in range(300)])

    with start_sandbox([f"--call-log={call_log}", "--latency=0.05"]) as sandbox:
        conversing(many)
    calls = logged(call_log)
    assert sorted(call["n"] for call in calls) == list(range(1, 301))
    assert {call["hash"] for call in calls} == {digest(question(f"text {number}")["messages"]).hex() for number in range(50)}
    assert {(call["status"], call["api"], call["model"], call["fault"]) for call in calls} == {(200, "chat", "echo", "latency")}
    assert max(call["in_flight"] for call in calls) > 1


def test_the_log_says_what_struck_a_call(call_log: Path) -> None:
    with start_sandbox([f"--call-log={call_log}"]) as sandbox:
        asked(sandbox.url, question(), question(), fault="status=503:times=1,latency=0.01")
        asked(sandbox.url, b"not json", question(model="nobody"))
    told = [(call["status"], call["fault"], call["attempt"], call["hash"] is not None) for call in logged(call_log)]
    assert told == [(503, "status,latency", 1, True), (200, "latency", 2, True), (400, None, None, False), (404, None, None, False)]


def test_a_call_that_was_never_answered_is_logged_when_its_client_goes(call_log: Path) -> None:
    async def impatient(session: aiohttp.ClientSession) -> None:
        try:
            async with asyncio.timeout(0.2):
                await ask(session, sandbox.url, question(), "silence")
        except TimeoutError:
            return

    with start_sandbox([f"--call-log={call_log}"]) as sandbox:
        conversing(impatient)
    assert [(call["n"], call["status"], call["fault"]) for call in logged(call_log)] == [(1, None, "silence")]


def test_a_restarted_server_goes_on_in_the_same_file(call_log: Path) -> None:
    for _ in range(2):
        with start_sandbox([f"--call-log={call_log}"]) as sandbox:
            asked(sandbox.url, question())
    assert [call["n"] for call in logged(call_log)] == [1, 1]
