"""`evalsvc compare`."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from evalsvc.cli.failing import guarded, remark
from evalsvc.compare.nouns import Comparison, Field
from evalsvc.errors import RunInUse, StorageFailed, UsageError
from evalsvc.journal.files import check_place
from evalsvc.rundir import RunDir, find_run

FLIPS = 20
# What a file is to be, by its ending, where no format is named.
_BY_ENDING = {".json": "json", ".csv": "csv", ".md": "markdown", ".tex": "latex", ".html": "html"}


def compare_command(runs: Sequence[str], *, form: str | None, out: Path | None, metrics: Sequence[str], flips: int | None) -> int:
    """0 whatever the comparison says: it is no gate."""
    from evalsvc.report.comparing import FORMATS

    def work() -> int:
        written_as = form or _BY_ENDING.get("" if out is None else out.suffix, "table")
        if written_as not in FORMATS:
            raise UsageError(f"there is no format {written_as!r}", hint=f"use one of {', '.join(FORMATS)}")
        if out is not None:
            check_place(out)
        _print(_compared(_named(runs), metrics, flips), written_as, out)
        return 0

    return guarded(work)


def _named(runs: Sequence[str]) -> Sequence[str]:
    """One run, or none, which is the newest, is held against the one before it."""
    from evalsvc.compare.side import run_before

    if len(runs) > 1:
        return runs
    run = find_run(runs[0] if runs else None)
    before = run_before(run)
    remark(f"{run.path} against the complete run before it: {before.path}")
    return [str(before.path), str(run.path)]


def _compared(runs: Sequence[str], metrics: Sequence[str], flips: int | None) -> Comparison | Field:
    from evalsvc.compare.comparing import check_names, compare, compare_all
    from evalsvc.compare.side import find_side, open_side

    for found in map(find_side, runs):
        if isinstance(found, RunDir):
            bring_up_to_date(found)
    sides = [open_side(named) for named in runs]
    check_names(sides, metrics)
    if len(sides) == 2:
        return compare(*sides, metrics=metrics, examples=FLIPS if flips is None else flips)
    if flips is not None:
        raise UsageError("--flips shows the rows of two runs", hint="name two, or leave it out")
    return compare_all(sides, metrics=metrics)


def bring_up_to_date(run: RunDir) -> None:
    """Derives what a kill, or a newer evalsvc, left undone. Where that cannot be done now, whoever reads the run says if it matters."""
    from evalsvc.deriving.derive import derive_run, is_up_to_date
    from evalsvc.journal.lock import RunLock
    from evalsvc.pipeline.launch import holder
    from evalsvc.reduce.run import plan_of

    if not is_up_to_date(run, plan_of(run)):
        with suppress(RunInUse, StorageFailed), RunLock.acquire(run.lock, holder=holder()):
            derive_run(run)


def _print(what: Comparison | Field, form: str, out: Path | None) -> None:
    from evalsvc.journal.files import write_atomic
    from evalsvc.report.comparing import print_comparison, render
    from evalsvc.report.step_summary import NAMED_BY, append_step_summary
    from evalsvc.report.streams import write_out

    if os.environ.get(NAMED_BY):
        append_step_summary(render(what, "markdown"), os.environ)
    if out is not None:
        write_atomic(out, render(what, form).encode("utf-8", "backslashreplace"))
        write_out(sys.stdout, f"{out}\n")
    elif form == "table":
        print_comparison(what, stdout=sys.stdout, environ=os.environ)
    else:
        write_out(sys.stdout, render(what, form))
