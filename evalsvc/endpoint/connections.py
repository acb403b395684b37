"""Connections are kept between requests, but none on which something came that nobody had asked for, and none that nobody reads.

A server that answers twice, or says goodbye with a 408 of its own, would otherwise have its leftover taken for the answer to
the next request on that connection: another row's. What arrives only after that request was sent cannot be told from its answer.
"""

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
    connector._factory = partial(_Watched, loop=connector._loop)
