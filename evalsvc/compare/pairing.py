"""Which rows both sides have: joined by id and repeat, and compared only where both were asked the same, with the same right answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final

from evalsvc.compare.evidence import CommonRows
from evalsvc.compare.nouns import Rows
from evalsvc.compare.run_source import find
from evalsvc.compare.source import Hashes, Side
from evalsvc.dataset import repeat_mask
from evalsvc.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Uint64s = NDArray[np.uint64]
    Places = NDArray[np.intp]

LISTED: Final = 100  # ids
_SHOWN = 3  # of each side where none is common


class SideRows:
    """What is known of a side's rows; each of it is read once, when it is asked for, however many other sides there are."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._groups_by: dict[tuple[str, ...], Mapping[str, NDArray[np.int32]]] = {}

    @cached_property
    def hashes(self) -> Hashes:
        return self.side.source.hashes()

    @cached_property
    def questions(self) -> "Uint64s":
        """In the order of `hashes`."""
        return self.side.source.questions(self.hashes.rows)

    @cached_property
    def groups(self) -> "Uint64s | None":
        """In the order of `hashes`."""
        return self.side.source.groups(self.hashes.samples)

    def groups_by(self, columns: tuple[str, ...]) -> "Mapping[str, NDArray[np.int32]]":
        if columns not in self._groups_by:
            self._groups_by[columns] = self.side.source.groups_by(columns)
        return self._groups_by[columns]

    @cached_property
    def order(self) -> "Uint64s | None":
        return self.side.source.order()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """The common rows, numbered alike on both sides in the order of their hashes; and where on each side they stand."""

    rows: Rows
    common: CommonRows
    places_a: "Places"  # by row number, in the order of `Source.scores`
    places_b: "Places"


def pair(a: SideRows, b: SideRows, *, columns: tuple[str, ...] = (), ordered: bool = False) -> Pairing:
    """`columns`: also by whose values the rows are to be told apart; `ordered`: with the order of the data set. Both have it read.

    UsageError, with what to do about it, where no row is common.
    """
    import numpy as np

    _, at_a, at_b = np.intersect1d(a.hashes.rows, b.hashes.rows, assume_unique=True, return_indices=True)
    alike = _alike(a, b, at_a, at_b)
    if not alike.any():
        raise _nothing_common(a.side, b.side, same_ids=len(at_a))
    places_a, places_b, changed = at_a[alike], at_b[alike], at_a[~alike]
    only_a, only_b = _others(a, at_a), _others(b, at_b)
    return Pairing(
        rows=Rows(
            common=len(places_a),
            only_a=len(only_a),
            only_b=len(only_b),
            changed=len(changed),
            ids_only_a=_ids(a, only_a),
            ids_only_b=_ids(b, only_b),
            ids_changed=_ids(a, changed),
        ),
        common=_common(a, b, places_a, places_b, columns, ordered=ordered),
        places_a=places_a,
        places_b=places_b,
    )


def _alike(a: SideRows, b: SideRows, at_a: "Places", at_b: "Places") -> "NDArray[np.bool_]":
    """Whether each pair of rows of one id asks the same and has the same right answer."""
    import numpy as np

    if judge_other_answers(a.side, b.side):
        return np.ones(len(at_a), dtype=bool)
    alike: NDArray[np.bool_] = a.hashes.targets[at_a] == b.hashes.targets[at_b]
    if a.side.data != b.side.data:
        if a.side.holds_answers or b.side.holds_answers:
            _refuse_ids_of_answers(a.side, b.side)
        else:
            alike &= a.questions[at_a] == b.questions[at_b]
    return alike


def _refuse_ids_of_answers(a: Side, b: Side) -> None:
    for side in (a, b):
        if side.holds_answers and side.config.dataset.id is None:
            raise UsageError(
                f"{side.info.label} came as a file of answers without ids: its rows are known by all that stands in them, the answer too, "
                "and only rows with the same answer would be compared",
                hint="take it in again with the column of the ids: evalsvc score FILE --id …",
            )


def judge_other_answers(a: Side, b: Side) -> bool:
    """Whether two runs' answers were judged, and are held against each other by their verdicts: then what was asked differs by design."""
    return a.config.task == b.config.task == "judge"


def _others(of: SideRows, places: "Places") -> "Places":
    import numpy as np

    others = np.ones(len(of.hashes.rows), dtype=bool)
    others[places] = False
    return np.flatnonzero(others)


def _ids(of: SideRows, places: "Places") -> tuple[str, ...]:
    """Of the rows at `places` the first ids by hash, each once."""
    import numpy as np

    _, first = np.unique(of.hashes.samples[places], return_index=True)
    chosen = places[first[:LISTED]].tolist()
    scores = of.side.source.scores_at(chosen) if chosen else {}
    return tuple(scores[place].id for place in chosen)


def _common(a: SideRows, b: SideRows, places_a: "Places", places_b: "Places", columns: tuple[str, ...], *, ordered: bool) -> CommonRows:
    import numpy as np

    samples, groups = b.hashes.samples[places_b], _groups(a, b, places_a, places_b)
    return CommonRows(
        count=len(samples),
        clusters=samples if groups is None else groups,
        grouped=groups is not None,
        repeated=len(np.unique(samples)) < len(samples),
        order=_order(a, b, b.hashes.rows[places_b]) if ordered else None,
        parts=_parts(a, b, places_a, places_b, columns) if columns else {},
    )


def _groups(a: SideRows, b: SideRows, places_a: "Places", places_b: "Places") -> "Uint64s | None":
    """As B knows them, else as A does."""
    for side, places in ((b, places_b), (a, places_a)):
        if side.groups is not None:
            return side.groups[places]
    return None


def _parts(a: SideRows, b: SideRows, places_a: "Places", places_b: "Places", columns: tuple[str, ...]) -> "Mapping[str, NDArray[np.int32]]":
    """As B knows them, else as A does."""
    for side, places in ((b, places_b), (a, places_a)):
        if by_column := side.groups_by(columns):
            return {column: codes[places] for column, codes in by_column.items()}
    return {}


def _order(a: SideRows, b: SideRows, rows: "Uint64s") -> "NDArray[np.int64] | None":
    """The numbers of `rows` in the order of the data set: all of it, then again for the next repeat."""
    import numpy as np

    repeats = max(a.side.config.repeats, b.side.config.repeats)
    for ids in (b.order, a.order):
        if ids is not None:
            at, there = find(rows, np.concatenate([ids ^ np.uint64(repeat_mask(repeat)) for repeat in range(repeats)]))
            if there.sum() == len(rows):
                return at[there].astype(np.int64)
    return None


def _nothing_common(a: Side, b: Side, *, same_ids: int) -> UsageError:
    if same_ids:
        return UsageError(
            f"{a.info.label} and {b.info.label} have no row in common: {same_ids:,} ids are on both sides, but the rows under them were "
            "asked something else, or have another right answer",
            hint="a column that was added to the data, or another dataset.target, makes another row of each: run both on the same data",
        )
    return UsageError(
        f"{a.info.label} and {b.info.label} have no row in common: A has the ids {_some_ids(a)}; B has {_some_ids(b)}",
        hint="compare runs over the same rows; rows without an id of their own (dataset.id) are known by all that stands in them",
    )


def _some_ids(side: Side) -> str:
    ids = [repr(score.id) for score in islice(side.source.scores(), _SHOWN)]
    return ", ".join(ids) or "no row at all"


def numbers_of(places: "Places", count: int) -> "NDArray[np.int32]":
    """By place the row's number, -1 for a row that is not common.

    >>> import numpy as np
    >>> numbers_of(np.array([2, 0]), 4).tolist()
    [1, -1, 0, -1]
    """
    import numpy as np

    numbers = np.full(count, -1, dtype=np.int32)
    numbers[places] = np.arange(len(places))
    return numbers
