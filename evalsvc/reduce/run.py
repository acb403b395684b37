"""Reducing one run directory: reduce.json, scored.jsonl and summary.json brought up to date with the journal."""

from collections.abc import Sequence
from pathlib import Path

from evalsvc.errors import UsageError
from evalsvc.journal.events import read_events
from evalsvc.journal.files import write_atomic
from evalsvc.jsonio import dumps, loads
from evalsvc.records import Summary
from evalsvc.reduce.external import Taken, external_key, take_scores
from evalsvc.reduce.fold import fold_journal, save_fold
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.scored import scores_in
from evalsvc.reduce.summary import summarise
from evalsvc.rundir import Manifest, RunDir


def plan_of(run: RunDir) -> Plan:
    """UsageError for a directory that is no run."""
    manifest = Manifest.read(run)
    if manifest is None:
        raise UsageError(f"{run.path} has no run.json", hint="name a run directory, as evalsvc list shows them")
    return Plan.of(run, manifest)


def reduce_run(run: RunDir) -> Summary:
    """Reads what is new in the journal and writes the derived files. No request is sent, and nothing else is changed."""
    plan = plan_of(run)
    fold = fold_journal(plan)
    summary = summarise(plan, fold, read_events(run.events))
    write_atomic(run.summary, dumps(summary) + b"\n")
    save_fold(plan, fold, summarised=True)
    return summary


def join_scores(run: RunDir, path: Path, by: Sequence[str]) -> Taken:
    """Takes the scores in `path` into the run, for the next `reduce_run` to count; errors as `take_scores`."""
    plan = plan_of(run)
    scored_bytes = fold_journal(plan).scored_bytes
    known = frozenset(external_key(score.id, score.repeat) for score in scores_in(run.scored, scored_bytes))
    return take_scores(run, path, by, known)


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
