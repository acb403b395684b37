"""Answers of another run taken over: a row that asks the very same gets the record that is there, and no request is sent for it.

All of them are written down before the first request, so that a run with nothing left to ask needs no endpoint, and a budget is held
against what is left to pay. The journal stays the only state: what is in it when a kill comes is done.
"""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from evalsvc.dataset.ahead import Ahead
from evalsvc.journal.keys import Answered
from evalsvc.journal.writer import JournalWriter
from evalsvc.pipeline.asking import BACKLOG_AT_MOST, unasked
from evalsvc.pipeline.launch import Launch
from evalsvc.pipeline.live import Live
from evalsvc.pipeline.reusable import Reusable
from evalsvc.pipeline.stop import StopSwitch
from evalsvc.pool import Counters, PoolView
from evalsvc.records import Record, Request, Sample
from evalsvc.reduce.fold import Fold
from evalsvc.report import LiveView
from evalsvc.rundir import Manifest
from evalsvc.scoring.judging import verdict_without_asking
from evalsvc.scoring.tasks import make_scorer

ROWS_AT_ONCE = 500  # looked up between two looks at the stop switch
SHOWN_FROM = 20_000  # fewer rows are done before anybody wonders
LOOK_S = 0.01


@dataclass(frozen=True, slots=True)
class Done:
    """A row that need not be asked."""

    place: int  # in Resume.skip
    record: Record


def taking_over(launch: Launch, reusable: Reusable) -> Launch:
    """The launch, before anything is taken over: run.json is to say first whose answers will be in the journal.

    Whoever is asked for the others must be the server that gave these: `with_server` sees to that.
    """
    manifest = _saying(launch.manifest, reusable, rows=None)
    return replace(launch, manifest=replace(manifest, server=manifest.server or ({} if reusable.forced else reusable.server)))


async def take_over(launch: Launch, reusable: Reusable, view: LiveView, stop: StopSwitch) -> Launch:
    """Writes down every answer of `reusable` that is one to a row still to ask; gives the launch without those rows.

    Rows that need no request at all are written down with them. What stops it is raised, with all that was found until then on
    the disk.
    """
    if not reusable.run.has_answers():
        return replace(launch, manifest=_saying(launch.manifest, reusable, rows=0))
    skip = bytearray(launch.resume.skip or bytes(launch.survey.rows * launch.prepared.config.repeats))
    live, taken, looked = _live(launch), 0, 0
    async with JournalWriter.open(launch.prepared.run.journal, live.take, on_failure=stop.pull) as writer:
        with closing(Ahead(_found(launch, reusable), depth=2)) as batches:
            while (batch := await _next(batches, stop)) is not None:
                for done in batch:
                    writer.append(done.record)
                    skip[done.place] = 1
                    taken += bool(done.record.key)
                looked += ROWS_AT_ONCE
                if looked > SHOWN_FROM:
                    _show(live, view, writer, reusable)
                if writer.backlog > BACKLOG_AT_MOST:
                    await writer.drain()
    resume = replace(launch.resume, skip=bytes(skip), done=skip.count(1))
    return replace(launch, manifest=_saying(launch.manifest, reusable, rows=taken), resume=resume)


def _saying(manifest: Manifest, reusable: Reusable, *, rows: int | None) -> Manifest:
    """`rows` is None until they are counted."""
    path = str(reusable.run.path.absolute())
    return manifest.landed(reused={"run": reusable.key, "revision": reusable.revision, "path": path, "rows": rows})


async def _next(batches: "Ahead[list[Done]]", stop: StopSwitch) -> list[Done] | None:
    """None when there are no more."""
    while batches.would_wait:
        await stop.sleep(LOOK_S)
    await asyncio.sleep(0)  # a signal is noticed, however quickly they come
    stop.check()
    return next(batches, None)


def _found(launch: Launch, reusable: Reusable) -> Iterator[list[Done]]:
    """Batch by batch, empty ones too; for a thread of its own."""
    prepared = launch.prepared
    with Answered.open(reusable.run.journal) as answered:
        batch = list[Done]()
        for number, (place, sample, repeat) in enumerate(_rows_to_ask(launch), start=1):
            reply = verdict_without_asking(prepared.config, sample.fields)
            if reply is not None:
                batch.append(Done(place, unasked(sample, repeat, reply)))
            elif (at := answered.find((request := reusable.builder.build(sample, repeat)).key, request.id)) is not None:
                batch.append(Done(place, taken_over(answered.read(at), request, prompts=prepared.config.journal.prompts)))
            if number % ROWS_AT_ONCE == 0:
                yield batch
                batch = []
        yield batch


def _rows_to_ask(launch: Launch) -> Iterator[tuple[int, Sample, int]]:
    """(place in Resume.skip, sample, repeat)"""
    rows = launch.survey.rows
    for repeat, part in launch.resume.passes(rows, launch.prepared.config.repeats):
        places = (repeat * rows + at for at in range(rows) if part is None or not part[at])
        with closing(launch.prepared.dataset.samples(launch.survey, skip=part)) as samples:
            for place, sample in zip(places, samples, strict=True):
                yield place, sample, repeat


def taken_over(record: Record, request: Request, *, prompts: bool) -> Record:
    """`record` as the answer to the row of `request`: its reply, usage, time and key as they were, and nothing sent for it."""
    return replace(
        record,
        id=request.id,
        repeat=request.repeat,
        row_hash=request.row_hash,
        target=request.target,
        messages=request.messages if prompts else None,
        attempts=0,
        waited_s=0.0,
    )


def _live(launch: Launch) -> Live:
    plan, config = launch.plan, launch.prepared.config
    return Live(
        config,
        make_scorer(config, plan.labels),
        Fold.empty(plan).tallies.outcomes,
        expected=plan.expected,
        done=launch.resume.done,
        failed=0,
        now=asyncio.get_running_loop().time(),
    )


def _show(live: Live, view: LiveView, writer: JournalWriter, reusable: Reusable) -> None:
    pool = PoolView(in_flight=0, limit=0, delayed=0, waiting_for=f"the answers of {reusable.key}")
    now = asyncio.get_running_loop().time()
    view.update(live.progress(now, pool, Counters(), accepted=writer.accepted, durable=writer.durable))
