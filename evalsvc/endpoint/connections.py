"""Connections are kept between requests, but none on which something came that nobody had asked for, and none that nobody reads.
What is given up is closed before another takes its place, so that there are never more than may be in flight.

A server that answers twice, or says goodbye with a 408 of its own, would otherwise have its leftover taken for the answer to
the next request on that connection: another row's. What arrives only after that request was sent cannot be told from its answer.
"""

import asyncio
from functools import partial
from typing import Any

from aiohttp.client_proto import ResponseHandler


class _Watched(ResponseHandler):
    """Is asked whether it is connected by nobody but those who would use it again."""

    def is_connected(self) -> bool:
        # an answer to nothing, or a part of one, has been read: aiohttp itself looks for that only when a connection is given back
        return super().is_connected() and not self.should_close

    def close(self) -> None:
        # what was not sent yet of a request that was given up: a server that reads nothing would keep it, and the socket, for ever
        if self.transport is not None and self.transport.get_write_buffer_size():
            self.abort()
        else:
            super().close()


def watch(connector: Any) -> None:
    """Has all connections that an aiohttp connector makes from now on watched. aiohttp has no public place for it."""
    connect = connector._create_connection

    async def in_turn(*request: Any) -> ResponseHandler:
        # those found too old to be used again, all of them where the process stood still for a while, are closed in the loop's next turn
        await asyncio.sleep(0)
        made: ResponseHandler = await connect(*request)
        return made

    connector._factory = partial(_Watched, loop=connector._loop)
    connector._create_connection = in_turn
