"""Several runs by one metric: best first, with the groups that cannot be told apart, and what can be said of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isclose

from evalsvc.compare.nouns import Difference, Field
from evalsvc.metrics.names import LOWER_IS_BETTER
from evalsvc.report.comparing.sides import labels
from evalsvc.report.comparing.told import sense
from evalsvc.report.headline import worth_a_line
from evalsvc.report.plain import one_line
from evalsvc.report.words import some

UNEVEN = "pairs have different rows: each is compared over the rows that both have, and a run's own number is over all of its rows"
LETTERS_MEAN = "runs that share a letter cannot be told apart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One run in the order of a metric."""

    side: int  # place in `Field.sides`
    name: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    letters: str  # runs that share one cannot be told apart; "" without a value


def metrics_of(field: Field) -> list[str]:
    """Those worth a table, the headline first; none by which no two runs could be compared."""
    found = {name: one for pair in field.pairs.values() for name, one in pair.differences.items() if one.difference is not None}
    return sorted(worth_a_line(found), key=lambda name: name != field.headline)


def ranked(field: Field, metric: str) -> list[Place]:
    """All runs, the best first, those without a value last."""
    places = [_place(field, metric, side, name) for side, name in enumerate(labels(field.sides))]
    sign = 1 if metric in LOWER_IS_BETTER else -1
    return sorted(places, key=lambda place: (place.value is None, sign * (place.value or 0.0), place.side))


def _place(field: Field, metric: str, side: int, name: str) -> Place:
    value, ci_low, ci_high = _number(field, metric, side)
    letters = field.letters.get(metric, ())
    return Place(
        side=side, name=name, value=value, ci_low=ci_low, ci_high=ci_high, letters=letters[side] if value is not None and letters else ""
    )


def _number(field: Field, metric: str, side: int) -> tuple[float | None, float | None, float | None]:
    """Over the rows that all pairs of this run have in common; over all of its rows where pairs have different ones.

    The interval is that of the run, where it is over the same rows.
    """
    paired = [
        value
        for (i, j), pair in field.pairs.items()
        if side in (i, j) and (found := pair.differences.get(metric))
        if (value := found.a if i == side else found.b) is not None
    ]
    own = field.sides[side].summary["metrics"].get(metric)
    common = paired[0] if paired and _alike(paired) else None
    if own is None or own["value"] is None or (common is not None and not _alike([common, own["value"]])):
        return common, None, None
    return own["value"], own["ci_low"], own["ci_high"]


def _alike(values: Sequence[float]) -> bool:
    """But for the order in which rows were summed up."""
    return all(isclose(value, values[0], rel_tol=1e-9, abs_tol=1e-12) for value in values)


def between(field: Field, first: int, second: int, metric: str) -> Difference | None:
    """Of the pair of these two places in `sides`: the later one minus the earlier one."""
    return field.pairs[min(first, second), max(first, second)].differences.get(metric)


def what_can_be_said(field: Field, metric: str) -> str:
    """Groups that are told apart as a whole are named one after the other; where groups overlap, what the best run is told from."""
    places = [place for place in ranked(field, metric) if place.value is not None]
    if len(places) < 2:
        return f"no two runs have {one_line(metric)}"
    told = {(one, other) for one in places for other in places if one is not other and _is_better(field, one, other, metric)}
    groups = _groups(places, told)
    return _of_the_best(places, told, metric) if groups is None else "; ".join(_of_groups(groups, metric))


_Told = set[tuple[Place, Place]]  # the first is better than the second, beyond noise


def _is_better(field: Field, one: Place, other: Place, metric: str) -> bool:
    found = between(field, one.side, other.side, metric)
    if found is None or found.difference is None or not found.is_told:
        return False
    is_higher = (found.difference > 0) == (one.side > other.side)
    return is_higher != (metric in LOWER_IS_BETTER)


def _groups(places: Sequence[Place], told: _Told) -> list[list[Place]] | None:
    """Neighbours that cannot be told apart, each group told from all others; None where groups overlap."""
    groups: list[list[Place]] = []
    for place in places:
        if groups and not any((other, place) in told for other in groups[-1]):
            groups[-1].append(place)
        else:
            groups.append([place])
    wanted = {(one, other) for k, group in enumerate(groups) for one in group for below in groups[k + 1 :] for other in below}
    return groups if wanted == told else None


def _of_groups(groups: Sequence[Sequence[Place]], metric: str) -> Iterator[str]:
    for group, below in zip(groups, [*groups[1:], ()], strict=True):
        names = _listed(group)
        if len(group) > 1:
            yield f"{names} cannot be told apart"
        if below:
            subject = f"{names} is" if len(group) == 1 else "both are" if len(group) == 2 else f"all {len(group)} are"
            yield f"{subject} {_better(metric)} than {_listed(below)}"


def _of_the_best(places: Sequence[Place], told: _Told, metric: str) -> str:
    """Also where pairs have different rows, so that one that stands lower may be the better one of a pair."""
    best, *others = places
    below = [other for other in others if (best, other) in told]
    above = [other for other in others if (other, best) in told]
    apart = [other for other in others if other not in below and other not in above]
    said = [
        f"{best.name} is {_better(metric)} than {_listed(below)}" if below else f"{best.name} has the best number",
        f"{_listed(above)} {'is' if len(above) == 1 else 'are'} {_better(metric)} over the rows that both have" if above else "",
        f"it cannot be told from {_listed(apart)}" if apart else "",
    ]
    return "; ".join(filter(None, said))


def _better(metric: str) -> str:
    return sense(metric, -1.0 if metric in LOWER_IS_BETTER else 1.0).text


def _listed(places: Sequence[Place]) -> str:
    *names, last = [place.name for place in places]
    return f"{', '.join(names)} and {last}" if names else last


def heading(field: Field) -> str:
    """How many runs, and how p-values are to be read."""
    return f"{some(len(field.sides), 'run')}, {some(len(field.pairs), 'pair')}; p-values are corrected for all pairs (Holm)"


def notes_of(field: Field) -> list[str]:
    """What the pairs have to say, each once, with the pairs that it is of where these are not all."""
    pairs: dict[str, list[str]] = {}
    for (i, j), pair in field.pairs.items():
        for note in pair.notes:
            pairs.setdefault(note, []).append(f"{i + 1} and {j + 1}")
    notes = [note if len(of) == len(field.pairs) else f"{note} ({', '.join(of)})" for note, of in pairs.items()]
    return [*notes, *([UNEVEN] if _uneven(field) else []), *_uncompared(field)]


def _uneven(field: Field) -> bool:
    return len({pair.rows.common for pair in field.pairs.values()}) > 1


def _uncompared(field: Field) -> Iterator[str]:
    """Why no two runs could be compared by a metric; the first reason that a pair gives."""
    everywhere = [one for pair in field.pairs.values() for one in pair.differences.values()]
    compared = {one.metric for one in everywhere if one.difference is not None}
    yield from {one.metric: f"{one.metric}: {one.reason}" for one in reversed(everywhere) if one.metric not in compared}.values()
