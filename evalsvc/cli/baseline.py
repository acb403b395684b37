"""`evalsvc baseline save`."""

import os
import sys
from math import isfinite
from pathlib import Path

from evalsvc.cli.compare import bring_up_to_date
from evalsvc.cli.failing import guarded
from evalsvc.compare.baseline import Saved, save_baseline
from evalsvc.journal.lock import RunLock
from evalsvc.jsonio import dumps
from evalsvc.metrics.names import range_of
from evalsvc.pipeline.launch import holder
from evalsvc.reduce.run import plan_of
from evalsvc.report.streams import write_out
from evalsvc.report.words import size, some
from evalsvc.rundir import RunDir, find_run
from evalsvc.starting.yaml_text import scalar


def save_command(named: str | None, *, out: Path, force: bool, json: bool) -> int:
    def work() -> int:
        run = find_run(named)
        bring_up_to_date(run)
        with RunLock.acquire(run.lock, holder=holder()):
            saved = save_baseline(run, out, force=force)
        gate = _gate(saved, run)
        if json:
            about = {"baseline": str(saved.path), "run": saved.run.label, "rows": saved.rows, "bytes": saved.size, "gate": gate}
            write_out(sys.stdout, dumps({**about, "replaced": saved.replaced}) + b"\n")
        else:
            before = f", in place of {saved.replaced}" if saved.replaced is not None else ""
            told = f"{saved.path}: {some(saved.rows, 'row')} of {saved.run.label}, {size(saved.size)}{before}\n"
            write_out(sys.stdout, f"{told}to hold later runs against it, write into the config:\n\n  gates: [{gate}]\n")
        return 0

    return guarded(work)


def _gate(saved: Saved, run: RunDir) -> str:
    """On the first metric, with a hundredth of its range for a margin, or of its value where it has no end."""
    plan = plan_of(run)
    metrics = saved.run.summary["metrics"]
    name = next((name for name, metric in metrics.items() if metric["value"] is not None), next(iter(metrics)))
    low, high = range_of(name)
    margin = (high - low) / 100 if isfinite(high - low) else abs(metrics[name]["value"] or 1) / 100
    return f"{{regression: {name}, margin: {margin:.2g}, baseline: {scalar(_seen_from(plan.config.base_dir, saved.path))}}}"


def _seen_from(base_dir: Path, path: Path) -> str:
    """`path` as a config there would have it: so that both can be moved together, unless they have nothing in common."""
    base, whole = base_dir.resolve(), path.resolve()
    return str(whole) if os.path.commonpath([base, whole]) == "/" else os.path.relpath(whole, base)
