"""`evalsvc plan`."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from evalsvc.cli.failing import guarded, say
from evalsvc.cli.run import launch
from evalsvc.cli.source import prepare_source
from evalsvc.cli.typed import typed
from evalsvc.config.address import SANDBOX
from evalsvc.errors import EvalsvcError
from evalsvc.pipeline import RunOptions
from evalsvc.pipeline.asked import asked_since
from evalsvc.pipeline.planning import Forecast, draw_up, refusal
from evalsvc.pipeline.prepare import Prepared
from evalsvc.records import Outcome, Summary
from evalsvc.reduce.run import known_summary
from evalsvc.report.plan import Asked, Estimate, PlanSheet, print_plan, print_plan_event
from evalsvc.signals import end_by_signal
from evalsvc.starting.direct import Direct

ASK_FIRST = 20  # what is proposed: enough to see how it answers, and to measure tokens within some percent


def plan_command(
    source: str,
    direct: Direct,
    *,
    ask: int | None,
    run_id: str | None,
    run_dir: Path | None,
    reuse: str | None,
    reuse_anyway: bool,
    overrides: Sequence[str],
    json: bool,
    quiet: bool,
) -> int:
    """Exits with 11 where the budget is too small to begin with, else as the rows that it asked ended."""

    def work() -> int:
        options = RunOptions(run_id=run_id, run_dir=run_dir, ask_only=ask, reuse=reuse, reuse_anyway=reuse_anyway, sends=ask is not None)
        prepared = prepare_source(source, direct, options, overrides)
        asked, error = ((), None) if ask is None else _ask(prepared, json=json, quiet=quiet)
        ahead = draw_up(prepared)
        short = refusal(ahead)
        code = error.exit_code if error is not None else short.exit_code if short is not None else 0
        sheet = _sheet(prepared, ahead, asked)
        if json:
            print_plan_event(sheet, stdout=sys.stdout, exit_code=code)
        else:
            print_plan(sheet, stdout=sys.stdout, environ=os.environ, next_steps=_next_steps(sheet))
        for problem in (error, short):
            if problem is not None:
                say(problem)
        return code

    return guarded(work, json_result=json)


def _ask(prepared: Prepared, *, json: bool, quiet: bool) -> tuple[tuple[Asked, ...], EvalsvcError | None]:
    journal = prepared.run.journal
    before = journal.stat().st_size if journal.exists() else 0
    evaluation = launch(prepared, json=json, quiet=quiet)
    end_by_signal()  # what is left only reads
    asked = asked_since(evaluation.run, before) if evaluation.summary is not None else ()
    # what went wrong is what one wants to see
    return tuple(sorted(asked, key=lambda row: row.outcome == Outcome.CORRECT)), evaluation.error


def _sheet(prepared: Prepared, ahead: Forecast, asked: tuple[Asked, ...]) -> PlanSheet:
    config, pace = prepared.config, ahead.pace
    return PlanSheet(
        name=config.name,
        run_dir=str(prepared.run.path),
        model=config.model.name,
        endpoint="the embedded sandbox" if prepared.base_url == SANDBOX else prepared.base_url,
        rows=ahead.rows,
        repeats=ahead.repeats,
        done=ahead.done,
        to_ask=ahead.to_ask,
        looked_at=ahead.looked_at,
        answers=ahead.answers,
        input=ahead.input,
        output=ahead.output,
        output_at_most=ahead.output_at_most,
        usd=ahead.usd,
        price_source=prepared.price_source,
        seconds=pace.seconds,
        set_by=pace.set_by,
        latency_s=pace.latency_s,
        latency_measured=pace.measured,
        runtime_s=ahead.runtime_s,
        budgets=tuple(cover.line for cover in ahead.covers),
        estimate=None if (summary := known_summary(prepared.run)) is None else _estimate(summary),
        asked=asked,
        unasked=ahead.unasked,
        reuses=None if prepared.reusable is None else prepared.reusable.key,
    )


def _estimate(summary: Summary) -> Estimate | None:
    """The headline of the rows so far."""
    for name, metric in summary["metrics"].items():
        if metric["value"] is not None:
            return Estimate(metric=name, value=metric["value"], low=metric["ci_low"], high=metric["ci_high"], rows=metric["n"])
    return None


def _next_steps(sheet: PlanSheet) -> list[str]:
    words = typed(_without_ask(sys.argv[2:]))
    if not sheet.to_ask and not sheet.unasked:
        return [f"evalsvc show {quote(sheet.run_dir)}"]
    if sheet.answers or sheet.reuses is not None:  # what is taken over is not there to be measured on before it is
        return [f"evalsvc run {words}"]
    measure = f"evalsvc plan {words} --ask {ASK_FIRST}    # sends {ASK_FIRST} rows, which count as done, and measures"
    return [measure, f"evalsvc run {words}"]


def _without_ask(words: Sequence[str]) -> list[str]:
    """The arguments that `run` takes too.

    >>> _without_ask(["eval.yaml", "--ask", "20", "--set", "a=b", "--ask=3", "--json"])
    ['eval.yaml', '--set', 'a=b']
    """
    pairs = zip(["", *words], words, strict=False)
    return [word for before, word in pairs if before != "--ask" and not word.startswith(("--ask", "--json"))]
