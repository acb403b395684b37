"""Translation edit rate (Snover et al. 2006) as sacreBLEU has it: edits of all rows by words of their references."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evalsvc.metrics.families.edit_rate import edits
from evalsvc.metrics.families.tokenizers import tercom
from evalsvc.scoring.measures import Answer, Measured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# A row's reference length is the mean of its references', no whole number. The least common multiple of 1 to 16 makes it one.
PARTS: Final = 720_720
WIDTH: Final = 3  # edits, words of the references in 1 / PARTS, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class TerMeasure:
    """A row's summands: the edits to the reference that needs fewest; its own TER as `sentence_ter`."""

    normalized: bool = False
    no_punct: bool = False
    asian_support: bool = False
    case_sensitive: bool = False

    def __call__(self, answer: Answer) -> Measured | None:
        if not answer.references:
            return None
        words = tercom(
            normalized=self.normalized, no_punct=self.no_punct, asian_support=self.asian_support, case_sensitive=self.case_sensitive
        )
        own, references = words(answer.text), [words(reference) for reference in answer.references]
        fewest = min(edits(own, reference) for reference in references)
        sums = fewest, parts(sum(map(len, references)), len(references)), 1
        return Measured(scores={"sentence_ter": score(sums)}, stats={"ter": sums})


def parts(words: int, references: int) -> int:
    """The mean length in 1 / PARTS, exact for up to 16 references, else to the nearest.

    >>> parts(7, 1) / PARTS, parts(7, 3) * 3 == 7 * PARTS
    (7.0, True)
    """
    return (2 * words * PARTS + references) // (2 * references)


def value(sums: Sequence[int]) -> float | None:
    """In percent, and above 100 where there are more edits than words; None without rows."""
    return score(sums) if sums[2] else None


def score(sums: Sequence[int]) -> float:
    """
    >>> score((1, 4 * PARTS, 1)), score((3, 0, 1)), score((0, 0, 1))
    (25.0, 100.0, 0.0)
    """
    if sums[1] > 0:
        return 100 * (sums[0] / (sums[1] / PARTS))
    return 100.0 if sums[0] > 0 else 0.0


def values(sums: "Floats") -> "Floats":
    """`value` of R × WIDTH sums at once."""
    import numpy as np

    nothing_to_reach = np.where(sums[:, 0] > 0, 100.0, 0.0)
    scores = np.divide(100 * PARTS * sums[:, 0], sums[:, 1], out=nothing_to_reach, where=sums[:, 1] > 0)
    scores[sums[:, 2] == 0] = np.nan
    return np.asarray(scores)
