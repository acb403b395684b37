"""Reducing one run directory: reduce.json and scored.jsonl brought up to date with the journal, and the summary of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evalsvc.errors import UsageError
from evalsvc.journal.events import read_events
from evalsvc.jsonio import loads
from evalsvc.records import Summary
from evalsvc.reduce.external import Taken, external_key, take_scores
from evalsvc.reduce.fold import Fold, fold_journal
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduced:
    """The numbers of a run; gates against a baseline are not judged in `summary` yet."""

    plan: Plan
    fold: Fold
    summary: Summary


def reduce_run(run: RunDir) -> Reduced:
    """Reads what is new in the journal. No request is sent, and summary.json is not written."""
    plan = plan_of(run)
    fold = fold_journal(plan)
    return Reduced(plan=plan, fold=fold, summary=summarise(plan, fold, read_events(run.events)))


def join_scores(run: RunDir, path: Path, by: Sequence[str]) -> Taken:
    """Takes the scores in `path` into the run, for the next reduction to count; errors as `take_scores`."""
    plan = plan_of(run)
    scored_bytes = fold_journal(plan).scored_bytes
    known = frozenset(external_key(score.id, score.repeat) for score in scores_in(run.scored, scored_bytes))
    return take_scores(run, path, by, known)


def read_summary(run: RunDir) -> Summary:
    summary: Summary = loads(run.summary.read_bytes())
    return summary
