"""A client that sends exactly what it is told, and what the tests here ask with it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

T = TypeVar("T")

TRAINING = (
    ("win a free prize now", "spam"),
    ("free cash, call this number now", "spam"),
    ("claim your prize, text WIN", "spam"),
    ("are we still on for lunch", "ham"),
    ("call me when you are home", "ham"),
    ("lunch at noon then, see you", "ham"),
    ("the meeting moved to three", "not sure"),
    ("please see the attached number", "not sure"),
    ("this is a test of the line", "not sure"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A whole reply."""

    status: int
    headers: Mapping[str, str]  # whatever the case of their names
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]


def question(text: str = "hello there", model: str = "echo", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


CHAT, RESPONSES, COMPLETIONS = "chat/completions", "responses", "completions"


def every_api(text: str, **more: Any) -> list[tuple[str, dict[str, Any]]]:
    """The same question by each API, with the path to ask it at."""
    said = {"model": "echo", **more}
    return [(CHAT, question(text, **more)), (RESPONSES, {"input": text, **said}), (COMPLETIONS, {"prompt": text, **said})]


async def ask(session: aiohttp.ClientSession, url: str, body: Any, fault: str | None = None, path: str = CHAT, **headers: str) -> Received:
    """Posts a request: bytes as they are, anything else as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = headers if fault is None else {**headers, "x-sandbox-fault": fault}
    async with session.post(f"{url}/{path}", data=data, headers=given) as response:
        return Received(status=response.status, headers=response.headers, body=await response.read())


def conversing(talk: Callable[[aiohttp.ClientSession], Awaitable[T]]) -> T:
    """What `talk` brings back from its session."""

    async def inside() -> T:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            return await talk(session)

    return asyncio.run(inside())


def asked(url: str, *bodies: Any, fault: str | None = None, path: str = CHAT, **headers: str) -> list[Received]:
    """The replies to `bodies`, asked one after the other."""

    async def talk(session: aiohttp.ClientSession) -> list[Received]:
        return [await ask(session, url, body, fault, path, **headers) for body in bodies]

    return conversing(talk)


def events_in(body: bytes) -> list[Any]:
    """The events of a stream, decoded; its end mark and comments left out."""
    lines = body.decode().split("\n")
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]


def logged(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
