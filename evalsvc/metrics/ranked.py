"""Scores -> roc_auc, average_precision and the threshold table: what is kept of the rows, one label against all others at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import fsum
from typing import Any, Final, Self

from evalsvc.metrics.odds import MOST_EXACT, OddsTally, log_odds
from evalsvc.metrics.ranking import FEWEST_REPLICATES, REPLICATES, SEED, VALUES, intervals
from evalsvc.records import MetricValue, Score
from evalsvc.scoring.probabilities import LABEL_MASS, QUALITY

NAMES: Final = ("roc_auc", "average_precision")
VERSION = 1
# Of rows with logprobs; above that nobody can tell the probabilities of a run, and not only of a few rows.
MOST_SHARED_ROWS = 0.01
SHARED_REASON = (
    "labels begin with the same token, so that their probabilities cannot be told apart: rename labels so that each begins its own way"
)
NO_PROBABILITIES = (
    "no row has class probabilities: logprobs with alternatives were not asked for, or the server sent none that could be probabilities"
)

# All labels together keep about so many counts.
_MOST_OF_ALL = 200_000
_CLUSTERS = 256
_SHARED, _SATURATED = QUALITY.index("shared"), QUALITY.index("saturated")
SEEN: Final = ("low", "censored", "saturated", "saturated_wrong")
_COUNTED: Final = tuple((name, QUALITY.index(name)) for name in ("low", "censored", "saturated"))


def is_shared(score: Score) -> bool:
    """Whether the row has no probabilities because labels share a token."""
    quality = None if score.stats is None else score.stats.get(LABEL_MASS)
    return quality is not None and bool(quality[_SHARED])


def too_many_shared(shared: int, read: int) -> bool:
    """`read` rows have probabilities, `shared` have none because labels share a token.

    >>> too_many_shared(1, 99), too_many_shared(2, 98)
    (False, True)
    """
    return shared > MOST_SHARED_ROWS * (shared + read)


@dataclass(slots=True, kw_only=True)
class RankTally:
    """Of each of `judged` labels, all rows with a target by how likely the label was said to be.

    A row without an answer is `without` odds; one with an answer and no probabilities is in `unread` and in no metric.
    """

    judged: tuple[str, ...]
    odds: dict[str, OddsTally] = field(default_factory=dict)
    rows: int = 0  # with a target, and probabilities or no answer
    read: int = 0  # of them with probabilities
    shared: int = 0  # rows whose labels share a token
    unread: dict[str, int] = field(default_factory=dict)  # by target
    seen: dict[str, int] = field(default_factory=dict)  # of the rows in `read`, by SEEN

    @classmethod
    def empty(cls, judged: tuple[str, ...]) -> Self:
        most = max(500, min(MOST_EXACT, _MOST_OF_ALL // max(1, len(judged))))
        return cls(judged=judged, odds={label: OddsTally(most=most) for label in judged})

    def update(self, item: Score, *, cluster: int = 0) -> None:
        target = item.target
        if target is None:
            return
        if item.probs is None and item.prediction is not None:
            self.shared += is_shared(item)
            self.unread[target] = self.unread.get(target, 0) + 1
            return
        self.rows += 1
        cluster %= _CLUSTERS
        if item.probs is None:
            for label, tally in self.odds.items():
                tally.update(None, of_label=label == target, cluster=cluster)
            return
        self.read += 1
        self._see(item)
        units = _all_log_odds(item.probs)
        for label, tally in self.odds.items():
            tally.update(units.get(label), of_label=label == target, cluster=cluster)

    def _see(self, score: Score) -> None:
        quality = (score.stats or {}).get(LABEL_MASS)
        if quality is None:
            return
        for name, place in _COUNTED:
            if quality[place]:
                self.seen[name] = self.seen.get(name, 0) + 1
        probs = score.probs or {}
        if quality[_SATURATED] and max(probs, key=probs.__getitem__) != score.target:
            self.seen["saturated_wrong"] = self.seen.get("saturated_wrong", 0) + 1

    def evidence(self) -> dict[str, int]:
        """What warnings need to know: rows with probabilities, rows with an answer and `without` any, and of the first those that are
        `low` in label mass (below 0.5), `censored` (a label is outside the list), `saturated` (above 0.999), `saturated_wrong`; of the
        second those that are `shared`.
        """
        return {"rows": self.read, "without": sum(self.unread.values()), "shared": self.shared} | {
            name: self.seen.get(name, 0) for name in SEEN
        }

    def merge(self, other: Self) -> Self:
        return type(self)(
            judged=self.judged,
            odds={label: tally.merge(other.odds[label]) for label, tally in self.odds.items()},
            rows=self.rows + other.rows,
            read=self.read + other.read,
            shared=self.shared + other.shared,
            unread=_added(self.unread, other.unread),
            seen=_added(self.seen, other.seen),
        )

    def state(self) -> dict[str, Any]:
        counts: dict[str, Any] = {"rows": self.rows, "read": self.read, "shared": self.shared, "unread": sorted(self.unread.items())}
        counts["seen"] = sorted(self.seen.items())
        return {"judged": list(self.judged), **counts, "odds": [self.odds[label].state() for label in self.judged]}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        judged = tuple(state["judged"])
        return cls(
            judged=judged,
            odds={label: OddsTally.from_state(odds) for label, odds in zip(judged, state["odds"], strict=True)},
            rows=state["rows"],
            read=state["read"],
            shared=state["shared"],
            unread=dict(state["unread"]),
            seen=dict(state["seen"]),
        )

    def value(self) -> dict[str, MetricValue]:
        """Of one label itself, of several the unweighted mean over those that have rows, and rows beside them."""
        reason = self.why_none()
        if reason is not None:
            return {name: _none(self._signature(name, ""), reason) for name in NAMES}
        curves = {label: tally.curve() for label, tally in self.odds.items()}
        judged = {label: curve for label, curve in curves.items() if curve.support and curve.support_others}
        ends = [intervals(self.odds[label], curve, replicates=self._replicates()) for label, curve in judged.items()]
        found: dict[str, MetricValue] = {}
        for name in NAMES:
            values = [VALUES[name](curve) for curve in judged.values()]
            answered = [VALUES[name](replace(curve, lost=0, lost_others=0)) for curve in judged.values()]
            found[name] = self._metric(name, _mean(values), _mean(answered), [of_label[name] for of_label in ends if name in of_label])
        return found

    def why_none(self) -> str | None:
        """Why there are no numbers, if so."""
        if too_many_shared(self.shared, self.read):
            return SHARED_REASON
        return None if self.read else NO_PROBABILITIES

    def _metric(self, name: str, value: float | None, answered: float | None, ends: list[tuple[float, float]]) -> MetricValue:
        if value is None:
            return _none(self._signature(name, ""), "all rows with a target are of one label")
        low, high = (None, None) if not ends else (_mean_of([low for low, _ in ends]), _mean_of([high for _, high in ends]))
        return {
            "value": value,
            "ci_low": None if low is None else min(low, value),
            "ci_high": None if high is None else max(high, value),
            "n": self.rows,
            "on_parsed": answered,
            "signature": self._signature(name, self._how()),
        }

    def _replicates(self) -> int:
        return max(FEWEST_REPLICATES, REPLICATES // len(self.judged))

    def _how(self) -> str:
        clusters = {cluster for tally in self.odds.values() for cluster in tally.clusters()}
        if len(clusters) > 1:
            return f"ci:cluster-bootstrap{self._replicates()}-logit-t-seed{SEED}|clusters:{len(clusters)}"
        return f"ci:bootstrap{self._replicates()}-logit-t-seed{SEED}"

    def _signature(self, name: str, how: str) -> str:
        of = f"of:{self.judged[0]}" if len(self.judged) == 1 else f"avg:macro-ovr|labels:{len(self.judged)}"
        widest = max(self.odds.values(), key=lambda tally: tally.level)
        without = "without-answer:pairs-lost" if name == "roc_auc" else "without-answer:never-found"
        ends = "ends:mean" if how and len(self.judged) > 1 else ""
        return "|".join(part for part in (of, without, f"scores:{widest.resolution}", how, ends, f"v:{VERSION}") if part)


def _added(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return {name: left.get(name, 0) + right.get(name, 0) for name in {**left, **right}}


def _all_log_odds(probs: Mapping[str, float]) -> dict[str, int]:
    """Of each label against all others; the others are added up, never taken from 1. Labels outside the list have all the same."""
    total = sum(probs.values())
    known: dict[float, int] = {}
    units = {}
    for label, own in probs.items():
        found = known.get(own)
        if found is None:
            rest = total - own if own < 0.5 else sum(other for name, other in probs.items() if name != label)
            found = known[own] = log_odds(own, rest)
        units[label] = found
    return units


def _mean(values: list[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return _mean_of(there) if there else None


def _mean_of(values: list[float]) -> float:
    return fsum(values) / len(values)


def _none(signature: str, reason: str) -> MetricValue:
    return {"value": None, "ci_low": None, "ci_high": None, "n": 0, "reason": reason, "signature": signature}
