"""The official client library, asked as its users ask it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import openai

from evalsvc.sandbox.embed import Sandbox

T = TypeVar("T")


def through_the_sdk(sandbox: Sandbox, talk: Callable[[openai.AsyncOpenAI], Awaitable[T]], key: str = "any") -> T:
    async def inside() -> T:
        async with openai.AsyncOpenAI(base_url=sandbox.url, api_key=key, max_retries=0) as client:
            return await talk(client)

    return asyncio.run(inside())
