"""What `evalsvc list` knows of a run without reading its journal."""

from datetime import UTC, datetime

from evalsvc.errors import EvalsvcError
from evalsvc.journal.events import read_events
from evalsvc.journal.lock import lock_holder
from evalsvc.reduce.run import known_summary
from evalsvc.report import RunRow
from evalsvc.rundir import Manifest, RunDir


def row_of(run: RunDir, now: datetime) -> RunRow:
    try:
        manifest, status = Manifest.read(run), None
    except EvalsvcError:
        manifest, status = None, "damaged"
    summary = known_summary(run)
    metric = next(iter(summary["metrics"]), None) if summary is not None else None
    gates = [gate["passed"] for gate in summary["gates"]] if summary is not None else []
    if lock_holder(run.lock) is not None:
        status = "running"
    return RunRow(
        name=run.path.parent.name,
        run_id=run.path.name,
        status=status or (summary["status"] if summary is not None else "partial"),
        done=summary["rows"]["ok"] + summary["rows"]["error"] if summary is not None else _done_so_far(run),
        expected=int(manifest.dataset["rows"]) if manifest is not None else None,
        metric=metric,
        value=summary["metrics"][metric]["value"] if summary is not None and metric is not None else None,
        gates_passed=all(gates) if gates and None not in gates else None,
        model=str(manifest.identity["model"]) if manifest is not None else "",
        when=_when(run, now),
    )


def _done_so_far(run: RunDir) -> int:
    """As far as the events tell, for a run that was killed before its summary: the last seconds are missing."""
    done = before = 0
    for event in read_events(run.events):
        if event.get("event") == "launch":
            before = done = int(event.get("done", done))
        elif event.get("event") == "counters":
            done = before + int(event.get("rows", 0))
    return done


def _when(run: RunDir, now: datetime) -> str:
    """The time today, the date before."""
    changed = datetime.fromtimestamp(run.manifest.stat().st_mtime, UTC).astimezone()
    return f"{changed:%H:%M}" if changed.date() == now.astimezone().date() else f"{changed:%Y-%m-%d}"
