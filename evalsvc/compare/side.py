"""A run directory or a baseline file -> Side, read as it lies there. Nothing is written, and no request is sent."""

from pathlib import Path

from evalsvc.compare.baseline_file import open_baseline
from evalsvc.compare.definitions import definitions_of
from evalsvc.compare.nouns import SideInfo
from evalsvc.compare.run_source import RunSource
from evalsvc.compare.source import Side
from evalsvc.errors import UsageError
from evalsvc.journal.lock import lock_holder
from evalsvc.journal.scan import scan
from evalsvc.jsonio import loads
from evalsvc.metrics.custom import custom_metrics
from evalsvc.metrics.families.metric import mean_of
from evalsvc.metrics.kept import Shape
from evalsvc.metrics.names import EXTENSION
from evalsvc.records import Summary
from evalsvc.reduce.fold import is_of
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.run import Reduced, known_summary, plan_of, read_summary
from evalsvc.rundir import RunDir, find_run, newest_before

__all__ = ["Side", "find_side", "open_side", "run_before", "side_of"]


def open_side(named: str | Path, *, base_dir: Path | None = None) -> Side:
    """A run directory, NAME/ID, NAME (its latest), or a baseline file; relative to `base_dir`, else to where we are.

    UsageError when there is no such thing, and for a run whose scores are not those of its answers, with the command that makes them.
    """
    found = find_side(named, base_dir=base_dir)
    return _of_run(found) if isinstance(found, RunDir) else open_baseline(found)


def find_side(named: str | Path, *, base_dir: Path | None = None) -> RunDir | Path:
    """What `named` means: a run, or the file that is to be a baseline's. UsageError when there is neither."""
    path = Path(named) if base_dir is None else base_dir / named
    if path.is_file():
        return path
    if path.name.endswith((".jsonl", ".gz")):
        raise UsageError(f"there is no file {path}", hint=f"evalsvc baseline save RUN -o {named} makes one")
    return find_run(str(path if path.exists() else named))


def _of_run(run: RunDir) -> Side:
    plan = plan_of(run)
    try:
        state = loads(run.state.read_bytes())
        offset, scored_bytes, summary = state["offset"], state["scored_bytes"], read_summary(run)
        # behind the last record that is counted there may be the end that a kill left, and no other record
        of_all = is_of(run, state) and not scan(run.journal, start=offset).records
        current = of_all and state["fold_key"] == plan.fold_key
    except (OSError, ValueError, KeyError, TypeError):
        current = False
    if not current:
        raise _unscored(run)
    return _side(plan, summary, offset=offset, scored_bytes=scored_bytes)


def _unscored(run: RunDir) -> UsageError:
    holder = lock_holder(run.lock)
    if holder is not None:
        return UsageError(f"{run.path} is being written by {holder}", hint="wait for it, or stop it: a part of a run can be compared too")
    return UsageError(f"{run.path}: its scores are not those of its answers", hint=f"evalsvc score {run.typed} brings them up to date")


def side_of(reduced: Reduced) -> Side:
    """A run that was reduced just now, whose summary need not be written yet."""
    return _side(reduced.plan, reduced.summary, offset=reduced.fold.offset, scored_bytes=reduced.fold.scored_bytes)


def _side(plan: Plan, summary: Summary, *, offset: int, scored_bytes: int) -> Side:
    manifest = plan.manifest
    own = {metric.name for metric in custom_metrics(plan.config)}
    scores = [name for name in summary["metrics"] if name.startswith(EXTENSION) and name not in own]
    shape = Shape(labels=plan.labels, metrics=(*plan.metrics, *(mean_of(name, signature="mean", measure=None) for name in scores)))
    return Side(
        info=SideInfo(name=manifest.name, run_id=manifest.id, path=str(plan.run.path), summary=summary),
        shape=shape,
        config=plan.config,
        definitions=definitions_of(plan.config, shape),
        data=_data_of(plan),
        source=RunSource(plan=plan, offset=offset, scored_bytes=scored_bytes),
    )


# What of `dataset` decides how a row reads, whichever of the rows are asked.
_READ_AS = {"columns", "format", "id", "target", "messages", "join", "against"}


def _data_of(plan: Plan) -> dict[str, object]:
    """Equal ones have the same rows under the same ids. Rows that were asked in more than one state of the data are nobody else's."""
    manifest = plan.manifest
    answers = {"answers": "answers" in manifest.identity}
    if manifest.data_changed:
        return {"run": f"{manifest.name}/{manifest.id}", **answers}
    return {"sha256": manifest.dataset["sha256"], **plan.config.dataset.model_dump(mode="json", include=_READ_AS), **answers}


def run_before(run: RunDir) -> RunDir:
    """The newest complete run of the same name that began before this one; UsageError where there is none."""
    found = newest_before(run, _is_complete)
    if found is None:
        raise UsageError(
            f"there is no complete run of {run.path.absolute().parent.name} before {run.path}",
            hint="name the run that it is to be compared with: evalsvc compare A B; evalsvc list shows those there are",
        )
    here = Path.cwd()
    return RunDir(found.path.relative_to(here)) if found.path.is_relative_to(here) else found


def _is_complete(run: RunDir) -> bool:
    summary = known_summary(run)
    return summary is not None and summary["status"] == "complete"
