"""`dataset.subsample`: which rows, drawn by a hash of seed and id.

A row's ticket depends on nothing but the seed and the row itself, and the rows with the lowest tickets are drawn. So
the same rows are drawn at every launch and in any order of the file, and rows that are added push out few of the others.
Equal rows without ids of their own have equal tickets: they are drawn together, the last ones cut off where `n` ends.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from evalsvc.config.models import Subsample
from evalsvc.dataset.columns import Columns, nested_too_deeply, no_column, target_text
from evalsvc.dataset.hashes import row_hash
from evalsvc.dataset.layout import Layout
from evalsvc.dataset.place import Place
from evalsvc.dataset.reader import Reader
from evalsvc.dataset.source import open_source
from evalsvc.dataset.stamp import Stamp
from evalsvc.errors import UsageError
from evalsvc.jsonio import as_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# More values than this are no strata but an id or a text.
MAX_STRATA = 10_000
# So many candidates are kept beside the lowest `n` before they are sorted out, so that small draws do not sort all the time.
SLACK = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """`flags` has a byte for each row of the files, 1 where it is drawn."""

    flags: bytearray
    stamps: tuple[Stamp, ...]
    notes: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Lowest:
    """The ordinals of the lowest `n` tickets so far, out of all those offered; at most 2 n + SLACK are kept."""

    n: int
    offered: int = 0
    tickets: "array[int]" = field(default_factory=lambda: array("Q"))
    ordinals: "array[int]" = field(default_factory=lambda: array("Q"))
    ceiling: int = 1 << 64

    def offer(self, ticket: int, ordinal: int) -> None:
        """Ordinals must rise: of equal tickets the first ones win."""
        self.offered += 1
        if ticket < self.ceiling:
            self.tickets.append(ticket)
            self.ordinals.append(ordinal)
            if len(self.tickets) > 2 * self.n + SLACK:
                self._sort_out()

    def lowest(self, n: int) -> "NDArray[np.uint64]":
        import numpy as np

        tickets, ordinals = np.array(self.tickets, dtype=np.uint64), np.array(self.ordinals, dtype=np.uint64)
        return ordinals[np.lexsort((ordinals, tickets))[:n]]

    def _sort_out(self) -> None:
        import numpy as np

        tickets, ordinals = np.array(self.tickets, dtype=np.uint64), np.array(self.ordinals, dtype=np.uint64)
        kept = np.lexsort((ordinals, tickets))[: self.n]
        self.ceiling = int(tickets[kept[-1]])
        self.tickets, self.ordinals = array("Q", tickets[kept].tobytes()), array("Q", ordinals[kept].tobytes())


@dataclass(slots=True, kw_only=True)
class _Urn:
    """All rows for which `where` holds, with a stratum each."""

    layout: Layout
    subsample: Subsample
    salt: bytes
    strata: dict[str | None, _Lowest] = field(default_factory=dict)
    rows: int = 0  # of the files, chosen or not

    def add_rows(self, path: Place, reader: Reader[Any]) -> None:
        line, columns, where = 0, self.layout.columns, self.layout.where
        try:
            for line, raw in reader.raws:
                row = reader.parse(line, raw)
                if where is None or where.holds(f"{path}:{line}", row):
                    target = target_text(columns.take_target(path, line, row))
                    stratum = self._stratum(_stratum_of(columns, f"{path}:{line}", row, target))
                    stratum.offer(self._ticket(columns.id_of(path, line, row), row), self.rows)
                self.rows += 1
        except RecursionError as error:
            raise nested_too_deeply(path, line) from error

    def _stratum(self, name: str | None) -> _Lowest:
        known = self.strata.get(name)
        if known is None:
            if len(self.strata) == MAX_STRATA:
                raise UsageError(
                    f"`dataset.subsample`: the column {self.subsample.stratify!r} has more than {MAX_STRATA:,} different values",
                    hint="Stratify by a column with few values, such as the target.",
                )
            known = self.strata[name] = _Lowest(n=self.subsample.n)
        return known

    def _ticket(self, id_: str | None, fields: dict[str, Any]) -> int:
        key = row_hash(fields) if id_ is None else id_.encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(key, digest_size=8, salt=self.salt, person=b"subsample").digest(), "little")


def draw_subsample(layout: Layout, subsample: Subsample) -> Draw:
    """Reads all files once."""
    salt = blake2b(str(subsample.seed).encode(), digest_size=16).digest()
    urn = _Urn(layout=layout, subsample=subsample, salt=salt)
    stamps = []
    for path in layout.files:
        with open_source(path) as source:
            urn.add_rows(path, layout.reader(source))
            stamps.append(source.stamp)
    # by name, so that the order of the rows decides nothing
    strata = [urn.strata[name] for name in sorted(urn.strata, key=lambda name: (name is not None, name))]
    quotas = shares([stratum.offered for stratum in strata], subsample.n)
    flags = _flags(urn.rows, (stratum.lowest(quota) for stratum, quota in zip(strata, quotas, strict=True)))
    return Draw(flags=flags, stamps=tuple(stamps), notes=_notes(sum(stratum.offered for stratum in strata), subsample.n))


def shares(counts: Sequence[int], n: int) -> list[int]:
    """`n` seats for parties of these sizes, by largest remainder (Hare and Niemeyer); of equal remainders the first wins.

    >>> shares([70, 20, 10], 10), shares([1, 1, 1], 2), shares([3, 4], 10)
    ([7, 2, 1], [1, 1, 0], [3, 4])
    """
    total = sum(counts)
    if n >= total:
        return list(counts)
    whole = [n * count // total for count in counts]
    by_remainder = sorted(range(len(counts)), key=lambda index: (-(n * counts[index] % total), index))
    for index in by_remainder[: n - sum(whole)]:
        whole[index] += 1
    return whole


def _stratum_of(columns: Columns, place: str, fields: dict[str, Any], target: str | None) -> str | None:
    name = columns.stratify
    if name is None:
        return None
    # the answer at the end of a conversation has no column of its own
    if name in (columns.target, columns.messages):
        return target
    if name not in fields:
        raise no_column("subsample.stratify", name, fields, place)
    return as_text(fields[name])


def _flags(rows: int, drawn: Iterable["NDArray[np.uint64]"]) -> bytearray:
    import numpy as np

    flags = bytearray(rows)
    view = np.frombuffer(flags, dtype=np.uint8)
    for ordinals in drawn:
        view[ordinals] = 1
    return flags


def _notes(there: int, n: int) -> tuple[str, ...]:
    return (f"dataset.subsample asks for {n:,} rows, and there are {there:,}: all are taken",) if n > there else ()
