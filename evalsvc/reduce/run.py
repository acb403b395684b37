"""Reducing one run directory: reduce.json and scored.jsonl brought up to date with the journal, and the summary of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evalsvc.errors import EvalsvcError, UsageError
from evalsvc.journal.events import read_events
from evalsvc.journal.files import storage_failed
from evalsvc.journal.scan import scan
from evalsvc.jsonio import loads
from evalsvc.records import Summary
from evalsvc.reduce.external import Taken, external_key, take_scores
from evalsvc.reduce.fold import Fold, fold_journal
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.scored import scores_in
from evalsvc.reduce.summary import VERSION, summarise
from evalsvc.rundir import Manifest, RunDir

# Keys that a summary of any version has.
_OF_EACH: Final = frozenset({"v", "status", "rows", "metrics", "gates"})


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
    """summary.json as it is. OSError where there is none, ValueError where it is damaged."""
    summary: Summary = loads(run.summary.read_bytes())
    if not isinstance(summary, dict) or not summary.keys() >= _OF_EACH:
        raise ValueError("this is no summary")
    return summary


def known_summary(run: RunDir) -> Summary | None:
    """summary.json as it is; None where there is none that can be read."""
    try:
        return read_summary(run)
    except (OSError, ValueError):
        return None


def is_behind(run: RunDir) -> bool:
    """Whether the run went on after summary.json was made, as one that was killed did; False too where reduce.json cannot tell."""
    try:
        state = loads(run.state.read_bytes())
        return state["summary_key"] is None or scan(run.journal, start=state["offset"]).records > 0
    except (EvalsvcError, OSError, ValueError, KeyError, TypeError):
        return False


def summary_to_show(run: RunDir) -> Summary:
    """summary.json, for a person who asked for it. UsageError where there is none, or none that can be read here."""
    again = f"evalsvc score {run.typed} makes one"
    try:
        summary = read_summary(run)
        version = summary["v"]
    except FileNotFoundError:
        raise UsageError(f"{run.path} has no summary yet", hint=again) from None
    except OSError as exc:
        raise storage_failed(exc, run.summary) from exc
    except ValueError as exc:
        raise UsageError(f"{run.summary} is damaged", hint=again) from exc
    if version != VERSION:
        raise UsageError(f"{run.summary} was written by a newer evalsvc", hint="use that version, or a newer one")
    return summary
