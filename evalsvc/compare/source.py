"""One side of a comparison, and what a run directory and a baseline file alike give of their rows, without holding them in memory."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from evalsvc.compare.nouns import SideInfo
from evalsvc.config import EvalConfig
from evalsvc.metrics.kept import Shape
from evalsvc.records import Record, Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Uint64s = NDArray[np.uint64]

# An id, and which repeat of it.
Row = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashes:
    """Of each row that counts, in the order of `Source.scores`; 24 bytes a row."""

    rows: "Uint64s"  # dataset.id_hash of id and repeat
    samples: "Uint64s"  # of the id alone, so the same for all repeats; of a judged pair without the order it was shown in
    targets: "Uint64s"  # dataset.target_hash of the right answer as it is now


class Source(Protocol):
    """The rows of one side. Every call reads anew."""

    def scores(self) -> Iterator[Score]:
        """Each row that counts, once."""
        ...

    def scores_at(self, places: Collection[int]) -> Mapping[int, Score]:
        """Those at `places` of `scores`, the others left unread."""
        ...

    def hashes(self) -> Hashes: ...

    def questions(self, rows: "Uint64s") -> "Uint64s":
        """Of each of `rows`, as `Hashes` has them, the hash of everything in the row but its target."""
        ...

    def groups(self, samples: "Uint64s") -> "Uint64s | None":
        """Of each of `samples`, as `Hashes` has them, the hash of what it belongs to (`dataset.group`), its own where that is nothing.
        None without groups, and where nobody can tell them any more.
        """
        ...

    def groups_by(self, columns: Sequence[str]) -> "Mapping[str, NDArray[np.int32]]":
        """By column, of each row in the order of `scores`, which of the column's values it has, -1 for none. Empty where that cannot be
        read any more.
        """
        ...

    def order(self) -> "Uint64s | None":
        """Id hashes in the order of the data set; None where it cannot be read, is far away, or is another one by now."""
        ...

    def records(self, rows: Collection[Row]) -> Mapping[Row, Record]:
        """The answers to `rows`, prompts included; none of what a baseline file kept."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What is compared: which run it is, what its numbers mean, and where its rows are."""

    info: SideInfo
    shape: Shape  # scores that are nobody's metric are means here, as ext.<name>
    config: EvalConfig  # of a baseline file only what its numbers depend on
    definitions: Mapping[str, str]  # by metric: equal ones are comparable numbers
    data: Mapping[str, Any]  # which rows these are: equal ones ask the same under the same id
    source: Source
    notes: tuple[str, ...] = ()  # what could not be had

    @property
    def positive(self) -> str | None:
        return self.config.scoring.positive

    @property
    def grouped(self) -> bool:
        return self.config.dataset.group is not None

    @property
    def holds_answers(self) -> bool:
        """Whether its rows came with their answers, which are a part of them: nobody can tell what was asked."""
        return bool(self.data["answers"])
