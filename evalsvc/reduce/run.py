"""Reducing one run directory: reduce.json, scored.jsonl and summary.json brought up to date with the journal."""

from evalsvc.errors import UsageError
from evalsvc.journal.events import read_events
from evalsvc.journal.files import write_atomic
from evalsvc.jsonio import dumps, loads
from evalsvc.records import Summary
from evalsvc.reduce.fold import fold_journal
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.summary import summarise
from evalsvc.rundir import Manifest, RunDir


def reduce_run(run: RunDir) -> Summary:
    """Reads what is new in the journal and writes the derived files. No request is sent, and nothing else is changed."""
    manifest = Manifest.read(run)
    if manifest is None:
        raise UsageError(f"{run.path} has no run.json", hint="name a run directory, as evalsvc list shows them")
    plan = Plan.of(run, manifest)
    summary = summarise(plan, fold_journal(plan), read_events(run.events))
    write_atomic(run.summary, dumps(summary) + b"\n")
    return summary


def is_up_to_date(run: RunDir, plan: Plan) -> bool:
    """Whether summary.json says all there is to say, so that not even scikit-learn has to be loaded."""
    try:
        state = loads(run.state.read_bytes())
        return bool(state["summary_key"] == plan.summary_key and state["offset"] == run.journal.stat().st_size and run.summary.exists())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def read_summary(run: RunDir) -> Summary:
    summary: Summary = loads(run.summary.read_bytes())
    return summary
