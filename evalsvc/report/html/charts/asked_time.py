"""The time in which a run asked: its launches one after the other, without the hours between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Self

from evalsvc.report.html.svg.axes import Axis, time

Launch = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTime:
    """An axis for launches as `timeline` of summary.json has them; what it gives are values along it."""

    axis: Axis
    unit_s: float
    starts_s: Mapping[int, float]  # by number of the launch: what those before it took

    @classmethod
    def of(cls, launches: Sequence[Launch]) -> Self:
        lengths_s = [length_s(launch) for launch in launches]
        axis, unit_s = time(sum(lengths_s), "of asking")
        starts_s = accumulate(lengths_s, initial=0.0)
        return cls(
            axis=axis, unit_s=unit_s, starts_s={launch["launch"]: start_s for launch, start_s in zip(launches, starts_s, strict=False)}
        )

    def at(self, launch: Launch, seconds: float) -> float:
        """`seconds` since the first launch; what lies before or after the asking of its launch, there."""
        inside: float = min(max(seconds - launch["begins_s"], 0.0), length_s(launch))
        return (self.starts_s[launch["launch"]] + inside) / self.unit_s

    def spans(self, launch: Launch) -> list[tuple[float, float]]:
        """From each point of the launch back to the one before it."""
        ends = [self.at(launch, seconds) for seconds in (launch["begins_s"], *launch["seconds"])]
        return list(pairwise(ends))

    def breaks(self) -> list[float]:
        """Where another launch begins."""
        return sorted({start_s / self.unit_s for start_s in self.starts_s.values() if start_s})


def length_s(launch: Launch) -> float:
    """How long it asked, as far as it lived to tell."""
    return float(launch["seconds"][-1] - launch["begins_s"]) if launch["seconds"] else 0.0
