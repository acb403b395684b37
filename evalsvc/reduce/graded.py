"""scored.jsonl once more, for what is more than a count of outcomes: means of scores, groups of rows, scorers that failed.

Nothing of it is kept from one reduction to the next: a pass costs a few microseconds a row, and is taken only where there is
a scorer of the user's, a file of scores, or `dataset.group`.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from evalsvc.dataset import id_hash, open_dataset
from evalsvc.metrics.clusters import FEW_GROUPS, Clustered
from evalsvc.metrics.means import SlicedMean, with_slices
from evalsvc.metrics.names import EXTENSION
from evalsvc.metrics.outcomes import is_judged
from evalsvc.metrics.tally import ConfusionTally, RowTally
from evalsvc.records import MetricValue, Outcome, RunWarning, Score
from evalsvc.reduce.external import load_external
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.scored import scores_in
from evalsvc.reduce.view import Groups

# Repeats of one row share a bucket; a bucket that two rows share by chance is one cluster more, and no harm.
_ID_BUCKETS = 1 << 16

Bucket = Callable[[str], int]


@dataclass(slots=True, kw_only=True)
class Failures:
    """Rows over which the user's scorer failed, and one of them: that with the lowest hash, so that it is always the same."""

    rows: int = 0
    example: tuple[bytes, str, str] | None = None  # hash, id, message

    def add(self, score: Score) -> None:
        if score.error is not None:
            self.rows += 1
            this = id_hash(score.id, score.repeat), score.id, score.error.message
            self.example = this if self.example is None else min(self.example, this)


@dataclass(slots=True, kw_only=True)
class Graded:
    """What the rows say beside their outcomes."""

    clustered_by: str | None  # what the clusters of `means` are
    means: dict[str, SlicedMean] = field(default_factory=dict)
    from_files: set[str] = field(default_factory=set)  # names of the scores that came from files
    cells: dict[int, dict[int, int]] | None = None  # with `dataset.group`: rows by bucket and cell
    groups: int = 0
    rows: int = 0
    failures: Failures = field(default_factory=Failures)

    def add_score(self, name: str, value: float, parts: list[tuple[str, str]], cluster: int) -> None:
        mean = self.means.get(name)
        if mean is None:
            mean = self.means[name] = SlicedMean.empty(clustered=self.clustered_by is not None)
        mean.update(value, parts, cluster=cluster)

    def metrics(self) -> dict[str, MetricValue]:
        """The mean of each score as ext.<name>, in order of the names."""
        return {EXTENSION + name: with_slices(mean, clustered_by=self.clustered_by) for name, mean in sorted(self.means.items())}

    def confusion_by_group(self, tally: RowTally) -> Clustered | None:
        if self.cells is None or not isinstance(tally, ConfusionTally):
            return None
        return Clustered(buckets=self.cells, labels=len(tally.labels), width=tally.width)

    def shares_by_group(self) -> dict[int, tuple[int, int]] | None:
        """Correct and judged rows of each bucket, where there are no labels."""
        if self.cells is None:
            return None
        return {bucket: (cells.get(_CORRECT, 0), sum(cells.values())) for bucket, cells in self.cells.items() if cells}

    def warnings(self) -> list[RunWarning]:
        return [*_failed(self), *_few_groups(self), *_scores_missing(self)]


_CORRECT, _NOT_CORRECT = 0, 1


def grade(plan: Plan, tally: RowTally, scored_bytes: int) -> Graded:
    """Reads the first `scored_bytes` of scored.jsonl, if anything asks for it; `tally` is of the same rows."""
    config, files = plan.config, load_external(plan.run)
    groups = None if config.dataset.group is None else Groups.of(open_dataset(config.dataset, config.base_dir))
    graded = Graded(clustered_by=_clustered_by(plan))
    if config.scoring.scorer is None and groups is None and not files:
        return graded
    cluster_of = _cluster_of(groups, config.repeats)
    cells = defaultdict[int, dict[int, int]](dict)
    for score in scores_in(plan.run.scored, scored_bytes):
        cluster = cluster_of(score.id)
        by_target = [] if score.target is None else [("target", score.target)]
        for name, value in (score.scores or {}).items():
            graded.add_score(name, value, by_target, cluster)
        for file in files:
            for name, value, parts in file.of(score.id, score.repeat):
                graded.add_score(name, value, by_target + parts, cluster)
        graded.failures.add(score)
        graded.rows += 1
        if groups is not None:
            _count(cells[cluster], score, tally)
    graded.from_files = {name for file in files for name in file.names}
    if groups is not None:
        graded.cells, graded.groups = dict(cells), groups.count
    return graded


def _clustered_by(plan: Plan) -> str | None:
    if plan.config.dataset.group is not None:
        return "group"
    return "id" if plan.config.repeats > 1 else None


def _cluster_of(groups: Groups | None, repeats: int) -> Bucket:
    if groups is not None:
        return groups.bucket
    return (lambda id_: int.from_bytes(id_hash(id_), "little") % _ID_BUCKETS) if repeats > 1 else (lambda _: 0)


def _count(cells: dict[int, int], score: Score, tally: RowTally) -> None:
    if isinstance(tally, ConfusionTally):
        cell = tally.cell_of(score)
    elif is_judged(score.outcome):
        cell = _CORRECT if score.outcome is Outcome.CORRECT else _NOT_CORRECT
    else:
        return
    cells[cell] = cells.get(cell, 0) + 1


def _failed(graded: Graded) -> list[RunWarning]:
    failures = graded.failures
    if failures.example is None:
        return []
    _, id_, message = failures.example
    rows = f"{failures.rows:,} row{'' if failures.rows == 1 else 's'}"
    text = f"the scorer failed on {rows} ({100 * failures.rows / graded.rows:.3g} %), which count as wrong; for one, row {id_!r}: {message}"
    return [{"kind": "scorer", "message": text, "evidence": {"rows": failures.rows, "id": id_, "message": message}}]


def _few_groups(graded: Graded) -> list[RunWarning]:
    if graded.cells is None or graded.groups >= FEW_GROUPS:
        return []
    text = (
        f"the rows come in only {graded.groups} groups (dataset.group), and whole groups are drawn for the intervals: "
        f"with fewer than {FEW_GROUPS} they are too narrow, and the numbers less sure than they look"
    )
    return [{"kind": "few_groups", "message": text, "evidence": {"groups": graded.groups}}]


def _scores_missing(graded: Graded) -> list[RunWarning]:
    missing = {name: graded.rows - graded.means[name].all.n for name in sorted(graded.from_files) if name in graded.means}
    return [
        {
            "kind": "scores_missing",
            "message": f"ext.{name}: {graded.rows - rows:,} of {graded.rows:,} rows have this score, and its mean is over those alone",
            "evidence": {"name": name, "rows": graded.rows, "missing": rows},
        }
        for name, rows in missing.items()
        if rows
    ]
