"""scored.jsonl once more, for what is more than a count of outcomes: sums of what was measured, means of scores, groups of rows,
slices, scorers that failed.

Nothing of it is kept from one reduction to the next: a pass costs a few microseconds a row, and is taken only where there is
a metric beside those of the outcomes, a scorer of the user's, a file of scores, `slices` or `dataset.group`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evalsvc.dataset import id_hash, open_dataset
from evalsvc.jsonio import dumps
from evalsvc.metrics.clusters import FEW_GROUPS, MOST_BUCKETS, Clustered
from evalsvc.metrics.families.drawing import drawing_of
from evalsvc.metrics.families.registry import slice_columns
from evalsvc.metrics.histogram import HistogramTally
from evalsvc.metrics.kept import Buckets, Shape, SlicedKept
from evalsvc.metrics.means import SlicedMean, with_slices
from evalsvc.metrics.names import EXTENSION
from evalsvc.metrics.sums import FEW_CLUSTERS, JACKKNIFE_BUCKETS, Resampling
from evalsvc.metrics.tally import ConfusionTally, RowTally
from evalsvc.records import MetricValue, RunWarning, Score
from evalsvc.reduce.external import External, load_external
from evalsvc.reduce.parts import KEEP, processes, ranges_of
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.room import processes_here
from evalsvc.reduce.scored import scores_in
from evalsvc.reduce.view import Fields, Groups

# Repeats of one row share a bucket; a bucket that two rows share by chance is one cluster more, and no harm.
_ID_BUCKETS = 1 << 16

# A process takes half a second to start, as long as this many bytes of scored.jsonl take to be read.
_WORTH_A_PROCESS = 16 << 20

Parts = list[tuple[str, str]]


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
    kept: SlicedKept | None = None
    means: dict[str, SlicedMean] = field(default_factory=dict)
    spreads: dict[str, HistogramTally] = field(default_factory=dict)  # of the same scores
    from_files: set[str] = field(default_factory=set)  # names of the scores that came from files
    draws_clusters: bool = False  # whether intervals of outcomes are drawn of whole clusters
    groups: int | None = None  # with `dataset.group`: how many there are
    rows: int = 0
    failures: Failures = field(default_factory=Failures)

    def add_score(self, name: str, value: float, parts: Parts, cluster: int) -> None:
        mean = self.means.get(name)
        if mean is None:
            mean = self.means[name] = SlicedMean.empty(clustered=self.clustered_by is not None)
            self.spreads[name] = HistogramTally()
        mean.update(value, parts, cluster=cluster)
        self.spreads[name].update(value)

    def metrics(self) -> dict[str, MetricValue]:
        """The mean of each score as ext.<name>, in order of the names."""
        return {EXTENSION + name: with_slices(mean, clustered_by=self.clustered_by) for name, mean in sorted(self.means.items())}

    def confusion_by_cluster(self, tally: RowTally) -> Clustered | None:
        """None where rows are independent, or their clusters too few to draw from."""
        if self.kept is None or not self.draws_clusters or not isinstance(tally, ConfusionTally):
            return None
        return replace(self.kept.all.clustered(), by=self.clustered_by or "")

    def shares_by_cluster(self) -> dict[int, tuple[int, int]] | None:
        """Correct and judged rows of each bucket, where there are no labels."""
        return None if self.kept is None or not self.draws_clusters else self.kept.all.shares()

    def warnings(self) -> list[RunWarning]:
        return [*_failed(self), *_few_groups(self), *_scores_missing(self)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """To which buckets and which slices a row belongs."""

    groups: Groups | None
    fields: Fields | None
    resampling: Resampling
    repeats: int

    @classmethod
    def of(cls, plan: Plan) -> "Places":
        """Reads the data set where columns of it are asked for."""
        config = plan.config
        columns = slice_columns(config, plan.metrics)
        grouped = config.dataset.group is not None
        dataset = open_dataset(config.dataset, config.base_dir) if grouped or columns else None
        survey = None if dataset is None else dataset.survey()
        return cls(
            groups=Groups.of(dataset, survey) if dataset is not None and survey is not None and grouped else None,
            fields=Fields.of(dataset, survey, columns) if dataset is not None and survey is not None and columns else None,
            resampling=Resampling.of(samples=int(plan.manifest.dataset["rows"]), grouped=grouped),
            repeats=config.repeats,
        )

    def buckets(self, id_: str) -> Buckets:
        hashed = int.from_bytes(id_hash(id_), "little")
        if self.groups is not None:
            bucket = self.groups.bucket(id_)
            return Buckets(bucket, bucket, bucket, hashed)
        bucket = hashed % (MOST_BUCKETS if self.repeats > 1 else JACKKNIFE_BUCKETS)
        cluster = hashed % JACKKNIFE_BUCKETS if self.resampling is Resampling.JACKKNIFE else hashed
        return Buckets(cluster, bucket, cluster if self.repeats > 1 else 0, hashed)

    def cluster_of_means(self, where: Buckets, id_: str) -> int:
        if self.groups is not None:
            return where.bucket
        return int.from_bytes(id_hash(id_), "little") % _ID_BUCKETS if self.repeats > 1 else 0

    def parts(self, score: Score) -> Parts:
        """Columns and values by which the row is sliced."""
        return [] if self.fields is None else list(self.fields.of_row(score.id).items())


def grade(plan: Plan, scored_bytes: int) -> Graded:
    """Reads the first `scored_bytes` of scored.jsonl, if anything asks for it."""
    files = load_external(plan.run)
    graded = Graded(clustered_by=_clustered_by(plan))
    own_scorer = plan.config.scoring.scorer is not None
    repeated = plan.config.repeats > 1
    if not (files or own_scorer or plan.config.dataset.group or plan.config.slices or plan.metrics or repeated):
        return graded
    places = Places.of(plan)
    graded.groups = None if places.groups is None else places.groups.count
    # of a few ids, repeats as one draw are the wider interval and the better one
    graded.draws_clusters = places.groups is not None or (repeated and int(plan.manifest.dataset["rows"]) >= FEW_CLUSTERS)
    if files or own_scorer:
        graded.kept = _keep_and_add(plan, places, graded, files, scored_bytes)
    else:
        graded.kept = _keep_on_all_cores(plan, places, scored_bytes)
    graded.from_files = {name for file in files for name in file.names}
    return graded


def _keep_on_all_cores(plan: Plan, places: Places, scored_bytes: int) -> SlicedKept:
    ranges = ranges_of(plan.run.scored, 0, scored_bytes, at_least=_WORTH_A_PROCESS, processes=processes_here())
    with processes(plan, KEEP, ranges[1:]) as others:
        kept = _keep(plan, places, *(ranges[0] if ranges else (0, 0)))
        for _, said in others:
            kept = kept.merge(SlicedKept.from_state(said, kept.all.shape))
    return kept


def keep_part(plan: Plan, start: int, stop: int, _: Path) -> bytes:
    """What a process of a part does; gives the word that it says."""
    return dumps(_keep(plan, Places.of(plan), start, stop).state())


def _keep(plan: Plan, places: Places, start: int, stop: int) -> SlicedKept:
    kept = SlicedKept.empty(_shape(plan))
    for score in scores_in(plan.run.scored, stop, start):
        kept.update(score, places.parts(score), places.buckets(score.id))
    return kept


def _shape(plan: Plan) -> Shape:
    return Shape(labels=plan.labels, metrics=plan.metrics, drawing=drawing_of(plan.config, plan.metrics))


def _keep_and_add(plan: Plan, places: Places, graded: Graded, files: Sequence[External], scored_bytes: int) -> SlicedKept:
    """The same, and the means of scores that are nobody's metric."""
    kept = SlicedKept.empty(_shape(plan))
    own_scorer = plan.config.scoring.scorer is not None
    for score in scores_in(plan.run.scored, scored_bytes):
        where, parts = places.buckets(score.id), places.parts(score)
        kept.update(score, parts, where)
        _add_means(graded, score, parts, files, places.cluster_of_means(where, score.id), own_scorer=own_scorer)
        graded.failures.add(score)
        graded.rows += 1
    return kept


def _add_means(graded: Graded, score: Score, parts: Parts, files: Iterable[External], cluster: int, *, own_scorer: bool) -> None:
    by_target = [*parts, *([] if score.target is None else [("target", score.target)])]
    own: Mapping[str, float] = (score.scores or {}) if own_scorer else {}
    for name, value in own.items():
        graded.add_score(name, value, by_target, cluster)
    for file in files:
        for name, value, more in file.of(score.id, score.repeat):
            graded.add_score(name, value, by_target + more, cluster)


def _clustered_by(plan: Plan) -> str | None:
    if plan.config.dataset.group is not None:
        return "group"
    return "id" if plan.config.repeats > 1 else None


def _failed(graded: Graded) -> list[RunWarning]:
    failures = graded.failures
    if failures.example is None:
        return []
    _, id_, message = failures.example
    rows = f"{failures.rows:,} row{'' if failures.rows == 1 else 's'}"
    text = f"the scorer failed on {rows} ({100 * failures.rows / graded.rows:.3g} %), which count as wrong; for one, row {id_!r}: {message}"
    return [{"kind": "scorer", "message": text, "evidence": {"rows": failures.rows, "id": id_, "message": message}}]


def _few_groups(graded: Graded) -> list[RunWarning]:
    if graded.groups is None or graded.groups >= FEW_GROUPS:
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
