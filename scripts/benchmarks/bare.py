"""The yardstick: the same bytes through a bare aiohttp loop that keeps nothing.

usage: python -m benchmarks.bare REPORT URL BODIES [--limit N] [--concurrency N] [--collector]

BODIES holds one request body a line; the first N are sent. Writes what it used, and rows and seconds of asking, to REPORT as JSON.
--collector sets the garbage collector as `evalsvc run` does.
"""

import argparse
import asyncio
import gc
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import aiohttp
import orjson
import uvloop
from yarl import URL

from benchmarks.limits import raise_open_files
from benchmarks.usage import used

HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


async def ask_all(url: URL, bodies: Iterator[bytes], concurrency: int) -> int:
    """Replies read and parsed, `concurrency` at a time."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=concurrency),
        headers=HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
    )
    replies = 0

    async def work() -> None:
        nonlocal replies
        for body in bodies:
            async with session.post(url, data=body) as response:
                reply = orjson.loads(await response.read())
            replies += reply["choices"][0]["message"]["content"] == "spam"

    async with session, asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(work())
    return replies


def tune_collector() -> None:
    gc.set_threshold(50_000, 50, 100)
    gc.freeze()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("report", type=Path)
    parser.add_argument("url", type=URL)
    parser.add_argument("bodies", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--collector", action="store_true")
    options = parser.parse_args()
    raise_open_files()
    with options.bodies.open("rb") as file:
        bodies = [line.rstrip(b"\n") for line in islice(file, options.limit)]
    if options.collector:
        tune_collector()
    began_at = time.monotonic()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rows = runner.run(ask_all(options.url, iter(bodies), options.concurrency))
    wall_s = time.monotonic() - began_at
    options.report.write_bytes(orjson.dumps({**used(), "rows": rows, "asking_s": wall_s}))


if __name__ == "__main__":
    main()
