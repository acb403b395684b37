"""Two sides -> Comparison; several -> Field.

Each side is read twice: its hashes, to know which rows are common, then its scores, into the evidence of all pairs that it is in.
Runs over the same rows share one evidence for all of their pairs. So much of it is held at once as belongs to MOST_ROWS rows; of
more pairs than that the sides are read once more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from hashlib import blake2b
from itertools import combinations
from typing import TYPE_CHECKING, Final

from evalsvc.compare.definitions import differs
from evalsvc.compare.differences import differences, flips_of, row_changes
from evalsvc.compare.evidence import CommonRows, Evidence
from evalsvc.compare.flips import flips, most_changed
from evalsvc.compare.groups import letters
from evalsvc.compare.notes import notes_of
from evalsvc.compare.nouns import Comparison, Difference, Field, Flip
from evalsvc.compare.pairing import Pairing, SideRows, numbers_of, pair
from evalsvc.compare.source import Side
from evalsvc.errors import UsageError
from evalsvc.metrics.families.metric import AnyMetric, SumMetric
from evalsvc.metrics.kept import Shape
from evalsvc.metrics.names import LOWER_IS_BETTER, expanded
from evalsvc.metrics.slices import holm
from evalsvc.metrics.sums import MOST_CLUSTERS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Places = NDArray[np.intp]
    Numbers = NDArray[np.int32]

MOST_ROWS: Final = 4_000_000
# Their tests go through the rows in the order of the data set, up to so many of them as other tests do.
_ORDERED: Final = frozenset({"bleu", "chrf", "chrf_pp", "ter"})


def compare(a: Side, b: Side, *, metrics: Sequence[str] = (), examples: int = 50, outputs: bool = True) -> Comparison:
    """B held against A, by `metrics` or by all that B's summary has. `examples`: of so many rows that came out another way it is said
    how; with `outputs` what both models said too, for which the journals are looked through.

    UsageError where no row is common. A metric that a side lacks has a reason; `check_names` finds those that are mere typing errors.
    """
    [comparison] = _compared([a, b], [(0, 1)], metrics, examples=examples, outputs=outputs).values()
    return comparison


def compare_all(sides: Sequence[Side], *, metrics: Sequence[str] = ()) -> Field:
    """All pairs of `sides`; errors as `compare`. Without examples: they are of two runs."""
    pairs = _compared(sides, list(combinations(range(len(sides)), 2)), metrics, examples=0, outputs=False)
    corrected = _corrected(pairs)
    names = dict.fromkeys(name for comparison in corrected.values() for name in comparison.differences)
    return Field(
        sides=[side.info for side in sides],
        pairs=corrected,
        letters={name: _letters(sides, corrected, name) for name in names},
        headline=next((comparison.headline for comparison in corrected.values()), None),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One side of a pair: which of its rows have which number in it, and what is kept of them."""

    side: int
    numbers: "Numbers"  # by place in `Source.scores`; -1: not common
    common: CommonRows
    shape: Shape
    positive: str | None
    key: bytes  # equal keys are equal evidence

    @classmethod
    def of(cls, side: int, numbers: "Numbers", common: CommonRows, shape: Shape, positive: str | None) -> "_Part":
        names = [name for metric in shape.metrics for name in _names(metric)]
        about = (side, shape.labels, names, positive, common.grouped, common.repeated)
        hashing = blake2b(repr(about).encode("utf-8", "surrogatepass"), digest_size=16)
        for column in (numbers, common.clusters, common.order, *common.parts.values()):
            hashing.update(b"" if column is None else column.tobytes())
        return cls(side=side, numbers=numbers, common=common, shape=shape, positive=positive, key=hashing.digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """Two sides with their common rows, and what can be compared over them."""

    a: Side
    b: Side
    pairing: Pairing
    why_not: Mapping[str, str | None]  # by metric, in order: why it cannot be compared; None where it can
    parts: tuple[_Part, _Part]


def _compared(
    sides: Sequence[Side], pairs: Sequence[tuple[int, int]], metrics: Sequence[str], *, examples: int, outputs: bool
) -> dict[tuple[int, int], Comparison]:
    known = [SideRows(side) for side in sides]
    prepared = {(i, j): _prepared(known, i, j, metrics) for i, j in pairs}
    found: dict[tuple[int, int], Comparison] = {}
    for batch in _batches(prepared):
        held = _read(sides, [part for places in batch for part in prepared[places].parts])
        for places in batch:
            one = prepared[places]
            evidence_a, evidence_b = (held[part.key] for part in one.parts)
            found[places] = _comparison(one, evidence_a, evidence_b, examples=examples, outputs=outputs)
    return found


def _prepared(known: Sequence[SideRows], i: int, j: int, metrics: Sequence[str]) -> _Pair:
    a, b = known[i].side, known[j].side
    why_not = {name: _why_not(a, b, name) for name in _wanted(b, metrics)}
    names = frozenset(name for name, reason in why_not.items() if reason is None)
    rows = min(len(known[i].hashes.rows), len(known[j].hashes.rows))
    columns = tuple(sorted({metric.by for metric in b.shape.sums if metric.name in names and metric.by is not None}))
    pairing = pair(known[i], known[j], columns=columns, ordered=bool(names & _ORDERED) and rows <= MOST_CLUSTERS)
    # other labels are other cells: then rows are right or wrong, and no more
    labels = b.shape.labels if set(a.shape.labels) == set(b.shape.labels) else ()
    positive = b.positive if labels and a.positive == b.positive else None

    def part(side: int, places: "Places") -> _Part:
        shape = Shape(labels=labels, metrics=_those(known[side].side.shape.metrics, names))
        return _Part.of(side, numbers_of(places, len(known[side].hashes.rows)), pairing.common, shape, positive)

    return _Pair(a=a, b=b, pairing=pairing, why_not=why_not, parts=(part(i, pairing.places_a), part(j, pairing.places_b)))


def _wanted(b: Side, metrics: Sequence[str]) -> list[str]:
    names = [name for metric in metrics for name in expanded(metric)]
    return list(dict.fromkeys(names or b.info.summary["metrics"]))


def check_names(sides: Sequence[Side], metrics: Sequence[str]) -> None:
    """UsageError, with the nearest name, for a metric that none of `sides` has."""
    there = list(dict.fromkeys(name for side in sides for name in (*side.info.summary["metrics"], *side.definitions)))
    for name in (name for metric in metrics for name in expanded(metric)):
        if name not in there:
            near = get_close_matches(name, there, n=1)
            raise UsageError(
                f"none of these runs has a metric {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
                hint=f"they have {', '.join(there)}",
            )


def _why_not(a: Side, b: Side, metric: str) -> str | None:
    """Why it cannot be compared, if so."""
    if all(metric in side.info.summary["metrics"] and metric not in side.definitions for side in (a, b)):
        return "it is counted over all rows together, so that no row of it has a pair"
    return differs(a.definitions, b.definitions, metric)


def _names(metric: AnyMetric) -> tuple[str, ...]:
    return (metric.name,) if isinstance(metric, SumMetric) else metric.names


def _those(metrics: Sequence[AnyMetric], names: frozenset[str]) -> tuple[AnyMetric, ...]:
    """In the order of their names, so that both sides have them alike."""
    return tuple(sorted((metric for metric in metrics if not names.isdisjoint(_names(metric))), key=_names))


def _batches(pairs: Mapping[tuple[int, int], _Pair]) -> Iterator[list[tuple[int, int]]]:
    """Pairs whose evidence is of no more than MOST_ROWS rows together, or one pair."""
    batch: list[tuple[int, int]] = []
    held: dict[bytes, int] = {}
    for places, one in pairs.items():
        more = {part.key: part.common.count for part in one.parts}
        if batch and sum((held | more).values()) > MOST_ROWS:
            yield batch
            batch, held = [], {}
        batch.append(places)
        held |= more
    if batch:
        yield batch


def _read(sides: Sequence[Side], parts: Sequence[_Part]) -> dict[bytes, Evidence]:
    """The evidence of all `parts`, each side read once."""
    held: dict[bytes, Evidence] = {}
    for side in dict.fromkeys(part.side for part in parts):
        own = {part.key: part for part in parts if part.side == side}
        for key, part in own.items():
            held[key] = Evidence.empty(part.shape, part.common, part.positive)
        # a memoryview gives whole numbers one by one, quicker than numpy and without a list of them all
        taking = [(held[key].take, part.numbers.data) for key, part in own.items()]
        for place, score in enumerate(sides[side].source.scores()):
            for take, numbers in taking:
                if numbers[place] >= 0:
                    take(numbers[place], score)
    return held


def _comparison(of: _Pair, a: Evidence, b: Evidence, *, examples: int, outputs: bool) -> Comparison:
    comparable = [name for name, reason in of.why_not.items() if reason is None]
    told = differences(a, b, comparable)
    by_metric = {name: told.get(name) or _not_compared(of, name) for name in of.why_not}
    flipped = flips_of(a, b) if differs(of.a.definitions, of.b.definitions, "accuracy") is None else None
    headline = next((name for name, one in by_metric.items() if one.difference is not None), next(iter(by_metric), None))
    return Comparison(
        a=of.a.info,
        b=of.b.info,
        rows=of.pairing.rows,
        differences=by_metric,
        flips=flipped,
        examples=_examples(of, a, b, "accuracy" if flipped is not None else headline, examples, outputs=outputs) if examples else (),
        notes=notes_of(of.a, of.b, of.pairing),
        headline=headline,
    )


def _not_compared(of: _Pair, metric: str) -> Difference:
    """Where all of a side's rows are common, its number over them is that of its summary."""
    rows = of.pairing.rows
    values = [
        None if left_out + rows.changed else side.info.summary["metrics"].get(metric)
        for side, left_out in ((of.a, rows.only_a), (of.b, rows.only_b))
    ]
    of_a, of_b = (None if value is None else value["value"] for value in values)
    return Difference(metric=metric, a=of_a, b=of_b, n=rows.common, reason=of.why_not[metric])


def _examples(of: _Pair, a: Evidence, b: Evidence, metric: str | None, count: int, *, outputs: bool) -> tuple[Flip, ...]:
    if metric is None:
        return ()
    changes = row_changes(a, b, metric)
    numbers = most_changed(changes, count, lower_is_better=metric in LOWER_IS_BETTER)
    places_a, places_b = (places[numbers].tolist() for places in (of.pairing.places_a, of.pairing.places_b))
    return flips(of.a, of.b, places_a, places_b, changes[numbers].tolist(), outputs=outputs)


# several ---------------------------------------------------------------------------------------------------------


def _corrected(pairs: Mapping[tuple[int, int], Comparison]) -> dict[tuple[int, int], Comparison]:
    """Each p-value corrected for all pairs of its metric."""
    by_metric: dict[str, dict[str, float]] = {}
    for places, comparison in pairs.items():
        for name, one in comparison.differences.items():
            if one.p is not None:
                by_metric.setdefault(name, {})[str(places)] = one.p
    p_of = {name: holm(p) for name, p in by_metric.items()}

    def corrected(places: tuple[int, int], one: Difference) -> Difference:
        return replace(one, p_holm=p_of.get(one.metric, {}).get(str(places)))

    return {
        places: replace(comparison, differences={name: corrected(places, one) for name, one in comparison.differences.items()})
        for places, comparison in pairs.items()
    }


def _letters(sides: Sequence[Side], pairs: Mapping[tuple[int, int], Comparison], metric: str) -> tuple[str, ...]:
    """Of the sides that have a number; the best one has the first letter."""
    values = {place: value for place in range(len(sides)) if (value := _value(pairs, place, metric)) is not None}
    best_first = sorted(values, key=lambda place: (values[place] if metric in LOWER_IS_BETTER else -values[place], place))
    told = {}
    for (first, i), (second, j) in combinations(enumerate(best_first), 2):
        one = pairs[min(i, j), max(i, j)].differences.get(metric)
        told[first, second] = one is not None and one.is_told
    shown = dict(zip(best_first, letters([sides[place].info.label for place in best_first], told), strict=True))
    return tuple(shown.get(place, "") for place in range(len(sides)))


def _value(pairs: Mapping[tuple[int, int], Comparison], place: int, metric: str) -> float | None:
    """Over the rows that the side has in common with the first other one that says something of it."""
    for (i, j), comparison in pairs.items():
        one = comparison.differences.get(metric)
        if place in (i, j) and one is not None and one.difference is not None:
            return one.a if place == i else one.b
    return None
