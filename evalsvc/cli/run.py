"""`evalsvc run`."""

import asyncio
import gc
import os
import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from evalsvc.cli.ending import Ending
from evalsvc.cli.failing import guarded, remark, say, say_result
from evalsvc.cli.source import prepare_source
from evalsvc.cli.typed import typed
from evalsvc.deriving.verdict import next_steps
from evalsvc.errors import BudgetSpent, EvalsvcError, Stopped
from evalsvc.pipeline import Evaluation, RunOptions, StopSwitch, evaluate
from evalsvc.pipeline.announcing import about
from evalsvc.pipeline.prepare import Prepared
from evalsvc.pipeline.stop import ANSWERS_UNTIL
from evalsvc.records import Summary
from evalsvc.report import LiveView, choose_view
from evalsvc.report.json_log import logs_json
from evalsvc.signals import leave_with, on_first
from evalsvc.starting.direct import Direct

# Options that are not repeated in the command to type next: what they ask for is done.
ONCE = (" --retry-failed", " --on-drift=rerun", " --on-drift rerun")

NAMED_BY = {"EVALSVC_RUN_ID": "--run-id", "EVALSVC_RUN_DIR": "--run-dir"}


def run_command(
    source: str,
    direct: Direct,
    *,
    run_id: str | None,
    run_dir: Path | None,
    retry_failed: bool,
    on_drift: Literal["stop", "rerun"],
    reuse: str | None,
    reuse_anyway: bool,
    overrides: Sequence[str],
    json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    def work() -> int:
        on_first(_stop_before_asking)
        options = RunOptions(
            run_id=run_id, run_dir=run_dir, retry_failed=retry_failed, on_drift=on_drift, reuse=reuse, reuse_anyway=reuse_anyway
        )
        prepared = prepare_source(source, direct, options, overrides)
        ending.about = about(prepared)
        evaluation = launch(prepared, json=json, quiet=quiet, ending=ending)
        ending.evaluated(evaluation, positive=prepared.config.scoring.positive)
        _print(evaluation, _same_command(), json=ending.json)
        return evaluation.exit_code

    ending = Ending(json=json or logs_json(os.environ))
    return guarded(work, verbose=verbose, tell=ending.failed)


def _same_command() -> str:
    """The command as it was typed, so that what is printed as the next one acts on the same run."""
    command = typed(["evalsvc", *sys.argv[1:]])
    for option in ONCE:
        command = command.replace(option, "")
    # the next shell may not have what named the run in this one
    named = [[option, os.environ[name]] for name, option in NAMED_BY.items() if os.environ.get(name) and option not in command]
    return " ".join([command, *map(shlex.join, named)])


def launch(prepared: Prepared, *, json: bool, quiet: bool, ending: Ending | None = None) -> Evaluation:
    """One launch, watched on stderr, or on stdout as JSON Lines; signals stop it, of the second of which `ending` has the last word."""
    # measured at thousands of requests in flight: with the default thresholds the collector takes more time than the requests
    gc.set_threshold(50_000, 50, 100)
    gc.freeze()
    with asyncio.Runner(loop_factory=_loop) as runner:
        return runner.run(_evaluate(prepared, json=json, quiet=quiet, ending=ending))


def _loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _evaluate(prepared: Prepared, *, json: bool, quiet: bool, ending: Ending | None) -> Evaluation:
    stop = StopSwitch()
    view = choose_view(sys.stderr, stdout=sys.stdout, quiet=quiet, json=json, environ=os.environ)
    on_first(partial(_stop, stop, view, prepared.config.limits.drain_s, ending))
    try:
        evaluation = await evaluate(prepared, view, stop)
    except EvalsvcError as error:
        leave_with(error.exit_code)
        raise
    leave_with(evaluation.exit_code)
    return evaluation


def _stop(stop: StopSwitch, view: LiveView, drain_s: float, ending: Ending | None, name: str) -> None:
    """Lets what is in flight finish. A second signal leaves at once: every accepted answer is written already."""
    if ending is not None:
        leave_with(Stopped.exit_code, partial(ending.cut_short, _stopped(name)))
    stop.strike(_stopped(name))
    note = f"{name}: waiting up to {drain_s * ANSWERS_UNTIL:.3g} s for what is in flight; once more to leave at once"
    asyncio.get_running_loop().call_soon_threadsafe(view.note, note)


def _stop_before_asking(name: str) -> None:
    raise _stopped(name)


def _stopped(name: str) -> Stopped:
    return Stopped(f"stopped by {name}", hint="the same command carries on where it stopped")


def _print(evaluation: Evaluation, command: str, *, json: bool) -> None:
    from evalsvc.report.intro import taken_over
    from evalsvc.report.step_summary import append_run

    run_dir = str(evaluation.run.path)
    if evaluation.summary is not None:
        append_run(evaluation.summary, run_dir, os.environ, exit_code=evaluation.exit_code)
    says = not json or logs_json(os.environ)
    if evaluation.complete_since is not None and says:
        remark(f"complete since {evaluation.complete_since}, 0 requests sent")
    if evaluation.reused is not None and says:
        remark(taken_over(evaluation.reused))
    try:
        if evaluation.summary is not None:
            _print_result(evaluation, evaluation.summary, run_dir, command, json=json)
    finally:  # a result that cannot be written must not hide what stopped the run
        if evaluation.error is not None:
            if json and evaluation.summary is None:
                say_result(evaluation.error, run_dir)
            say(evaluation.error)


def _print_result(evaluation: Evaluation, summary: Summary, run_dir: str, command: str, *, json: bool) -> None:
    from evalsvc.report import print_result, print_result_event

    if json:
        print_result_event(summary, run_dir, stdout=sys.stdout, exit_code=evaluation.exit_code, error=evaluation.error)
        return
    steps = next_steps(summary, run_dir, command, carries_on=not isinstance(evaluation.error, BudgetSpent))
    print_result(summary, run_dir, stdout=sys.stdout, environ=os.environ, exit_code=evaluation.exit_code, next_steps=steps)
