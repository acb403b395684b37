"""When a message is tried again, and when not: in virtual time, against a receiver that says what it is told to say."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import pytest

from evalsvc.telling.delivery import TOTAL_S, TRIES_AT_MOST, TRY_S, Said, deliver, next_try_in_s
from evalsvc.telling.signing import HEADER, signature
from tests import virtual_time

NOW = 1795140824.0


def said(status: int | None, retry_after_s: float | None = None) -> Said:
    return Said(status=status, words=str(status), retry_after_s=retry_after_s)


class Receiver:
    """Says one thing after the other, the last one for ever; a try takes `takes_s`."""

    def __init__(self, *script: Said, takes_s: float = 0.0) -> None:
        self._script, self._takes_s = list(script), takes_s
        self.came: list[tuple[float, bytes, Mapping[str, str]]] = []

    async def __call__(self, body: bytes, headers: Mapping[str, str]) -> Said:
        self.came.append((asyncio.get_running_loop().time(), body, headers))
        await asyncio.sleep(self._takes_s)
        return self._script.pop(0) if len(self._script) > 1 else self._script[0]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How a message fared in the end."""

    tries: int
    said: Said


def delivered(receiver: Receiver, secret: str | None = None, seed: int = 0) -> tuple[Delivery, float]:
    """How it went, and how long that took."""

    async def main() -> tuple[Delivery, float]:
        loop, heard = asyncio.get_running_loop(), list[Said]()
        await deliver(receiver, b"{}", secret=secret, clock=lambda: NOW + loop.time(), rng=Random(seed), heard=heard)
        return Delivery(tries=len(heard), said=heard[-1]), loop.time()

    return virtual_time.run(main)


def tried_at(*, seed: int) -> list[float]:
    """When a receiver that is down is tried."""
    receiver = Receiver(said(500))
    delivered(receiver, seed=seed)
    return [moment for moment, _, _ in receiver.came]


def test_a_message_that_is_taken_is_sent_once() -> None:
    receiver = Receiver(said(204))
    assert delivered(receiver) == (Delivery(tries=1, said=said(204)), 0.0)


@pytest.mark.parametrize("status", [None, 408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again_until_it_is_taken(status: int | None) -> None:
    receiver = Receiver(said(status), said(status), said(200))
    told, _ = delivered(receiver)
    assert (told.tries, told.said.status) == (3, 200)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 403, 404, 410, 413])
def test_what_will_not_change_is_not_tried_again(status: int) -> None:
    assert delivered(Receiver(said(status)))[0].tries == 1


def test_waits_double_and_each_is_shortened_by_chance_so_that_many_runs_do_not_come_back_together() -> None:
    moments = tried_at(seed=0)
    waits = [later - earlier for earlier, later in pairwise(moments)]
    assert len(moments) == TRIES_AT_MOST
    assert all(0.5 * 2**number < wait <= 2**number for number, wait in enumerate(waits))
    assert tried_at(seed=1) != moments


@pytest.mark.parametrize(("asked_s", "tries"), [(20.0, 2), (110.0, 2), (300.0, 1)])
def test_a_receiver_that_asks_to_be_left_alone_is_unless_that_takes_too_long(asked_s: float, tries: int) -> None:
    told, took_s = delivered(Receiver(said(429, asked_s), said(200)))
    assert told.tries == tries
    assert took_s == (asked_s if tries == 2 else 0.0)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("script", [[said(None)], [said(503, 25.0)], [said(503, 1e9)], [said(500), said(429, 60.0)]])
def test_all_of_it_is_over_within_the_bound_however_slow_the_receiver_is(script: Sequence[Said], seed: int) -> None:
    told, took_s = delivered(Receiver(*script, takes_s=TRY_S), seed=seed)
    assert took_s <= TOTAL_S
    assert told.tries <= TRIES_AT_MOST


def test_each_try_is_signed_at_its_own_time_and_its_body_is_the_same() -> None:
    receiver = Receiver(said(503, 7.0), said(200))
    delivered(receiver, secret="whsec")
    assert [headers[HEADER] for _, _, headers in receiver.came] == [signature("whsec", b"{}", at_s=int(NOW) + waited) for waited in (0, 7)]
    assert {body for _, body, _ in receiver.came} == {b"{}"}


def test_without_a_secret_nothing_is_signed() -> None:
    receiver = Receiver(said(200))
    delivered(receiver)
    assert [headers for _, _, headers in receiver.came] == [{}]


def test_the_last_try_is_not_begun_when_it_could_not_end_in_time() -> None:
    down = said(None)
    assert next_try_in_s(down, tries=1, elapsed_s=TOTAL_S - TRY_S - 1.0, jitter=0.0) == 1.0
    assert next_try_in_s(down, tries=1, elapsed_s=TOTAL_S - TRY_S - 0.9, jitter=0.0) is None
