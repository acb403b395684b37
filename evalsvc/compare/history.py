"""The runs of one name in the order of their nights: each watched number with its interval, and which changes are beyond noise.

Each complete run is held against the complete one before it: row by row where both are there and small enough, else by their
two intervals alone, which take the runs for independent draws and so find less. Many nights are many tests: the p-values of
one metric, one for each pair and one for the whole of it (the newest run against the oldest, which finds a slow decay), are
corrected together (Holm 1979), so that a metric that never moves is marked once in twenty histories, not once in twenty nights.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import pairwise
from math import erfc, hypot, sqrt
from pathlib import Path
from typing import Any

from evalsvc.compare.comparing import compare
from evalsvc.compare.definitions import number_of
from evalsvc.compare.nouns import Difference
from evalsvc.compare.side import open_side
from evalsvc.config.identity import differences
from evalsvc.errors import EvalsvcError, UsageError
from evalsvc.metrics.gates import parse_gate
from evalsvc.metrics.intervals import Z_95
from evalsvc.metrics.names import OF_POSITIVE
from evalsvc.metrics.slices import holm
from evalsvc.records import Summary
from evalsvc.reduce.run import known_summary
from evalsvc.rundir import LATEST, RUNS, Manifest, RunDir, find_run

# With more rows than this on either side, reading both row by row takes longer than anybody waits for a history.
PAIRED_AT_MOST = 50_000
LAST = 30
LEVEL = 0.05
PAIRED, UNPAIRED = "paired", "unpaired"
DATA, METRICS = "data", "metrics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One run."""

    id: str  # the name of its folder
    path: str
    started_at: str  # of its first launch
    status: str  # complete | partial
    gates_passed: bool | None  # None: no gates, or not judged
    rows: int  # that have an answer, or failed for good
    model: str
    revision: str | None
    dataset_sha256: str
    changed: tuple[str, ...] = ()  # what is not as in the complete run before: data, model, prompt, …


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How far a number moved, newer minus older."""

    since: str  # id of the older run
    how: str  # paired | unpaired
    difference: float
    ci_low: float  # two-sided, 95 %
    ci_high: float
    p: float  # of no difference, two-sided
    p_holm: float  # corrected for all changes of this metric in the history
    rows: int | None  # paired ones

    @property
    def is_told(self) -> bool:
        """Whether it is beyond noise."""
        return self.p_holm < LEVEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The number of one run."""

    run: str  # id
    value: float | None
    ci_low: float | None
    ci_high: float | None
    n: int
    change: Change | None = None
    reason: str | None = None  # why there is no change to be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One watched number, a point for each run."""

    name: str  # as a gate writes it: recall, per_class.spam.recall, slices.language.de.accuracy
    metric: str  # recall
    points: tuple[Point, ...]
    overall: Change | None  # the newest complete run against the oldest, where there are more than two


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The runs of one name, the oldest first."""

    name: str
    runs: tuple[Night, ...]
    left_out: int  # older runs that were not asked for
    series: tuple[Series, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Number:
    """What a summary says under one name."""

    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    definition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A run, as far as its small files tell."""

    run: RunDir
    manifest: Manifest
    summary: Summary | None
    numbers: Mapping[str, _Number]

    @property
    def id(self) -> str:
        return self.run.path.name

    @property
    def is_complete(self) -> bool:
        return self.summary is not None and self.summary["status"] == "complete"


def history(named: str | None, *, metrics: Sequence[str] = (), last: int = LAST, root: Path = RUNS) -> History:
    """The last so many runs of a name. `named` is one, a folder of runs, or a run among its own; None is the newest run.

    `metrics` are names as gates write them; none means those that the newest run's gates name, or without gates its first
    metric. Partial runs are in it and are compared with nothing. UsageError where there are no runs, and for a metric that no
    run has.
    """
    folder, name = _folder(named, root)
    runs, notes = _runs_in(folder, name)
    shown = [_read(run, manifest) for run, manifest in runs[-last:]]
    names = _chosen(metrics, shown)
    whole = _whole(shown)
    pairs = [*pairwise(whole), *([(whole[0], whole[-1])] if len(whole) > 2 else [])]
    held = {(older, newer): _changes(shown[older], shown[newer], names) for older, newer in pairs}
    return History(
        name=shown[-1].manifest.name,
        runs=tuple(_nights(shown)),
        left_out=len(runs) - len(shown),
        series=tuple(_series(one, shown, {pair: changes[one] for pair, changes in held.items()}) for one in names),
        notes=tuple(notes),
    )


def _whole(reads: Sequence[_Read]) -> list[int]:
    """The places of those that are complete."""
    return [place for place, read in enumerate(reads) if read.is_complete]


def _folder(named: str | None, root: Path) -> tuple[Path, str | None]:
    """The folder whose runs are meant, and which name they must have; a name without a `latest` is found too."""
    for folder in (root / named, Path(named)) if named else ():
        if any(folder.glob("*/run.json")):
            return folder, None
    run = find_run(named, root=root)
    manifest = Manifest.read(run)
    return run.path.parent, None if manifest is None else manifest.name


def _runs_in(folder: Path, name: str | None) -> tuple[list[tuple[RunDir, Manifest]], list[str]]:
    """Every run of that name, the oldest first, and what is to be said of those that cannot be read."""
    runs, notes = [], []
    for path in folder.glob("*/run.json"):
        run = RunDir(path.parent)
        if run.path.name == LATEST or run.path.is_symlink():
            continue
        try:
            manifest = Manifest.read(run)
        except EvalsvcError as error:
            notes.append(f"left out: {error.message}")
            continue
        if manifest is not None and name in (None, manifest.name):
            runs.append((run, manifest))
    if not runs:
        raise UsageError(f"there is no run in {folder} that can be read", hint="evalsvc list shows the runs there are")
    return sorted(runs, key=lambda one: (one[1].began_at, one[0].path.name)), notes


def _read(run: RunDir, manifest: Manifest) -> _Read:
    summary = known_summary(run)
    return _Read(run=run, manifest=manifest, summary=summary, numbers={} if summary is None else dict(_numbers(summary)))


def _numbers(summary: Summary) -> Iterator[tuple[str, _Number]]:
    """Everything that a gate can name."""
    for name, metric in summary["metrics"].items():
        definition = number_of(metric["signature"])
        yield name, _number(name, metric, definition)
        for column, parts in metric.get("slices", {}).items():
            for value, part in parts.items():
                yield f"slices.{column}.{value}.{name}", _number(name, part, definition)
    for label, of_class in summary["per_class"].items():
        for name in OF_POSITIVE:
            rows = int(of_class["predicted" if name == "precision" else "support"] or 0)
            yield f"per_class.{label}.{name}", _Number(metric=name, value=of_class[name], low=None, high=None, n=rows, definition="")


def _number(name: str, value: Mapping[str, Any], definition: str) -> _Number:
    return _Number(metric=name, value=value["value"], low=value["ci_low"], high=value["ci_high"], n=value["n"], definition=definition)


def _chosen(metrics: Sequence[str], reads: Sequence[_Read]) -> tuple[str, ...]:
    known = {name: None for read in reversed(reads) for name in read.numbers}
    for name in metrics:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            there = ", ".join([one for one in known if not one.startswith(("per_class.", "slices."))][:30])
            hint = f"did you mean {near[0]}?" if near else f"there are: {there or 'none, as no run has a summary yet'}"
            raise UsageError(f"no run here has a metric {name!r}", hint=hint)
    gated = dict.fromkeys(name for name in _gated(reads[-1].manifest.config.get("gates", ())) if name in known)
    return tuple(dict.fromkeys(metrics)) or tuple(gated) or tuple(known)[:1]


def _gated(gates: Sequence[str | Mapping[str, Any]]) -> Iterator[str]:
    """The number that each gate of a run.json names."""
    for written in gates:
        if not isinstance(written, str) and "regression" in written:
            yield str(written["regression"])
            continue
        gate = parse_gate(written if isinstance(written, str) else written["gate"])
        front = f"per_class.{gate.label}." if gate.label is not None else f"slices.{gate.slice}." if gate.slice is not None else ""
        yield front + gate.metric


def _nights(reads: Sequence[_Read]) -> Iterator[Night]:
    before: _Read | None = None
    for read in reads:
        identity, summary = read.manifest.identity, read.summary
        passed = [] if summary is None else [gate["passed"] for gate in summary["gates"]]
        yield Night(
            id=read.id,
            path=str(read.run.path),
            started_at=read.manifest.began_at,
            status="complete" if read.is_complete else "partial",
            gates_passed=all(passed) if passed and None not in passed else None,
            rows=0 if summary is None else summary["rows"]["ok"] + summary["rows"]["error"],
            model=str(identity.get("model", "")),
            revision=identity.get("revision"),
            dataset_sha256=str(read.manifest.dataset.get("sha256", "")),
            changed=_changed(before, read) if before is not None and read.is_complete else (),
        )
        before = read if read.is_complete else before


def _changed(before: _Read, now: _Read) -> tuple[str, ...]:
    """In what two measurements differ, a word for each."""
    lines = differences(before.manifest.identity, now.manifest.identity)
    # "params.seed: 1 → 2" is a change of params
    words = dict.fromkeys(line.partition(":")[0].partition(".")[0] for line in lines)
    both = before.numbers.keys() & now.numbers.keys()
    redefined = any(before.numbers[name].definition != now.numbers[name].definition for name in both)
    return (*((DATA,) if _has_other_data(before, now) else ()), *words, *((METRICS,) if redefined else ()))


def _has_other_data(before: _Read, now: _Read) -> bool:
    return bool(before.manifest.dataset.get("sha256") != now.manifest.dataset.get("sha256"))


def _changes(before: _Read, now: _Read, names: Sequence[str]) -> dict[str, Change | str]:
    """By name, how far it moved, not corrected yet; or why nobody can say."""
    apart = {name: reason for name in names if (reason := _incomparable(before, now, name)) is not None}
    paired = _paired(before, now, [name for name in names if name not in apart])
    return {name: apart.get(name) or paired.get(name) or _unpaired(before, now, name) for name in names}


def _incomparable(before: _Read, now: _Read, name: str) -> str | None:
    if any(name not in read.numbers or read.numbers[name].value is None for read in (before, now)):
        return "one of the two has no such number"
    if before.numbers[name].definition != now.numbers[name].definition:
        return "the metric is defined otherwise than before"
    return None


def _paired(before: _Read, now: _Read, names: Sequence[str]) -> dict[str, Change]:
    """Of the metrics over all rows, from the rows that both runs have; nothing where that cannot be had."""
    names = [name for name in names if name == now.numbers[name].metric]
    if not names or any(read.summary is None or read.summary["rows"]["expected"] > PAIRED_AT_MOST for read in (before, now)):
        return {}
    try:
        comparison = compare(open_side(before.run.path), open_side(now.run.path), metrics=names, examples=0)
    except EvalsvcError:
        return {}
    rows = comparison.rows.common
    found = {name: _told(before, difference, rows) for name, difference in comparison.differences.items()}
    return {name: change for name, change in found.items() if change is not None}


def _told(before: _Read, difference: Difference, rows: int) -> Change | None:
    by, low, high, p = difference.difference, difference.ci_low, difference.ci_high, difference.p
    if by is None or low is None or high is None or p is None:
        return None
    return Change(since=before.id, how=PAIRED, difference=by, ci_low=low, ci_high=high, p=p, p_holm=p, rows=rows)


def _unpaired(before: _Read, now: _Read, name: str) -> Change | str:
    """From the two intervals, as if normal and independent."""
    a, b = before.numbers[name], now.numbers[name]
    if _has_other_data(before, now):
        return "other data than before, and not compared row by row"
    if a.value is None or b.value is None or a.low is None or a.high is None or b.low is None or b.high is None:
        return "it has no interval"
    difference = b.value - a.value
    error = hypot(a.high - a.low, b.high - b.low) / (2 * Z_95)
    if not error > 0:
        return "its intervals have no width"
    p = erfc(abs(difference) / error / sqrt(2))
    low, high = difference - Z_95 * error, difference + Z_95 * error
    return Change(since=before.id, how=UNPAIRED, difference=difference, ci_low=low, ci_high=high, p=p, p_holm=p, rows=None)


def _series(name: str, reads: Sequence[_Read], changes: Mapping[tuple[int, int], Change | str]) -> Series:
    """`changes` by the places of the older and the newer run; one of them may be the newest against the oldest."""
    corrected = holm({f"{older} {newer}": change.p for (older, newer), change in changes.items() if isinstance(change, Change)})
    told = {pair: _corrected(change, corrected.get("{} {}".format(*pair))) for pair, change in changes.items()}
    whole = _whole(reads)
    overall = told.get((whole[0], whole[-1])) if len(whole) > 2 else None
    since = {newer: told[older, newer] for older, newer in pairwise(whole)}
    points = tuple(_point(read, name, since.get(place)) for place, read in enumerate(reads))
    metric = next(read.numbers[name].metric for read in reads if name in read.numbers)
    return Series(name=name, metric=metric, points=points, overall=overall if isinstance(overall, Change) else None)


def _corrected(change: Change | str, p_holm: float | None) -> Change | str:
    return change if isinstance(change, str) or p_holm is None else replace(change, p_holm=p_holm)


def _point(read: _Read, name: str, since: Change | str | None) -> Point:
    number = read.numbers.get(name)
    change = since if isinstance(since, Change) else None
    reason = since if isinstance(since, str) else None if read.is_complete else "the run is not complete"
    if number is None:
        return Point(run=read.id, value=None, ci_low=None, ci_high=None, n=0, reason=reason)
    return Point(run=read.id, value=number.value, ci_low=number.low, ci_high=number.high, n=number.n, change=change, reason=reason)
