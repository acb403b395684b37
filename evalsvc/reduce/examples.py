"""Some rows of each kind, kept while a journal is folded, so that a report can show them without reading millions of lines again.

Of each kind those with the lowest hashes of their ids are kept: a draw that is the same whatever the order, the shards and the
resumes. Where rows have a score and no right and wrong, the worst ones are kept too.
"""

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from operator import attrgetter
from typing import Any, Final, Self

from evalsvc.dataset import id_hash
from evalsvc.metrics.families.drawing import drawing_of
from evalsvc.metrics.families.metric import SumMetric
from evalsvc.metrics.names import LOWER_IS_BETTER, TELL_RIGHT
from evalsvc.records import WITHOUT_LABEL, Outcome, Score
from evalsvc.reduce.joined import Joined
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.scored import Gap, score_of

# All that is kept is written to reduce.json, at some 50 bytes a row.
_MOST_KEPT = 3000
_MOST_OF_A_KIND = 400
# With fewer of a kind, kinds are told apart less finely.
_FEW_OF_A_KIND = 3
# How many pairs of outcome and rule there may be, about.
_RULES = 15
# What a scorer that gives one number has given (scoring/judged.py).
_OWN_SCORE = "score"

# What a page shows at most.
MOST_FAILURES: Final = 400
MOST_OTHERS: Final = 100
# So many there may be in any case.
ENOUGH: Final = 200
_MOST_FAILURES_BESIDE_WORST = 250

# What went wrong, the most telling first.
_FAILURES = (
    Outcome.WRONG,
    Outcome.AMBIGUOUS,
    Outcome.UNPARSED,
    Outcome.REFUSED,
    Outcome.TRUNCATED,
    Outcome.FILTERED,
    Outcome.ERROR,
)

# The values of a score's fields that tell its kind; its outcome is the first.
Kind = tuple[str | None, ...]
# Rank, hash of id and repeat, where its lines begin in the journal and in scored.jsonl. Rank is 0 where rows are drawn by hash.
Entry = tuple[float, bytes, int, int]

_WORST: Kind = ("worst",)
_ABOVE_ALL = b"\xff" * 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the lines of a row begin: in the journal and in scored.jsonl."""

    journal: int
    scored: int


@dataclass(slots=True, kw_only=True)
class Examples:
    """A tally under the laws of metrics/tally.py, but that nothing is taken back by an update: see `without`."""

    told_by: tuple[str, ...]  # fields of a score, two or more: rows in which they are equal are of one kind
    most: int  # rows of each kind
    worst_by: str | None = None  # a score of single rows
    lower_is_better: bool = False
    kept: dict[Kind, list[Entry]] = field(default_factory=dict)  # in order; of each kind all rows, or `most` of them
    _kind_of: Callable[[Score], Kind] = field(init=False, repr=False, compare=False)
    _bars: dict[Kind, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)  # where full: the highest hash in

    def __post_init__(self) -> None:
        self._kind_of = attrgetter(*self.told_by)
        for kind in self.kept:
            self._set_bar(kind)

    @classmethod
    def empty(cls, plan: Plan) -> Self:
        told_by, most = kinds_of(len(plan.labels))
        worst_by = _worst_by(plan)
        return cls(
            told_by=told_by,
            most=most,
            worst_by=worst_by,
            lower_is_better=worst_by is not None and worst_by.removeprefix("sentence_") in LOWER_IS_BETTER,
        )

    def update(self, score: Score, hashed: bytes, journal: int, scored: int) -> None:
        """`hashed`: dataset.id_hash of the row; the others are where its lines begin."""
        kind = self._kind_of(score)
        if hashed < self._bars.get(kind, _ABOVE_ALL):
            self._keep(kind, (0.0, hashed, journal, scored))
        if self.worst_by is not None and score.outcome is Outcome.SCORED and score.scores is not None:
            value = score.scores.get(self.worst_by)
            if value is not None:
                self._keep(_WORST, (-value if self.lower_is_better else value, hashed, journal, scored))

    def _keep(self, kind: Kind, entry: Entry) -> None:
        entries = self.kept.setdefault(kind, [])
        if len(entries) == self.most:
            if entry > entries[-1]:
                return
            entries.pop()
        insort(entries, entry)
        self._set_bar(kind)

    def _set_bar(self, kind: Kind) -> None:
        entries = self.kept[kind]
        if len(entries) == self.most:
            self._bars[kind] = entries[-1][1]

    def merge(self, other: Self) -> Self:
        kinds = self.kept.keys() | other.kept.keys()
        return replace(self, kept={kind: sorted(self.kept.get(kind, []) + other.kept.get(kind, []))[: self.most] for kind in kinds})

    def moved(self, by: int) -> Self:
        """The same, when their lines begin `by` bytes later in scored.jsonl."""
        return replace(
            self,
            kept={
                kind: [(rank, hashed, journal, scored + by) for rank, hashed, journal, scored in entries]
                for kind, entries in self.kept.items()
            },
        )

    def without(self, gaps: Sequence[Gap]) -> Self | None:
        """What is left when those lines were taken out of scored.jsonl. None where that cannot be said, because rows that were
        turned away have a place again: then they are to be looked for.
        """
        kept = {kind: list(_closed(entries, gaps)) for kind, entries in self.kept.items()}
        if any(len(kept[kind]) < len(entries) == self.most for kind, entries in self.kept.items()):
            return None
        return replace(self, kept={kind: entries for kind, entries in kept.items() if entries})

    def again(self, rows: Iterable[Joined]) -> Self:
        """Those of `rows`, which are all there are."""
        fresh = replace(self, kept={})
        for row in rows:
            fresh.update(score_of(row.line), id_hash(row.record.id, row.record.repeat), row.journal, row.scored)
        return fresh

    def state(self) -> dict[str, Any]:
        kinds = sorted(self.kept.items(), key=lambda item: [(part is not None, part or "") for part in item[0]])
        return {
            "told_by": list(self.told_by),
            "most": self.most,
            "worst_by": self.worst_by,
            "lower_is_better": self.lower_is_better,
            "kept": [[list(kind), [[rank, hashed.hex(), *places] for rank, hashed, *places in entries]] for kind, entries in kinds],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        return cls(
            told_by=tuple(state["told_by"]),
            most=state["most"],
            worst_by=state["worst_by"],
            lower_is_better=state["lower_is_better"],
            kept={
                tuple(kind): [(rank, bytes.fromhex(hashed), journal, scored) for rank, hashed, journal, scored in entries]
                for kind, entries in state["kept"]
            },
        )

    def shown(self) -> list[Place]:
        """The rows of a page, each once: what went wrong, the worst of what has no right and wrong, then some of the others."""
        worst = self.kept.get(_WORST, [])
        failures = self._picked(_FAILURES, MOST_FAILURES if not worst else _MOST_FAILURES_BESIDE_WORST)
        first = [*failures, *worst[: MOST_FAILURES - len(failures)]]
        others = self._picked((Outcome.SCORED, Outcome.CORRECT), max(MOST_OTHERS, ENOUGH - len(first)))
        chosen = [*first, *others]
        return list(dict.fromkeys(Place(journal=journal, scored=scored) for _, _, journal, scored in chosen))

    def _picked(self, outcomes: Sequence[Outcome], most: int) -> list[Entry]:
        """Rows of these outcomes, in their order. As far as there is room each outcome is there, then each target, then each kind once,
        twice and so on.
        """
        found = [(entry, kind) for kind, entries in self.kept.items() if kind[0] in outcomes for entry in entries]
        seen = Counter[Kind]()
        ranked = []
        for entry, kind in sorted(found):
            parts = [kind[:depth] for depth in range(1, len(kind) + 1)]
            turn = next((depth for depth, part in enumerate(parts) if not seen[part]), len(parts) + seen[kind])
            seen.update(parts)
            ranked.append((turn, entry, kind))
        picked = sorted(ranked, key=lambda row: row[:2])[:most]
        return [entry for _, entry, kind in sorted(picked, key=lambda row: outcomes.index(row[2][0]))]


def kinds_of(labels: int) -> tuple[tuple[str, ...], int]:
    """With so many labels: by which fields kinds are told apart, and how many rows of each are kept."""
    ways = {
        ("outcome", "target", "prediction"): labels * (labels + len(WITHOUT_LABEL)),
        ("outcome", "target"): labels * len(Outcome),
    }
    for told_by, kinds in ways.items():
        if labels and kinds * _FEW_OF_A_KIND <= _MOST_KEPT:
            return told_by, min(_MOST_OF_A_KIND, _MOST_KEPT // kinds)
    return ("outcome", "rule"), min(_MOST_OF_A_KIND, _MOST_KEPT // _RULES)


def _worst_by(plan: Plan) -> str | None:
    """The score by which rows without right and wrong are better or worse than each other."""
    if plan.config.scoring.scorer is not None:
        return _OWN_SCORE
    names = [metric.name for metric in plan.metrics if isinstance(metric, SumMetric)]
    if "mae" in names:
        return "mae"
    drawing = drawing_of(plan.config, plan.metrics)
    graded = None if drawing is None or drawing.pair is not None else drawing.name
    return graded or next((name for name in TELL_RIGHT if name in names), None)


def _closed(entries: Iterable[Entry], gaps: Sequence[Gap]) -> Iterator[Entry]:
    """Those outside of `gaps`, moved to where their lines begin when these are closed."""
    starts = [start for start, _ in gaps]
    lengths = [0, *accumulate(length for _, length in gaps)]
    for rank, hashed, journal, scored in entries:
        before = bisect_right(starts, scored)
        if not before or starts[before - 1] != scored:
            yield rank, hashed, journal, scored - lengths[before]
