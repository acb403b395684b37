"""`evalsvc run`."""

import asyncio
import gc
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from evalsvc.cli.failing import guarded, say, say_result
from evalsvc.config import load_config
from evalsvc.errors import Stopped
from evalsvc.pipeline import Evaluation, RunOptions, StopSwitch, evaluate, prepare
from evalsvc.pipeline.prepare import Prepared
from evalsvc.pipeline.verdict import next_steps
from evalsvc.report import LiveView, choose_view

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_command(
    config: Path,
    *,
    run_id: str | None,
    run_dir: Path | None,
    retry_failed: bool,
    overrides: Sequence[str],
    json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    def work() -> int:
        loaded = load_config(config, environ=os.environ, overrides=overrides)
        options = RunOptions(run_id=run_id, run_dir=run_dir, retry_failed=retry_failed, config_file=config)
        prepared = prepare(loaded, options)
        evaluation = _in_a_loop(prepared, json=json, quiet=quiet)
        _print(evaluation, _same_command(), json=json)
        return evaluation.exit_code

    return guarded(work, verbose=verbose, json_result=json)


def _same_command() -> str:
    """The command as it was typed, so that what is printed as the next one acts on the same run."""
    return shlex.join(["evalsvc", *(argument for argument in sys.argv[1:] if argument != "--retry-failed")])


def _in_a_loop(prepared: Prepared, *, json: bool, quiet: bool) -> Evaluation:
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

    run_dir = str(evaluation.run.path)
    if evaluation.complete_since is not None and not json and sys.stderr is not None:
        sys.stderr.write(f"complete since {evaluation.complete_since}, 0 requests sent\n")
    if evaluation.summary is not None and json:
        print_result_event(evaluation.summary, run_dir, stdout=sys.stdout, exit_code=evaluation.exit_code)
    elif evaluation.summary is not None:
        steps = next_steps(evaluation.summary, run_dir, command)
        print_result(evaluation.summary, run_dir, stdout=sys.stdout, environ=os.environ, exit_code=evaluation.exit_code, next_steps=steps)
    if evaluation.error is not None:
        if json and evaluation.summary is None:
            say_result(evaluation.error, run_dir)
        say(evaluation.error)
