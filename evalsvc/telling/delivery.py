"""One message to one address: tried again where that can help, within a bounded time, each try signed anew."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Protocol

from evalsvc.telling.signing import HEADER, signature

TRIES_AT_MOST = 6
TRY_S = 5.0  # one try, connecting included
TOTAL_S = 120.0
BACKOFF_BASE_S, BACKOFF_MOST_S = 1.0, 30.0
PASSING = frozenset({408, 425, 429})  # besides all 5xx: the same message may be taken a moment later


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What came of one try."""

    status: int | None  # None: no answer at all
    words: str  # the same, fit to be shown
    retry_after_s: float | None = None  # as long as the receiver asks to be left alone

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def may_pass(self) -> bool:
        return self.status is None or self.status >= 500 or self.status in PASSING


class Post(Protocol):
    """One try, which never raises for the network's sake."""

    async def __call__(self, body: bytes, headers: Mapping[str, str]) -> Said: ...


def next_try_in_s(said: Said, *, tries: int, elapsed_s: float, jitter: float) -> float | None:
    """Seconds until the next try, after `tries` of them; None where none is worth it.

    Waits double from 1 s, less up to half by `jitter` in [0, 1); a receiver that asks for longer is given it, as long as all of it ends
    within two minutes.

    >>> down = Said(status=503, words="503")
    >>> [next_try_in_s(down, tries=tries, elapsed_s=0, jitter=0) for tries in (1, 2, 5, 6)]
    [1.0, 2.0, 16.0, None]
    >>> next_try_in_s(Said(status=429, words="429", retry_after_s=20), tries=1, elapsed_s=0, jitter=0.5)
    20
    >>> next_try_in_s(Said(status=404, words="404"), tries=1, elapsed_s=0, jitter=0)
    """
    if not said.may_pass or tries >= TRIES_AT_MOST:
        return None
    backoff_s = min(BACKOFF_BASE_S * 2.0 ** (tries - 1), BACKOFF_MOST_S) * (1 - jitter / 2)
    wait_s = max(backoff_s, said.retry_after_s or 0.0)
    return wait_s if elapsed_s + wait_s + TRY_S <= TOTAL_S else None


async def deliver(post: Post, body: bytes, *, secret: str | None, clock: Callable[[], float], rng: Random, heard: list[Said]) -> None:
    """Adds what comes of each try to `heard`, so that it is known too when there is no time for another.

    `clock` gives the Unix time: a signature is good for some minutes only, so every try has its own.
    """
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    while True:
        said = await post(body, {} if secret is None else {HEADER: signature(secret, body, at_s=int(clock()))})
        heard.append(said)
        wait_s = None if said.is_taken else next_try_in_s(said, tries=len(heard), elapsed_s=loop.time() - began_at, jitter=rng.random())
        if wait_s is None:
            return
        await asyncio.sleep(wait_s)
