"""evaluate(): one launch of one run, resume-or-start."""

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from evalsvc.dataset.ahead import Ahead
from evalsvc.deriving.derive import is_up_to_date
from evalsvc.deriving.verdict import exit_code
from evalsvc.endpoint.ceiling import SPARE_FILES, concurrency_ceiling, raise_open_files
from evalsvc.endpoint.errors import KEY_HINT
from evalsvc.endpoint.models import ModelsSeen, ModelsState
from evalsvc.errors import CredentialsRefused, EvalsvcError, ModelNotFound, Stopped
from evalsvc.journal.events import EventLog, utc_text
from evalsvc.journal.lock import RunLock
from evalsvc.pipeline.announcing import Announcer, announcing
from evalsvc.pipeline.asking import START_REDUCER_AT, Asking
from evalsvc.pipeline.endpoint import address, glance, wait_for_endpoint, wait_for_model
from evalsvc.pipeline.launch import Launch, holder, take_up, with_server
from evalsvc.pipeline.planning import within_budget
from evalsvc.pipeline.prepare import Prepared
from evalsvc.pipeline.reducer import Reducer
from evalsvc.pipeline.reusable import Reusable, refuse_other_server
from evalsvc.pipeline.reuse import take_over, taking_over
from evalsvc.pipeline.stop import NUMBERS_UNTIL, StopSwitch, time_limit
from evalsvc.pipeline.tracking import tell_trackers
from evalsvc.pipeline.transport import Transport, open_ask
from evalsvc.records import Summary
from evalsvc.reduce.run import read_summary
from evalsvc.report import LiveView, RunIntro
from evalsvc.report.intro import Reused
from evalsvc.rundir import RunDir
from evalsvc.telling.stall import Pulse

# A stopped run may spend on its summary what its share of `drain_s` leaves, and this at least: its scheduler is about to kill it.
REDUCE_AT_LEAST_S = 2.0
READING_LOOK_S = 0.05
MODELS_SHOWN = 10
NO_KEY_SENT = "no key was sent: a host that is not OpenAI's gets one only where it is named, as with --set model.api_key_env=OPENAI_API_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How a launch ended. `error` is what stopped it; then the summary, where there is one, is partial."""

    run: RunDir
    summary: Summary | None
    exit_code: int
    error: EvalsvcError | None = None
    durable: int | None = None  # rows with a final record on the disk, of those that were to be asked; None: nobody has counted
    complete_since: str | None = None  # set when there was nothing left to ask
    reused: Reused | None = None


async def evaluate(prepared: Prepared, view: LiveView, stop: StopSwitch) -> Evaluation:
    """Asks what is left to ask, writes every answer down, reduces. Raises what went wrong before the first request."""
    run = prepared.run
    run.create()
    with (
        RunLock.acquire(run.lock, holder=holder()),
        EventLog(run.events, clock=time.time) as events,
        time_limit(prepared.config.budget.runtime, stop, view.note),
    ):
        async with announcing(prepared, view, events, stop) as announcer:
            evaluation = await _evaluate(prepared, view, events, stop, announcer)
            _announce(evaluation, announcer)
            # a few rows asked to see what they cost are no result
            trackers = prepared.config.report_to if prepared.options.ask_only is None else ()
            await tell_trackers(run, trackers, prepared.loaded.environ, note=view.note, stop=stop)
            return evaluation


def _announce(evaluation: Evaluation, announcer: Announcer) -> None:
    if evaluation.error is not None:
        announcer.failed(evaluation.error, evaluation.summary)
    elif evaluation.summary is not None:
        announcer.finished(evaluation.summary, exit_code=evaluation.exit_code)


async def _evaluate(prepared: Prepared, view: LiveView, events: EventLog, stop: StopSwitch, announcer: Announcer) -> Evaluation:
    run = prepared.run
    launch = await _take_up(prepared, view, stop)
    if launch.to_ask == 0 and launch.manifest.server and (card := await stop.during(_card_now(prepared))) is not None:
        launch = with_server(launch, card, datetime.now(UTC))
    if launch.to_ask == 0:
        return await _nothing_to_ask(launch, view, stop)
    if prepared.reusable is None:
        with stop.at_once():
            launch = within_budget(launch)
    else:
        launch = await stop.during(_may_reuse(launch, prepared.reusable))
    launch.manifest.write(run)
    run.point_latest()
    events.emit("launch", number=len(launch.manifest.launches), rows=launch.plan.expected, done=launch.resume.done)
    going = _Going(launch, began_at=asyncio.get_running_loop().time())
    error = await _ask(going, view, events, stop, announcer)
    launch = going.launch
    summary = await _reduce(launch, going.reducer, error, stop)
    # a signal may come when all is answered and only the numbers are missing
    error = stop.error if summary is None and error is None else error
    code = error.exit_code if error is not None else exit_code(summary, prepared.config) if summary is not None else 1
    reason = _ended(launch) if error is None else error.message
    events.emit("end", exit_code=code, reason=reason)
    launch.manifest.landed(ended_at=utc_text(time.time()), exit_code=code, reason=reason).write(run)
    return Evaluation(run=run, summary=summary, exit_code=code, error=error, durable=going.durable, reused=launch.reused)


def _ended(launch: Launch) -> str:
    left = launch.plan.expected - launch.resume.done - launch.to_ask
    return f"asked the {launch.to_ask:,} rows that it was to ask" if left else "complete"


async def _take_up(prepared: Prepared, view: LiveView, stop: StopSwitch) -> Launch:
    """The first pass over the data, and the journal read: a minute of a large run, which a signal may break off like a kill.

    In a thread where the data are behind a URL.
    """
    if not prepared.dataset.is_remote:
        with stop.at_once():
            return take_up(prepared, datetime.now(UTC))
    view.note(f"reading {prepared.dataset.layout.files[0]}")
    taking = Ahead((take_up(prepared, datetime.now(UTC)) for _ in range(1)), depth=1)
    while taking.would_wait:
        await stop.sleep(READING_LOOK_S)
    return next(taking)


async def _may_reuse(launch: Launch, reusable: Reusable) -> Launch:
    """A short look at the server, if it is there, before the answers of another run are taken for its own."""
    if (card := await _card_now(launch.prepared)) is not None:
        refuse_other_server(reusable, card)
        launch = with_server(launch, card, datetime.now(UTC))
    return taking_over(launch, reusable)


@dataclass(slots=True)
class _Going:
    """A launch as it is now, whatever stops it."""

    launch: Launch
    began_at: float
    asking: Asking | None = None
    early: Reducer | None = None  # of a launch that has so little to ask that it is started before the first request

    @property
    def reducer(self) -> Reducer | None:
        return self.early if self.asking is None else self.asking.reducer

    @property
    def durable(self) -> int:
        return self.launch.resume.done + (0 if self.asking is None else self.asking.durable)

    def pulse(self) -> Pulse:
        if self.asking is not None:
            return self.asking.pulse()
        launch = self.launch
        return Pulse(
            last_answer_at=self.began_at, done=launch.resume.done, expected=launch.plan.expected, waiting_for="the endpoint to be there"
        )


async def _ask(going: _Going, view: LiveView, events: EventLog, stop: StopSwitch, announcer: Announcer) -> EvalsvcError | None:
    """Gives the error that stopped the run instead of raising it: what was answered is to be reduced."""
    try:
        if (reusable := going.launch.prepared.reusable) is not None:
            await _take_over(going, reusable, view, events, stop)
        if going.launch.to_ask:
            with announcer.asking(going.pulse):
                await _ask_endpoint(going, view, events, stop)
    except EvalsvcError as error:
        return error
    finally:
        view.close()
    return None


async def _take_over(going: _Going, reusable: Reusable, view: LiveView, events: EventLog, stop: StopSwitch) -> None:
    going.launch = launch = await take_over(going.launch, reusable, view, stop)
    launch.manifest.write(launch.prepared.run)
    events.emit("reused", run=reusable.key, rows=launch.reused.rows if launch.reused is not None else 0)
    if launch.to_ask:
        going.launch = within_budget(launch)
    else:
        view.start(_intro(launch, launch.prepared.base_url, launch.prepared.config.limits.concurrency))


async def _ask_endpoint(going: _Going, view: LiveView, events: EventLog, stop: StopSwitch) -> None:
    prepared = going.launch.prepared
    limit = prepared.config.limits.concurrency
    ceiling = concurrency_ceiling(limit, soft_limit=raise_open_files(limit + SPARE_FILES))
    if going.launch.to_ask <= START_REDUCER_AT:
        going.early = Reducer(prepared.run.path)
    async with address(prepared) as url, open_ask(prepared, url, ceiling) as ask:
        view.start(_intro(going.launch, url, ceiling))
        seen = await wait_for_endpoint(ask, prepared, view, stop)
        if seen.card is not None:
            before, going.launch = going.launch, with_server(going.launch, seen.card, datetime.now(UTC))
            going.launch.manifest.write(prepared.run)
            if going.launch.resume is not before.resume:
                view.note(_drift_note(going.launch.manifest.launches[-1]))
        going.asking = Asking(going.launch, view, events, stop, concurrency=ceiling, reducer=going.early)
        await _ask_rows(going.asking, ask, prepared, view, stop, seen=seen)


async def _card_now(prepared: Prepared) -> Mapping[str, Any] | None:
    """What the server says of the model while there is no reason to wait for it: the same name may stand for other weights by now.

    None where nobody answers at once.
    """
    if prepared.sandbox is not None:
        return None
    async with open_ask(prepared, prepared.base_url, 1) as ask:
        return (await glance(ask, prepared.config.model.name)).card


async def _ask_rows(asking: Asking, ask: Transport, prepared: Prepared, view: LiveView, stop: StopSwitch, *, seen: ModelsSeen) -> None:
    try:
        await asking.run(ask)
    except ModelNotFound as error:
        may_be_loading = seen.state is ModelsState.UNLISTED and prepared.sandbox is None
        if not (may_be_loading and asking.answered == 0 and await wait_for_model(ask, prepared, view, stop)):
            # Azure lists models, and is asked by deployment
            names = seen.names if prepared.azure is None else ()
            trained = (
                "; a model that learns is there once model.sandbox.train names a file (fit: which one): evalsvc init writes such a config"
            )
            hint = (_models_there(names) or error.hint or "") + (trained if prepared.sandbox is not None else "")
            raise ModelNotFound(error.message, hint=hint) from error
        await asking.run(ask)
    except CredentialsRefused as error:
        if error.hint != KEY_HINT or prepared.api_key is not None or prepared.config.model.headers:
            raise
        raise CredentialsRefused(error.message, hint=NO_KEY_SENT) from error


def _models_there(names: Sequence[str]) -> str | None:
    more = " and more" if len(names) > MODELS_SHOWN else ""
    return f"set model.name to one that the endpoint lists: {', '.join(names[:MODELS_SHOWN])}{more}" if names else None


async def _reduce(launch: Launch, reducer: Reducer | None, error: EvalsvcError | None, stop: StopSwitch) -> Summary | None:
    run = launch.prepared.run
    if error is not None and not run.has_answers():
        # a wrong key or address is to be told at once, not after a summary of nothing
        if reducer is not None:
            reducer.dismiss()
        return None
    reducer = reducer or Reducer(run.path)
    # what else pulled the switch is for a person to read, and nobody is about to kill it
    until = _patience(launch, stop) if stop.error is None or isinstance(stop.error, Stopped) else None
    return read_summary(run) if await reducer.reduce(until=until) else None


def _patience(launch: Launch, stop: StopSwitch) -> Awaitable[EvalsvcError]:
    return stop.over(launch.prepared.config.limits.drain_s * NUMBERS_UNTIL, at_least=REDUCE_AT_LEAST_S)


async def _nothing_to_ask(launch: Launch, view: LiveView, stop: StopSwitch) -> Evaluation:
    """A complete run says so and exits as its numbers say, scored again where data, scoring or gates have changed."""
    if launch.resume.data_changed:
        view.note(
            f"the data is no longer what was asked: {launch.resume.vanished:,} rows gone, {launch.resume.relabelled:,} relabelled; "
            "the numbers are those of the data as it is now"
        )
    run, earlier = launch.prepared.run, launch.manifest.launches[:-1]
    replace(launch.manifest, launches=earlier).write(run)
    if not is_up_to_date(run, launch.plan):
        stop.check()
        if not await Reducer(run.path).reduce(until=_patience(launch, stop)):
            stop.check()
    summary = await asyncio.to_thread(read_summary, run)
    return Evaluation(
        run=run, summary=summary, exit_code=exit_code(summary, launch.prepared.config), complete_since=_complete_since(run, earlier)
    )


def _complete_since(run: RunDir, earlier: Sequence[Mapping[str, Any]]) -> str:
    """When the last launch ended; where it was killed over its summary, when its last answer was written."""
    ended_at = earlier[-1].get("ended_at") if earlier else None
    return str(ended_at or utc_text(run.journal.stat().st_mtime))


def _intro(launch: Launch, url: str, ceiling: int) -> RunIntro:
    config, resume = launch.prepared.config, launch.resume
    return RunIntro(
        name=config.name,
        run_dir=str(launch.prepared.run.path),
        model=config.model.name,
        endpoint=f"{url} (the embedded sandbox)" if launch.prepared.sandbox is not None else url,
        rows=launch.plan.expected,
        repeats=config.repeats,
        finished=resume.done,
        new=resume.new,
        changed=resume.changed,
        vanished=resume.vanished,
        relabelled=resume.relabelled,
        reused=launch.reused,
        ceiling=ceiling,
        notes=tuple(_notes(launch, ceiling)),
    )


def _notes(launch: Launch, ceiling: int) -> list[str]:
    config, notes = launch.prepared.config, [*launch.notes, *launch.survey.notes]
    if ceiling < config.limits.concurrency:
        notes.append(f"limits.concurrency {config.limits.concurrency:,} is more than the open files allow (ulimit -n): {ceiling:,}")
    if (reusable := launch.prepared.reusable) is not None and reusable.forced:
        notes.append(f"--reuse-anyway: nobody has checked that the weights which answered {reusable.key} are those of this run")
    params = config.model.params
    if config.repeats > 1 and params.get("seed") is None and params.get("temperature") == 0:
        notes.append("repeats at temperature 0 and without model.params.seed ask the same thing again: they measure next to nothing new")
    if "drift" in launch.manifest.launches[-1]:
        notes.append(_drift_note(launch.manifest.launches[-1]))
    if launch.opened.cut:
        moved = " and ".join(map(str, launch.opened.quarantined))
        notes.append(f"{launch.opened.cut:,} bytes that a kill or a power loss left unfinished were moved to {moved}")
    if config.journal.prompts and not launch.opened.scan.records:
        notes.append(
            "predictions.jsonl keeps prompts and replies, which may hold personal data (journal: {prompts: false} leaves prompts out)"
        )
    if launch.resume.failed and not launch.prepared.options.retry_failed:
        notes.append(f"{launch.resume.failed:,} rows failed for good earlier; --retry-failed asks them again")
    return notes


def _drift_note(this_launch: Mapping[str, Any]) -> str:
    differences = "; ".join(this_launch["drift"])
    return f"another measurement than before ({differences}): every row is asked again, the old answers are in {this_launch['earlier']}/"
