"""A run that stands still, told once while it does, again only after an answer between: hours in virtual time."""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from evalsvc.pipeline.announcing import Announcer
from evalsvc.telling.delivery import Said
from evalsvc.telling.stall import Pulse
from evalsvc.telling.webhook import Teller
from tests import virtual_time
from tests.pipeline.answering import prepared, rows
from tests.telling.receiving import opening, target

STALL_S = 600.0


def stalls(folder: Path, answers_at: Iterable[float], until_s: float) -> list[tuple[float, int]]:
    """When a stall was told, and how many rows were done by then, of a run with answers at these moments."""
    moments, told = list(answers_at), list[tuple[float, int]]()

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def keep(message: Mapping[str, Any]) -> Said:
            told.append((loop.time(), message["rows"]["expected"] - message["rows"]["pending"]))
            return Said(status=200, words="")

        def pulse() -> Pulse:
            done = [moment for moment in moments if moment <= loop.time()]
            return Pulse(last_answer_at=max(done, default=0.0), done=len(done), expected=len(moments) + 1, waiting_for=None)

        teller = Teller(target(stall_s=STALL_S), note=print, log=lambda *_, **__: None, clock=loop.time, rng=Random(0), opens=opening(keep))
        announcer = Announcer(prepared(folder, rows(1), "run"), teller)
        with announcer.asking(pulse):
            await asyncio.sleep(until_s)
        await teller.aclose(until=asyncio.sleep(10))

    virtual_time.run(main)
    return told


@pytest.mark.parametrize(
    ("answers_at", "told"),
    [
        ([], [(600, 0)]),  # nobody ever answered: told once in two hours
        ([10, 20, 30], [(630, 3)]),
        (range(0, 7200, 599), []),
        ([10, 1000, 1500], [(610, 1), (2100, 3)]),
        ([10, 1210.5], [(610, 1), (1810.5, 2)]),
        ([10, 610.0, 1300], [(1210, 2), (1900, 3)]),  # the answer comes in the very moment
    ],
)
def test_a_stall_is_told_when_it_is_one_and_once(tmp_path: Path, answers_at: Iterable[float], told: list[tuple[float, int]]) -> None:
    assert stalls(tmp_path, answers_at, until_s=7200) == told


def test_when_the_rows_are_answered_nobody_watches_any_more(tmp_path: Path) -> None:
    assert stalls(tmp_path, [], until_s=STALL_S - 1) == []
