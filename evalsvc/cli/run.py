"""`evalsvc run`."""

import asyncio
import gc
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from evalsvc.cli.failing import guarded, say, say_result
from evalsvc.cli.source import prepare_source
from evalsvc.deriving.verdict import next_steps
from evalsvc.errors import BudgetSpent, Stopped
from evalsvc.pipeline import Evaluation, RunOptions, StopSwitch, evaluate
from evalsvc.pipeline.prepare import Prepared
from evalsvc.report import LiveView, choose_view
from evalsvc.starting.direct import Direct

# Options that are not repeated in the command to type next: what they ask for is done.
ONCE = (" --retry-failed", " --on-drift=rerun", " --on-drift rerun")
SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
        options = RunOptions(
            run_id=run_id, run_dir=run_dir, retry_failed=retry_failed, on_drift=on_drift, reuse=reuse, reuse_anyway=reuse_anyway
        )
        prepared = prepare_source(source, direct, options, overrides)
        evaluation = launch(prepared, json=json, quiet=quiet)
        _print(evaluation, _same_command(), json=json)
        return evaluation.exit_code

    return guarded(work, verbose=verbose, json_result=json)


def _same_command() -> str:
    """The command as it was typed, so that what is printed as the next one acts on the same run."""
    command = shlex.join(["evalsvc", *sys.argv[1:]])
    for option in ONCE:
        command = command.replace(option, "")
    return command


def launch(prepared: Prepared, *, json: bool, quiet: bool) -> Evaluation:
    """One launch, watched on stderr, or on stdout as JSON Lines; signals stop it."""
    # measured at thousands of requests in flight: with the default thresholds the collector takes more time than the requests
    gc.set_threshold(50_000, 50, 100)
    gc.freeze()
    with asyncio.Runner(loop_factory=_loop) as runner:
        return runner.run(_evaluate(prepared, json=json, quiet=quiet))


def _loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _evaluate(prepared: Prepared, *, json: bool, quiet: bool) -> Evaluation:
    stop = StopSwitch()
    view = choose_view(sys.stderr, stdout=sys.stdout, quiet=quiet, json=json, environ=os.environ)
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, _on_signal, stop, view, number, prepared.config.limits.drain_s)
    return await evaluate(prepared, view, stop)


def _on_signal(stop: StopSwitch, view: LiveView, number: int, drain_s: float) -> None:
    """The first signal lets what is in flight finish; the second one leaves at once: every accepted answer is written already."""
    name = signal.Signals(number).name
    if stop.error is not None:
        os._exit(Stopped.exit_code)
    stop.pull(Stopped(f"stopped by {name}", hint="the same command carries on where it stopped"))
    view.note(f"{name}: waiting up to {drain_s:g} s for what is in flight; once more to leave at once")


def _print(evaluation: Evaluation, command: str, *, json: bool) -> None:
    from evalsvc.report import print_result, print_result_event
    from evalsvc.report.intro import taken_over
    from evalsvc.report.step_summary import append_run

    run_dir = str(evaluation.run.path)
    if evaluation.summary is not None:
        append_run(evaluation.summary, run_dir, os.environ, exit_code=evaluation.exit_code)
    if evaluation.complete_since is not None and not json and sys.stderr is not None:
        sys.stderr.write(f"complete since {evaluation.complete_since}, 0 requests sent\n")
    if evaluation.reused is not None and not json and sys.stderr is not None:
        sys.stderr.write(f"{taken_over(evaluation.reused)}\n")
    if evaluation.summary is not None and json:
        print_result_event(evaluation.summary, run_dir, stdout=sys.stdout, exit_code=evaluation.exit_code, error=evaluation.error)
    elif evaluation.summary is not None:
        carries_on = not isinstance(evaluation.error, BudgetSpent)
        steps = next_steps(evaluation.summary, run_dir, command, carries_on=carries_on)
        print_result(evaluation.summary, run_dir, stdout=sys.stdout, environ=os.environ, exit_code=evaluation.exit_code, next_steps=steps)
    if evaluation.error is not None:
        if json and evaluation.summary is None:
            say_result(evaluation.error, run_dir)
        say(evaluation.error)
