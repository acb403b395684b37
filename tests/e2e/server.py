"""The sandbox as the other side of a test: what it was asked, call by call."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsvc.sandbox.embed import start_sandbox
from tests.e2e.desk import until

UNREADABLE = b"the end"  # as no evaluation asks; such a call has no hash in the log


@dataclass(slots=True, kw_only=True)
class Server:
    """A sandbox with a call log."""

    url: str
    log: Path
    read: int = 0  # lines of the log that were told already

    def calls(self) -> list[dict[str, Any]]:
        """The calls since this was asked last. A call of our own marks the end, so that none is still on its way to the log."""
        self._mark()
        lines: list[dict[str, Any]] = []

        def marked() -> bool:
            lines[:] = [json.loads(line) for line in self.log.read_bytes().splitlines()[self.read :]]
            return any(line["hash"] is None for line in lines)

        until(marked)
        self.read += len(lines)
        return [line for line in lines if line["hash"] is not None]

    def _mark(self) -> None:
        request = urllib.request.Request(f"{self.url}/chat/completions", data=UNREADABLE)
        try:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20).close()
        except urllib.error.HTTPError as error:
            error.close()


@contextmanager
def serving(log: Path, *arguments: str) -> Iterator[Server]:
    """A server that ends with the block; `arguments` are those of `evalsvc sandbox`."""
    with start_sandbox([f"--call-log={log}", *arguments]) as sandbox:
        yield Server(url=sandbox.url, log=log)


def faults(*written: str) -> dict[str, Any]:
    """The part of a config that asks the server for these faults, by request header."""
    return {"headers": {"x-sandbox-fault": ",".join(written)}}


def asked_texts(calls: Sequence[dict[str, Any]]) -> int:
    """How many different messages were asked for."""
    return len({call["hash"] for call in calls})


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
